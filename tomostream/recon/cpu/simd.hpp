// Vectors of the instruction set's native width, by GCC/Clang vector extensions.
// A type wider than native compiles, but GCC keeps it in memory (3 times slower).
//
// Included only by sources that are compiled once per instruction set. Everything stands in
// an anonymous namespace and no standard-library template is used: the linker keeps one copy
// of such a function for the whole program, and it might be the AVX-512 one.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
#define TOMO_VECTOR_BYTES 64
#elif defined(__AVX2__)
#define TOMO_VECTOR_BYTES 32
#else
#define TOMO_VECTOR_BYTES 16
#endif
#define TOMO_INLINE_MEMBER inline __attribute__((always_inline))
#define TOMO_INLINE static TOMO_INLINE_MEMBER

namespace tomostream {
namespace {

constexpr int kWidth = TOMO_VECTOR_BYTES / 4;    // floats per vector; divides kRows
typedef float Floats __attribute__((vector_size(TOMO_VECTOR_BYTES), may_alias));
typedef float FloatsUnaligned
    __attribute__((vector_size(TOMO_VECTOR_BYTES), may_alias, aligned(1)));
typedef int32_t Ints __attribute__((vector_size(TOMO_VECTOR_BYTES), may_alias));
typedef uint32_t Uints __attribute__((vector_size(TOMO_VECTOR_BYTES), may_alias));

TOMO_INLINE Floats load(const float* p) { return *(const Floats*)p; }
TOMO_INLINE Floats load_unaligned(const float* p) { return *(const FloatsUnaligned*)p; }
TOMO_INLINE void store(float* p, Floats a) { *(Floats*)p = a; }
// p aligned; past the caches: for what this thread will not read soon.
TOMO_INLINE void stream(float* p, Floats a) {
#if TOMO_VECTOR_BYTES == 64
  _mm512_stream_ps(p, (__m512)a);
#elif TOMO_VECTOR_BYTES == 32
  _mm256_stream_ps(p, (__m256)a);
#elif defined(__SSE2__)
  _mm_stream_ps(p, (__m128)a);
#else
  *(Floats*)p = a;
#endif
}
TOMO_INLINE void store_unaligned(float* p, Floats a) { *(FloatsUnaligned*)p = a; }
TOMO_INLINE Floats splat(float a) { return a - (Floats){}; }
TOMO_INLINE constexpr int least(int a, int b) { return a < b ? a : b; }
TOMO_INLINE constexpr int most(int a, int b) { return a > b ? a : b; }

// Whether a lane is not 0; lanes are 0 or -1.
TOMO_INLINE bool any(Ints a) {
#if TOMO_VECTOR_BYTES == 64
  return _mm512_movepi32_mask((__m512i)a) != 0;
#elif TOMO_VECTOR_BYTES == 32
  return _mm256_movemask_ps((__m256)a) != 0;
#elif defined(__SSE2__)
  return _mm_movemask_ps((__m128)a) != 0;
#else
  return a[0] | a[1] | a[2] | a[3];
#endif
}

// What vector extensions do not express well, per instruction set. larger() and smaller()
// give b where a is not a number.
#if TOMO_VECTOR_BYTES == 64
TOMO_INLINE Floats larger(Floats a, Floats b) {
  return (Floats)_mm512_max_ps((__m512)a, (__m512)b);
}
TOMO_INLINE Floats smaller(Floats a, Floats b) {
  return (Floats)_mm512_min_ps((__m512)a, (__m512)b);
}
TOMO_INLINE Ints lane_numbers() {
  return (Ints){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
}
TOMO_INLINE Floats load_pixels(const uint8_t* p) {
  const __m128i bytes = _mm_loadu_si128((const __m128i*)p);
  return (Floats)_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes));
}
TOMO_INLINE Floats load_pixels(const uint16_t* p) {
  const __m256i words = _mm256_loadu_si256((const __m256i*)p);
  return (Floats)_mm512_cvtepi32_ps(_mm512_cvtepu16_epi32(words));
}
TOMO_INLINE Floats floor(Floats a) {
  return (Floats)_mm512_roundscale_ps((__m512)a, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
}
TOMO_INLINE Floats permute(Floats a, Ints i) {
  return (Floats)_mm512_permutexvar_ps((__m512i)i, (__m512)a);
}
#define TOMO_SHUFFLE(a, b, i, j, k, l)                                              \
  __builtin_shufflevector(a, b, i, j, k, l, i + 4, j + 4, k + 4, l + 4, i + 8, j + 8, \
                          k + 8, l + 8, i + 12, j + 12, k + 12, l + 12)
#elif TOMO_VECTOR_BYTES == 32
TOMO_INLINE Floats larger(Floats a, Floats b) {
  return (Floats)_mm256_max_ps((__m256)a, (__m256)b);
}
TOMO_INLINE Floats smaller(Floats a, Floats b) {
  return (Floats)_mm256_min_ps((__m256)a, (__m256)b);
}
TOMO_INLINE Ints lane_numbers() { return (Ints){0, 1, 2, 3, 4, 5, 6, 7}; }
TOMO_INLINE Floats load_pixels(const uint8_t* p) {
  const __m128i bytes = _mm_loadl_epi64((const __m128i*)p);
  return (Floats)_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes));
}
TOMO_INLINE Floats load_pixels(const uint16_t* p) {
  const __m128i words = _mm_loadu_si128((const __m128i*)p);
  return (Floats)_mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(words));
}
TOMO_INLINE Floats floor(Floats a) { return (Floats)_mm256_floor_ps((__m256)a); }
TOMO_INLINE Floats permute(Floats a, Ints i) {
  return (Floats)_mm256_permutevar8x32_ps((__m256)a, (__m256i)i);
}
#define TOMO_SHUFFLE(a, b, i, j, k, l) \
  __builtin_shufflevector(a, b, i, j, k, l, i + 4, j + 4, k + 4, l + 4)
#else
#define TOMO_SHUFFLE(a, b, i, j, k, l) __builtin_shufflevector(a, b, i, j, k, l)
#if defined(__SSE4_1__)
TOMO_INLINE Floats larger(Floats a, Floats b) {
  return (Floats)_mm_max_ps((__m128)a, (__m128)b);
}
TOMO_INLINE Floats smaller(Floats a, Floats b) {
  return (Floats)_mm_min_ps((__m128)a, (__m128)b);
}
TOMO_INLINE Floats load_pixels(const uint8_t* p) {
  int32_t word;
  memcpy(&word, p, 4);
  return (Floats)_mm_cvtepi32_ps(_mm_cvtepu8_epi32(_mm_cvtsi32_si128(word)));
}
TOMO_INLINE Floats load_pixels(const uint16_t* p) {
  return (Floats)_mm_cvtepi32_ps(_mm_cvtepu16_epi32(_mm_loadl_epi64((const __m128i*)p)));
}
TOMO_INLINE Floats floor(Floats a) { return (Floats)_mm_floor_ps((__m128)a); }
#else
TOMO_INLINE Floats larger(Floats a, Floats b) { return a > b ? a : b; }
TOMO_INLINE Floats smaller(Floats a, Floats b) { return a < b ? a : b; }
TOMO_INLINE Floats floor(Floats a) {
  const Floats t = __builtin_convertvector(__builtin_convertvector(a, Ints), Floats);
  return t > a ? t - 1.f : t;
}
#endif
TOMO_INLINE Ints lane_numbers() { return (Ints){0, 1, 2, 3}; }
#endif

template <class P>
struct Unaligned {
  typedef P type __attribute__((aligned(1)));
};
// A frame's pixels may stand anywhere.
template <class P>
TOMO_INLINE const typename Unaligned<P>::type* unaligned(const P* p) { return p; }

TOMO_INLINE Floats load_pixels(const float* p) { return load_unaligned(p); }
// The rarer pixel types: the compiler vectorises what it can.
template <class P>
TOMO_INLINE Floats load_pixels(const P* p) {
  alignas(TOMO_VECTOR_BYTES) float f[kWidth];
  for (int i = 0; i < kWidth; i++) f[i] = (float)unaligned(p)[i];
  return load(f);
}
// The last count < kWidth columns of a row, without reading past it.
template <class P>
TOMO_INLINE Floats load_pixels(const P* p, int count) {
  P t[kWidth] = {};
  memcpy(t, p, (size_t)count * sizeof(P));
  return load_pixels((const P*)t);
}

// Transpose kWidth vectors in registers: first 4 x 4 blocks, then the blocks.
TOMO_INLINE void transpose(Floats r[kWidth]) {
  constexpr int W = kWidth;
  Floats t[W];
  for (int i = 0; i < W; i += 2) {
    t[i] = TOMO_SHUFFLE(r[i], r[i + 1], 0, W, 1, W + 1);
    t[i + 1] = TOMO_SHUFFLE(r[i], r[i + 1], 2, W + 2, 3, W + 3);
  }
  for (int i = 0; i < W; i += 4) {
    r[i] = TOMO_SHUFFLE(t[i], t[i + 2], 0, 1, W, W + 1);
    r[i + 1] = TOMO_SHUFFLE(t[i], t[i + 2], 2, 3, W + 2, W + 3);
    r[i + 2] = TOMO_SHUFFLE(t[i + 1], t[i + 3], 0, 1, W, W + 1);
    r[i + 3] = TOMO_SHUFFLE(t[i + 1], t[i + 3], 2, 3, W + 2, W + 3);
  }
#if TOMO_VECTOR_BYTES == 32
  for (int i = 0; i < 4; i++) {
    const Floats a = r[i], b = r[i + 4];
    r[i] = __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11);
    r[i + 4] = __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15);
  }
#elif TOMO_VECTOR_BYTES == 64
#define TOMO_EVEN(a, b)                                                              \
  __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27)
#define TOMO_ODD(a, b)                                                               \
  __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31)
  for (int i = 0; i < 4; i++) {
    t[i] = TOMO_EVEN(r[i], r[i + 4]);
    t[i + 4] = TOMO_ODD(r[i], r[i + 4]);
    t[i + 8] = TOMO_EVEN(r[i + 8], r[i + 12]);
    t[i + 12] = TOMO_ODD(r[i + 8], r[i + 12]);
  }
  for (int i = 0; i < 4; i++) {
    r[i] = TOMO_EVEN(t[i], t[i + 8]);
    r[i + 8] = TOMO_ODD(t[i], t[i + 8]);
    r[i + 4] = TOMO_EVEN(t[i + 4], t[i + 12]);
    r[i + 12] = TOMO_ODD(t[i + 4], t[i + 12]);
  }
#undef TOMO_EVEN
#undef TOMO_ODD
#endif
}

// - ln(x) of a normal x > 0.
#if TOMO_VECTOR_BYTES >= 32
// ln x = exponent ln 2 - ln c + ln(c m), with 1/c from a table by the first bits of the
// mantissa. What is left is ln(1 + r), r = c m - 1: the first terms of its series, with
// coefficients that take over what the next ones give (C. Lanczos, Applied Analysis, 1956:
// economized power series). Error below 4e-7.
#if TOMO_VECTOR_BYTES == 64
constexpr int kLogBits = 5;    // |r| < 1/64
#else
constexpr int kLogBits = 3;    // |r| < 1/16
#endif
struct LogTable {
  alignas(64) float inverse[1 << kLogBits], log_inverse[1 << kLogBits];
};
constexpr double log_near_one(double x) {    // by the series of atanh
  const double z = (x - 1) / (x + 1);
  double sum = 0, power = z;
  for (int k = 1; k < 40; k += 2, power *= z * z) sum += power / k;
  return 2 * sum;
}
constexpr LogTable make_log_table() {
  constexpr int n = 1 << kLogBits;
  LogTable t{};
  for (int i = 0; i < n; i++) {
    t.inverse[i] = (float)(2. * n / (2 * n + 1 + 2 * i));
    t.log_inverse[i] = (float)log_near_one(t.inverse[i]);
  }
  return t;
}
constexpr LogTable kLogTable = make_log_table();

#if TOMO_VECTOR_BYTES == 64
TOMO_INLINE Floats look_up(const float* table, Ints i) {    // by the low bits
  return (Floats)_mm512_permutex2var_ps(_mm512_load_ps(table), (__m512i)i,
                                        _mm512_load_ps(table + 16));
}
TOMO_INLINE Floats exponent_of(Floats x) { return (Floats)_mm512_getexp_ps((__m512)x); }
TOMO_INLINE Floats log_series(Floats r) { return 1.f + 0x1p-14f - r * 0.5f; }
#else
TOMO_INLINE Floats look_up(const float* table, Ints i) { return permute(load(table), i); }
TOMO_INLINE Floats exponent_of(Floats x) {
  return __builtin_convertvector(((Ints)x - 0x3f800000) >> 23, Floats);
}
TOMO_INLINE Floats log_series(Floats r) {
  return 1.f - r * (0.5f - r * (0.334197f - r * 0.25f));
}
#endif

TOMO_INLINE Floats minus_log(Floats x) {
  const Ints index = (Ints)((Uints)x >> (23 - kLogBits));
  const Floats mantissa = (Floats)(((Ints)x & 0x7fffff) | 0x3f800000);
  const Floats r = mantissa * look_up(kLogTable.inverse, index) - 1.f;
  const Floats rest = look_up(kLogTable.log_inverse, index) - exponent_of(x) * 0.69314718056f;
  return rest - r * log_series(r);
}
#else
// The polynomial of Cephes' logf, error about 1e-7.
TOMO_INLINE Floats minus_log(Floats x) {
  const Ints bits = (Ints)x, exponent = (bits - 0x3f3504f3) >> 23;    // sqrt(1/2)
  const Floats t = (Floats)(bits - (exponent << 23)) - 1.f;
  Floats p = t * 7.0376836292e-2f + -1.1514610310e-1f;
  p = p * t + 1.1676998740e-1f;
  p = p * t + -1.2420140846e-1f;
  p = p * t + 1.4249322787e-1f;
  p = p * t + -1.6668057665e-1f;
  p = p * t + 2.0000714765e-1f;
  p = p * t + -2.4999993993e-1f;
  p = p * t + 3.3333331174e-1f;
  const Floats t2 = t * t;
  const Floats e = __builtin_convertvector(exponent, Floats);
  return (0.5f * t2 - p * t * t2) - t - e * 0.69314718056f;
}
#endif

}  // namespace
}  // namespace tomostream
