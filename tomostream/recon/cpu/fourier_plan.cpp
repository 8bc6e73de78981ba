#include "fourier_plan.hpp"

#include <algorithm>
#include <cmath>

namespace tomostream {
namespace {

// Fours first: the first passes are those that miss the nearest cache. Empty: a prime
// factor above 5.
std::vector<int> radices(int size) {
  std::vector<int> found;
  for (const int radix : {4, 5, 3, 2})
    for (; size % radix == 0; size /= radix) found.push_back(radix);
  if (size > 1) found.clear();
  return found;
}

}  // namespace

int FourierPlan::good_size(int least) {
  int best = 0;
  double cost = 0;
  // A power of two is at most twice as large.
  for (int size = std::max(least, 2); size <= 2 * std::max(least, 2); size++) {
    const std::vector<int> passes = radices(size);
    if (passes.empty()) continue;
    // Each pass moves everything once; larger radices compute a little more.
    double passes_cost = 2;
    for (const int radix : passes) passes_cost += radix == 5 ? 1.4 : radix == 2 ? 0.8 : 1;
    if (best && size * passes_cost >= cost) continue;
    best = size;
    cost = size * passes_cost;
  }
  return best;
}

FourierPlan::FourierPlan(int size) : size_(size), radix_(radices(size)) {
  int block = size;
  for (const int radix : radix_) {
    const int part = block / radix;
    std::vector<float> table;
    for (int j = 0; j < part; j++)
      for (int i = 1; i < radix; i++) {
        const double angle = 2 * M_PI * i * j / block;
        table.push_back(static_cast<float>(std::cos(angle)));
        table.push_back(static_cast<float>(-std::sin(angle)));
      }
    twiddle_.push_back(std::move(table));
    block = part;
  }
  for (int frequency = 0; frequency < size; frequency++) {
    int place = 0, rest = frequency, part = size;
    for (const int radix : radix_) {
      part /= radix;
      place += rest % radix * part;
      rest /= radix;
    }
    place_.push_back(place);
  }
}

Fourier FourierPlan::fourier() const {
  Fourier f{};
  f.size = size_;
  f.passes = static_cast<int>(radix_.size());
  for (int i = 0; i < f.passes; i++) {
    f.radix[i] = radix_[static_cast<size_t>(i)];
    f.twiddle[i] = twiddle_[static_cast<size_t>(i)].data();
  }
  f.place = place_.data();
  return f;
}

std::vector<double> FourierPlan::frequencies() const {
  std::vector<double> k(place_.size());
  for (int i = 0; i < size_; i++)
    k[static_cast<size_t>(place_[static_cast<size_t>(i)])] =
        2 * M_PI * (i <= size_ / 2 ? i : i - size_) / size_;
  return k;
}

size_t FourierPlan::bytes() const {
  size_t bytes = place_.size() * sizeof(int32_t);
  for (const auto& table : twiddle_) bytes += table.size() * sizeof(float);
  return bytes;
}

}  // namespace tomostream
