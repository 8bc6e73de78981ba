// What a transform of one size needs; see fourier.hpp.
#pragma once
#include <vector>

#include "prepass_kernels.hpp"

namespace tomostream {

class FourierPlan {
 public:
  FourierPlan() = default;
  explicit FourierPlan(int size);    // of good_size()
  // The cheapest size >= least: a product of 2, 3 and 5.
  static int good_size(int least);
  Fourier fourier() const;
  int size() const { return size_; }
  // The frequency, in rad/pixel, at each place after the transform.
  std::vector<double> frequencies() const;
  size_t bytes() const;

 private:
  int size_ = 0;
  std::vector<int> radix_;
  std::vector<std::vector<float>> twiddle_;
  std::vector<int32_t> place_;
};

}  // namespace tomostream
