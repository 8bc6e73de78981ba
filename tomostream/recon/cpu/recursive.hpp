// The recursive FBP filter: sums of exponentials run forward and backward along the columns,
// kWidth rows at a time. Linear convolution, no padding, O(n). Exact but for the slow
// exponentials, see coarse.hpp.
#pragma once
#include "coarse.hpp"
#include "kernels.hpp"
#include "simd.hpp"
#include "words.hpp"

namespace tomostream {
namespace {

// Where kWidth filtered rows go, column by column.
struct FilteredRows {
  float scale;            // that they are multiplied with
  float* lines;
  size_t pitch;           // of lines, from column to column
  const char* old;        // these rows' share of the tile that will be replaced, fetched
  int old_step;           // meanwhile, evenly: bytes from line to line of the cache
  const float* before;    // lines of the kWidth rows before these,
  Word* words;            // and a tile's columns that take both, rounded; or null

  // Blocks of the grid have a share each, first in the pass forward, then in the one backward.
  TOMO_INLINE_MEMBER void fetch_old(int block) const {
    constexpr int lines = most(1, kNode * kWidth / kLine);
    const char* p = old + (ptrdiff_t)block * kNode * kWidth / kLine * old_step;
    for (int i = 0; i < lines; i++) __builtin_prefetch(p + i * old_step, 0, 2);
  }
  TOMO_INLINE_MEMBER float* line(int x) const { return lines + (size_t)x * pitch; }
  // largest: of the words' magnitudes.
  TOMO_INLINE_MEMBER void put(int x, Floats filtered, Words& largest) const {
    if (!words) return store(line(x), filtered);
    // Read first: the lines lie whole pages apart, and a processor that compares places in a
    // page only would wait for the store.
    const Floats rows_before = load(before + (size_t)x * pitch);
    store(line(x), filtered);
    const Words packed = pack(rounded(rows_before), rounded(filtered));
    *(Words*)(words + (size_t)x * kRows) = packed;
    largest = larger_magnitude(largest, packed);
  }
};

template <bool ODD>
constexpr int kStreamsOf = ODD ? 2 : 1;

// With few registers, even and odd columns go forward one after the other: the states and
// the coefficients of one kind fit into 16. With many, the columns are read once for both.
template <bool ODD>
constexpr int kStride = ODD && TOMO_VECTOR_BYTES < 64 ? 2 : 1;

// One pass of J exponentials over kWidth rows. If odd, even and odd columns have a state each.
template <int J, bool ODD>
struct Passes {
  static constexpr int kStreams = kStreamsOf<ODD>;
  float* const t;
  const FilteredRows out;    // of its own: else every store might have changed it
  const int n_x;
  const Grid<kStreams> grid;
  Floats pole[J], weight[J], tap[kTaps];
  Words largest = {};    // of what is put out

  TOMO_INLINE_MEMBER Passes(float* t, const FilteredRows& out, int n_x, const RecursiveFilter& f,
                            const Grid<kStreams>& grid)
      : t(t), out(out), n_x(n_x), grid(grid) {
    for (int j = 0; j < J; j++) {
      pole[j] = splat(ODD ? f.pole[j] * f.pole[j] : f.pole[j]);
      weight[j] = splat(f.weight[j] * out.scale);
    }
    for (int q = 0; q < kTaps; q++) tap[q] = splat(f.tap[q] * out.scale);
  }

  TOMO_INLINE_MEMBER const float* column(int x) const { return t + (ptrdiff_t)x * kWidth; }
  static TOMO_INLINE_MEMBER int stream(int i) { return ODD ? i & 1 : 0; }

  // The state that a constant row would have had for ever: an object wider than the field
  // of view continues with its edge value.
  TOMO_INLINE_MEMBER void settle(Floats s[kStreams][J], Floats edge) const {
    for (int p = 0; p < kStreams; p++)
      for (int j = 0; j < J; j++) s[p][j] = edge / (1.f - pole[j]);
  }

  // state <- pole state + the column before.
  TOMO_INLINE_MEMBER Floats step(Floats* s, Floats before, Floats sum) const {
    Floats other = {};
    for (int j = 0; j < J; j++) {
      s[j] = s[j] * pole[j] + before;
      if (j == 0) other = s[0] * weight[0];
      else if (j & 1) sum += s[j] * weight[j];
      else other += s[j] * weight[j];
    }
    return sum + other;
  }

  // Returns the column.
  TOMO_INLINE_MEMBER Floats forward(int x, Floats* s) const {
    const float* p = column(x);
    const Floats here = load(p);
    Floats sum = here * tap[0];
    for (int q = 1; q < kTaps; q++) {
      const int k = (ODD ? 2 * q - 1 : q) * kWidth;
      sum += (load(p - k) + load(p + k)) * tap[q];
    }
    store(out.line(x), step(s, load(p - kWidth), sum));
    return here;
  }

  // slow: what the grid gives.
  TOMO_INLINE_MEMBER void backward(int x, Floats* s, Floats slow) {
    const Floats so_far = load(out.line(x)) + slow;
    out.put(x, step(s, load(column(x + 1)), so_far), largest);
  }

  // From the left; columns FIRST, FIRST + STRIDE ... of each block of the grid, whose nodes
  // get their shares.
  template <int FIRST, int STRIDE>
  TOMO_INLINE_MEMBER void forward_all() const {
    constexpr int kEnd = STRIDE == 1 ? kStreams : FIRST + 1;    // of the streams in this pass
    const Floats edge = load(column(n_x));
    Floats s[kStreams][J], carry[kStreams];
    settle(s, load(t));
    const auto beyond_left = equal_shares<kStreams>(load(t));
    for (int p = 0; p < kStreams; p++) carry[p] = beyond_left.after(p);
    const auto give = [&](int m, const Shares<kStreams>& shares) __attribute__((always_inline)) {
      for (int p = STRIDE == 1 ? 0 : FIRST; p < kEnd; p++) {
        store(grid.node(grid.got, m, p), carry[p] + shares.before(p));
        carry[p] = shares.after(p);
      }
    };
    const auto block = [&](int m, int count) __attribute__((always_inline)) {
      if (FIRST == 0) out.fetch_old(m);
      Shares<kStreams> shares = {};
#pragma GCC unroll 8
      for (int i = FIRST; i < kNode; i += STRIDE)
        shares.add(i, i < count ? forward(m * kNode + i, s[stream(i)]) : edge);
      give(m, shares);
    };
    int m = 0;
    for (; (m + 1) * kNode <= n_x; m++) block(m, kNode);
    if (m * kNode < n_x) block(m++, n_x % kNode);
    give(m, equal_shares<kStreams>(edge));
  }

  // From the right.
  TOMO_INLINE_MEMBER void backward_all() {
    Floats s[kStreams][J];
    settle(s, load(column(n_x)));
    const auto block = [&](int m, int count) __attribute__((always_inline)) {
      out.fetch_old(blocks_of(n_x) + m);
      // The columns of one parity take from the grid of the other.
      Floats given[kStreams], change[kStreams];
      for (int p = 0; p < kStreams; p++) {
        const int from = ODD ? 1 - p : 0;
        given[p] = load(grid.node(grid.gives, m, from));
        change[p] = (load(grid.node(grid.gives, m + 1, from)) - given[p]) * (1.f / kNode);
      }
#pragma GCC unroll 8
      for (int i = kNode - 1; i >= 0; i--) {
        if (i >= count) continue;
        const int p = stream(i);
        backward(m * kNode + i, s[p], given[p] + change[p] * (float)i);
      }
    };
    int m = blocks_of(n_x) - 1;
    if (n_x % kNode) block(m--, n_x % kNode);
    for (; m >= 0; m--) block(m, kNode);
  }
};

// Functions of their own, so that each has the registers for itself.
template <int J, bool ODD>
__attribute__((noinline)) void run_forward(float* t, const FilteredRows& out, int n_x,
                                           const RecursiveFilter& f,
                                           const Grid<kStreamsOf<ODD>>& grid) {
  const Passes<J, ODD> passes(t, out, n_x, f, grid);
  if (kStride<ODD> == 1) {
    passes.template forward_all<0, 1>();
  } else {
    passes.template forward_all<0, 2>();
    passes.template forward_all<1, 2>();
  }
}

// Returns the words' largest magnitudes.
template <int J, bool ODD>
__attribute__((noinline)) Words run_backward(float* t, const FilteredRows& out, int n_x,
                                             const RecursiveFilter& f,
                                             const Grid<kStreamsOf<ODD>>& grid) {
  Passes<J, ODD> passes(t, out, n_x, f, grid);
  passes.backward_all();
  return passes.largest;
}

// t: (n_x, kWidth) with kEdge columns before and after it, which this function fills with
// the row's edge values; then room for the grid. Returns the words' largest magnitudes.
template <int J, bool ODD>
Words filter_poles(float* t, const FilteredRows& out, int n_x, const RecursiveFilter& f) {
  const Floats left = load(t), right = load(t + (ptrdiff_t)(n_x - 1) * kWidth);
  for (int i = 1; i <= kEdge; i++) {
    store(t - i * kWidth, left);
    store(t + (ptrdiff_t)(n_x - 1 + i) * kWidth, right);
  }
  constexpr int kStreams = kStreamsOf<ODD>;
  float* nodes = t + (ptrdiff_t)(n_x + kEdge) * kWidth;
  const Grid<kStreams> grid{nodes, nodes + (size_t)kStreams * nodes_of(n_x) * kWidth};
  run_forward<J, ODD>(t, out, n_x, f, grid);
  filter_slow(grid, nodes_of(n_x), f, out.scale, left, right);
  return run_backward<J, ODD>(t, out, n_x, f, grid);
}

template <bool ODD>
Words filter_recursive(float* t, const FilteredRows& out, int n_x, const RecursiveFilter& f) {
  static_assert(kEdge > (ODD ? 2 * (kTaps - 1) - 1 : kTaps - 1) && kEdge >= kNode);
  if (f.n_poles <= 3) return filter_poles<3, ODD>(t, out, n_x, f);
  if (f.n_poles == 4) return filter_poles<4, ODD>(t, out, n_x, f);
  if (f.n_poles == 5) return filter_poles<5, ODD>(t, out, n_x, f);
  if (f.n_poles == 6) return filter_poles<6, ODD>(t, out, n_x, f);
  return filter_poles<8, ODD>(t, out, n_x, f);
}

}  // namespace
}  // namespace tomostream
