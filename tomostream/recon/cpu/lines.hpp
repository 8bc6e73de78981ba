// Line integrals of a frame, ready for the filter.
#pragma once
#include "kernels.hpp"
#include "load.hpp"
#include "simd.hpp"

namespace tomostream {
namespace {

// kWidth rows from row h of a band on, n_x columns `stride` apart.
//
// Beam hardening: Herman, Phys. Med. Biol. 24 (1979) 81, doi:10.1088/0031-9155/24/1/008.
void finish_lines(const LineSteps& s, float offset, int n_x, int band, int h, float* t,
                  int stride) {
  const size_t strip = (size_t)(band * kRows + h) * n_x;
  const LineSteps steps = s;    // a copy: the compiler must know that no store changes it
  for (int x = 0; x < n_x; x++) {
    float* p = t + (ptrdiff_t)x * stride;
    const size_t o = strip + (size_t)x * kWidth;
    Floats line = load(p) + offset;
    line += line * line * (steps.hardening_2 + line * steps.hardening_3);
    if (steps.sum) store(steps.sum + o, load(steps.sum + o) + line);
    if (steps.correction) line -= load(steps.correction + o);
    if (steps.weight) line *= splat(steps.weight[x]);
    store(p, line);
  }
}

// Rows h..h+kWidth-1 of frame k of a band, n_ring columns.
template <class P>
void load_lines(const PushArgs& a, int k, int band, int h, float* t, int stride) {
  const Frame &f = a.frames[k], &next = a.frames[least(k + 1, a.count - 1)];
  float* first = t + (ptrdiff_t)a.pad_x * stride;
  load_band_rows<P>(f, next, a.n_x, a.n_z, band, h, first, stride);
  if (a.lines) finish_lines(*a.lines, f.offset, a.n_x, band, h, first, stride);
  const Floats nothing = {};
  for (int x = 0; x < a.pad_x; x++) store(t + (ptrdiff_t)x * stride, nothing);
  for (int x = a.pad_x + a.n_x; x < a.n_ring; x++) store(t + (ptrdiff_t)x * stride, nothing);
}

}  // namespace
}  // namespace tomostream
