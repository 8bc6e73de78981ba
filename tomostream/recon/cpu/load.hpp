// Raw rows -> line integrals, transposed: t[column * stride + row].
#pragma once
#include "kernels.hpp"
#include "simd.hpp"
#include "words.hpp"

namespace tomostream {
namespace {

// Whether a pixel is a number, and small enough that no gain (up to 1e6) makes it infinite.
TOMO_INLINE bool is_finite(float a) {
  uint32_t bits;
  memcpy(&bits, &a, 4);
  return (bits & 0x7f800000u) < (127u + 104) << 23;
}

// kWidth rows of as many pixels, transposed.
template <class P>
TOMO_INLINE void load_transposed(const P* pixels, int n_x, Floats r[kWidth]) {
  for (int i = 0; i < kWidth; i++) r[i] = load_pixels(pixels + (size_t)i * n_x);
  transpose(r);
}
#if TOMO_VECTOR_BYTES == 64
// Words are transposed as such, with fewer steps: the 128-bit lanes of vector i have the left
// and the right columns of row i, then those of row i + 8.
struct ColumnIndex {    // of a column's words in two vectors of four rows each and every 8th
  alignas(64) int16_t word[4][32];
};
constexpr ColumnIndex make_column_index() {
  ColumnIndex index{};
  for (int c = 0; c < 4; c++)
    for (int z = 0; z < 16; z++)
      index.word[c][2 * z] = (int16_t)(c % 2 * 4 + c / 2 * 8 + z % 4 + z / 4 % 2 * 32 + z / 8 * 16);
  return index;
}
constexpr ColumnIndex kColumnIndex = make_column_index();

TOMO_INLINE void load_transposed(const uint16_t* pixels, int n_x, Floats r[16]) {
  const auto row = [&](int z) __attribute__((always_inline)) {
    return _mm256_loadu_si256((const __m256i*)(pixels + (size_t)z * n_x));
  };
  Words rows[8];
  for (int i = 0; i < 8; i++)
    rows[i] = (Words)_mm512_inserti64x4(_mm512_castsi256_si512(row(i)), row(i + 8), 1);
  for (int x = 0; x < 8; x += 4) {
    __m512i pairs[4];
    for (int i = 0; i < 4; i++)
      pairs[i] = (__m512i)(x ? interleave_second(rows[2 * i], rows[2 * i + 1])
                             : interleave_first(rows[2 * i], rows[2 * i + 1]));
    for (int k = 0; k < 4; k += 2) {
      const auto fours = [&](int i) __attribute__((always_inline)) {
        return k ? _mm512_unpackhi_epi32(pairs[i], pairs[i + 1])
                 : _mm512_unpacklo_epi32(pairs[i], pairs[i + 1]);
      };
      const __m512i a = fours(0), b = fours(2);
      for (int c = 0; c < 4; c++) {
        const __m512i index = _mm512_load_si512(kColumnIndex.word[c]);
        const Ints column = (Ints)_mm512_maskz_permutex2var_epi16(0x55555555u, a, index, b);
        r[x + k + c % 2 + c / 2 * 8] = __builtin_convertvector(column, Floats);
      }
    }
  }
}
#elif TOMO_VECTOR_BYTES == 32
// Words are transposed as such, with fewer steps: the lanes of vector i have rows i and i + 4,
// so that nothing leaves its lane.
TOMO_INLINE void load_transposed(const uint16_t* pixels, int n_x, Floats r[8]) {
  const auto row = [&](int z) __attribute__((always_inline)) {
    return _mm_loadu_si128((const __m128i*)(pixels + (size_t)z * n_x));
  };
  const Words nothing = {};
  Words rows[4];
  for (int i = 0; i < 4; i++) rows[i] = (Words)_mm256_set_m128i(row(i + 4), row(i));
  for (int x = 0; x < 8; x += 4) {
    const auto pairs = [&](Words a, Words b) __attribute__((always_inline)) {
      return (Floats)(x ? interleave_second(a, b) : interleave_first(a, b));
    };
    const Floats first = pairs(rows[0], rows[1]), second = pairs(rows[2], rows[3]);
    const Words columns[2] = {(Words)TOMO_SHUFFLE(first, second, 0, 8, 1, 9),
                              (Words)TOMO_SHUFFLE(first, second, 2, 10, 3, 11)};
    for (int k = 0; k < 2; k++) {
      const Ints even = (Ints)interleave_first(columns[k], nothing);
      const Ints odd = (Ints)interleave_second(columns[k], nothing);
      r[x + 2 * k] = __builtin_convertvector(even, Floats);
      r[x + 2 * k + 1] = __builtin_convertvector(odd, Floats);
    }
  }
}
#endif

// columns <= kWidth of kWidth rows, of which only the first `rows` exist; the others become
// zeros. ahead: the same columns of the rows that come next, fetched meanwhile if not null: so
// many parallel streams are more than hardware prefetchers follow. dark and gain: of this strip
// and column on.
template <class P>
TOMO_INLINE void load_block(const P* pixels, const P* ahead, int n_x, int rows, int columns,
                            const float* dark, const float* gain, float floor, float* t,
                            int stride) {
  Floats r[kWidth];
  if (rows == kWidth && columns == kWidth) {
    if (ahead)
      for (int i = 0; i < kWidth; i++) __builtin_prefetch(ahead + (size_t)i * n_x, 0, 2);
    load_transposed(pixels, n_x, r);
  } else {
    for (int i = 0; i < kWidth; i++) {
      const P* p = pixels + (size_t)i * n_x;
      if (i >= rows) r[i] = (Floats){};
      else r[i] = columns == kWidth ? load_pixels(p) : load_pixels(p, columns);
    }
    transpose(r);
  }
  const auto finish = [&](int i) __attribute__((always_inline)) {
    const Floats light = (r[i] - load(dark + i * kWidth)) * load(gain + i * kWidth);
    store(t + (ptrdiff_t)i * stride, minus_log(larger(light, splat(floor))));
  };
  if (columns == kWidth) {
#pragma GCC unroll 16
    for (int i = 0; i < kWidth; i++) finish(i);
  } else {
    for (int i = 0; i < columns; i++) finish(i);
  }
}

template <class P>
void load_rows(const P* pixels, const P* ahead, int n_x, int rows, const float* dark,
               const float* gain, float floor, float* t, int stride) {
  for (int x = 0; x < n_x; x += kWidth) {
    const bool is_new_line = x * sizeof(P) % kLine == 0;
    load_block(pixels + x, is_new_line ? ahead + x : nullptr, n_x, rows, least(kWidth, n_x - x),
               dark + (size_t)x * kWidth, gain + (size_t)x * kWidth, floor,
               t + (ptrdiff_t)x * stride, stride);
  }
}

// Replace columns first..last-1 of one row (t moved to that row) by interpolation along x.
TOMO_INLINE void mend(float* t, int stride, int n_x, int first, int last) {
  const bool has_left = first > 0, has_right = last < n_x;
  float left = has_left ? t[(ptrdiff_t)(first - 1) * stride] : 0.f;
  float right = has_right ? t[(ptrdiff_t)last * stride] : 0.f;
  if (!has_left) left = right;
  if (!has_right) right = left;
  const float step = (right - left) / (float)(last - first + 1);
  for (int x = first; x < last; x++)
    t[(ptrdiff_t)x * stride] = left + step * (float)(x - first + 1);
}

// Mend the pixels of one row that are dead or not finite; gain: of that row.
template <class P>
void mend_suspect_row(const P* row, const float* gain, float* t, int stride, int n_x) {
  for (int x = 0; x < n_x; x++) {
    const auto is_good = [&](int i) {
      const float g = gain[(size_t)i * kWidth];
      return is_finite((float)unaligned(row)[i]) && g == g;
    };
    if (is_good(x)) continue;
    const int first = x;
    while (x < n_x && !is_good(x)) x++;
    mend(t, stride, n_x, first, x);
  }
}

// Line integrals of rows h..h+kWidth-1 of a band, dead pixels mended. next: the frame that
// comes next.
template <class P>
void load_band_rows(const Frame& f, const Frame& next, int n_x, int n_z, int band, int h, float* t,
                    int stride) {
  const int first_row = band * kRows + h, rows = most(0, least(kWidth, n_z - first_row));
  const size_t strip = (size_t)first_row * n_x;
  const P* pixels = (const P*)f.pixels + (size_t)first_row * n_x;
  const float* gain = f.fields->gain + strip;
  // Below these rows, or at the top of the same band of the next frame.
  const bool is_last = h + 2 * kWidth > kRows || first_row + 2 * kWidth > n_z;
  const P* ahead = is_last ? (const P*)next.pixels + (size_t)band * kRows * n_x
                           : pixels + (size_t)kWidth * n_x;
  load_rows(pixels, ahead, n_x, rows, f.fields->dark + strip, gain, f.floor, t, stride);
  if (f.suspect && f.suspect[band]) {
    for (int i = 0; i < rows; i++)
      mend_suspect_row(pixels + (size_t)i * n_x, gain + i, t + i, stride, n_x);
    return;
  }
  const uint32_t end = f.fields->band_runs[band + 1];
  for (uint32_t i = f.fields->band_runs[band]; i < end; i++) {
    const DeadRun& run = f.fields->runs[i];
    if (run.row >= h && run.row < h + rows)
      mend(t + run.row - h, stride, n_x, run.first, run.last);
  }
}

template <class P>
uint32_t count_bad_in(const P* pixels, int n_x, int rows, const float* gain) {
  uint32_t bad = 0;
  for (int r = 0; r < rows; r++) {
    const P* row = pixels + (size_t)r * n_x;
    int good = 0;
    for (int x = 0; x < n_x; x++) good += is_finite((float)unaligned(row)[x]);
    if (good == n_x) continue;
    for (int x = 0; x < n_x; x++) {
      const float g = gain[in_strips(kWidth, n_x, r, x)];
      bad += !is_finite((float)unaligned(row)[x]) && g == g;
    }
  }
  return bad;
}

uint32_t count_bad(const Frame& f, int n_x, int n_z, int band) {
  const int rows = least(kRows, n_z - band * kRows);
  const size_t first = (size_t)band * kRows * n_x;
  const float* gain = f.fields->gain + first;    // so many pixels have these rows
  if (f.type == Pixel::f32) return count_bad_in((const float*)f.pixels + first, n_x, rows, gain);
  if (f.type == Pixel::f64) return count_bad_in((const double*)f.pixels + first, n_x, rows, gain);
  return 0;
}

// Call visit with a null pointer of the frame's pixel type.
template <class F>
TOMO_INLINE void with_pixel_type(Pixel type, F visit) {
  switch (type) {
    case Pixel::i8: return visit((const int8_t*)nullptr);
    case Pixel::u8: return visit((const uint8_t*)nullptr);
    case Pixel::i16: return visit((const int16_t*)nullptr);
    case Pixel::u16: return visit((const uint16_t*)nullptr);
    case Pixel::i32: return visit((const int32_t*)nullptr);
    case Pixel::u32: return visit((const uint32_t*)nullptr);
    case Pixel::i64: return visit((const int64_t*)nullptr);
    case Pixel::u64: return visit((const uint64_t*)nullptr);
    case Pixel::f32: return visit((const float*)nullptr);
    case Pixel::f64: return visit((const double*)nullptr);
  }
}

}  // namespace
}  // namespace tomostream
