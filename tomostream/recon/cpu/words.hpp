// Tiles of 16-bit words: integers that share a unit, a power of two that is chosen for each
// projection and band by its largest value ("block floating point": Wilkinson, Rounding
// Errors in Algebraic Processes, 1963). As small as IEEE halves and, against the largest
// value, 16 times finer; and two columns are weighted and added by one multiplication of
// words, where halves must be converted first.
//
// A column holds its rows in the order in which vectors of 32-bit integers are packed: then
// interleaving two columns gives the pairs of words of each row, rows in their own order.
#pragma once
#include "kernels.hpp"
#include "simd.hpp"

namespace tomostream {
namespace {

typedef int16_t Words __attribute__((vector_size(TOMO_VECTOR_BYTES), may_alias));
typedef int16_t Word __attribute__((may_alias));

constexpr int kWeightBits = 12;    // of interpolation weights: they add to 2^12
constexpr int kWeightOne = 1 << kWeightBits;
// Products of words and weights that an integer holds the sum of.
constexpr int kMostProducts = 1 << (31 - 15 - kWeightBits - 1);
static_assert(kMostProducts >= kGroup);

constexpr int32_t kLargestWord = 32767;
// Units are kept between: what a projection is worth is bounded, and 0 has no unit.
constexpr float kLargestUnit = 2.f, kSmallestUnit = 0x1p-40f;

#if TOMO_VECTOR_BYTES == 64
TOMO_INLINE Ints rounded(Floats a) { return (Ints)_mm512_cvtps_epi32((__m512)a); }
TOMO_INLINE Words pack(Ints a, Ints b) {    // saturates
  return (Words)_mm512_packs_epi32((__m512i)a, (__m512i)b);
}
TOMO_INLINE Words interleave_first(Words a, Words b) {
  return (Words)_mm512_unpacklo_epi16((__m512i)a, (__m512i)b);
}
TOMO_INLINE Words interleave_second(Words a, Words b) {
  return (Words)_mm512_unpackhi_epi16((__m512i)a, (__m512i)b);
}
TOMO_INLINE Ints pair_products(Words pairs, Ints weights) {
  return (Ints)_mm512_madd_epi16((__m512i)pairs, (__m512i)weights);
}
// The larger of an accumulator and the magnitude of a, as numbers without sign.
TOMO_INLINE Words larger_magnitude(Words largest, Words a) {
  return (Words)_mm512_max_epu16((__m512i)largest, _mm512_abs_epi16((__m512i)a));
}
#elif TOMO_VECTOR_BYTES == 32
TOMO_INLINE Ints rounded(Floats a) { return (Ints)_mm256_cvtps_epi32((__m256)a); }
TOMO_INLINE Words pack(Ints a, Ints b) {
  return (Words)_mm256_packs_epi32((__m256i)a, (__m256i)b);
}
TOMO_INLINE Words interleave_first(Words a, Words b) {
  return (Words)_mm256_unpacklo_epi16((__m256i)a, (__m256i)b);
}
TOMO_INLINE Words interleave_second(Words a, Words b) {
  return (Words)_mm256_unpackhi_epi16((__m256i)a, (__m256i)b);
}
TOMO_INLINE Ints pair_products(Words pairs, Ints weights) {
  return (Ints)_mm256_madd_epi16((__m256i)pairs, (__m256i)weights);
}
TOMO_INLINE Words larger_magnitude(Words largest, Words a) {
  return (Words)_mm256_max_epu16((__m256i)largest, _mm256_abs_epi16((__m256i)a));
}
#else
TOMO_INLINE Words interleave_first(Words a, Words b) {
  return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}
TOMO_INLINE Words interleave_second(Words a, Words b) {
  return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}
#if defined(__SSE4_1__)
TOMO_INLINE Words larger_magnitude(Words largest, Words a) {
  return (Words)_mm_max_epu16((__m128i)largest, _mm_abs_epi16((__m128i)a));
}
#else
TOMO_INLINE Words larger_magnitude(Words largest, Words a) {
  typedef uint16_t Magnitudes __attribute__((vector_size(TOMO_VECTOR_BYTES)));
  const Magnitudes now = (Magnitudes)(a < 0 ? -a : a), before = (Magnitudes)largest;
  return (Words)(now > before ? now : before);
}
#endif
#if defined(__SSE2__)
TOMO_INLINE Ints rounded(Floats a) { return (Ints)_mm_cvtps_epi32((__m128)a); }
TOMO_INLINE Words pack(Ints a, Ints b) {
  return (Words)_mm_packs_epi32((__m128i)a, (__m128i)b);
}
TOMO_INLINE Ints pair_products(Words pairs, Ints weights) {
  return (Ints)_mm_madd_epi16((__m128i)pairs, (__m128i)weights);
}
#else
TOMO_INLINE Ints rounded(Floats a) {
  return __builtin_convertvector(floor(a + 0.5f), Ints);
}
TOMO_INLINE Words pack(Ints a, Ints b) {
  const Ints least_word = (Ints){} - 32768, largest_word = (Ints){} + 32767;
  const auto bounded = [&](Ints i) {
    i = i < least_word ? least_word : i;
    return (Words)(i > largest_word ? largest_word : i);
  };
  const Words low = bounded(a), high = bounded(b);    // the even words, on little-endian CPUs
  return __builtin_shufflevector(low, high, 0, 2, 4, 6, 8, 10, 12, 14);
}
TOMO_INLINE Ints pair_products(Words pairs, Ints weights) {
  const Ints p = (Ints)pairs;
  return ((p << 16) >> 16) * ((weights << 16) >> 16) + (p >> 16) * (weights >> 16);
}
#endif
#endif

TOMO_INLINE float unit_of(const void* tile) { return *(const float*)tile; }
TOMO_INLINE float& unit_of(void* tile) { return *(float*)tile; }
TOMO_INLINE const Word* words_of(const void* tile) {
  return (const Word*)((const char*)tile + kTileHead);
}
TOMO_INLINE Word* words_of(void* tile) { return (Word*)((char*)tile + kTileHead); }
TOMO_INLINE Words load(const Word* p) { return *(const Words*)p; }

// Where a column holds a row.
constexpr int word_of_row(int row) {
  const int vector = row / kWidth, lane = row % kWidth;
  return vector / 2 * 2 * kWidth + lane / 4 * 8 + vector % 2 * 4 + lane % 4;
}

// The largest of an accumulator's magnitudes.
TOMO_INLINE int largest_of(Words magnitudes) {
  int largest = 0;
  for (int i = 0; i < 2 * kWidth; i++) largest = most(largest, (uint16_t)magnitudes[i]);
  return largest;
}

// Whether words whose largest magnitude is this should stay in their unit: none is at the
// limit, and they use 14 bits at least. So projections that follow each other share a unit.
TOMO_INLINE bool is_fitting(int largest) { return largest >= 8192 && largest < kLargestWord; }

// The smallest unit in which lines fit into words; lines: count floats, in a unit. What is
// only zeros has the unit that it has.
float fitting_unit(const float* lines, size_t count, float unit) {
  Floats largest = {};
  for (size_t i = 0; i < count; i += kWidth) {
    const Floats a = load(lines + i);
    largest = larger(largest, larger(a, -a));
  }
  float peak = 0;
  for (int i = 0; i < kWidth; i++)
    if (largest[i] > peak) peak = largest[i];
  if (peak == 0) return unit;
  const float least_unit = peak / (float)kLargestWord * unit;
  int32_t bits;
  memcpy(&bits, &least_unit, 4);
  bits = (bits + 0x7fffff) & 0x7f800000;    // up to a power of two
  float fitting;
  memcpy(&fitting, &bits, 4);
  if (!(fitting < kLargestUnit)) return kLargestUnit;
  return fitting < kSmallestUnit ? kSmallestUnit : fitting;
}

// lines: (kRows / kWidth, n_x, kWidth), in a unit.
void pack_tile(void* tile, const float* lines, int n_x, float unit, float new_unit) {
  unit_of(tile) = new_unit;
  const float scale = unit / new_unit;
  const size_t of_rows = (size_t)n_x * kWidth;
  for (int h = 0; h < kRows; h += 2 * kWidth, lines += 2 * of_rows)
    for (int x = 0; x < n_x; x++) {
      const float* p = lines + (size_t)x * kWidth;
      const Ints first = rounded(load(p) * scale), second = rounded(load(p + of_rows) * scale);
      *(Words*)(words_of(tile) + (size_t)x * kRows + h) = pack(first, second);
    }
}

// Rows h..h + kWidth - 1 of a column; h counts in the tile and is a multiple of kWidth.
TOMO_INLINE Floats load_rows_of(const float* tile, size_t column, int h) {
  return load(tile + column * kRows + h);
}
TOMO_INLINE Floats load_rows_of(const Word* tile, size_t column, int h) {
  const Words words = load(words_of(tile) + column * kRows + h / (2 * kWidth) * 2 * kWidth);
  const Words nothing = {};
  const bool is_first = h / kWidth % 2 == 0;
  const Words pairs =
      is_first ? interleave_first(words, nothing) : interleave_second(words, nothing);
  const Ints one = (Ints){} + 1;
  return __builtin_convertvector(pair_products(pairs, one), Floats) * unit_of(tile);
}

}  // namespace
}  // namespace tomostream
