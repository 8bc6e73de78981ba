// What changes seldom: filter, fields, and the planes, which are remade from the ring.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>

#include "reconstructor.hpp"
#include "slow_poles.hpp"

namespace tomostream {
namespace {

constexpr double kFarthest = 1 << 20;    // columns; keeps fixed-point positions in 64 bits

int log2_of(int size) {
  int bits = 0;
  while ((1 << bits) < size) bits++;
  return bits;
}

}  // namespace

Fields Reconstructor::FieldSet::fields() const {
  return {dark.as(), gain.as(), runs.data(), band_runs.data()};
}

void Reconstructor::set_recursive(const RecursiveFilter& filter) {
  make_scratch(0);
  filter_ = Filter{};
  RecursiveFilter gained = filter;
  for (float& weight : gained.weight) weight *= kRingGain;
  for (float& tap : gained.tap) tap *= kRingGain;
  // Whoever wants a ring of floats wants what is exact.
  filter_.recursive = in_words_ ? with_slow_poles(gained) : gained;
}

void Reconstructor::set_spectral(const std::vector<float>& response,
                                 const std::vector<float>& tail) {
  const int size = 2 * static_cast<int>(response.size() - 1), bits = log2_of(size);
  make_scratch(size);
  response_.resize(static_cast<size_t>(size));
  twiddle_.resize(static_cast<size_t>(size) / 4 * 3 * 2);
  tail_ = tail;
  for (float& value : tail_) value *= kRingGain;
  for (int i = 0; i < size; i++) {
    int frequency = 0;
    for (int b = 0; b < bits; b++) frequency |= ((i >> b) & 1) << (bits - 1 - b);
    response_[i] = response[std::min(frequency, size - frequency)] * kRingGain /
                   static_cast<float>(size);
  }
  for (int i = 0; i < size / 4 * 3; i++) {
    twiddle_[2 * i] = static_cast<float>(std::cos(2 * M_PI * i / size));
    twiddle_[2 * i + 1] = static_cast<float>(-std::sin(2 * M_PI * i / size));
  }
  filter_ = Filter{};
  filter_.spectral = true;
  filter_.fft = {size, response_.data(), twiddle_.data(), tail_.data()};
}

// Before a filter takes the place of another: without memory the old one stays.
void Reconstructor::make_scratch(int fft_size) {
  const size_t floats = std::max(kernels_.scratch_floats(shape_.n_ring, fft_size),
                                 static_cast<size_t>(kRowsAtOnce) * kBlock * kRows);
  // + 64: not the same cache sets for all threads
  const size_t pitch = (floats + 1023) / 1024 * 1024 + 64;
  scratch_ = Buffer(pool_, sizeof(float) * pitch * pool_.size(), "scratch");
  scratch_pitch_ = pitch;
}

int64_t Reconstructor::set_fields(int generation, const float* dark, const float* flat) {
  FieldSet& set = fields_[generation];
  if (generation < kGenerations) prepass_.forget_fields(generation);
  const int n_x = shape_.n_x, n_z = shape_.n_z;
  const size_t bytes = sizeof(float) * field_tile() * static_cast<size_t>(bands_);
  if (!set.gain.as()) {    // the last one to be there
    set.dark = Buffer(pool_, bytes, "dark field");
    set.gain = Buffer(pool_, bytes, "flat field");
  }
  std::vector<std::vector<DeadRun>> runs(static_cast<size_t>(bands_));
  std::atomic<int64_t> dead{0};
  pool_.each(bands_, [&](int band, int) {
    float *d = set.dark.as(), *g = set.gain.as();
    for (int r = 0; r < kRows; r++) {
      const int z = band * kRows + r;
      DeadRun run{r, 0, 0};
      for (int x = 0; x < n_x; x++) {
        const size_t o = field_at(z, x);
        // Rows that do not exist read 0: transmission 1, line integral 0.
        d[o] = -1;
        g[o] = 1;
        if (z >= n_z) continue;
        const size_t i = static_cast<size_t>(z) * n_x + x;
        const float range = flat[i] - dark[i];
        const bool is_good = std::isfinite(flat[i]) && std::isfinite(dark[i]) &&
                             std::isfinite(range) && range > 0;
        d[o] = is_good ? dark[i] : 0;
        g[o] = is_good ? 1 / std::max(range, 1e-6f) : std::numeric_limits<float>::quiet_NaN();
        if (is_good) continue;
        if (run.last != x || run.last == run.first) {
          if (run.last > run.first) runs[band].push_back(run);
          run.first = x;
        }
        run.last = x + 1;
        dead.fetch_add(1, std::memory_order_relaxed);
      }
      if (run.last > run.first) runs[band].push_back(run);
    }
  });
  set.runs.clear();
  set.band_runs.assign(1, 0);
  for (const auto& band : runs) {
    set.runs.insert(set.runs.end(), band.begin(), band.end());
    set.band_runs.push_back(static_cast<uint32_t>(set.runs.size()));
  }
  return set.dead = dead.load();
}

void Reconstructor::set_view(const View& view) {
  const View old = view_;
  view_ = view;
  view_.center = std::clamp(view.center, -kFarthest, kFarthest) + shape_.pad_x;
  if (filled_slots_ > 0) remake_slices(old);
  follow_tilted();    // at the end: it may lack memory
}

void Reconstructor::remake_slices(const View& old) {
  const bool is_other_center = view_.center != old.center;
  if (is_other_center || view_.x != old.x) remake_vertical(view_.x);
  if (is_other_center || view_.y != old.y) remake_vertical(view_.y);
  if (view_.z != old.z) prepare_rows();
  if (is_other_center || view_.z != old.z) remake_horizontal();
}

void Reconstructor::follow_tilted() {
  const RingShape ring{shape_.n_z, shape_.n_ring, in_words_};
  const bool is_tilted_new = tilted_.set(pool_, view_.tilted, ring, view_.center);
  const bool is_oblique_new = oblique_.set(pool_, view_.oblique, ring, view_.center);
  if (!is_tilted_new && !is_oblique_new) return;
  std::vector<TiltedProjection> projections;
  for (int i = 0; i < shape_.n_slots; i++)
    if (slots_[i].is_filled)
      projections.push_back({slot_tiles(i), slots_[i].cos, slots_[i].sin, 1});
  if (is_tilted_new) tilted_.add(pool_, kernels_, projections);
  if (is_oblique_new) oblique_.add(pool_, kernels_, projections);
}

void Reconstructor::add_tilted(const Job* jobs, int count, float sign) {
  if (!tilted_.is_on() && !oblique_.is_on()) return;
  std::vector<TiltedProjection> projections;
  for (int i = 0; i < count; i++) {
    const Slot& slot = slots_[static_cast<size_t>(jobs[i].input->slot)];
    if (slot.is_filled)
      projections.push_back({slot_tiles(jobs[i].input->slot), slot.cos, slot.sin, sign});
  }
  tilted_.add(pool_, kernels_, projections);
  oblique_.add(pool_, kernels_, projections);
}

void Reconstructor::remake_vertical(const Upright& plane) {
  std::vector<int> ids;    // the fresh ones first
  for (const bool fresh : {true, false})
    for (int i = 0; i < shape_.n_slots; i++)
      if (slots_[i].is_filled && slots_[i].is_fresh == fresh) ids.push_back(i);
  const int count = static_cast<int>(ids.size()), fresh_count = fresh_slots_;
  std::vector<Taps> taps(ids.size());
  pool_.each(count, [&](int i, int) {
    const Slot& slot = slots_[ids[i]];
    int32_t* memory = taps_.as<int32_t>() + static_cast<size_t>(i) * 3 * z_pitch_;
    make_taps(&taps[i], memory, plane, slot.cos, slot.sin, 1);
  });
  const Buffer& fresh_sum = plane.axis ? fresh_.y : fresh_.x;
  const Buffer& total_sum = plane.axis ? total_.y : total_.x;
  pool_.each(bands_, [&](int band, int) {
    std::vector<const void*> tiles;
    for (const int id : ids) tiles.push_back(slot_tiles(id)[band]);
    float* fresh = fresh_sum.as() + static_cast<size_t>(band) * sum_tile();
    float* total = total_sum.as() + static_cast<size_t>(band) * sum_tile();
    for (int i = 0; i < shape_.n_out; i += kBlock) {
      const int end = std::min(shape_.n_out, i + kBlock);
      const size_t first = static_cast<size_t>(i) * kRows;
      const size_t bytes = sizeof(float) * static_cast<size_t>(end - i) * kRows;
      std::memset(total + first, 0, bytes);
      kernels_.backproject(total, i, end, in_words_, tiles.data(), taps.data(), fresh_count);
      if (is_in_turn(band)) std::memcpy(fresh + first, total + first, bytes);
      kernels_.backproject(total, i, end, in_words_, tiles.data() + fresh_count,
                           taps.data() + fresh_count, count - fresh_count);
    }
  });
}

void Reconstructor::prepare_rows() {
  const int band = view_.z / kRows;
  pool_.each(shape_.n_slots, [&](int i, int worker) {
    if (slots_[i].is_filled)
      kernels_.prepare_row(z_row(i), row_pitch_, slot_tiles(i)[band], shape_.n_ring, in_words_,
                           view_.z % kRows,
                           scratch_.as() + static_cast<size_t>(worker) * scratch_pitch_);
  });
}

void Reconstructor::remake_horizontal() {
  Rows both, total_only;
  for (int i = 0; i < shape_.n_slots; i++)
    if (slots_[i].is_filled)
      (slots_[i].is_fresh ? both : total_only).add(z_row(i), slots_[i].cos, slots_[i].sin, 1);
  total_.z.clear(pool_);
  fresh_.z.clear(pool_);
  const HorizontalArgs args = horizontal_args(both, total_only);
  pool_.each((shape_.n_out + kRowsPerTask - 1) / kRowsPerTask,
             [&](int block, int) { add_horizontal(args, block); });
}

}  // namespace tomostream
