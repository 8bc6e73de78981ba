// Backprojection of tiles into a vertical slice.
#pragma once
#include "kernels.hpp"
#include "simd.hpp"
#include "words.hpp"

namespace tomostream {
namespace {

template <int N>
struct Count {
  static constexpr int value = N;
};

// Samples between the columns are interpolated; outside the row they are zero, so the first
// and the last interval have one column only. Writes whole vectors. `one`: the sum of the
// weights of a sample.
template <class V, class WEIGH, class PUT>
TOMO_INLINE void walk(int32_t* offset, int n_out, int n_x, double start, double step, V one,
                      WEIGH weigh, PUT put) {
  constexpr int kFar = 1 << 26;    // makes positions positive, so that (int) rounds down
  const Floats steps = __builtin_convertvector(lane_numbers(), Floats) * (float)step;
  const V nothing = {};
  for (int i = 0; i < n_out; i += kWidth) {
    const double first = start + step * i;
    const int base = (int)(first + kFar) - kFar;
    const Floats at = steps + (float)(first - base), whole = floor(at);
    const Ints column = __builtin_convertvector(whole, Ints) + base;
    const V w = weigh(at - whole), rest = one - w;
    const Ints before = column == -1, last = column == n_x - 1;
    const Ints inside = (column >= 0) & (column < n_x - 1);
    const Ints bounded = column < 0 ? (Ints){} : column;
    const Ints rightmost = (Ints){} + (n_x - 2);
    *(Ints*)(offset + i) = (bounded > rightmost ? rightmost : bounded) * kRows;
    put(i, inside ? rest : before ? w : nothing, inside ? w : last ? rest : nothing);
  }
}

void make_taps(const Taps& taps, int n_out, int n_x, double start, double step, float sign) {
  if (taps.pair) {
    const float scale = sign * kWeightOne;
    walk(
        taps.offset, n_out, n_x, start, step, (Ints){} + (int32_t)scale,
        [&](Floats w) { return rounded(w * scale); },
        [&](int i, Ints left, Ints right) {
          *(Ints*)(taps.pair + i) = (left & 0xffff) | (right << 16);
        });
    return;
  }
  walk(
      taps.offset, n_out, n_x, start, step, splat(sign), [&](Floats w) { return w * sign; },
      [&](int i, Floats left, Floats right) {
        store(taps.left + i, left);
        store(taps.right + i, right);
      });
}

// Fetch sums that come soon: what fetches by itself stops at the end of each page.
template <bool TWO>
TOMO_INLINE void fetch_sums(const float* one, const float* two, int i) {
  constexpr int kColumnsAhead = 24;
  const size_t o = (size_t)(i + kColumnsAhead) * kRows;
  for (int row = 0; row < kRows; row += kLine / (int)sizeof(float)) {
    __builtin_prefetch(one + o + row, 1, 3);
    if (TWO) __builtin_prefetch(two + o + row, 1, 3);
  }
}

// one[i] += weighted pairs of columns, of N tiles at once; two[i] too, if TWO.
template <int N, bool TWO>
void add_tiles(float* one, float* two, int first, int last, const float* const* tiles,
               const Taps* taps) {
  constexpr int V = kRows / kWidth;
  const float* tile[N];
  const int32_t* offset[N];
  const float *left[N], *right[N];
  for (int k = 0; k < N; k++) {
    tile[k] = tiles[k];
    offset[k] = taps[k].offset;
    left[k] = taps[k].left;
    right[k] = taps[k].right;
  }
  for (int i = first; i < last; i++) {
    fetch_sums<TWO>(one, two, i);
    float *o = one + (size_t)i * kRows, *p = two + (size_t)i * kRows;
    Floats a[V];
    for (int v = 0; v < V; v++) a[v] = TWO ? (Floats){} : load(o + v * kWidth);
#pragma GCC unroll 8
    for (int k = 0; k < N; k++) {
      const float* q = tile[k] + offset[k][i];
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

// The same of tiles of words, which have one unit.
template <int N, bool TWO>
void add_tiles(float* one, float* two, int first, int last, const Word* const* tiles,
               const Taps* taps) {
  constexpr int V = kRows / kWidth;
  const float scale = unit_of(tiles[0]) * (1.f / kWeightOne);
  const Word* words[N];
  const int32_t *offset[N], *pair[N];
  for (int k = 0; k < N; k++) {
    words[k] = words_of(tiles[k]);
    offset[k] = taps[k].offset;
    pair[k] = taps[k].pair;
  }
  for (int i = first; i < last; i++) {
    fetch_sums<TWO>(one, two, i);
    Ints a[V] = {};
#pragma GCC unroll 8
    for (int k = 0; k < N; k++) {
      const Word* q = words[k] + offset[k][i];
      const Ints weights = (Ints){} + pair[k][i];
      for (int v = 0; v < V; v += 2) {
        const Words left = load(q + v * kWidth), right = load(q + kRows + v * kWidth);
        a[v] += pair_products(interleave_first(left, right), weights);
        a[v + 1] += pair_products(interleave_second(left, right), weights);
      }
    }
    float *o = one + (size_t)i * kRows, *p = two + (size_t)i * kRows;
    for (int v = 0; v < V; v++) {
      const Floats f = __builtin_convertvector(a[v], Floats) * scale;
      store(o + v * kWidth, load(o + v * kWidth) + f);
      if (TWO) store(p + v * kWidth, load(p + v * kWidth) + f);
    }
  }
}

// How many of count tiles can be added in one pass.
TOMO_INLINE int pass_length(const float* const*, int count) {
  return count >= 4 ? 4 : count >= 2 ? 2 : 1;
}
TOMO_INLINE int pass_length(const Word* const* tiles, int count) {
  int n = 1;
  while (n < least(count, kMostProducts) && unit_of(tiles[n]) == unit_of(tiles[0])) n++;
  return n >= 8 ? 8 : n >= 4 ? 4 : n >= 2 ? 2 : 1;
}

template <class S>
void add_tiles_of(float* one, float* two, int first, int last, const void* const* tiles,
             const Taps* taps, int count) {
  const S* const* all = (const S* const*)tiles;
  for (int k = 0; k < count;) {
    const int length = pass_length(all + k, count - k);
    const auto add = [&](auto n) {
      constexpr int N = decltype(n)::value;
      if (two) add_tiles<N, true>(one, two, first, last, all + k, taps + k);
      else add_tiles<N, false>(one, two, first, last, all + k, taps + k);
    };
    switch (length) {
      case 1: add(Count<1>{}); break;
      case 2: add(Count<2>{}); break;
      case 4: add(Count<4>{}); break;
      default: add(Count<8>{});
    }
    k += length;
  }
}

// one += all tiles; two too, unless it is null.
void add_all(float* one, float* two, int first, int last, bool in_words,
             const void* const* tiles, const Taps* taps, int count) {
  if (in_words) add_tiles_of<Word>(one, two, first, last, tiles, taps, count);
  else add_tiles_of<float>(one, two, first, last, tiles, taps, count);
}

void backproject(float* sum, int first, int last, bool in_words, const void* const* tiles,
                 const Taps* taps, int count) {
  add_all(sum, nullptr, first, last, in_words, tiles, taps, count);
}

}  // namespace
}  // namespace tomostream
