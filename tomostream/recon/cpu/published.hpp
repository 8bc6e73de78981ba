// The loops of the published algorithm that our engine is timed against. Frozen: see
// tomostream/bench/published.py. Nothing else uses them.
#pragma once
#include <cstddef>
#include <cstdint>

namespace tomostream {

struct PublishedView {
  int n_z, n_x;           // frames are (n_z, n_x), slices n_x wide
  float center;
  int x, y, z;            // planes
};

struct PublishedKernels {
  const char* name;
  // out = -log((raw - dark) / (flat - dark)), transmission at least 1e-6.
  void (*minus_log_u16)(const uint16_t* raw, const float* dark, const float* flat,
                        float* out, size_t count);
  void (*minus_log_f32)(const float* raw, const float* dark, const float* flat, float* out,
                        size_t count);
  // Rows first <= row < last of the packed image Z | Y | X += the sum over `count`
  // filtered projections (count, n_z, n_x).
  void (*backproject)(const PublishedView&, const float* filtered, const float* cos_sin,
                      int count, float* packed, int first, int last);
};

extern const PublishedKernels published_baseline, published_avx2, published_avx512;

}  // namespace tomostream
