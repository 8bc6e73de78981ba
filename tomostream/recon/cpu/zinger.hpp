// Transmission images from raw frames, with zingers replaced by the median of their
// surroundings, see tomostream/recon/steps/zingers.py.
//
// A pixel p stays if (1 - t) m <= p <= (1 + t) m with the median m of its window. Three
// tests, each only for what the one before could not settle. Any part of the window that
// holds more than half of it has a minimum <= m and a maximum >= m; extremes are cheap.
// Then the values of the window on either side are counted, which is exact. Only zingers
// need the median itself.
#pragma once
#include "load.hpp"
#include "prepass_kernels.hpp"

namespace tomostream {
namespace {

// Larger ones are treated like those that are not finite: sums of them overflow.
constexpr float kMostTransmission = 1e30f;

size_t row_pitch(int n_x) { return (size_t)(n_x + 15) / 16 * 16 + 2 * kMargin; }

size_t image_scratch(int n_x) {
  return (size_t)(kPrepassRows + 2 * kMostRadius) * row_pitch(n_x);
}

TOMO_INLINE bool is_usable(float a) { return a <= kMostTransmission && a >= -kMostTransmission; }

// Interpolate unusable pixels along x; a row without any usable one reads 1.
void mend_row(float* row, int n_x) {
  for (int x = 0; x < n_x; x++) {
    if (is_usable(row[x])) continue;
    const int first = x;
    while (x < n_x && !is_usable(row[x])) x++;
    if (first == 0 && x == n_x) {
      for (int i = 0; i < n_x; i++) row[i] = 1.f;
      return;
    }
    mend(row, 1, n_x, first, x);
  }
}

// One row, mended, with its edge values in the margins. out is aligned.
template <class P>
void load_row(const P* pixels, const float* dark, const float* gain, int n_x, float* out) {
  Ints unusable = {};
  for (int x = 0; x < n_x; x += kWidth) {
    const int columns = n_x - x;
    const Floats raw = columns >= kWidth ? load_pixels(pixels + x)
                                         : load_pixels(pixels + x, columns);
    const Floats p = (raw - load(dark + x)) * load(gain + x);
    const Floats size = (Floats)((Ints)p & 0x7fffffff);
    unusable |= (Ints)(size <= kMostTransmission) ^ -1;
    store(out + x, p);
  }
  if (any(unusable)) mend_row(out, n_x);
  for (int i = 1; i <= kMargin; i++) out[-i] = out[0];
  const int end = (n_x + 15) / 16 * 16 + kMargin;
  for (int x = n_x; x < end; x++) out[x] = out[n_x - 1];
}

// The median of each lane: of any half of the values and two more, neither the least nor the
// largest can be it. Drop both, take one more value instead, and so on. w: COUNT values,
// COUNT odd, overwritten.
template <int COUNT>
Floats median(Floats* w) {
  constexpr int last = COUNT / 2 + 1;
  for (int first = 0;; first++) {
    // Pairs part the values into a half that holds the least and one that holds the largest.
    int i = first, j = last;
    for (; i < j; i++, j--) {
      const Floats a = w[i], b = w[j];
      w[i] = smaller(a, b);
      w[j] = larger(a, b);
    }
    if (first == last - 2) {
      const Floats a = larger(w[first], w[first + 1]);
      return smaller(a, w[last]);
    }
    const int low_end = i == j ? i + 1 : i;    // an odd one in the middle is in both
    Floats least = w[first], largest = w[last];
    for (int k = first + 1; k < low_end; k++) {
      const Floats a = w[k];
      w[k] = larger(a, least);
      least = smaller(a, least);
    }
    for (int k = j == i ? i : j + 1; k < last; k++) {
      const Floats a = w[k];
      w[k] = smaller(a, largest);
      largest = larger(a, largest);
    }
    w[last] = w[last + 1 + first];
  }
}

// Lanes of row[0..kWidth) that are zingers become the median of their window.
template <int R>
__attribute__((noinline)) Floats settled(const float* row, size_t pitch, Floats p, float threshold) {
  constexpr int side = 2 * R + 1, count = side * side;
  const float above = 1 + threshold, below = 1 - threshold;
  Ints low = {}, high = {};    // minus the values too small, too large for p
  for (int y = -R; y <= R; y++)
    for (int x = -R; x <= R; x++) {
      const Floats v = load_unaligned(row + (ptrdiff_t)pitch * y + x);
      low += (Ints)(v * above < p);
      high += (Ints)(v * below > p);
    }
  const Ints is_zinger = (Ints)(low < -(count / 2)) | (Ints)(high < -(count / 2));
  if (!any(is_zinger)) return p;
  Floats w[count];
  for (int y = 0; y < side; y++)
    for (int x = 0; x < side; x++)
      w[y * side + x] = load_unaligned(row + (ptrdiff_t)pitch * (y - R) + x - R);
  const Floats m = median<count>(w);
  return (Floats)(((Ints)m & is_zinger) | ((Ints)p & ~is_zinger));
}

// One column of vectors: `rows` rows. row: the first, with R more above it.
// The part of the window whose extremes are taken: 2 X + 1 columns, 2 Y + 1 rows.
template <int R, int X, int Y>
void filter_column(const float* row, size_t pitch, int rows, float threshold, float* out,
                   int n_x, int columns) {
  static_assert((2 * X + 1) * (2 * Y + 1) > (2 * R + 1) * (2 * R + 1) / 2);
  constexpr int depth = 2 * Y + 1;
  const float above = 1 + threshold, below = 1 - threshold;
  // Of the rows around the one at work, each row's at its number modulo depth: with the
  // loop unrolled they stay in registers.
  Floats least[depth], largest[depth];
  const auto take = [&](int y, int at) __attribute__((always_inline)) {
    const float* q = row + (ptrdiff_t)pitch * y;
    Floats lo = load(q), hi = lo;
#pragma GCC unroll 8
    for (int x = 1; x <= X; x++) {
      const Floats a = load_unaligned(q - x), b = load_unaligned(q + x);
      lo = smaller(smaller(lo, a), b);
      hi = larger(larger(hi, a), b);
    }
    least[at] = lo;
    largest[at] = hi;
  };
#pragma GCC unroll 8
  for (int i = 0; i < 2 * Y; i++) take(i - Y, i);
  for (int first = 0; first < rows; first += depth) {
#pragma GCC unroll 8
    for (int i = 0; i < depth; i++) {
      const int y = first + i;
      if (y >= rows) break;
      take(y + Y, (i + 2 * Y) % depth);
      Floats lo = least[0], hi = largest[0];
#pragma GCC unroll 8
      for (int j = 1; j < depth; j++) {
        lo = smaller(lo, least[j]);
        hi = larger(hi, largest[j]);
      }
      Floats p = load(row + (size_t)y * pitch);
      // For threshold > 1 the second bound falls with m.
      const Floats top = smaller(lo * above, hi * above);
      const Floats bottom = larger(lo * below, hi * below);
      if (any((Ints)(p > top) | (Ints)(p < bottom)))
        p = settled<R>(row + (size_t)y * pitch, pitch, p, threshold);
      float* q = out + (size_t)y * n_x;
      if (columns >= kWidth) store_unaligned(q, p);
      else memcpy(q, &p, sizeof(float) * (size_t)columns);
    }
  }
}

template <int R, int X, int Y>
void filter_rows(const float* rows, size_t pitch, int count, float threshold, float* out,
                 int n_x) {
  for (int x = 0; x < n_x; x += kWidth)
    filter_column<R, X, Y>(rows + x, pitch, count, threshold, out + x, n_x, n_x - x);
}

void make_image(const ImageArgs& a, const RawImage& f, int first, float* scratch) {
  const size_t pitch = row_pitch(a.n_x);
  const int count = least(kPrepassRows, a.n_z - first), radius = a.radius;
  float* rows = scratch + kMargin;    // of the first row, less the radius
  with_pixel_type(f.type, [&](auto* type) {
    using P = __typeof__(*type);
    for (int i = 0; i < count + 2 * radius; i++) {
      const int z = first + i - radius;
      float* out = rows + (size_t)i * pitch;
      // The nearest row stands beyond the edge.
      const int nearest = most(0, least(z, a.n_z - 1));
      const size_t field = (size_t)nearest * f.fields.pitch;
      load_row((const P*)f.pixels + (size_t)nearest * a.n_x, f.fields.dark + field,
               f.fields.gain + field, a.n_x, out);
    }
  });
  float* out = f.image + (size_t)first * a.n_x;
  const float* inner = rows + (size_t)radius * pitch;
  switch (radius) {
    case 2: return filter_rows<2, 2, 1>(inner, pitch, count, a.threshold, out, a.n_x);
    case 3: return filter_rows<3, 2, 2>(inner, pitch, count, a.threshold, out, a.n_x);
    case 4: return filter_rows<4, 3, 3>(inner, pitch, count, a.threshold, out, a.n_x);
    default:
      for (int z = 0; z < count; z++)
        memcpy(out + (size_t)z * a.n_x, inner + (size_t)z * pitch,
               sizeof(float) * (size_t)a.n_x);
  }
}

}  // namespace
}  // namespace tomostream
