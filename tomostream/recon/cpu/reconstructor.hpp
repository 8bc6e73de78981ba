// The streaming reconstruction: owns the ring, the sums and the threads; knows no SIMD.
//
// Drift. A sum that gets new - old for ever collects rounding errors. So there are two sums
// per slice. `total` is the slice: every new projection is added, every old one taken out.
// `fresh` holds only the projections since the last turn-over. When every slot is fresh, both
// would be equal but for the errors in `total`: `fresh` takes its place, and a new `fresh`
// begins with nothing. A second sum of everything would double the memory traffic, so each
// revolution renews one of kShares parts of the slices; no error outlives 2 kShares
// revolutions.
#pragma once
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "buffer.hpp"
#include "kernels.hpp"
#include "pool.hpp"

namespace tomostream {

// Filtered projections are stored times this power of two, so that faint ones do not become
// subnormal halves. 64 times it is the largest half; a filtered projection stays below 45.
constexpr float kRingGain = 1024.f;
constexpr int kGenerations = 4;    // dark and flat fields kept
constexpr int kShares = 8;         // parts of a slice that are renewed in turn
constexpr int kRowsPerTask = 16;   // of the horizontal slice

struct Shape {
  int n_z = 0, n_x = 0, n_slots = 0, n_out = 0;
};

struct View {
  double center = 0;
  int x = 0, y = 0, z = 0;
};

struct Input {
  const void* pixels;
  Pixel type;
  double cos, sin;
  int64_t slot;
  int generation;
};

struct Memory {
  size_t ring, sums, fields, scratch;
};

struct Image {
  float* pixels;
  size_t pitch;
};

enum Timed : int { kTimedHorizontal = kStages, kTimedCheck, kTimedStages };

class Reconstructor {
 public:
  Reconstructor(const Kernels&, int threads, bool half);

  void allocate(const Shape&);
  void clear();    // empties the ring
  void set_recursive(const RecursiveFilter&);
  // response: (size / 2 + 1,); tail: (n_x,)
  void set_spectral(const std::vector<float>& response, const std::vector<float>& tail);
  int64_t set_fields(int generation, const float* dark, const float* flat);
  void set_view(const View&);    // remakes the slices that this changes
  // Says for each frame whether it was accepted; returns the pixels repaired.
  int64_t add(const std::vector<Input>&, bool* accepted);
  void write(Image z, Image y, Image x);
  // Nanoseconds of all threads together per stage, since the last call.
  std::vector<uint64_t> time_stages(bool on);

  const Shape& shape() const { return shape_; }
  int slots_filled() const { return filled_slots_; }
  int threads() const { return pool_.size(); }
  const char* isa() const { return kernels_.name; }
  Memory memory() const;
  std::mutex& mutex() { return mutex_; }

 private:
  struct Slot {
    double cos = 0, sin = 0;
    bool is_filled = false, is_fresh = false;
  };
  struct FieldSet {
    Buffer dark, gain;
    std::vector<DeadRun> runs;
    std::vector<uint32_t> band_runs;
    int64_t dead = 0;
    Fields fields() const;
  };
  struct SumSet {
    Buffer x, y, z;
  };
  struct Rows {    // what the horizontal slice adds
    std::vector<const float*> rows;
    std::vector<double> cos_sin;
    std::vector<float> sign;
    void add(const float* row, double cos, double sin, float s);
    RowList list() const;
  };

  int64_t check(const std::vector<Input>&, bool* accepted);
  void push(const Input* const* inputs, const uint8_t* const* suspect, int count);
  void turn_over_if_all_fresh();
  // Whether that band, or that block of rows of z, is in the part being renewed.
  bool is_in_turn(int part) const { return part % kShares == turn_; }
  void add_horizontal(const HorizontalArgs&, int block);
  Frame make_frame(const Input&, int index, Rows* both, Rows* total_only);
  HorizontalArgs horizontal_args(const Rows& both, const Rows& total_only) const;
  void make_taps(Taps*, int32_t* memory, int axis, double cos, double sin, float sign) const;
  void remake_vertical(int axis);
  void remake_horizontal();
  void prepare_rows();
  size_t tile() const { return static_cast<size_t>(shape_.n_x) * kRows; }
  size_t sum_tile() const { return static_cast<size_t>(shape_.n_out) * kRows; }
  char* slot_data(int64_t slot) const;
  float* z_row(int64_t slot) const;

  const Kernels& kernels_;
  const bool half_;
  Pool pool_;
  std::mutex mutex_;    // the module locks it; one call at a time
  Shape shape_;
  View view_;
  int bands_ = 0, filled_slots_ = 0, fresh_slots_ = 0, turn_ = 0;
  size_t slot_pitch_ = 0, z_pitch_ = 0, row_pitch_ = 0, scratch_pitch_ = 0;
  Filter filter_{};
  std::vector<float> response_, twiddle_, tail_;
  FieldSet fields_[kGenerations];
  SumSet total_, fresh_;
  Buffer ring_, z_rows_, new_z_rows_, taps_, scratch_;
  std::vector<Slot> slots_;
  std::vector<uint8_t> suspect_;
  bool timed_ = false;
  std::vector<uint64_t> stage_ns_;    // (threads, kTimedStages)
};

}  // namespace tomostream
