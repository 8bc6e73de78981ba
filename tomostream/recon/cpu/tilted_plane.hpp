// A plane that is tilted out of the slices' directions, and follows the ring as they do.
#pragma once
#include <cstddef>
#include <vector>

#include "buffer.hpp"
#include "kernels.hpp"
#include "pool.hpp"

namespace tomostream {

// Pixel (row, column) shows origin + column * column_step + row * row_step; x and y from the
// rotation axis, z from detector row 0. rows = 0: no plane.
struct PlaneGrid {
  double origin[3], column_step[3], row_step[3];
  int rows = 0, columns = 0;
  bool operator==(const PlaneGrid&) const = default;
};

// The projections that a plane is made of.
struct RingShape {
  int n_z, n_x;
  bool in_words;
  bool operator==(const RingShape&) const = default;
};

class TiltedPlane {
 public:
  // Show these points; false if that is what is shown, else the sums are zeros.
  bool set(Pool&, const PlaneGrid&, const RingShape&, double center);
  bool is_on() const { return grid_.rows > 0; }
  void add(Pool&, const Kernels&, const std::vector<TiltedProjection>&);
  void clear(Pool&);
  // (rows, columns), pitch floats apart; nothing if there is no plane
  void write(Pool&, float* out, size_t pitch, float scale) const;
  size_t bytes() const { return sums_.bytes() + scratch_.bytes(); }

 private:
  int n_lines() const { return lines_are_rows_ ? grid_.rows : grid_.columns; }
  int n_points() const { return lines_are_rows_ ? grid_.columns : grid_.rows; }

  PlaneGrid grid_{};
  RingShape ring_{};
  double center_ = 0;
  bool lines_are_rows_ = true;
  int lines_per_task_ = 0;
  size_t pitch_ = 0, row_pitch_ = 0, scratch_pitch_ = 0;
  Buffer sums_, scratch_;    // (n_lines, pitch_) double; a part for each thread
};

}  // namespace tomostream
