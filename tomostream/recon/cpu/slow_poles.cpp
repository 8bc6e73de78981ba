// What the coarse grid does to an exponential, and how its weight makes up for that.
#include "slow_poles.hpp"

#include <cmath>

namespace tomostream {
namespace {

// Slower than this per column, an exponential is smooth enough between nodes: the error of
// the filter's response stays below 2e-5 of its largest value.
constexpr double kSlowest = 0.02;

// How much larger an exponential exp(-rate k) is on average, seen through the weights with
// which columns of a parity (-1: all) share in a node.
double growth(double rate, int parity) {
  double sum = 0;
  int count = 0;
  for (int k = 1 - kNode; k < kNode; k++) {
    if (parity >= 0 && (k & 1) != parity) continue;
    sum += (1 - std::abs(k) / double(kNode)) * std::cosh(rate * k);
  }
  for (int k = 0; k < kNode; k++) count += parity < 0 || (k & 1) == parity;
  return sum / count;
}

}  // namespace

RecursiveFilter with_slow_poles(const RecursiveFilter& filter) {
  RecursiveFilter f = filter;
  f.n_poles = f.n_slow = 0;
  double direct = 0;
  // Columns from node to node, and the unit in which they give their shares.
  const double columns = filter.odd ? kNode / 2 : kNode, unit = kNode / 2;
  for (int j = 0; j < filter.n_poles; j++) {
    const double pole = filter.pole[j], weight = filter.weight[j];
    const double rate = pole > 0 ? -std::log(pole) : 1;
    if (rate > kSlowest || f.n_slow == kSlowPoles) {
      f.pole[f.n_poles] = filter.pole[j];
      f.weight[f.n_poles++] = filter.weight[j];
      continue;
    }
    // Far away both are the same; and so are the sums over all columns.
    const double growths = filter.odd ? growth(rate, 0) * growth(rate, 1)
                                      : growth(rate, -1) * growth(rate, -1);
    const double coarse = weight / pole / growths, step = std::pow(pole, kNode);
    const double sum = 2 * weight / (1 - (filter.odd ? pole * pole : pole));
    direct += sum / columns - coarse * (1 + step) / (1 - step);
    f.slow_pole[f.n_slow] = float(step);
    f.slow_weight[f.n_slow++] = float(coarse / unit);
  }
  f.slow_direct = float(direct / unit);
  return f;
}

}  // namespace tomostream
