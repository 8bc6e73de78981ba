// Backprojection of rows into the horizontal slice.
#pragma once
#include "horizontal_words.hpp"
#include "kernels.hpp"
#include "simd.hpp"

namespace tomostream {
namespace {

constexpr int kFlight = 4;    // half the vectors in flight

#if TOMO_VECTOR_BYTES >= 32
// Positions are fixed-point numbers with 23 bits behind the point: their fraction, put below
// the exponent of 1, is the float 1 + w. Along a line of pixels a position changes by at
// most 1, so kWidth pixels need at most kWidth + 1 neighbouring samples: loads and
// in-register permutes instead of gathers, which are slow.
//
// A prepared row holds d[i] = g[i + 1] - g[i] and, before it, e[i] = g[i] - d[i], so that
// the sample at i + w is e[i] + (1 + w) d[i].
constexpr int kPoint = 23;

void prepare(float* e, size_t pitch, int n_x, const float* g) {
  float* d = e + pitch;
  for (int i = -1; i < n_x; i++) {
    const float here = i < 0 ? 0 : g[i], next = i + 1 < n_x ? g[i + 1] : 0;
    d[i] = next - here;
    e[i] = here - d[i];
  }
}

template <int U>
TOMO_INLINE void add_rows(Floats* sums, const HorizontalArgs& h, const RowList& list, int x,
                          int y) {
  static_assert(U * kWidth + kWidth < kRowPad);
  // Copies: the compiler must know that no store changes them.
  const double *cos_sin = list.cos_sin, center = h.center;
  const float *const *rows = list.rows, *signs = list.sign;
  const size_t pitch = h.row_pitch;
  const int count = list.count, n_ring = h.n_ring;
  const int x_axis = x - h.n_out / 2, y_axis = y - h.n_out / 2;
  constexpr int32_t kFraction = (1 << kPoint) - 1;
  Floats a[U];
  for (int u = 0; u < U; u++) a[u] = sums[u];
  for (int k = 0; k < count; k++) {
    const double c = cos_sin[2 * k], s = cos_sin[2 * k + 1];
    const double start = x_axis * c - y_axis * s + center;
    const double end = start + (U * kWidth - 1) * c;
    // Lines that touch the row stay within its padding; the others see nothing.
    if ((start <= -1 && end <= -1) || (start >= n_ring && end >= n_ring)) continue;
    const float *e = rows[k], *d = e + pitch;
    const int32_t step = (int32_t)(c * (1 << kPoint));
    const int32_t lowest = step < 0 ? (kWidth - 1) * step : 0;
    const Ints lanes = lane_numbers() * step - lowest;    // of the lowest lane: 0
    const Floats sign = splat(signs[k]);                  // 1 or -1
    int64_t low = (int64_t)(start * (1 << kPoint)) + lowest;
#pragma GCC unroll 8
    for (int u = 0; u < U; u++) {
      const int64_t first = low >> kPoint;    // floor
      const Ints at = lanes + ((int32_t)low & kFraction);
      const Ints column = at >> kPoint;
      const Floats w = (Floats)((at & kFraction) | (Ints)sign);
      a[u] += sign * permute(load_unaligned(e + first), column);
      a[u] += w * permute(load_unaligned(d + first), column);
      low += (int64_t)kWidth * step;
    }
  }
  for (int u = 0; u < U; u++) sums[u] = a[u];
}
#else
void prepare(float* row, size_t, int n_x, const float* g) {
  memcpy(row, g, sizeof(float) * (size_t)n_x);
}

// at: not negative.
TOMO_INLINE Floats samples(const float* row, Floats at) {
  const Ints column = __builtin_convertvector(at, Ints);
  const Floats w = at - __builtin_convertvector(column, Floats);
#if defined(__SSE4_1__)
  const auto two = [](const float* first, const float* second) {
    const __m128 pair = _mm_castpd_ps(_mm_load_sd((const double*)first));
    return (Floats)_mm_loadh_pi(pair, (const __m64*)second);
  };
  const Floats u = two(row + column[0], row + column[1]);
  const Floats v = two(row + column[2], row + column[3]);
  const Floats a = __builtin_shufflevector(u, v, 0, 2, 4, 6);
  const Floats b = __builtin_shufflevector(u, v, 1, 3, 5, 7);
#else
  Floats a, b;
  for (int i = 0; i < kWidth; i++) {
    a[i] = row[column[i]];
    b[i] = row[column[i] + 1];
  }
#endif
  return a + w * (b - a);
}

template <int U>
TOMO_INLINE void add_rows(Floats* sums, const HorizontalArgs& h, const RowList& list, int x,
                          int y) {
  static_assert(U * kWidth + kWidth < kRowPad);
  const Floats lanes = __builtin_convertvector(lane_numbers(), Floats);
  const int count = list.count, n_ring = h.n_ring;
  for (int k = 0; k < count; k++) {
    const double c = list.cos_sin[2 * k], s = list.cos_sin[2 * k + 1];
    const double start = (x - h.n_out / 2) * c - (y - h.n_out / 2) * s + h.center;
    const double end = start + (U * kWidth - 1) * c;
    // Lines that touch the row stay within its padding; the others see nothing.
    if ((start <= -1 && end <= -1) || (start >= n_ring && end >= n_ring)) continue;
    const float *padded = list.rows[k] - kRowPad, sign = list.sign[k];
    const Floats steps = lanes * (float)c + (float)(start + kRowPad);
    for (int u = 0; u < U; u++)
      sums[u] += sign * samples(padded, steps + (float)(u * kWidth * c));
  }
}
#endif

template <int U>
void add_lines(const HorizontalArgs& h, int x, int y0, int y1) {
  for (int y = y0; y < y1; y++) {
    const size_t o = (size_t)y * h.pitch + (size_t)x;
    Floats a[U] = {};
    // Of the next block to the right: too short a run for hardware prefetchers.
    for (int u = U; u < 2 * U; u++) {
      __builtin_prefetch(h.total + o + u * kWidth, 1, 2);
      if (h.fresh) __builtin_prefetch(h.fresh + o + u * kWidth, 1, 2);
    }
    add_rows<U>(a, h, h.both, x, y);
    if (h.fresh) {
      float* fresh = h.fresh + o;
      for (int u = 0; u < U; u++)
        store(fresh + u * kWidth, load(fresh + u * kWidth) + a[u]);
    }
    add_rows<U>(a, h, h.total_only, x, y);
    float* total = h.total + o;
    for (int u = 0; u < U; u++) store(total + u * kWidth, load(total + u * kWidth) + a[u]);
  }
}

template <int U>
TOMO_INLINE void add_block(const HorizontalArgs& h, int x, int y0, int y1) {
  if (h.in_words) add_word_lines<U>(h, x, y0, y1);
  else add_lines<U>(h, x, y0, y1);
}

void horizontal(const HorizontalArgs& h, int y0, int y1) {
  // Down the slice first: the rows' samples move little and stay in the nearest cache.
  int x = 0;
  for (; x + 2 * kFlight * kWidth <= (int)h.pitch; x += 2 * kFlight * kWidth)
    add_block<2 * kFlight>(h, x, y0, y1);
  if (x < h.n_out) add_block<kFlight>(h, x, y0, y1);
}

}  // namespace
}  // namespace tomostream
