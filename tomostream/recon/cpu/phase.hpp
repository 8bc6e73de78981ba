// Paganin's filter 1 / (1 + strength k^2), see prepass_kernels.hpp and
// tomostream/recon/steps/phase.py.
//
// Along z two real columns are transformed as the real and the imaginary part of one
// complex one; only columns of the frame are, those of the padding equal its edges. Along x
// the frequencies along z that a real frame needs are transformed, kWidth of them at once.
#pragma once
#include "fourier.hpp"

namespace tomostream {
namespace {

constexpr int kColumns = 2 * kWidth;    // of a group

int phase_groups(int n_x) { return (n_x + kColumns - 1) / kColumns; }
int phase_blocks(int z_size) { return (z_size / 2 + kWidth) / kWidth; }

size_t phase_scratch(int z_size, int x_size) {
  return (size_t)most(z_size, x_size) * kComplex;
}

size_t phase_spectrum(int n_x, int z_size) {
  return (size_t)phase_blocks(z_size) * phase_groups(n_x) * kColumns * kComplex;
}

// Numbers count.. up to size continue the last one, then the first: the axis is a circle.
TOMO_INLINE void extend(float* data, int count, int size) {
  const Complex first = load_complex(data);
  const Complex last = load_complex(data + (size_t)(count - 1) * kComplex);
  const int middle = count + (size - count) / 2;
  for (int i = count; i < size; i++)
    store_complex(data + (size_t)i * kComplex, i < middle ? last : first);
}

TOMO_INLINE float* spectrum_at(const PhaseArgs& a, int block, int column) {
  const int columns = phase_groups(a.n_x) * kColumns;
  return a.spectrum + ((size_t)block * columns + column) * kComplex;
}

// Where frequency `lane` of a block stands, and its negative.
struct Places {
  int plus, minus;
};
TOMO_INLINE Places places(const Fourier& f, int block, int lane) {
  const int k = least(block * kWidth + lane, f.size / 2);
  return {f.place[k] * (int)kComplex, f.place[k ? f.size - k : 0] * (int)kComplex};
}

TOMO_INLINE Floats load_columns(const float* row, int columns) {
  if (columns >= kWidth) return load_unaligned(row);
  return columns > 0 ? load_pixels(row, columns) : (Floats){};
}

void phase_columns(const PhaseArgs& a, int group, float* data) {
  const int x = group * kColumns, columns = a.n_x - x;
  for (int z = 0; z < a.n_z; z++) {
    const float* row = a.image + (size_t)z * a.n_x + x;
    const Floats re = load_columns(row, columns);
    const Floats im = load_columns(row + kWidth, columns - kWidth);
    store_complex(data + (size_t)z * kComplex, {re, im});
  }
  extend(data, a.n_z, a.z.size);
  transform_forward(data, a.z);
  const int blocks = phase_blocks(a.z.size);
  for (int block = 0; block < blocks; block++) {
    // Two times the spectra of the columns of the real and of the imaginary part.
    Floats parts[4][kWidth];
    for (int lane = 0; lane < kWidth; lane++) {
      const Places at = places(a.z, block, lane);
      const Complex p = load_complex(data + at.plus), m = load_complex(data + at.minus);
      parts[0][lane] = p.re + m.re;
      parts[1][lane] = p.im - m.im;
      parts[2][lane] = p.im + m.im;
      parts[3][lane] = m.re - p.re;
    }
    for (Floats(&part)[kWidth] : parts) transpose(part);
    float* out = spectrum_at(a, block, x);
    for (int i = 0; i < kWidth; i++) {
      store_complex(out + (size_t)i * kComplex, {parts[0][i], parts[1][i]});
      store_complex(out + (size_t)(kWidth + i) * kComplex, {parts[2][i], parts[3][i]});
    }
  }
}

void phase_rows(const PhaseArgs& a, int block, float* data) {
  float* row = spectrum_at(a, block, 0);
  const size_t bytes = sizeof(float) * kComplex * (size_t)a.n_x;
  memcpy(data, row, bytes);
  extend(data, a.n_x, a.x.size);
  transform_forward(data, a.x);
  const Floats z_term = load(a.z_term + (size_t)block * kWidth);
  for (int i = 0; i < a.x.size; i++) {
    float* p = data + (size_t)i * kComplex;
    const Floats factor = splat(a.scale) / (z_term + a.x_term[i]);
    const Complex c = load_complex(p);
    store_complex(p, {c.re * factor, c.im * factor});
  }
  transform_backward(data, a.x);
  memcpy(row, data, bytes);
}

TOMO_INLINE void store_columns(float* row, Floats a, int columns) {
  if (columns >= kWidth) store_unaligned(row, a);
  else if (columns > 0) memcpy(row, &a, sizeof(float) * (size_t)columns);
}

void phase_columns_back(const PhaseArgs& a, int group, float* data) {
  const int x = group * kColumns, columns = a.n_x - x;
  const int blocks = phase_blocks(a.z.size);
  for (int block = 0; block < blocks; block++) {
    const float* in = spectrum_at(a, block, x);
    Floats parts[4][kWidth];
    for (int i = 0; i < kWidth; i++) {
      const Complex even = load_complex(in + (size_t)i * kComplex);
      const Complex odd = load_complex(in + (size_t)(kWidth + i) * kComplex);
      parts[0][i] = even.re;
      parts[1][i] = even.im;
      parts[2][i] = odd.re;
      parts[3][i] = odd.im;
    }
    for (Floats(&part)[kWidth] : parts) transpose(part);
    for (int lane = 0; lane < kWidth; lane++) {
      const Places at = places(a.z, block, lane);
      const Complex e = {parts[0][lane], parts[1][lane]};
      const Complex o = {parts[2][lane], parts[3][lane]};
      store_complex(data + at.plus, {e.re - o.im, e.im + o.re});
      store_complex(data + at.minus, {e.re + o.im, o.re - e.im});
    }
  }
  transform_backward(data, a.z);
  for (int z = 0; z < a.n_z; z++) {
    float* row = a.image + (size_t)z * a.n_x + x;
    const Complex c = load_complex(data + (size_t)z * kComplex);
    store_columns(row, c.re, columns);
    store_columns(row + kWidth, c.im, columns - kWidth);
  }
}

}  // namespace
}  // namespace tomostream
