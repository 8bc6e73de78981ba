// What the coarse grid does to an exponential, and how its weight makes up for that.
#include "slow_poles.hpp"

#include <algorithm>
#include <cmath>

namespace tomostream {
namespace {

// Of a response, relative to the filter's largest one: what the grid may add.
constexpr double kLargestError = 1.5e-5;

// The grid sees half of what comes with a period of two nodes and takes the other half for
// something else. So much is the error about: all that an exponential makes of that period.
double error_of(double weight, double rate, bool is_odd) {
  const double frequency = M_PI / kNode;
  return (is_odd ? 1 : 2) * std::abs(weight) * rate / (frequency * frequency);
}

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
  RecursiveFilter f{};    // what it has no poles for is 0
  std::copy_n(filter.tap, kTaps, f.tap);
  f.odd = filter.odd;
  double direct = 0;
  const double most = kLargestError * 2 * filter.tap[0];    // about the largest response
  // Columns from node to node, and the unit in which they give their shares.
  const double columns = filter.odd ? kNode / 2 : kNode, unit = kNode / 2;
  for (int j = 0; j < filter.n_poles; j++) {
    const double pole = filter.pole[j], weight = filter.weight[j];
    const double rate = pole > 0 ? -std::log(pole) : 0;    // a negative one is never slow
    const bool is_slow = rate > 0 && error_of(weight, rate, filter.odd) < most;
    if (!is_slow || f.n_slow == kSlowPoles) {
      f.pole[f.n_poles] = filter.pole[j];
      f.weight[f.n_poles++] = filter.weight[j];
      continue;
    }
    // Far away both are the same; and so are the sums over all columns.
    const double growths = filter.odd ? growth(rate, 0) * growth(rate, 1)
                                      : growth(rate, -1) * growth(rate, -1);
    const double coarse = weight / pole / growths, step = std::pow(pole, kNode);
    double sum = 2 * weight / (1 - (filter.odd ? pole * pole : pole));
    if (!filter.odd) {    // the grid has no hole at 0
      sum += weight / pole;
      f.tap[0] -= float(weight / pole);
    }
    direct += sum / columns - coarse * (1 + step) / (1 - step);
    f.slow_pole[f.n_slow] = float(step);
    f.slow_weight[f.n_slow++] = float(coarse / unit);
  }
  f.slow_direct = float(direct / unit);
  return f;
}

}  // namespace tomostream
