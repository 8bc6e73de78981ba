// Lets g++ compile CUDA kernels whose threads are independent, and run them one by one.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>

#define TOMO_SHIM
#define __global__
#define __device__
#define __launch_bounds__(n)
#define SELDOM

struct dim3 {
  unsigned x, y, z;
};
struct alignas(8) float2 {
  float x, y;
};
static dim3 blockIdx, threadIdx, blockDim, gridDim;

template <class To, class From>
inline To same_bits(From from) {
  To to;
  static_assert(sizeof(To) == sizeof(From));
  memcpy(&to, &from, sizeof(To));
  return to;
}
inline unsigned __float_as_uint(float f) { return same_bits<unsigned>(f); }
inline float __int_as_float(int i) { return same_bits<float>(i); }
inline float from_half(unsigned short h) { return (float)same_bits<_Float16>(h); }
inline unsigned short to_half(float f) { return same_bits<unsigned short>((_Float16)f); }

template <class... A, size_t... I>
void run(void (*kernel)(A...), const unsigned* grid, unsigned threads, void** args,
         std::index_sequence<I...>) {
  blockDim = {threads, 1, 1};
  gridDim = {grid[0], grid[1], grid[2]};
  for (blockIdx.z = 0; blockIdx.z < grid[2]; blockIdx.z++)
    for (blockIdx.y = 0; blockIdx.y < grid[1]; blockIdx.y++)
      for (blockIdx.x = 0; blockIdx.x < grid[0]; blockIdx.x++)
        for (threadIdx.x = 0; threadIdx.x < threads; threadIdx.x++)
          kernel(*(A*)args[I]...);
}

// What the tests call: args as for cuLaunchKernel.
#define LAUNCHER(kernel)                                                                \
  extern "C" void launch_##kernel(const unsigned* grid, unsigned threads, void** args) { \
    launch_any(kernel, grid, threads, args);                                            \
  }
template <class... A>
void launch_any(void (*kernel)(A...), const unsigned* grid, unsigned threads, void** args) {
  run(kernel, grid, threads, args, std::index_sequence_for<A...>());
}
