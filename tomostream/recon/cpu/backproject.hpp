// Backprojection of tiles into a vertical slice, and of rows into the horizontal slice.
#pragma once
#include "kernels.hpp"
#include "simd.hpp"

namespace tomostream {
namespace {

// Samples between the columns are interpolated; outside the row they are zero.
void make_taps(int32_t* offset, float* left, float* right, int n_out, int n_x,
               double start, double step, float sign) {
  for (int i = 0; i < n_out; i++) {
    const double s = start + step * i;
    const double bounded = s < -1 ? -1 : s > n_x ? n_x : s;
    int column = (int)(bounded + 1) - 1;    // floor
    float w = (float)(bounded - column);
    float a = 1 - w, b = w;
    // The first and the last interval have one column only.
    const bool before = column < 0, after = column >= n_x - 1, beyond = column >= n_x;
    a = before ? b : after ? 0 : a;
    b = before ? 0 : beyond ? 0 : after ? 1 - w : b;
    column = before ? 0 : after ? n_x - 2 : column;
    offset[i] = column * kRows;
    left[i] = sign * a;
    right[i] = sign * b;
  }
}

// sum[i] += count weighted pairs of columns; N tiles are summed in registers.
template <int N, class S>
void add_tiles(float* sum, int first, int last, const void* const* tiles, const Taps* taps) {
  const S* tile[N];
  const int32_t* offset[N];
  const float *left[N], *right[N];
  for (int k = 0; k < N; k++) {
    tile[k] = (const S*)tiles[k];
    offset[k] = taps[k].offset;
    left[k] = taps[k].left;
    right[k] = taps[k].right;
  }
  for (int i = first; i < last; i++) {
    float* o = sum + (size_t)i * kRows;
    Floats a[kRows / kWidth];
    for (int v = 0; v < kRows / kWidth; v++) a[v] = load(o + v * kWidth);
#pragma GCC unroll 8
    for (int k = 0; k < N; k++) {
      const S* p = tile[k] + offset[k][i];
      const Floats l = splat(left[k][i]), r = splat(right[k][i]);
      for (int v = 0; v < kRows / kWidth; v++) {
        a[v] += l * load(p + v * kWidth);
        a[v] += r * load(p + kRows + v * kWidth);
      }
    }
    for (int v = 0; v < kRows / kWidth; v++) store(o + v * kWidth, a[v]);
  }
}

template <class S>
void add_all(float* sum, int first, int last, const void* const* tiles, const Taps* taps,
             int count) {
  int k = 0;
  for (; k + 4 <= count; k += 4) add_tiles<4, S>(sum, first, last, tiles + k, taps + k);
  switch (count - k) {
    case 3: return add_tiles<3, S>(sum, first, last, tiles + k, taps + k);
    case 2: return add_tiles<2, S>(sum, first, last, tiles + k, taps + k);
    case 1: return add_tiles<1, S>(sum, first, last, tiles + k, taps + k);
    default: return;
  }
}

void backproject(float* sum, int first, int last, bool half, const void* const* tiles,
                 const Taps* taps, int count) {
  if (half) add_all<Half>(sum, first, last, tiles, taps, count);
  else add_all<float>(sum, first, last, tiles, taps, count);
}

// Samples at base + i * step for the kWidth lanes i; offsets = step * lane numbers.
// |step| <= 1, so they need at most kWidth + 1 neighbouring samples: two loads and two
// in-register permutes instead of gathers, which are slow.
#if TOMO_VECTOR_BYTES >= 32
TOMO_INLINE Floats samples(const float* row, int n_x, double base, double step,
                           Floats offsets) {
  double low = step < 0 ? base + (kWidth - 1) * step : base;
  // Far outside: any place in the zero padding will do.
  low = low < -(kRowPad - 2) ? -(kRowPad - 2) : low > n_x + 30 ? n_x + 30 : low;
  const int first = (int)(low + kRowPad) - kRowPad;    // floor
  // In (-tiny, kWidth) unless far outside, where permute wraps and all samples are zero.
  const Floats at = offsets + (float)(base - first);
  const Ints column = __builtin_convertvector(at, Ints);
  const Floats whole = __builtin_convertvector(column, Floats);
  const Floats a = permute(load_unaligned(row + first), column);
  const Floats b = permute(load_unaligned(row + first + 1), column);
  return a + (at - whole) * (b - a);
}
#else
TOMO_INLINE Floats samples(const float* row, int n_x, double base, double, Floats offsets) {
  const Floats low = splat(-(kRowPad - 4)), high = splat((float)(n_x + kRowPad - 4));
  const Floats at = smaller(larger(offsets + (float)base, low), high);
  const Floats whole = floor(at);
  const Ints column = __builtin_convertvector(whole, Ints);
#if defined(__SSE4_1__)
  const float *p = row + column[0], *q = row + column[1];
  const float *r = row + column[2], *s = row + column[3];
  const auto two = [](const float* first, const float* second) {
    const __m128 pair = _mm_castpd_ps(_mm_load_sd((const double*)first));
    return (Floats)_mm_loadh_pi(pair, (const __m64*)second);
  };
  const Floats u = two(p, q), v = two(r, s);
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
#endif

void horizontal(float* z, size_t pitch, int n_out, int n_x, int y0, int y1, double center,
                const float* const* rows, const double* cos_sin, const float* sign,
                int count) {
  constexpr int U = 4;    // vectors in flight; the pitch is a multiple of U * kWidth
  const int half = n_out / 2;
  for (int y = y0; y < y1; y++)
    for (int x0 = 0; x0 < n_out; x0 += U * kWidth) {
      float* o = z + (size_t)y * pitch + x0;
      Floats a[U];
      for (int u = 0; u < U; u++) a[u] = load(o + u * kWidth);
      for (int k = 0; k < count; k++) {
        const double c = cos_sin[2 * k], s = cos_sin[2 * k + 1];
        const double start = (x0 - half) * c - (y - half) * s + center;
        // A little less than c keeps the lanes within kWidth samples after rounding.
        const Floats offsets = lane_numbers() * ((float)c * 0.9999998f);
        for (int u = 0; u < U; u++)
          a[u] += sign[k] * samples(rows[k], n_x, start + u * kWidth * c, c, offsets);
      }
      for (int u = 0; u < U; u++) store(o + u * kWidth, a[u]);
    }
}

}  // namespace
}  // namespace tomostream
