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
#include <atomic>
#include <cmath>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "buffer.hpp"
#include "kernels.hpp"
#include "pool.hpp"
#include "prepass.hpp"
#include "tilted_plane.hpp"

namespace tomostream {

// Filtered projections are stored times this power of two. 64 times it is the largest value
// of a 16-bit ring; a filtered projection stays below 45.
constexpr float kRingGain = 1024.f;
constexpr int kGenerations = 4;    // dark and flat fields kept
constexpr int kShares = 8;         // parts of a slice that are renewed in turn
constexpr int kRowsPerTask = 16;   // of the horizontal slice
constexpr int kBlock = 64;         // columns of a slice whose sums stay in the nearest cache
constexpr int kRowsAtOnce = 8;     // of the volume
constexpr int kSoon = 2;           // so few frames later an image may still be in the cache

constexpr float kLeastLight = 0.01f;    // of the flat's, in the region it is scaled by

struct Shape {
  int n_z = 0, n_x = 0, n_slots = 0, n_out = 0;
  int n_ring = 0, pad_x = 0;    // columns of the ring, and those before a frame's first
  double arc = M_PI;            // that a full ring covers, weights being counted
};

struct Turn {
  double cos = 1, sin = 0;
  bool operator==(const Turn&) const = default;
};

// A vertical plane, normal to x (axis 0) or y (axis 1) before it is turned about the axis
// of rotation.
struct Upright {
  int axis, at = 0;
  Turn turn;
  bool operator==(const Upright&) const = default;
};

struct View {
  double center = 0;            // column of the frame; the reconstructor's own: of the ring
  Upright x{0}, y{1};
  int z = 0;
  PlaneGrid tilted{}, oblique{};    // instead of the horizontal slice; beside the slices
};

struct Region {
  int x = 0, y = 0, width = 0, height = 0;
};

// How a transmission becomes a line integral.
struct Steps {
  float floor = 1e-6f;          // smallest transmission kept
  float ratio = 1;              // of a projection's exposure to the flat's
  Region region;                // whose mean transmission is brought to 1; or empty
  float hardening_2 = 0, hardening_3 = 0;
  bool is_mean_wanted = false;
};

enum class Fate : uint8_t { accepted, bad_pixels, dark_region };

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

struct Images {
  Image z, y, x;
  bool are_streamed = true;    // past the caches
};

enum Timed : int { kTimedHorizontal = kStages, kTimedCheck, kTimedPrepass, kTimedStages };

class Reconstructor {
 public:
  Reconstructor(const Kernels&, int threads, bool in_words);

  void allocate(const Shape&);
  void clear();    // empties the ring
  void set_recursive(const RecursiveFilter&);
  // response: (size / 2 + 1,); tail: (n_ring,)
  void set_spectral(const std::vector<float>& response, const std::vector<float>& tail);
  int64_t set_fields(int generation, const float* dark, const float* flat);
  void set_steps(const Steps&);
  // (n_z, n_x), subtracted from line integrals; null: nothing.
  void set_correction(const float*);
  // Of the columns of a frame, (n_x,), before the filter; empty: none.
  void set_weights(const std::vector<float>&);
  // (n_z, n_x): mean line integrals since the last call; returns how many.
  int64_t mean_lines(float* out);
  void set_prepass(const PrepassSettings&);    // steps on whole frames
  void set_view(const View&);    // remakes the slices that this changes
  // Says for each frame what became of it; returns the pixels repaired. shown: takes the
  // slices, written while their sums are in the cache; or null.
  int64_t add(const std::vector<Input>&, Fate*, Images* shown);
  // The transmission of one frame after the steps on whole frames; false: rejected.
  bool transmission(const Input&, float* out);
  void write(const Images&);
  void write_oblique(Image);
  // Planes normal to y from `first` on, out of the ring: (count, n_z, n_out).
  void write_rows(int first, int count, float* out);
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

  // A frame to be put into the ring.
  struct Job {
    const Input* input;
    const uint8_t* suspect;     // (bands_,)
    float light;                // its exposure, relative to the flat's
  };

  struct Patch {    // of planes normal to y
    int first_row, rows, first_column, columns;
  };

  void make_images(const Job*, int count);
  int64_t check(const std::vector<Input>&, Fate*);
  void find_bad_pixels(const std::vector<Input>&, std::vector<std::atomic<uint32_t>>& bad);
  // Mean transmission of a frame in the region; NaN where no pixel can be used.
  float light_of(const Input&) const;
  bool has_line_steps() const;
  void push(const Job*, int count, const Images* shown);
  void write_band(const Images&, int band, bool is_x) const;
  void write_block(const Images&, int block) const;    // of the horizontal slice
  int blocks() const { return (shape_.n_out + kRowsPerTask - 1) / kRowsPerTask; }
  void turn_over_if_all_fresh();
  // Whether that band, or that block of rows of z, is in the part being renewed.
  bool is_in_turn(int part) const { return part % kShares == turn_; }
  void add_horizontal(const HorizontalArgs&, int block);
  Frame make_frame(const Job&, int index, Rows* both, Rows* total_only);
  HorizontalArgs horizontal_args(const Rows& both, const Rows& total_only) const;
  void make_taps(Taps*, int32_t* memory, const Upright&, double cos, double sin,
                 float sign) const;
  void remake_slices(const View& old);
  void remake_vertical(const Upright&);
  void make_ring(size_t n_slots, size_t bands, size_t tile);
  void make_scratch(int fft_size);
  void add_rows(float* sums, const std::vector<int>& ids, int band, const Patch&);
  void remake_horizontal();
  void prepare_rows();
  void follow_tilted();
  void add_tilted(const Job*, int count, float sign);
  size_t field_tile() const { return static_cast<size_t>(shape_.n_x) * kRows; }
  size_t field_at(int z, int x) const { return in_strips(kernels_.lanes, shape_.n_x, z, x); }
  size_t sum_tile() const { return static_cast<size_t>(shape_.n_out) * kRows; }
  float scale() const;    // from sums to 1/pixel
  // (bands): the tiles of a projection.
  void** slot_tiles(int64_t slot) { return tiles_.data() + slot * bands_; }
  void** spare_tiles(int worker) { return slot_tiles(shape_.n_slots) + worker * kGroup; }
  float* z_row(int64_t slot) const;

  const Kernels& kernels_;
  const bool in_words_;
  Pool pool_;
  std::mutex mutex_;    // the module locks it; one call at a time
  Shape shape_;
  View view_;
  int bands_ = 0, filled_slots_ = 0, fresh_slots_ = 0, turn_ = 0;
  size_t z_pitch_ = 0, row_pitch_ = 0, scratch_pitch_ = 0;
  Filter filter_{};
  std::vector<float> response_, twiddle_, tail_;
  FieldSet fields_[kGenerations + 1];    // the last one changes nothing
  Steps steps_;
  Buffer correction_, line_sums_, weights_;
  int64_t summed_ = 0;
  std::vector<float> lights_;    // of the frames being added
  PrepassSettings prepass_settings_;
  Prepass prepass_;
  SumSet total_, fresh_;
  TiltedPlane tilted_, oblique_;
  Buffer ring_, z_rows_, new_z_rows_, taps_, scratch_;
  // Of the ring: (n_slots, bands), then kGroup for each thread to write into. They change
  // places, which costs less than to copy them.
  std::vector<void*> tiles_;
  std::vector<Slot> slots_;
  std::vector<float> units_;     // (bands_,): of the last projection, if in words
  std::vector<uint8_t> suspect_;
  bool timed_ = false;
  std::vector<uint64_t> stage_ns_;    // (threads, kTimedStages)
};

}  // namespace tomostream
