// Mixed-radix transforms of kWidth lanes at once. Data: (size, 2, kWidth). Forward by
// decimation in frequency, which leaves the digits of a frequency's index reversed; back by
// its mirror image. Blocks that fit the nearest cache are finished before the next begins.
#pragma once
#include "complex.hpp"
#include "prepass_kernels.hpp"

namespace tomostream {
namespace {

constexpr size_t kComplex = 2 * kWidth;    // floats of a complex vector
constexpr int kNearBlock = 20480 / (int)(sizeof(float) * kComplex);

// Discrete transform of R numbers; kBack: with the opposite sign, unscaled.
template <int R, bool kBack>
TOMO_INLINE void dft(Complex* a) {
  const auto turn = [](Complex c) __attribute__((always_inline)) {    // by -i; back: by i
    return kBack ? times_i(c) : Complex{c.im, -c.re};
  };
  if constexpr (R == 2) {
    const Complex s = a[0] + a[1];
    a[1] = a[0] - a[1];
    a[0] = s;
  } else if constexpr (R == 3) {
    const Complex s = a[1] + a[2], d = turn((a[1] - a[2]) * 0.866025403784f);
    const Complex m = a[0] - s * 0.5f;
    a[0] = a[0] + s;
    a[1] = m + d;
    a[2] = m - d;
  } else if constexpr (R == 4) {
    const Complex s02 = a[0] + a[2], d02 = a[0] - a[2], s13 = a[1] + a[3];
    const Complex d13 = turn(a[1] - a[3]);
    a[0] = s02 + s13;
    a[1] = d02 + d13;
    a[2] = s02 - s13;
    a[3] = d02 - d13;
  } else {
    static_assert(R == 5);
    constexpr float c1 = 0.309016994375f, c2 = -0.809016994375f;
    constexpr float s1 = 0.951056516295f, s2 = 0.587785252292f;
    const Complex p = a[1] + a[4], q = a[2] + a[3], u = a[1] - a[4], v = a[2] - a[3];
    const Complex m1 = a[0] + p * c1 + q * c2, m2 = a[0] + p * c2 + q * c1;
    const Complex d1 = turn(u * s1 + v * s2), d2 = turn(u * s2 - v * s1);
    a[0] = a[0] + p + q;
    a[1] = m1 + d1;
    a[2] = m2 + d2;
    a[3] = m2 - d2;
    a[4] = m1 - d1;
  }
}

// One pass over `blocks` neighbouring blocks of R * part numbers.
template <int R, bool kBack>
void pass(float* data, int blocks, int part, const float* twiddle) {
  for (int b = 0; b < blocks; b++)
    for (int j = 0; j < part; j++) {
      float* p = data + ((size_t)b * R * part + j) * kComplex;
      const float* w = twiddle + (size_t)j * (R - 1) * 2;
      const size_t step = (size_t)part * kComplex;
      Complex a[R];
#pragma GCC unroll 5
      for (int i = 0; i < R; i++) {
        a[i] = load_complex(p + i * step);
        if (kBack && i) a[i] = turned_back(a[i], w + 2 * (i - 1));
      }
      dft<R, kBack>(a);
#pragma GCC unroll 5
      for (int i = 0; i < R; i++)
        store_complex(p + i * step, kBack || !i ? a[i] : turned(a[i], w + 2 * (i - 1)));
    }
}

template <bool kBack>
void run_pass(float* data, int blocks, int length, const Fourier& f, int number) {
  const int radix = f.radix[number], part = length / radix;
  const float* twiddle = f.twiddle[number];
  switch (radix) {
    case 2: return pass<2, kBack>(data, blocks, part, twiddle);
    case 3: return pass<3, kBack>(data, blocks, part, twiddle);
    case 4: return pass<4, kBack>(data, blocks, part, twiddle);
    default: return pass<5, kBack>(data, blocks, part, twiddle);
  }
}

// Passes number.. over `blocks` blocks of this length.
template <bool kBack>
void transform_blocks(float* data, int blocks, int length, const Fourier& f, int number) {
  if (number == f.passes) return;
  const int radix = f.radix[number], part = length / radix;
  if (!kBack) run_pass<kBack>(data, blocks, length, f, number);
  if (length <= kNearBlock) {
    transform_blocks<kBack>(data, blocks * radix, part, f, number + 1);
  } else {
    for (int i = 0; i < blocks * radix; i++)
      transform_blocks<kBack>(data + (size_t)i * part * kComplex, 1, part, f, number + 1);
  }
  if (kBack) run_pass<kBack>(data, blocks, length, f, number);
}

void transform_forward(float* data, const Fourier& f) {
  transform_blocks<false>(data, 1, f.size, f, 0);
}

void transform_backward(float* data, const Fourier& f) {    // times size
  transform_blocks<true>(data, 1, f.size, f, 0);
}

}  // namespace
}  // namespace tomostream
