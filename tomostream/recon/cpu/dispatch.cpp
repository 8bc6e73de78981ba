// Chooses the kernels for this CPU. Compiled with the baseline flags only.
#include <cstring>

#include "kernels.hpp"
#include "prepass_kernels.hpp"
#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace tomostream {
namespace {

#if defined(__x86_64__)
bool has_half_conversions() {    // Clang's builtin below does not know this one
  unsigned a, b, c, d;
  return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}
#endif

}  // namespace

const Kernels* find_kernels(const char* name) {
  const Kernels* usable[3] = {};
  int count = 0;
#if defined(__x86_64__)
  // These tests include the operating system's part (XGETBV).
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    has_half_conversions();
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
