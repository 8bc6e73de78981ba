// Backprojection of rows of 16-bit words into the horizontal slice.
#pragma once
#include "kernels.hpp"
#include "simd.hpp"
#include "words.hpp"

namespace tomostream {
namespace {

// A prepared row holds the pair g[i], g[i + 1] - g[i] for each i, so that one
// multiplication of words gives the sample at i + w, with the weights 1 and w. Its padding
// begins with the row's unit.
TOMO_INLINE float& unit_of_row(float* row) { return row[-kRowPad]; }
TOMO_INLINE float unit_of_row(const float* row) { return row[-kRowPad]; }

void prepare(float* row, int n_x, const int32_t* g, float unit) {
  const auto at = [&](int i) { return i < 0 || i >= n_x ? 0 : g[i]; };
  int32_t steepest = 0;
  for (int i = -1; i < n_x; i++) {
    const int32_t d = at(i + 1) - at(i), size = d < 0 ? -d : d;
    if (size > steepest) steepest = size;
  }
  // Steps that are too steep for a word: seldom, and in a unit twice as large. Halves go to
  // the even number; rounded one way they would add up in the slice.
  const bool is_steep = steepest > kLargestWord;
  unit_of_row(row) = is_steep ? 2 * unit : unit;
  const auto value = [&](int i) {
    const int32_t v = at(i);
    return is_steep ? (v + (v >> 1 & 1)) >> 1 : v;
  };
  int32_t* pairs = (int32_t*)row;
  for (int i = -1; i < n_x; i++) {
    const int32_t here = value(i), step = value(i + 1) - here;
    pairs[i] = (here & 0xffff) | (int32_t)((uint32_t)step << 16);
  }
}

#if TOMO_VECTOR_BYTES == 32
TOMO_INLINE Ints pairs_at(const float* row, Ints column) {
  return (Ints)permute(load_unaligned(row), column);
}
#elif TOMO_VECTOR_BYTES == 16 && defined(__SSSE3__)
TOMO_INLINE Ints pairs_at(const float* row, Ints column) {    // bytes are what can be permuted
  const __m128i first_bytes = _mm_set1_epi32(0x03020100);
  const __m128i spread = _mm_set_epi8(12, 12, 12, 12, 8, 8, 8, 8, 4, 4, 4, 4, 0, 0, 0, 0);
  const __m128i four = _mm_shuffle_epi8((__m128i)(column << 2), spread);
  return (Ints)_mm_shuffle_epi8((__m128i)load_unaligned(row), _mm_or_si128(four, first_bytes));
}
#elif TOMO_VECTOR_BYTES == 16
TOMO_INLINE Ints pairs_at(const float* row, Ints column) {
  const int32_t* p = (const int32_t*)row;
  return (Ints){p[column[0]], p[column[1]], p[column[2]], p[column[3]]};
}
#endif

// Positions of the pixels of a vector along a line, as fixed-point numbers: four bits before
// the point, which say where in the nearest columns, and kPlaces behind it, of which the
// upper word holds those of a weight.
constexpr int kPlaces = 28;
static_assert(kPlaces - 16 == kWeightBits);
constexpr int kFiner = 12;    // more bits, for steps down the slice
constexpr int kMostWalks = 64;

TOMO_INLINE Ints row_weights(Uints at) {
  constexpr uint32_t kFraction = (uint32_t)(kWeightOne - 1) << 16;
  return (Ints)((at & kFraction) | (uint32_t)kWeightOne);
}

// Where a line of the slice meets a prepared row. What a line needs is made beforehand: the
// chain from an angle to the first sample is longer than a processor looks ahead.
struct Walk {
  const char* row;
  int64_t at, down, span;    // of the first pixel; to the next line; to the line's end
  int32_t step;              // to the next pixel
  bool is_taken_out;         // instead of added
  float scale;
};

// Samples of kWidth pixels, then of the next.
#if TOMO_VECTOR_BYTES == 64
// The columns lie in two neighbouring blocks of 16: the even one and the odd one make a table
// of 32, whose numbers are the places, with a bit more before the point, as they are.
struct Samples {
  Uints half_at, half_stride;
  int64_t low, step;
  const char* row;

  TOMO_INLINE_MEMBER Samples(const Walk& w) : row(w.row) {
    low = w.at >> kFiner;
    half_at = (Uints)lane_numbers() * (uint32_t)(w.step / 2) + (uint32_t)(low >> 1);
    half_stride = (Uints){} + (uint32_t)(w.step / 2) * kWidth;
    step = (int64_t)w.step * kWidth;
    low += w.step < 0 ? (int64_t)w.step * (kWidth - 1) : 0;    // of the lowest lane
  }
  TOMO_INLINE_MEMBER Ints next(Ints* weights) {
    const int64_t byte = low >> (kPlaces - 2);
    const char *even = row + ((byte + 64) & -128), *odd = row + (byte & -128) + 64;
    const __m512i columns = (__m512i)(half_at >> (kPlaces - 1));
    const Ints pairs = (Ints)_mm512_permutex2var_epi32(_mm512_load_si512(even), columns,
                                                       _mm512_load_si512(odd));
    *weights = row_weights(half_at + half_at);
    half_at += half_stride;
    low += step;
    return pairs;
  }
};
#else
struct Samples {
  Uints lanes;
  int64_t low, step;
  const float* row;

  TOMO_INLINE_MEMBER Samples(const Walk& w) : row((const float*)w.row) {
    const int32_t lowest = w.step < 0 ? (kWidth - 1) * w.step : 0;
    lanes = (Uints)(lane_numbers() * w.step - lowest);    // of the lowest lane: 0
    low = (w.at >> kFiner) + lowest;
    step = (int64_t)w.step * kWidth;
  }
  TOMO_INLINE_MEMBER Ints next(Ints* weights) {
    constexpr uint32_t kFraction = ((uint32_t)1 << kPlaces) - 1;
    const Uints at = lanes + ((uint32_t)low & kFraction);
    *weights = row_weights(at);
    const Ints pairs = pairs_at(row + (low >> kPlaces), (Ints)(at >> kPlaces));
    low += step;
    return pairs;
  }
};
#endif

TOMO_INLINE Walk make_walk(const HorizontalArgs& h, const RowList& list, int k, int x, int y,
                           int pixels) {
  constexpr double kUnit = (double)((int64_t)1 << (kPlaces + kFiner));
  constexpr int64_t kRounding = (int64_t)1 << (kPlaces + kFiner - kWeightBits - 1);
  const double c = list.cos_sin[2 * k], s = list.cos_sin[2 * k + 1];
  const double start = (x - h.n_out / 2) * c - (y - h.n_out / 2) * s + h.center;
  Walk w;
  w.row = (const char*)list.rows[k];
  w.at = (int64_t)(start * kUnit) + kRounding;
  w.down = (int64_t)(-s * kUnit);
  w.span = (int64_t)((pixels - 1) * c * kUnit);
  w.step = (int32_t)(c * (1 << (kPlaces - 1))) * 2;    // even
  w.is_taken_out = list.sign[k] < 0;
  w.scale = unit_of_row(list.rows[k]) * (1.f / kWeightOne);
  return w;
}

// Lines that touch the row stay within its padding; the others see nothing.
TOMO_INLINE bool is_seen(const Walk& w, int n_ring) {
  const int64_t before = -((int64_t)1 << (kPlaces + kFiner)), after = -before * n_ring;
  const int64_t end = w.at + w.span;
  return !((w.at <= before && end <= before) || (w.at >= after && end >= after));
}

// sums += or -= the samples of U vectors.
template <bool PLUS, int U>
TOMO_INLINE void add_samples(Ints* sums, const Walk& w) {
  Samples samples(w);
#pragma GCC unroll 8
  for (int u = 0; u < U; u++) {
    Ints weights;
    const Ints pairs = samples.next(&weights);
    const Ints products = pair_products((Words)pairs, weights);
    if (PLUS) sums[u] += products;
    else sums[u] -= products;
  }
}

// Add a line's samples of count rows; moves the walks to the next line.
template <int U>
TOMO_INLINE void add_line(float* total, float* fresh, Walk* walks, int count, int n_ring) {
  Floats sums[U] = {};
  for (int k = 0; k < count;) {
    const float scale = walks[k].scale;
    const int end = least(count, k + kMostProducts);
    Ints a[U] = {};
    for (; k < end && walks[k].scale == scale; k++) {
      Walk& w = walks[k];
      if (is_seen(w, n_ring)) {
        if (w.is_taken_out) add_samples<false, U>(a, w);
        else add_samples<true, U>(a, w);
      }
      w.at += w.down;
    }
    for (int u = 0; u < U; u++) sums[u] += __builtin_convertvector(a[u], Floats) * scale;
  }
  for (int u = 0; u < U; u++) {
    float *t = total + u * kWidth, *f = fresh + u * kWidth;
    store(t, load(t) + sums[u]);
    if (fresh) store(f, load(f) + sums[u]);
  }
}

template <int U>
void add_word_lines(const HorizontalArgs& h, int x, int y0, int y1) {
  static_assert((U + 2) * kWidth <= kRowPad);
  const auto add = [&](const RowList& list, float* fresh) {
    Walk walks[kMostWalks];
    for (int first = 0; first < list.count; first += kMostWalks) {
      const int count = least(kMostWalks, list.count - first);
      for (int k = 0; k < count; k++)
        walks[k] = make_walk(h, list, first + k, x, y0, U * kWidth);
      for (int y = y0; y < y1; y++) {
        const size_t o = (size_t)y * h.pitch + (size_t)x;
        // The next block to the right: too short a run for hardware prefetchers.
        for (int u = U; u < 2 * U; u++) __builtin_prefetch(h.total + o + u * kWidth, 1, 2);
        add_line<U>(h.total + o, fresh ? fresh + o : nullptr, walks, count, h.n_ring);
      }
    }
  };
  add(h.both, h.fresh);
  add(h.total_only, nullptr);
}

}  // namespace
}  // namespace tomostream
