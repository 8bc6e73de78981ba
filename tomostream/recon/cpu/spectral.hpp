// The FBP filter by FFT, for kernels that exponentials do not fit. Every scalar of the
// transform is a vector of kWidth rows; another kWidth rows are its imaginary part, which
// works because the filter's response is real.
#pragma once
#include "complex.hpp"
#include "kernels.hpp"
#include "recursive.hpp"

namespace tomostream {
namespace {

// Two radix-2 stages in one pass, decimation in frequency: natural -> bit-reversed order.
void transform(float* data, const SpectralFilter& f) {
  constexpr size_t C = 2 * kWidth;
  const int size = f.size;
  int length = size;
  for (; length >= 4; length /= 4) {
    const int quarter = length / 4, stride = size / length;
    for (int block = 0; block < size; block += length)
      for (int j = 0; j < quarter; j++) {
        float* p = data + (size_t)(block + j) * C;
        const size_t q = (size_t)quarter * C;
        const float* w = f.twiddle + (size_t)2 * j * stride;
        const Complex a0 = load_complex(p), a1 = load_complex(p + q);
        const Complex a2 = load_complex(p + 2 * q), a3 = load_complex(p + 3 * q);
        const Complex s02 = a0 + a2, s13 = a1 + a3, d02 = a0 - a2;
        const Complex d13 = times_i(a1 - a3);
        store_complex(p, s02 + s13);
        store_complex(p + q, turned(s02 - s13, f.twiddle + (size_t)4 * j * stride));
        store_complex(p + 2 * q, turned(d02 - d13, w));
        store_complex(p + 3 * q, turned(d02 + d13, f.twiddle + (size_t)6 * j * stride));
      }
  }
  if (length == 2)
    for (int i = 0; i < size; i += 2) {
      float* p = data + (size_t)i * C;
      const Complex a = load_complex(p), b = load_complex(p + C);
      store_complex(p, a + b);
      store_complex(p + C, a - b);
    }
}

// The mirror image of transform(): bit-reversed -> natural order, times size.
void transform_back(float* data, const SpectralFilter& f) {
  constexpr size_t C = 2 * kWidth;
  const int size = f.size;
  int length = 4;
  if (__builtin_ctz((unsigned)size) & 1) {
    length = 8;
    for (int i = 0; i < size; i += 2) {
      float* p = data + (size_t)i * C;
      const Complex a = load_complex(p), b = load_complex(p + C);
      store_complex(p, a + b);
      store_complex(p + C, a - b);
    }
  }
  for (; length <= size; length *= 4) {
    const int quarter = length / 4, stride = size / length;
    for (int block = 0; block < size; block += length)
      for (int j = 0; j < quarter; j++) {
        float* p = data + (size_t)(block + j) * C;
        const size_t q = (size_t)quarter * C;
        const float* w = f.twiddle + (size_t)2 * j * stride;
        const Complex c0 = load_complex(p);
        const Complex d1 = turned_back(load_complex(p + q),
                                       f.twiddle + (size_t)4 * j * stride);
        const Complex d2 = turned_back(load_complex(p + 2 * q), w);
        const Complex d3 = turned_back(load_complex(p + 3 * q),
                                       f.twiddle + (size_t)6 * j * stride);
        const Complex s01 = c0 + d1, d01 = c0 - d1, s23 = d2 + d3;
        const Complex d23 = times_i(d2 - d3);
        store_complex(p, s01 + s23);
        store_complex(p + q, d01 + d23);
        store_complex(p + 2 * q, s01 - s23);
        store_complex(p + 3 * q, d01 - d23);
      }
  }
}

// data: (size, 2, kWidth), columns n_x.. are overwritten; first: rows from the real parts,
// second: from the imaginary parts. Returns the words' largest magnitudes.
Words filter_spectral(float* data, const FilteredRows& first, const FilteredRows& second,
                      int n_x, const SpectralFilter& f) {
  constexpr size_t C = 2 * kWidth;
  const Complex left = load_complex(data);
  const Complex right = load_complex(data + (size_t)(n_x - 1) * C);
  memset(data + (size_t)n_x * C, 0, sizeof(float) * C * (size_t)(f.size - n_x));
  transform(data, f);
  for (int i = 0; i < f.size; i++) {
    float* p = data + (size_t)i * C;
    const Complex a = load_complex(p);
    store_complex(p, {a.re * f.response[i], a.im * f.response[i]});
  }
  transform_back(data, f);
  Words largest = {};
  // The row continues for ever with its edge values; their share has a closed form.
  for (int x = 0; x < n_x; x++) {
    if (x % kNode == 0)
      for (int block = x / kNode; block < 2 * blocks_of(n_x); block += blocks_of(n_x)) {
        first.fetch_old(block);
        second.fetch_old(block);
      }
    const float from_left = f.tail[x], from_right = f.tail[n_x - 1 - x];
    const Complex a = load_complex(data + (size_t)x * C);
    const Floats re = a.re + left.re * from_left + right.re * from_right;
    const Floats im = a.im + left.im * from_left + right.im * from_right;
    first.put(x, re * first.scale, largest);
    second.put(x, im * second.scale, largest);
  }
  return largest;
}

}  // namespace
}  // namespace tomostream
