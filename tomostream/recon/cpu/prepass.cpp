#include "prepass.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace tomostream {
namespace {

// Of images, unless that is too few. The first change of a step waits for this memory.
constexpr size_t kImageBytes = size_t{16} << 20;
constexpr int kMostImages = 64, kFewestImages = 8;
constexpr int kThreadsPerSpectrum = 8;    // the work on one occupies so many threads
// See tomostream/recon/steps/phase.py.
constexpr double kTail = 1e-4;
constexpr int kLeastPad = 40;

size_t round_up(size_t value, size_t unit) { return (value + unit - 1) / unit * unit; }

uint64_t now_ns() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

int padded(int size, double strength) {
  const double tail = std::ceil(std::sqrt(strength) * std::log(1 / kTail));
  const int pad = static_cast<int>(std::min(tail, static_cast<double>(size)));
  return size + 2 * std::max(pad, kLeastPad);
}

// Adds the time of a task to its thread's, if somebody wants to know.
class Stopwatch {
 public:
  Stopwatch(uint64_t* busy_ns, size_t pitch, int worker)
      : sum_(busy_ns ? busy_ns + pitch * static_cast<size_t>(worker) : nullptr),
        begin_(sum_ ? now_ns() : 0) {}
  ~Stopwatch() {
    if (sum_) *sum_ += now_ns() - begin_;
  }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  uint64_t* sum_;
  uint64_t begin_;
};

}  // namespace

void Prepass::configure(const PrepassKernels& kernels, Pool& pool, int n_z, int n_x,
                        const PrepassSettings& settings) {
  const bool same_frames = n_z == n_z_ && n_x == n_x_;
  if (same_frames && settings == settings_) return;
  if (!same_frames)
    for (Rows& rows : rows_) rows = Rows{};
  kernels_ = &kernels;
  n_z_ = n_z;
  n_x_ = n_x;
  // Give back before asking for more; an exception leaves the steps off.
  settings_ = PrepassSettings{};
  images_ = Buffer{};
  scratch_ = Buffer{};
  spectrum_ = Buffer{};
  z_term_ = Buffer{};
  if (!settings.is_on()) {
    for (Rows& rows : rows_) rows = Rows{};
    return;
  }
  field_pitch_ = round_up(static_cast<size_t>(n_x), 16);
  const size_t image_bytes = sizeof(float) * pixels();
  capacity_ = std::clamp(static_cast<int>(kImageBytes / image_bytes), kFewestImages,
                         kMostImages);
  images_ = Buffer(pool, image_bytes * static_cast<size_t>(capacity_), "transmission images");
  size_t floats = kernels.image_scratch(n_x);
  if (settings.phase_strength > 0) {
    z_plan_ = FourierPlan(FourierPlan::good_size(padded(n_z, settings.phase_strength)));
    x_plan_ = FourierPlan(FourierPlan::good_size(padded(n_x, settings.phase_strength)));
    floats = std::max(floats, kernels.phase_scratch(z_plan_.size(), x_plan_.size()));
    configure_phase(pool, settings.phase_strength);
  }
  // + 64: not the same cache sets for all threads
  scratch_pitch_ = round_up(floats, 1024) + 64;
  scratch_ = Buffer(pool, sizeof(float) * scratch_pitch_ * static_cast<size_t>(pool.size()),
                    "scratch of the steps on frames");
  settings_ = settings;
}

void Prepass::configure_phase(Pool& pool, double strength) {
  spectrum_pitch_ = kernels_->phase_spectrum(n_x_, z_plan_.size());
  spectra_ = std::min(capacity_, 1 + (pool.size() - 1) / kThreadsPerSpectrum);
  spectrum_ = Buffer(pool, sizeof(float) * spectrum_pitch_ * static_cast<size_t>(spectra_),
                     "spectra of phase retrieval");
  const int blocks = kernels_->phase_blocks(z_plan_.size());
  const int count = blocks * kernels_->lanes;
  z_term_ = Buffer(pool, sizeof(float) * static_cast<size_t>(count), "frequencies");
  for (int i = 0; i < count; i++) {
    const double k = 2 * M_PI * std::min(i, z_plan_.size() / 2) / z_plan_.size();
    z_term_.as()[i] = static_cast<float>(1 + strength * k * k);
  }
  x_term_.clear();
  for (const double k : x_plan_.frequencies())
    x_term_.push_back(static_cast<float>(strength * k * k));
}

RowFields Prepass::row_fields(Pool& pool, int generation, const Fields& fields) {
  Rows& rows = rows_[generation];
  const size_t pitch = field_pitch_;
  if (!rows.gain.as()) {    // the last one to be there
    const size_t bytes = sizeof(float) * pitch * static_cast<size_t>(n_z_);
    rows.dark = Buffer(pool, bytes, "dark field");
    rows.gain = Buffer(pool, bytes, "flat field");
  }
  if (!rows.is_known) {
    pool.each(n_z_, [&](int z, int) {
      for (int x = 0; x < n_x_; x++) {
        const size_t from = in_strips(kernels_->lanes, n_x_, z, x);
        const size_t to = static_cast<size_t>(z) * pitch + static_cast<size_t>(x);
        rows.dark.as()[to] = fields.dark[from];
        rows.gain.as()[to] = fields.gain[from];
      }
    });
    rows.is_known = true;
  }
  return {rows.dark.as(), rows.gain.as(), pitch};
}

void Prepass::run(Pool& pool, const std::vector<Input>& inputs, const Fields* fields,
                  uint64_t* busy_ns, size_t busy_pitch) {
  std::vector<RawImage> raw;
  for (size_t i = 0; i < inputs.size(); i++)
    raw.push_back({inputs[i].pixels, inputs[i].type,
                   row_fields(pool, inputs[i].generation, fields[inputs[i].generation]),
                   images_.as() + i * pixels()});
  const ImageArgs args{n_z_, n_x_, settings_.zinger_radius, settings_.zinger_threshold};
  const int parts = (n_z_ + kPrepassRows - 1) / kPrepassRows;
  pool.each(static_cast<int>(raw.size()) * parts, [&](int task, int worker) {
    const Stopwatch watch(busy_ns, busy_pitch, worker);
    kernels_->make_image(args, raw[static_cast<size_t>(task / parts)],
                         task % parts * kPrepassRows, scratch(worker));
  });
  if (settings_.phase_strength <= 0) return;
  for (int first = 0; first < static_cast<int>(raw.size()); first += spectra_)
    retrieve_phase(pool, first, std::min(spectra_, static_cast<int>(raw.size()) - first),
                   busy_ns, busy_pitch);
}

void Prepass::retrieve_phase(Pool& pool, int first, int count, uint64_t* busy_ns,
                             size_t busy_pitch) {
  std::vector<PhaseArgs> args;
  const double area = static_cast<double>(z_plan_.size()) * x_plan_.size();
  for (int i = 0; i < count; i++)
    args.push_back({n_z_, n_x_, z_plan_.fourier(), x_plan_.fourier(), z_term_.as(),
                    x_term_.data(), static_cast<float>(0.5 / area),
                    images_.as() + static_cast<size_t>(first + i) * pixels(),
                    spectrum_.as() + static_cast<size_t>(i) * spectrum_pitch_});
  const int groups = kernels_->phase_groups(n_x_);
  const int blocks = kernels_->phase_blocks(z_plan_.size());
  const auto each = [&](int tasks, auto kernel) {
    pool.each(count * tasks, [&](int task, int worker) {
      const Stopwatch watch(busy_ns, busy_pitch, worker);
      kernel(args[static_cast<size_t>(task / tasks)], task % tasks, scratch(worker));
    });
  };
  each(groups, kernels_->phase_columns);
  each(blocks, kernels_->phase_rows);
  each(groups, kernels_->phase_columns_back);
}

size_t Prepass::bytes() const {
  size_t bytes = z_plan_.bytes() + x_plan_.bytes() + sizeof(float) * x_term_.size();
  for (const Buffer* b : {&z_term_, &images_, &spectrum_, &scratch_}) bytes += b->bytes();
  for (const Rows& rows : rows_) bytes += rows.dark.bytes() + rows.gain.bytes();
  return bytes;
}

}  // namespace tomostream
