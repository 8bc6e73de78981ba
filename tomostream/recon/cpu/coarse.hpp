// The slow exponentials of a recursive filter, on a coarse grid: nodes kNode columns apart.
// A column gives to the nodes before and after it by its distance, and takes from them in
// the same way (linear interpolation and its adjoint); so three slow poles cost less than
// one fast pole. Filters of several rates: R. E. Crochiere and L. R. Rabiner, Multirate
// Digital Signal Processing, 1983.
//
// A filter that is odd has a grid for even and one for odd columns: node m of both stands at
// column kNode m.
#pragma once
#include "kernels.hpp"
#include "simd.hpp"

namespace tomostream {
namespace {

constexpr int kParts = kNode / 2;    // a column's shares are counted in 1 / kParts

TOMO_INLINE int blocks_of(int n_x) { return (n_x + kNode - 1) / kNode; }
TOMO_INLINE int nodes_of(int n_x) { return blocks_of(n_x) + 1; }
// Of all nodes of rows of n_x columns: what they get, and what they give.
TOMO_INLINE size_t grid_floats(int n_x) { return (size_t)4 * nodes_of(n_x) * kWidth; }

// What the kNode columns of a block give, by parity if there are two streams.
template <int STREAMS>
struct Shares {
  Floats sum[2], left[2];

  TOMO_INLINE_MEMBER void add(int i, Floats column) {    // in order
    sum[i & 1] += column;
    left[i & 1] += sum[i & 1];
  }
  // To the node before the block, and to the one after.
  TOMO_INLINE_MEMBER Floats before(int stream) const {
    return STREAMS == 2 ? of_before(stream) : of_before(0) + of_before(1);
  }
  TOMO_INLINE_MEMBER Floats after(int stream) const {
    return STREAMS == 2 ? of_after(stream) : of_after(0) + of_after(1);
  }

 private:
  TOMO_INLINE_MEMBER Floats of_before(int parity) const {
    return parity ? left[1] - 0.5f * sum[1] : left[0];
  }
  TOMO_INLINE_MEMBER Floats of_after(int parity) const {
    return (float)kParts * sum[parity] - of_before(parity);
  }
};

// What a block of equal columns gives.
template <int STREAMS>
TOMO_INLINE Shares<STREAMS> equal_shares(Floats column) {
  Shares<STREAMS> shares = {};
  for (int i = 0; i < kNode; i++) shares.add(i, column);
  return shares;
}

// The grids' nodes: STREAMS = 2 if the filter is odd.
template <int STREAMS>
struct Grid {
  float *got, *gives;

  TOMO_INLINE_MEMBER float* node(float* nodes, int m, int stream) const {
    return nodes + (size_t)(m * STREAMS + stream) * kWidth;
  }
};

// Run J exponentials over the nodes. Beyond the ends all columns are as the last ones.
template <int J, int STREAMS>
void filter_nodes(const Grid<STREAMS>& grid, int n_nodes, const RecursiveFilter& f, float scale,
                  Floats left, Floats right) {
  Floats pole[J], weight[J], weight_before[J];
  for (int j = 0; j < J; j++) {
    pole[j] = splat(f.slow_pole[j]);
    weight[j] = splat(f.slow_weight[j] * scale);
    weight_before[j] = weight[j] * pole[j];
  }
  const Floats direct = splat(f.slow_direct * scale);
  const float columns = (float)kNode / STREAMS * kParts;
  Floats s[STREAMS][J];
  for (int p = 0; p < STREAMS; p++)
    for (int j = 0; j < J; j++) s[p][j] = left * columns / (1.f - pole[j]);
  for (int m = 0; m < n_nodes; m++)
    for (int p = 0; p < STREAMS; p++) {
      const Floats got = load(grid.node(grid.got, m, p));
      Floats sum = got * direct;
      for (int j = 0; j < J; j++) {
        s[p][j] = s[p][j] * pole[j] + got;
        sum += s[p][j] * weight[j];
      }
      store(grid.node(grid.gives, m, p), sum);
    }
  for (int p = 0; p < STREAMS; p++)
    for (int j = 0; j < J; j++) s[p][j] = right * columns / (1.f - pole[j]);
  for (int m = n_nodes - 1; m >= 0; m--)
    for (int p = 0; p < STREAMS; p++) {
      float* gives = grid.node(grid.gives, m, p);
      Floats sum = load(gives);
      const Floats got = load(grid.node(grid.got, m, p));
      for (int j = 0; j < J; j++) {
        sum += s[p][j] * weight_before[j];
        s[p][j] = s[p][j] * pole[j] + got;
      }
      store(gives, sum);
    }
}

template <int STREAMS>
void filter_slow(const Grid<STREAMS>& grid, int n_nodes, const RecursiveFilter& f, float scale,
                 Floats left, Floats right) {
  switch (f.n_slow) {
    case 0: return filter_nodes<0>(grid, n_nodes, f, scale, left, right);
    case 1: return filter_nodes<1>(grid, n_nodes, f, scale, left, right);
    case 2: return filter_nodes<2>(grid, n_nodes, f, scale, left, right);
    case 3: return filter_nodes<3>(grid, n_nodes, f, scale, left, right);
    default: return filter_nodes<kSlowPoles>(grid, n_nodes, f, scale, left, right);
  }
}

}  // namespace
}  // namespace tomostream
