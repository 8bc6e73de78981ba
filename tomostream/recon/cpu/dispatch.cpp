// Chooses the kernels for this CPU. Compiled with the baseline flags only.
#include <cstring>

#include "kernels.hpp"
#include "prepass_kernels.hpp"

namespace tomostream {
const Kernels* find_kernels(const char* name) {
  const Kernels* usable[3] = {};
  int count = 0;
#if defined(__x86_64__)
  // These tests include the operating system's part (XGETBV).
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") &&
                      __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl");
  if (avx512) usable[count++] = &kernels_avx512;
  if (avx2) usable[count++] = &kernels_avx2;
#endif
  usable[count++] = &kernels_baseline;
  if (!std::strcmp(name, "auto")) return usable[0];
  for (int i = 0; i < count; i++)
    if (!std::strcmp(name, usable[i]->name)) return usable[i];
  return nullptr;
}

const PrepassKernels& prepass_kernels(const Kernels& kernels) {
#if defined(__x86_64__)
  if (&kernels == &kernels_avx512) return prepass_avx512;
  if (&kernels == &kernels_avx2) return prepass_avx2;
#endif
  (void)kernels;
  return prepass_baseline;
}

}  // namespace tomostream
