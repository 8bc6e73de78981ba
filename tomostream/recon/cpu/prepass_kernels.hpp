// The border between the steps on whole frames (plain C++) and their kernels (compiled once
// per instruction set).
//
// They turn raw frames into transmission images: dead pixels mended, zingers replaced, phase
// retrieved. Images are (n_z, n_x), dense.
#pragma once
#include "kernels.hpp"

namespace tomostream {

constexpr int kMargin = 16;         // edge values beside a row; at least the largest radius
constexpr int kMostRadius = 4;
constexpr int kPrepassRows = 16;    // rows of a task
constexpr int kMostPasses = 16;

// Dark and 1 / (flat - dark) as rows, a multiple of 16 floats apart; NaN where dead.
struct RowFields {
  const float *dark, *gain;
  size_t pitch;
};

struct RawImage {
  const void* pixels;    // (n_z, n_x)
  Pixel type;
  RowFields fields;
  float* image;          // taken
};

struct ImageArgs {
  int n_z, n_x;
  int radius;            // of the zingers' median; 0: off, else 2 to kMostRadius
  float threshold;
};

// A transform of one axis: in place, from natural order to digits reversed and back.
struct Fourier {
  int size, passes;
  int radix[kMostPasses];              // of the first pass first; their product is the size
  const float* twiddle[kMostPasses];   // (block / radix, radix - 1, 2): cos, -sin
  const int32_t* place;                // (size,): where a frequency stands
};

// Phase retrieval of one image: transform columns; per block of frequencies transform rows,
// multiply, and back; columns back. spectrum: (blocks, columns, 2, lanes), the lanes are
// neighbouring frequencies along z.
struct PhaseArgs {
  int n_z, n_x;
  Fourier z, x;
  const float* z_term;    // (frequencies along z,), padded: 1 + strength k^2
  const float* x_term;    // (x.size,), in the transform's order: strength k^2
  float scale;
  float* image;
  float* spectrum;
};

struct PrepassKernels {
  const char* name;
  int lanes;
  size_t (*image_scratch)(int n_x);    // floats
  // Rows first <= z < first + kPrepassRows of an image.
  void (*make_image)(const ImageArgs&, const RawImage&, int first, float* scratch);
  size_t (*phase_scratch)(int z_size, int x_size);    // floats
  size_t (*phase_spectrum)(int n_x, int z_size);      // floats
  int (*phase_groups)(int n_x);
  int (*phase_blocks)(int z_size);
  void (*phase_columns)(const PhaseArgs&, int group, float* scratch);
  void (*phase_rows)(const PhaseArgs&, int block, float* scratch);
  void (*phase_columns_back)(const PhaseArgs&, int group, float* scratch);
};

extern const PrepassKernels prepass_baseline, prepass_avx2, prepass_avx512;
const PrepassKernels& prepass_kernels(const Kernels&);    // of the same instruction set

}  // namespace tomostream
