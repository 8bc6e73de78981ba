// Backprojection of rows into the horizontal slice.
#pragma once
#include "kernels.hpp"
#include "simd.hpp"

namespace tomostream {
namespace {

constexpr int kFlight = 4;    // vectors in flight; 64 is a multiple of kFlight * kWidth

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

struct Line {    // what a row's samples along a line of pixels have in common
  int64_t step, lowest;
  Ints lanes, one;
  Floats sign;
  Line(double cosine, float s) {
    step = (int64_t)(int32_t)(cosine * (1 << kPoint));
    lowest = step < 0 ? (kWidth - 1) * step : 0;
    lanes = lane_numbers() * (int32_t)step;
    one = (Ints)splat(s);    // 1 or -1
    sign = splat(s);
  }
  // Give a plus the samples from position on.
  __attribute__((always_inline)) Floats add(Floats a, const float* e, size_t pitch,
                                            int64_t position, int64_t last) const;
};

inline Floats Line::add(Floats a, const float* e, size_t pitch, int64_t position,
                 int64_t last) const {
  int64_t first = (position + lowest) >> kPoint;    // floor
  // Far outside, any place in the zero padding will do.
  first = first < -(kRowPad - 2) ? -(kRowPad - 2) : first;
  first = first > last ? last : first;
  const Ints at = lanes + (int32_t)(position - (first << kPoint));
  const Ints column = at >> kPoint;    // permute takes it modulo kWidth
  const Floats w = (Floats)((at & ((1 << kPoint) - 1)) | one);
  a += sign * permute(load_unaligned(e + first), column);
  return a + w * permute(load_unaligned(e + pitch + first), column);
}

void add_rows(Floats* a, const HorizontalArgs& h, const RowList& list, int x, int y) {
  const int64_t last = h.n_x + 30;
  for (int k = 0; k < list.count; k++) {
    const double c = list.cos_sin[2 * k], s = list.cos_sin[2 * k + 1];
    const double start = (x - h.n_out / 2) * c - (y - h.n_out / 2) * s + h.center;
    const Line line(c, list.sign[k]);
    const int64_t position = (int64_t)(start * (1 << kPoint));
    for (int u = 0; u < kFlight; u++)
      a[u] = line.add(a[u], list.rows[k], h.row_pitch,
                      position + u * kWidth * line.step, last);
  }
}
#else
void prepare(float* row, size_t, int n_x, const float* g) {
  memcpy(row, g, sizeof(float) * (size_t)n_x);
}

TOMO_INLINE Floats samples(const float* row, Floats at) {
  const Floats whole = floor(at);
  const Ints column = __builtin_convertvector(whole, Ints);
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
  return a + (at - whole) * (b - a);
}

void add_rows(Floats* a, const HorizontalArgs& h, const RowList& list, int x, int y) {
  const Floats low = splat(-(kRowPad - 4)), high = splat((float)(h.n_x + kRowPad - 4));
  const Floats lanes = __builtin_convertvector(lane_numbers(), Floats);
  for (int k = 0; k < list.count; k++) {
    const double c = list.cos_sin[2 * k], s = list.cos_sin[2 * k + 1];
    const double start = (x - h.n_out / 2) * c - (y - h.n_out / 2) * s + h.center;
    for (int u = 0; u < kFlight; u++) {
      const Floats at = lanes * (float)c + (float)(start + u * kWidth * c);
      a[u] += list.sign[k] * samples(list.rows[k], smaller(larger(at, low), high));
    }
  }
}
#endif

void horizontal(const HorizontalArgs& h, int y0, int y1) {
  // Down the slice first: the rows' samples move little and stay in the nearest cache.
  for (int x = 0; x < h.n_out; x += kFlight * kWidth)
    for (int y = y0; y < y1; y++) {
      const size_t o = (size_t)y * h.pitch + x;
      Floats a[kFlight] = {};
      add_rows(a, h, h.both, x, y);
      if (h.both.count)
        for (int u = 0; u < kFlight; u++) {
          float* f = h.fresh + o + u * kWidth;
          store(f, load(f) + a[u]);
        }
      add_rows(a, h, h.total_only, x, y);
      for (int u = 0; u < kFlight; u++) {
        float* t = h.total + o + u * kWidth;
        store(t, load(t) + a[u]);
      }
    }
}

}  // namespace
}  // namespace tomostream
