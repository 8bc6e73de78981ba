#include "tilted_plane.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace tomostream {
namespace {

// Projections per parallel pass: their rows shall stay in the cache for the next lines.
constexpr int kBatch = 16;
constexpr int kBlock = 16;    // of pixels, for the transposition
// Lines of one task share the rows of a projection that they need.
constexpr int kSteepLines = 32, kFlatLines = 64;

size_t round_up(size_t value, size_t unit) { return (value + unit - 1) / unit * unit; }

}  // namespace

bool TiltedPlane::set(Pool& pool, const PlaneGrid& grid, const RingShape& ring,
                      double center) {
  if (grid == grid_ && (!is_on() || (ring == ring_ && center == center_))) return false;
  const bool same_size = grid.rows == grid_.rows && grid.columns == grid_.columns;
  const bool same_ring = ring == ring_;
  grid_ = PlaneGrid{};    // an exception leaves no plane
  if (!same_size) sums_ = Buffer{};
  if (!same_size || !same_ring) scratch_ = Buffer{};
  if (grid.rows == 0) return true;
  ring_ = ring;
  center_ = center;
  lines_are_rows_ = grid.column_step[2] == 0;
  const double* across = lines_are_rows_ ? grid.row_step : grid.column_step;
  lines_per_task_ = std::abs(across[2]) > 0.5 ? kSteepLines : kFlatLines;
  const size_t longer = static_cast<size_t>(std::max(grid.rows, grid.columns));
  const size_t pitch = round_up(longer, 16);
  // A little apart: lines a power of two apart would compete for the same cache sets.
  pitch_ = pitch + (pitch % 512 ? 0 : 16);
  row_pitch_ = round_up(static_cast<size_t>(ring.n_x), 16) + 2 * kTiltedPad;
  scratch_pitch_ = round_up(kTiltedRows * row_pitch_, 1024) + 64;
  if (!sums_.as()) sums_ = Buffer(pool, sizeof(double) * pitch_ * longer, "tilted plane");
  else sums_.clear(pool);
  if (!scratch_.as())
    scratch_ = Buffer(pool, sizeof(float) * scratch_pitch_ * static_cast<size_t>(pool.size()),
                      "rows of the tilted plane");
  grid_ = grid;
  return true;
}

void TiltedPlane::clear(Pool& pool) {
  if (is_on()) sums_.clear(pool);
}

void TiltedPlane::add(Pool& pool, const Kernels& kernels,
                      const std::vector<TiltedProjection>& projections) {
  if (!is_on()) return;
  const double* along = lines_are_rows_ ? grid_.column_step : grid_.row_step;
  const double* across = lines_are_rows_ ? grid_.row_step : grid_.column_step;
  TiltedArgs args{};
  args.sum = sums_.as<double>();
  args.pitch = pitch_;
  args.row_pitch = row_pitch_;
  args.n_points = n_points();
  args.n_x = ring_.n_x;
  args.n_z = ring_.n_z;
  args.in_words = ring_.in_words;
  args.center = center_;
  std::copy(grid_.origin, grid_.origin + 3, args.origin);
  std::copy(across, across + 3, args.across);
  std::copy(along, along + 2, args.along);
  const int total = static_cast<int>(projections.size());
  for (int first = 0; first < total; first += kBatch) {
    args.projections = projections.data() + first;
    args.count = std::min(kBatch, total - first);
    pool.each((n_lines() + lines_per_task_ - 1) / lines_per_task_, [&](int task, int worker) {
      const int line = task * lines_per_task_;
      kernels.tilted(args, line, std::min(n_lines(), line + lines_per_task_),
                     scratch_.as() + static_cast<size_t>(worker) * scratch_pitch_);
    });
  }
}

void TiltedPlane::write(Pool& pool, float* out, size_t pitch, float scale) const {
  const double* sums = sums_.as<double>();
  const size_t line = lines_are_rows_ ? pitch_ : 1, point = lines_are_rows_ ? 1 : pitch_;
  pool.each((grid_.rows + kBlock - 1) / kBlock, [&](int task, int) {
    const size_t first = static_cast<size_t>(task) * kBlock;
    const size_t rows = std::min(first + kBlock, static_cast<size_t>(grid_.rows));
    const size_t columns = static_cast<size_t>(grid_.columns);
    for (size_t x = 0; x < columns; x += kBlock)
      for (size_t y = first; y < rows; y++)
        for (size_t i = x; i < std::min(x + kBlock, columns); i++)
          out[y * pitch + i] = static_cast<float>(sums[y * line + i * point]) * scale;
  });
}

}  // namespace tomostream
