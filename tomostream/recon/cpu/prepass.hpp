// The steps that need whole frames: raw frames -> transmission images, which then enter the
// usual path as frames of floats. Owns its memory, bounded whatever the batch; the pool is
// the reconstructor's.
#pragma once
#include <cstdint>
#include <vector>

#include "buffer.hpp"
#include "fourier_plan.hpp"
#include "pool.hpp"
#include "prepass_kernels.hpp"

namespace tomostream {

struct PrepassSettings {
  int zinger_radius = 0;         // 0: off, else 2 to kMostRadius
  float zinger_threshold = 0;
  double phase_strength = 0;     // pixels squared; 0: off
  bool is_on() const { return zinger_radius > 0 || phase_strength > 0; }
  bool operator==(const PrepassSettings&) const = default;
};

constexpr int kFieldPlaces = 4;    // generations of fields

class Prepass {
 public:
  // Throws OutOfMemory; the steps are then off.
  void configure(const PrepassKernels&, Pool&, int n_z, int n_x, const PrepassSettings&);
  bool is_on() const { return settings_.is_on(); }
  int capacity() const { return capacity_; }    // images
  // Fields of a generation have changed.
  void forget_fields(int generation) { rows_[generation].is_known = false; }
  struct Input {
    const void* pixels;
    Pixel type;
    int generation;
  };
  // Make images 0..count-1, count <= capacity. fields: of each generation. busy_ns: per
  // thread, busy_pitch apart, or null.
  void run(Pool&, const std::vector<Input>&, const Fields* fields, uint64_t* busy_ns,
           size_t busy_pitch);
  const float* image(int i) const { return images_.as() + static_cast<size_t>(i) * pixels(); }
  size_t bytes() const;

 private:
  struct Rows {    // fields as rows
    Buffer dark, gain;
    bool is_known = false;
  };
  size_t pixels() const { return static_cast<size_t>(n_z_) * static_cast<size_t>(n_x_); }
  void configure_phase(Pool&, double strength);
  RowFields row_fields(Pool&, int generation, const Fields&);
  float* scratch(int worker) const {
    return scratch_.as() + static_cast<size_t>(worker) * scratch_pitch_;
  }
  void retrieve_phase(Pool&, int first, int count, uint64_t* busy_ns, size_t busy_pitch);

  const PrepassKernels* kernels_ = nullptr;
  PrepassSettings settings_;
  int n_z_ = 0, n_x_ = 0, capacity_ = 0, spectra_ = 0;
  size_t field_pitch_ = 0, scratch_pitch_ = 0, spectrum_pitch_ = 0;
  FourierPlan z_plan_, x_plan_;
  std::vector<float> x_term_;
  Buffer z_term_, images_, spectrum_, scratch_;
  Rows rows_[kFieldPlaces];
};

}  // namespace tomostream
