// The published algorithm's loops, compiled once per instruction set like our kernels.
// No weak symbols here either: see simd.hpp.
#include "published.hpp"

#include "simd.hpp"

namespace tomostream {
namespace {

template <class P>
void minus_log(const P* raw, const float* dark, const float* flat, float* out,
               size_t count) {
  const Floats smallest = splat(1e-6f);
  for (size_t i = 0; i < count; i += kWidth) {
    const int lanes = count - i < (size_t)kWidth ? (int)(count - i) : kWidth;
    const bool whole = lanes == kWidth;
    const Floats counts = whole ? load_pixels(raw + i) : load_pixels(raw + i, lanes);
    const Floats d = whole ? load_pixels(dark + i) : load_pixels(dark + i, lanes);
    const Floats f = whole ? load_pixels(flat + i) : load_pixels(flat + i, lanes);
    const Floats transmission = (counts - d) / larger(f - d, smallest);
    const Floats lines = minus_log(larger(transmission, smallest));
    if (whole) store_unaligned(out + i, lines);
    else memcpy(out + i, &lines, sizeof(float) * (size_t)lanes);
  }
}

// One line of a slice: for each pixel the sum over the projections, as published: the
// position is rounded, not cut, before the interpolation, whose weight is divided by the
// width, so that the nearest sample is taken in effect. start, step: position on the
// detector of pixel 0 and from pixel to pixel.
struct Line {
  const float* rows;    // of projection 0
  size_t pitch;         // from one projection's row to the next
  const float* cos_sin;
  int n, count;
};

template <class Position>
TOMO_INLINE void add_line(const Line& a, float* out, Position position) {
  const float per_width = 1.f / (float)a.n;
  for (int i = 0; i < a.n; i++) {
    float sum = 0;
    for (int k = 0; k < a.count; k++) {
      const float s = position(i, a.cos_sin[2 * k], a.cos_sin[2 * k + 1]);
      const int nearest = (int)(s + (s < 0 ? -0.5f : 0.5f));
      if (nearest < 0 || nearest >= a.n - 1) continue;
      const float* p = a.rows + (size_t)k * a.pitch + nearest;
      sum += p[0] + (p[1] - p[0]) * ((s - (float)nearest) * per_width);
    }
    out[i] += sum;
  }
}

void backproject(const PublishedView& v, const float* filtered, const float* cos_sin,
                 int count, float* packed, int first, int last) {
  const int n = v.n_x, half = n / 2;
  const size_t pitch = (size_t)v.n_z * n;
  for (int row = first; row < last; row++) {
    float* out = packed + (size_t)row * 3 * n;
    if (row < n) {
      const Line line{filtered + (size_t)v.z * n, pitch, cos_sin, n, count};
      const float y = (float)(row - half);
      add_line(line, out, [&](int i, float c, float s) __attribute__((always_inline)) {
        return (float)(i - half) * c - y * s + v.center;
      });
    }
    if (row >= v.n_z) continue;
    const Line line{filtered + (size_t)row * n, pitch, cos_sin, n, count};
    const float y = (float)(v.y - half), x = (float)(v.x - half);
    add_line(line, out + n, [&](int i, float c, float s) __attribute__((always_inline)) {
      return (float)(i - half) * c - y * s + v.center;
    });
    add_line(line, out + 2 * n, [&](int i, float c, float s) __attribute__((always_inline)) {
      return x * c - (float)(i - half) * s + v.center;
    });
  }
}

}  // namespace

#define TOMO_PASTE_(a, b) a##b
#define TOMO_PASTE(a, b) TOMO_PASTE_(a, b)
#define TOMO_QUOTE_(a) #a
#define TOMO_QUOTE(a) TOMO_QUOTE_(a)
const PublishedKernels TOMO_PASTE(published_, TOMO_ISA) = {
    TOMO_QUOTE(TOMO_ISA), minus_log<uint16_t>, minus_log<float>, backproject};

}  // namespace tomostream
