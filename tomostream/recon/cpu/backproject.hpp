// Backprojection of tiles into a vertical slice.
#pragma once
#include "kernels.hpp"
#include "simd.hpp"

namespace tomostream {
namespace {

template <int N>
struct Count {
  static constexpr int value = N;
};

// Samples between the columns are interpolated; outside the row they are zero, so the first
// and the last interval have one column only. Writes whole vectors.
void make_taps(int32_t* offset, float* left, float* right, int n_out, int n_x,
               double start, double step, float sign) {
  constexpr int kFar = 1 << 26;    // makes positions positive, so that (int) rounds down
  const Floats steps = __builtin_convertvector(lane_numbers(), Floats) * (float)step;
  const Floats nothing = {};
  for (int i = 0; i < n_out; i += kWidth) {
    const double first = start + step * i;
    const int base = (int)(first + kFar) - kFar;
    const Floats at = steps + (float)(first - base), whole = floor(at);
    const Ints column = __builtin_convertvector(whole, Ints) + base;
    const Floats w = (at - whole) * sign, rest = sign - w;
    const Ints before = column == -1, last = column == n_x - 1;
    const Ints inside = (column >= 0) & (column < n_x - 1);
    const Ints bounded = column < 0 ? (Ints){} : column;
    const Ints rightmost = (Ints){} + (n_x - 2);
    *(Ints*)(offset + i) = (bounded > rightmost ? rightmost : bounded) * kRows;
    store(left + i, inside ? rest : before ? w : nothing);
    store(right + i, inside ? w : last ? rest : nothing);
  }
}

// one[i] += weighted pairs of columns, of N tiles at once; two[i] too, if TWO.
template <int N, bool TWO, class S>
void add_tiles(float* one, float* two, int first, int last, const void* const* tiles,
               const Taps* taps) {
  constexpr int V = kRows / kWidth;
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
    float *o = one + (size_t)i * kRows, *p = two + (size_t)i * kRows;
    Floats a[V];
    for (int v = 0; v < V; v++) a[v] = TWO ? (Floats){} : load(o + v * kWidth);
#pragma GCC unroll 8
    for (int k = 0; k < N; k++) {
      const S* q = tile[k] + offset[k][i];
      const Floats l = splat(left[k][i]), r = splat(right[k][i]);
      for (int v = 0; v < V; v++) {
        a[v] += l * load(q + v * kWidth);
        a[v] += r * load(q + kRows + v * kWidth);
      }
    }
    for (int v = 0; v < V; v++) {
      if (TWO) store(p + v * kWidth, load(p + v * kWidth) + a[v]);
      store(o + v * kWidth, TWO ? load(o + v * kWidth) + a[v] : a[v]);
    }
  }
}

// two may be null.
template <class S>
void add_all(float* one, float* two, int first, int last, const void* const* tiles,
             const Taps* taps, int count) {
  for (int k = 0; k < count; k += 4) {
    const auto add = [&](auto n) {
      constexpr int N = decltype(n)::value;
      if (two) add_tiles<N, true, S>(one, two, first, last, tiles + k, taps + k);
      else add_tiles<N, false, S>(one, two, first, last, tiles + k, taps + k);
    };
    switch (least(count - k, 4)) {
      case 1: add(Count<1>{}); break;
      case 2: add(Count<2>{}); break;
      case 3: add(Count<3>{}); break;
      default: add(Count<4>{});
    }
  }
}

void backproject(float* sum, int first, int last, bool half, const void* const* tiles,
                 const Taps* taps, int count) {
  if (half) add_all<Half>(sum, nullptr, first, last, tiles, taps, count);
  else add_all<float>(sum, nullptr, first, last, tiles, taps, count);
}

}  // namespace
}  // namespace tomostream
