// The border between the engine (plain C++) and the kernels (compiled once per instruction
// set). Only plain structs and function pointers cross it.
//
// Layout. A projection (n_z rows, n_ring columns; those of the frame, n_x, and empty ones
// on its sides in half-acquisition) is cut into bands of kRows detector rows. A
// tile holds one band transposed: tile[column][row]. All rows of a column share their
// interpolation weights, so backprojection into a vertical slice adds weighted columns,
// without gathers, and the recursive filter runs along the columns, many rows at a time.
// A ring slot has n_bands tiles, of floats or of 16-bit words (words.hpp); a vertical slice is
// n_bands tiles of float.
#pragma once
#include <cstddef>
#include <cstdint>

namespace tomostream {

constexpr int kRows = 32;      // rows per tile
constexpr int kEdge = 10;      // columns of edge values on both sides of a row to filter
constexpr int kRowPad = 160;   // zeros on both sides of a row for the horizontal slice
constexpr int kPoles = 8;      // most exponentials of the recursive filter
constexpr int kSlowPoles = 4;  // most of them that are run on a coarse grid
constexpr int kNode = 8;       // columns from node to node of that grid
constexpr int kTaps = 6;       // direct taps of the recursive filter, h[0] included
constexpr int kGroup = 4;      // projections backprojected in one pass over a slice
constexpr int kLine = 64;        // bytes of a cache line
constexpr int kTileHead = 64;    // bytes before the words of a tile: their unit
constexpr int kTiltedPad = 32;    // zeros on both sides of a row for a tilted plane
constexpr int kTiltedRows = 36;   // most rows that one call of `tilted` may need, and one

static inline size_t tile_bytes(bool in_words, int n_ring) {
  const size_t values = (size_t)n_ring * kRows;
  return in_words ? kTileHead + 2 * values : 4 * values;
}

// Where a field has a pixel: in strips of as many rows as a vector has lanes, transposed, so
// that it is read in order. Rows up to a multiple of kRows exist.
static inline size_t in_strips(int lanes, int n_x, int z, int x) {
  return ((size_t)(z / lanes) * (size_t)n_x + (size_t)x) * (size_t)lanes + (size_t)(z % lanes);
}

enum class Pixel : uint8_t { i8, u8, i16, u16, i32, u32, i64, u64, f32, f64 };

// h[0] = tap[0]; h[k] = sum_j weight_j pole_j^(k-1), plus a direct tap for the smallest k:
// tap[1], tap[2], ... belong to k = 1, 2, ..., or to k = 1, 3, ... if odd. odd: h[k] = 0 for
// even k > 0.
struct RecursiveFilter {
  int n_poles;    // up to kPoles
  float pole[kPoles], weight[kPoles], tap[kTaps];
  bool odd;
  // Slow exponentials, see coarse.hpp: their poles from node to node.
  int n_slow;
  float slow_pole[kSlowPoles], slow_weight[kSlowPoles], slow_direct;
};

// Convolution by FFT. The transforms leave the spectrum in digit-reversed order.
struct SpectralFilter {
  int size;                 // a power of two, >= 2 n_ring
  const float* response;    // (size,), digit-reversed, 1/size included
  const float* twiddle;     // (size / 4 * 3, 2): cos, sin for radix-4 butterflies
  const float* tail;        // (n_ring,): sum of h[k] over k > column, for edge extension
};

struct Filter {
  bool spectral;
  RecursiveFilter recursive;
  SpectralFilter fft;
};

// Sample positions along one line of a slice: the left column's offset in elements of a
// tile, and the weights of that column and the next, as floats or, for tiles of words, as
// a pair of words; the others are null. Arrays of length n_out.
struct Taps {
  int32_t *offset, *pair;
  float *left, *right;
};

// Neighbouring columns of one row that cannot be used: first <= column < last.
struct DeadRun {
  int32_t row, first, last;
};

// Dark and flat of one generation, in strips. gain = 1 / (flat - dark); NaN where dead.
struct Fields {
  const float *dark, *gain;
  const DeadRun* runs;          // sorted by band; row counts inside the band
  const uint32_t* band_runs;    // (n_bands + 1,): where each band's runs begin
};

// What is done to line integrals before the filter; null pointers: nothing.
struct LineSteps {
  float hardening_2, hardening_3;    // of line + h2 line^2 + h3 line^3
  float* sum;                   // in strips; collects the lines so far
  const float* correction;      // in strips; subtracted
  const float* weight;          // (n_x,)
};

struct Frame {
  const void* pixels;           // (n_z, n_x), any alignment
  Pixel type;
  const uint8_t* suspect;       // (n_bands,): band holds pixels that are not finite; or null
  const Fields* fields;
  float floor;                  // smallest transmission kept
  float offset;                 // added to line integrals, if there are line steps
  void** slot;                  // (n_bands,): the old projection's tiles, exchanged for new ones
  float* z_row;                 // takes detector row z, prepared
  Taps new_x, new_y, old_x, old_y;    // old: negative weights; offset null if slot was empty
  bool old_is_fresh;            // the old projection is in the fresh sums too
};

// A vertical slice as sums (n_bands, n_out, kRows): of all projections, and of the fresh
// ones, see reconstructor.hpp.
struct Sums {
  float *total, *fresh;
};

// Prepared rows with the cosines and sines of their angles, and the signs they add with.
struct RowList {
  const float* const* rows;
  const double* cos_sin;        // (count, 2)
  const float* sign;
  int count;
};

// The horizontal slice as sums (n_out, pitch), pitch a multiple of 64. fresh may be null.
struct HorizontalArgs {
  float *total, *fresh;
  size_t pitch, row_pitch;
  int n_out, n_ring;
  bool in_words;
  double center;                // column of the ring
  RowList both, total_only;
};

// A projection of the ring, and the sign it adds with.
struct TiltedProjection {
  const void* const* slot;      // (n_bands,) tiles
  double cos, sin;
  float sign;
};

// A tilted plane as sums (n_lines, pitch): point i of line k is origin + k across + i along,
// x and y from the rotation axis, z from detector row 0. No step is longer than 1.
struct TiltedArgs {
  double* sum;
  size_t pitch, row_pitch;      // multiples of 16; row_pitch >= n_x + 2 kTiltedPad
  int n_points, n_x, n_z;
  bool in_words;
  double center, origin[3], across[3], along[2];
  const TiltedProjection* projections;
  int count;
};

enum Stage : int { kLoad, kFilter, kBackproject, kStages };

struct PushArgs {
  int n_x, n_z, n_out, n_ring, pad_x, z, count;
  size_t row_pitch;
  bool in_words;
  float* units;                 // (n_bands,): of the last projection, in words
  const Frame* frames;
  const LineSteps* lines;       // null: none
  const Filter* filter;
  Sums x, y;
  int shares, turn;             // fresh sums are kept of bands with band % shares == turn
  uint64_t (*clock_ns)();       // null unless stages are timed
};

struct Kernels {
  const char* name;
  int lanes;    // of a vector of floats
  size_t (*scratch_floats)(int n_ring, int fft_size);
  // Fill the taps of one line of a slice: positions start + i * step.
  void (*make_taps)(const Taps&, int n_out, int n_ring, double start, double step,
                    float sign);
  // Pixels of one band that are not finite and not dead.
  uint32_t (*count_bad)(const Frame&, int n_x, int n_z, int band);
  // spare: kGroup tiles, exchanged for old ones of the ring.
  void (*push_band)(const PushArgs&, int band, void** spare, float* scratch,
                    uint64_t* stage_ns);
  // Columns first <= i < last of sum (n_out, kRows) += count tiles of one band.
  void (*backproject)(float* sum, int first, int last, bool in_words,
                      const void* const* tiles, const Taps* taps, int count);
  // Detector row of a band, prepared for `horizontal`: 2 row_pitch floats, of which the
  // first kRowPad of each half come before `row`.
  void (*prepare_row)(float* row, size_t row_pitch, const void* tile, int n_ring,
                      bool in_words, int row_in_band, float* scratch);
  // Rows y0 <= y < y1 of the horizontal slice.
  void (*horizontal)(const HorizontalArgs&, int y0, int y1);
  // Lines first <= k < last of a tilted plane; scratch: kTiltedRows rows.
  void (*tilted)(const TiltedArgs&, int first, int last, float* scratch);
  // out[row][column] = scale * sum of one band. is_streamed: past the caches, for an image that
  // is not soon needed again.
  void (*untile)(float* out, size_t pitch, int n_out, int rows, const float* sum,
                 float scale, bool is_streamed);
  // out[column] = scale * sum[column].
  void (*scale_row)(float* out, int n_out, const float* sum, float scale, bool is_streamed);
};

extern const Kernels kernels_baseline, kernels_avx2, kernels_avx512;
const Kernels* find_kernels(const char* name);    // null: unknown, or the CPU cannot

}  // namespace tomostream
