// The recursive FBP filter: sums of exponentials run forward and backward along the columns,
// kWidth rows at a time. Exact linear convolution, no padding, O(n).
#pragma once
#include "kernels.hpp"
#include "simd.hpp"

namespace tomostream {
namespace {

// t: (n_x, kWidth) with kEdge columns before and after it, which this function fills with
// the row's edge values; y: (n_x, kWidth); out: columns kRows apart. upcoming: a tile that
// will be needed soon and is fetched meanwhile.
template <int J, bool ODD, class S>
void filter_poles(float* t, float* y, S* out, const S* upcoming, int n_x,
                  const RecursiveFilter& f) {
  Floats pole[J], weight[J], state[2][J], tap[kTaps];
  for (int j = 0; j < J; j++) {
    pole[j] = splat(ODD ? f.pole[j] * f.pole[j] : f.pole[j]);
    weight[j] = splat(f.weight[j]);
  }
  for (int q = 0; q < kTaps; q++) tap[q] = splat(f.tap[q]);
  const Floats left = load(t), right = load(t + (ptrdiff_t)(n_x - 1) * kWidth);
  for (int i = 1; i <= kEdge; i++) {
    store(t - i * kWidth, left);
    store(t + (ptrdiff_t)(n_x - 1 + i) * kWidth, right);
  }
  // The state that a constant row would have had for ever: an object wider than the field
  // of view continues with its edge value.
  const auto settle = [&](Floats edge) __attribute__((always_inline)) {
    for (int j = 0; j < J; j++) state[0][j] = state[1][j] = edge / (1.f - pole[j]);
  };
  Floats before;
  // state <- pole state + the column before. If odd, even and odd columns have their own.
  const auto step = [&](Floats* s, Floats sum) __attribute__((always_inline)) {
    Floats other = {};
    for (int j = 0; j < J; j++) {
      s[j] = s[j] * pole[j] + before;
      if (j == 0) other = s[0] * weight[0];
      else if (j & 1) sum += s[j] * weight[j];
      else other += s[j] * weight[j];
    }
    return sum + other;
  };
  const auto forward = [&](int x, Floats* s) __attribute__((always_inline)) {
    const float* p = t + (ptrdiff_t)x * kWidth;
    const Floats here = load(p);
    Floats sum = here * tap[0];
    for (int q = 1; q < kTaps; q++) {
      const int k = (ODD ? 2 * q - 1 : q) * kWidth;
      sum += (load(p - k) + load(p + k)) * tap[q];
    }
    store(y + (ptrdiff_t)x * kWidth, step(s, sum));
    before = here;
  };
  const auto backward = [&](int x, Floats* s) __attribute__((always_inline)) {
    __builtin_prefetch(upcoming + (ptrdiff_t)x * kRows, 0, 2);
    store(out + (ptrdiff_t)x * kRows, step(s, load(y + (ptrdiff_t)x * kWidth)));
    before = load(t + (ptrdiff_t)x * kWidth);
  };
  // settle() gives the state before the edge column; step() then advances it, so start
  // with the value one column outside.
  settle(left);
  before = left;
  int x = 0;
  for (; x + 1 < n_x; x += 2) {
    forward(x, state[0]);
    forward(x + 1, state[ODD]);
  }
  if (x < n_x) forward(x, state[0]);
  settle(right);
  before = right;
  for (x = n_x - 1; x > 0; x -= 2) {
    backward(x, state[0]);
    backward(x - 1, state[ODD]);
  }
  if (x == 0) backward(0, state[0]);
}

template <bool ODD, class S>
void filter_recursive(float* t, float* y, S* out, const S* upcoming, int n_x,
                      const RecursiveFilter& f) {
  if (f.n_poles <= 6) filter_poles<6, ODD>(t, y, out, upcoming, n_x, f);
  else if (f.n_poles == 7) filter_poles<7, ODD>(t, y, out, upcoming, n_x, f);
  else filter_poles<8, ODD>(t, y, out, upcoming, n_x, f);
}

}  // namespace
}  // namespace tomostream
