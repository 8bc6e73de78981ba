// What all kernels share. Each file here is compiled twice: by NVRTC for a device, and by
// g++ for the tests, behind tomostream/testing/cuda_shim.h. So no thread depends on
// another: no __syncthreads, no shared memory, no atomics, no header but this one.
//
// Layout. Raw frames, fields and images are row-major (frame, row, column). From the line
// integrals on everything is transposed: (projection, column, pitch) with the detector rows
// next to each other, `pitch` an even number of them. Neighbouring threads take neighbouring
// rows, which share their interpolation weights and read neighbouring addresses.
//
// Positions along a detector row are fixed-point numbers, 32 bits before and 32 behind the
// point, made from float64 on the host: as exact in column 2000 as in column 0.

typedef long long Int64;

#define KERNEL extern "C" __global__ void __launch_bounds__(128)

#ifndef TOMO_SHIM
#define SELDOM __noinline__    // keeps code that hardly ever runs out of the kernels

__device__ inline float from_half(unsigned short half) {
  float value;
  asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(half));
  return value;
}

__device__ inline unsigned short to_half(float value) {
  unsigned short half;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(half) : "f"(value));
  return half;
}
#endif

__device__ inline Int64 thread_x() { return (Int64)blockIdx.x * blockDim.x + threadIdx.x; }

__device__ inline bool is_finite(float value) {
  return (__float_as_uint(value) & 0x7f800000u) != 0x7f800000u;
}

// Elements of the ring: halves or floats.
struct Half {
  unsigned short bits;
};
__device__ inline float load(const Half* p) { return from_half(p->bits); }
__device__ inline float load(const float* p) { return *p; }
__device__ inline void store(Half* p, float value) { p->bits = to_half(value); }
__device__ inline void store(float* p, float value) { *p = value; }

// Two neighbouring rows at once; p is even.
struct Pair {
  float a, b;
};
__device__ inline Pair load_pair(const Half* p) {
  const unsigned both = *(const unsigned*)p;
  return {from_half((unsigned short)(both & 0xffffu)), from_half((unsigned short)(both >> 16))};
}
__device__ inline Pair load_pair(const float* p) {
  const float2 both = *(const float2*)p;
  return {both.x, both.y};
}

// Split a fixed-point position into a column and what is beyond it, 0 <= w < 1.
__device__ inline Int64 split(Int64 position, float* w) {
  *w = (float)(unsigned)position * 2.3283064365386963e-10f;    // 2^-32
  return position >> 32;                                       // floor
}
