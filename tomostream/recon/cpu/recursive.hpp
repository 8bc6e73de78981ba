// The recursive FBP filter: sums of exponentials run forward and backward along the columns,
// kWidth rows at a time. Exact linear convolution, no padding, O(n).
#pragma once
#include "kernels.hpp"
#include "simd.hpp"
#include "words.hpp"

namespace tomostream {
namespace {

// Where kWidth filtered rows go, column by column.
struct FilteredRows {
  float scale;            // that they are multiplied with
  float* lines;
  size_t pitch;           // of lines, from column to column
  const char* old;        // columns of the tile that will be replaced, fetched meanwhile
  size_t old_pitch;
  const float* before;    // lines of the kWidth rows before these,
  Word* words;            // and a tile's columns that take both, rounded; or null

  TOMO_INLINE_MEMBER float* line(int x) const { return lines + (size_t)x * pitch; }
  // Returns the bits that the words need, as those of numbers without sign.
  TOMO_INLINE_MEMBER Ints put(int x, Floats filtered) const {
    __builtin_prefetch(old + (size_t)x * old_pitch, 0, 2);
    store(line(x), filtered);
    if (!words) return Ints{};
    const Ints first = rounded(load(before + (size_t)x * pitch)), second = rounded(filtered);
    *(Words*)(words + (size_t)x * kRows) = pack(first, second);
    return bits_of(first) | bits_of(second);
  }
};

// With few registers, odd and even columns go one after the other: the states and poles of
// one kind fit into 16. With many, the columns are read once for both.
constexpr bool kTogether = TOMO_VECTOR_BYTES == 64;

// t: (n_x, kWidth) with kEdge columns before and after it, which this function fills with
// the row's edge values. Returns the bits that the words need.
template <int J, bool ODD>
Ints filter_poles(float* t, const FilteredRows& out, int n_x, const RecursiveFilter& f) {
  Floats pole[J], weight[J], tap[kTaps];
  for (int j = 0; j < J; j++) {
    pole[j] = splat(ODD ? f.pole[j] * f.pole[j] : f.pole[j]);
    weight[j] = splat(f.weight[j] * out.scale);
  }
  for (int q = 0; q < kTaps; q++) tap[q] = splat(f.tap[q] * out.scale);
  const Floats left = load(t), right = load(t + (ptrdiff_t)(n_x - 1) * kWidth);
  for (int i = 1; i <= kEdge; i++) {
    store(t - i * kWidth, left);
    store(t + (ptrdiff_t)(n_x - 1 + i) * kWidth, right);
  }
  const auto column = [&](int x) __attribute__((always_inline)) {
    return t + (ptrdiff_t)x * kWidth;
  };
  // The state that a constant row would have had for ever: an object wider than the field
  // of view continues with its edge value.
  const auto settle = [&](Floats* s, Floats edge) __attribute__((always_inline)) {
    for (int j = 0; j < J; j++) s[j] = edge / (1.f - pole[j]);
  };
  // state <- pole state + the column before.
  const auto step = [&](Floats* s, Floats before, Floats sum) __attribute__((always_inline)) {
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
    const float* p = column(x);
    Floats sum = load(p) * tap[0];
    for (int q = 1; q < kTaps; q++) {
      const int k = (ODD ? 2 * q - 1 : q) * kWidth;
      sum += (load(p - k) + load(p + k)) * tap[q];
    }
    store(out.line(x), step(s, load(p - kWidth), sum));
  };
  Ints bits = {};
  const auto backward = [&](int x, Floats* s) __attribute__((always_inline)) {
    const Floats so_far = load(out.line(x));
    bits |= out.put(x, step(s, load(column(x + 1)), so_far));
  };
  // If odd, even and odd columns have a state each.
  Floats one[J], two[J];
  if (kTogether || !ODD) {
    settle(one, left);
    settle(two, left);
    int x = 0;
    for (; x + 1 < n_x; x += 2) {
      forward(x, one);
      forward(x + 1, ODD ? two : one);
    }
    if (x < n_x) forward(x, one);
    settle(one, right);
    settle(two, right);
    for (x = n_x - 1; x > 0; x -= 2) {
      backward(x, one);
      backward(x - 1, ODD ? two : one);
    }
    if (x == 0) backward(0, one);
    return bits;
  }
  for (int first = 0; first < 2; first++) {
    settle(one, left);
    for (int x = first; x < n_x; x += 2) forward(x, one);
  }
  for (int first = 0; first < 2; first++) {
    settle(one, right);
    for (int x = n_x - 1 - first; x >= 0; x -= 2) backward(x, one);
  }
  return bits;
}

template <bool ODD>
Ints filter_recursive(float* t, const FilteredRows& out, int n_x, const RecursiveFilter& f) {
  static_assert(kEdge > (ODD ? 2 * (kTaps - 1) - 1 : kTaps - 1));
  if (f.n_poles <= 5) return filter_poles<5, ODD>(t, out, n_x, f);
  if (f.n_poles == 6) return filter_poles<6, ODD>(t, out, n_x, f);
  if (f.n_poles == 7) return filter_poles<7, ODD>(t, out, n_x, f);
  return filter_poles<8, ODD>(t, out, n_x, f);
}

}  // namespace
}  // namespace tomostream
