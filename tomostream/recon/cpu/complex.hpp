// Complex numbers of which every part is a vector: the scalar of a lane-wise transform.
#pragma once
#include "simd.hpp"

namespace tomostream {
namespace {

struct Complex {
  Floats re, im;
};
TOMO_INLINE Complex operator+(Complex a, Complex b) { return {a.re + b.re, a.im + b.im}; }
TOMO_INLINE Complex operator-(Complex a, Complex b) { return {a.re - b.re, a.im - b.im}; }
TOMO_INLINE Complex operator*(Complex a, float b) { return {a.re * b, a.im * b}; }
TOMO_INLINE Complex times_i(Complex a) { return {-a.im, a.re}; }
TOMO_INLINE Complex turned(Complex a, const float* w) {    // a * (w0 + i w1)
  return {a.re * w[0] - a.im * w[1], a.re * w[1] + a.im * w[0]};
}
TOMO_INLINE Complex turned_back(Complex a, const float* w) {    // a * (w0 - i w1)
  return {a.re * w[0] + a.im * w[1], a.im * w[0] - a.re * w[1]};
}
TOMO_INLINE Complex load_complex(const float* p) { return {load(p), load(p + kWidth)}; }
TOMO_INLINE void store_complex(float* p, Complex a) {
  store(p, a.re);
  store(p + kWidth, a.im);
}

}  // namespace
}  // namespace tomostream
