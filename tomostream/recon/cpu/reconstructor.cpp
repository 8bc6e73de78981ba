#include "reconstructor.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>

namespace tomostream {
namespace {

constexpr int kChunk = 64;        // projections per parallel pass
constexpr size_t kMostSkew = 16384;

uint64_t clock_ns() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

size_t round_up(size_t value, size_t unit) { return (value + unit - 1) / unit * unit; }

}  // namespace

Reconstructor::Reconstructor(const Kernels& kernels, int threads, bool in_words)
    : kernels_(kernels), in_words_(in_words), pool_(threads) {
  stage_ns_.resize(static_cast<size_t>(pool_.size()) * kTimedStages);
}

float* Reconstructor::z_row(int64_t slot) const {
  return z_rows_.as() + static_cast<size_t>(slot) * 2 * row_pitch_ + kRowPad;
}

void Reconstructor::Rows::add(const float* row, double cos, double sin, float s) {
  rows.push_back(row);
  cos_sin.insert(cos_sin.end(), {cos, sin});
  sign.push_back(s);
}

RowList Reconstructor::Rows::list() const {
  return {rows.data(), cos_sin.data(), sign.data(), static_cast<int>(rows.size())};
}

void Reconstructor::allocate(const Shape& shape) {
  const bool same_frames = shape.n_z == shape_.n_z && shape.n_x == shape_.n_x;
  const bool same_ring = same_frames && shape.n_slots == shape_.n_slots &&
                         shape.n_ring == shape_.n_ring;
  if (same_ring && shape.n_out == shape_.n_out) {
    shape_ = shape;
    return clear();
  }
  // Give back before asking for more; an exception leaves an engine without a shape.
  shape_ = Shape{};
  filled_slots_ = fresh_slots_ = 0;
  slots_.clear();
  total_ = SumSet{};
  fresh_ = SumSet{};
  tilted_ = TiltedPlane{};
  oblique_ = TiltedPlane{};
  taps_ = Buffer{};
  if (!same_ring) {
    ring_ = Buffer{};
    z_rows_ = Buffer{};
  }
  if (!same_frames) {
    for (FieldSet& set : fields_) set = FieldSet{};
    for (Buffer* b : {&correction_, &line_sums_, &weights_}) *b = Buffer{};
    summed_ = 0;
  }

  const size_t n_slots = static_cast<size_t>(shape.n_slots);
  const size_t n_out = static_cast<size_t>(shape.n_out);
  bands_ = (shape.n_z + kRows - 1) / kRows;
  const size_t bands = static_cast<size_t>(bands_);
  z_pitch_ = round_up(n_out, 64);
  row_pitch_ = round_up(static_cast<size_t>(shape.n_ring), 16) + 2 * kRowPad;
  if (!ring_.as()) make_ring(n_slots, bands, tile_bytes(in_words_, shape.n_ring));
  if (!z_rows_.as()) z_rows_ = Buffer(pool_, sizeof(float) * 2 * row_pitch_ * n_slots, "z rows");
  new_z_rows_ = Buffer(pool_, sizeof(float) * 2 * row_pitch_ * kChunk, "new z rows");
  for (SumSet* sums : {&total_, &fresh_}) {
    sums->x = Buffer(pool_, sizeof(float) * n_out * kRows * bands, "sum of slice x");
    sums->y = Buffer(pool_, sizeof(float) * n_out * kRows * bands, "sum of slice y");
    sums->z = Buffer(pool_, sizeof(float) * z_pitch_ * n_out, "sum of slice z");
  }
  const size_t lines = std::max(n_slots, static_cast<size_t>(4 * kChunk));
  taps_ = Buffer(pool_, sizeof(float) * (3 * z_pitch_ + 16) * lines, "interpolation weights");
  suspect_.assign(bands, 0);
  units_.assign(bands, 1.f);
  slots_.assign(n_slots, Slot{});
  shape_ = shape;
  try {
    if (!same_frames) set_prepass(prepass_settings_);
  } catch (...) {
    shape_ = Shape{};
    throw;
  }
}

void Reconstructor::make_ring(size_t n_slots, size_t bands, size_t tile) {
  // A little apart: slots a power of two apart would compete for the same cache sets.
  const size_t slot = tile * bands;
  const size_t pitch = slot + round_up(std::min(slot / 32, kMostSkew), 64) + 64;
  const size_t spare = static_cast<size_t>(pool_.size()) * kGroup;
  ring_ = Buffer(pool_, pitch * n_slots + tile * spare, "ring");
  tiles_.clear();
  for (size_t i = 0; i < n_slots; i++)
    for (size_t band = 0; band < bands; band++)
      tiles_.push_back(ring_.as<char>() + pitch * i + tile * band);
  for (size_t i = 0; i < spare; i++)
    tiles_.push_back(ring_.as<char>() + pitch * n_slots + tile * i);
}

void Reconstructor::clear() {
  std::fill(slots_.begin(), slots_.end(), Slot{});
  std::fill(units_.begin(), units_.end(), 1.f);    // what comes owes nothing to what was
  filled_slots_ = fresh_slots_ = 0;
  for (SumSet* sums : {&total_, &fresh_})
    for (Buffer* sum : {&sums->x, &sums->y, &sums->z}) sum->clear(pool_);
  for (TiltedPlane* plane : {&tilted_, &oblique_}) plane->clear(pool_);
}

Memory Reconstructor::memory() const {
  Memory m{ring_.bytes(), 0, 0, 0};
  for (const SumSet* sums : {&total_, &fresh_})
    m.sums += sums->x.bytes() + sums->y.bytes() + sums->z.bytes();
  m.sums += tilted_.bytes() + oblique_.bytes();
  for (const FieldSet& set : fields_) m.fields += set.dark.bytes() + set.gain.bytes();
  m.fields += correction_.bytes() + line_sums_.bytes() + weights_.bytes();
  m.scratch = scratch_.bytes() + taps_.bytes() + z_rows_.bytes() + new_z_rows_.bytes() +
              prepass_.bytes();
  return m;
}

void Reconstructor::turn_over_if_all_fresh() {
  if (fresh_slots_ < shape_.n_slots) return;
  const auto renew = [&](const Buffer& total, const Buffer& fresh, size_t first, size_t n) {
    std::memcpy(total.as() + first, fresh.as() + first, sizeof(float) * n);
    std::memset(fresh.as() + first, 0, sizeof(float) * n);
  };
  for (int band = turn_; band < bands_; band += kShares) {
    renew(total_.x, fresh_.x, static_cast<size_t>(band) * sum_tile(), sum_tile());
    renew(total_.y, fresh_.y, static_cast<size_t>(band) * sum_tile(), sum_tile());
  }
  for (int y = turn_ * kRowsPerTask; y < shape_.n_out; y += kShares * kRowsPerTask) {
    const int rows = std::min(kRowsPerTask, shape_.n_out - y);
    renew(total_.z, fresh_.z, static_cast<size_t>(y) * z_pitch_, rows * z_pitch_);
  }
  turn_ = (turn_ + 1) % kShares;
  for (Slot& slot : slots_) slot.is_fresh = false;
  fresh_slots_ = 0;
}

int64_t Reconstructor::add(const std::vector<Input>& inputs, Fate* fates, Images* shown) {
  const uint64_t begin = timed_ ? clock_ns() : 0;
  const int64_t repaired = check(inputs, fates);
  if (timed_) stage_ns_[kTimedCheck] += clock_ns() - begin;
  // Of several frames for one slot only the newest counts.
  std::vector<Job> jobs;
  std::vector<bool> is_taken(static_cast<size_t>(shape_.n_slots), false);
  for (size_t i = inputs.size(); i-- > 0;) {
    const size_t slot = static_cast<size_t>(inputs[i].slot);
    if (fates[i] != Fate::accepted || is_taken[slot]) continue;
    is_taken[slot] = true;
    const uint8_t* suspect = suspect_.data() + i * static_cast<size_t>(bands_);
    jobs.push_back({&inputs[i], suspect, lights_[i]});
  }
  std::reverse(jobs.begin(), jobs.end());
  const int total = static_cast<int>(jobs.size());
  if (shown) shown->are_streamed = total > kSoon;
  const int chunk = prepass_.is_on() ? std::min(kChunk, prepass_.capacity()) : kChunk;
  for (int first = 0; first < total;) {
    turn_over_if_all_fresh();
    // Stop where the next turn-over is due, but never without having taken a frame.
    int count = 0, fresh = fresh_slots_;
    do {
      fresh += !slots_[static_cast<size_t>(jobs[first + count].input->slot)].is_fresh;
      count++;
    } while (first + count < total && count < chunk && fresh < shape_.n_slots);
    const bool is_last = first + count == total;
    push(jobs.data() + first, count, is_last ? shown : nullptr);
    first += count;
  }
  if (shown && total == 0) write(*shown);
  return repaired;
}

void Reconstructor::make_taps(Taps* taps, int32_t* memory, const Upright& plane, double cos,
                              double sin, float sign) const {
  int32_t* weights = memory + z_pitch_;
  float* left = reinterpret_cast<float*>(weights);
  *taps = in_words_ ? Taps{memory, weights, nullptr, nullptr}
                    : Taps{memory, nullptr, left, left + z_pitch_};
  const int half = shape_.n_out / 2;
  const Turn& turn = plane.turn;
  // A plane turned by r about the axis shows at (x, y) what is seen there from the angle
  // minus r.
  const double c = cos * turn.cos + sin * turn.sin, s = sin * turn.cos - cos * turn.sin;
  // Along the plane normal to x, y grows; along the plane normal to y, x grows.
  const double start = plane.axis == 0 ? (plane.at - half) * c + half * s
                                       : -half * c - (plane.at - half) * s;
  kernels_.make_taps(*taps, shape_.n_out, shape_.n_ring, start + view_.center,
                     plane.axis == 0 ? -s : c, sign);
}

Frame Reconstructor::make_frame(const Job& job, int index, Rows* both, Rows* total_only) {
  const Input& input = *job.input;
  Slot& slot = slots_[static_cast<size_t>(input.slot)];
  const size_t line = 3 * z_pitch_ + 16;
  int32_t* memory = taps_.as<int32_t>() + 4 * line * static_cast<size_t>(index);
  Frame f{};
  f.pixels = input.pixels;
  f.type = input.type;
  f.suspect = job.suspect;
  f.floor = std::max(steps_.floor * job.light, std::numeric_limits<float>::min());
  f.offset = std::log(job.light);
  f.slot = slot_tiles(input.slot);
  f.z_row = new_z_rows_.as() + static_cast<size_t>(index) * 2 * row_pitch_ + kRowPad;
  f.old_is_fresh = slot.is_fresh;
  if (slot.is_filled) {
    make_taps(&f.old_x, memory + 2 * line, view_.x, slot.cos, slot.sin, -1);
    make_taps(&f.old_y, memory + 3 * line, view_.y, slot.cos, slot.sin, -1);
    Rows& rows = slot.is_fresh ? *both : *total_only;
    rows.add(z_row(input.slot), slot.cos, slot.sin, -1);
  }
  make_taps(&f.new_x, memory, view_.x, input.cos, input.sin, 1);
  make_taps(&f.new_y, memory + line, view_.y, input.cos, input.sin, 1);
  both->add(f.z_row, input.cos, input.sin, 1);
  filled_slots_ += !slot.is_filled;
  fresh_slots_ += !slot.is_fresh;
  slot = Slot{input.cos, input.sin, true, true};
  return f;
}

HorizontalArgs Reconstructor::horizontal_args(const Rows& both,
                                              const Rows& total_only) const {
  return {total_.z.as(),  fresh_.z.as(), z_pitch_,     row_pitch_,  shape_.n_out,
          shape_.n_ring, in_words_,     view_.center, both.list(), total_only.list()};
}

void Reconstructor::add_horizontal(const HorizontalArgs& all, int block) {
  HorizontalArgs args = all;
  if (!is_in_turn(block)) args.fresh = nullptr;
  const int y0 = block * kRowsPerTask;
  kernels_.horizontal(args, y0, std::min(shape_.n_out, y0 + kRowsPerTask));
}

void Reconstructor::push(const Job* jobs, int count, const Images* shown) {
  const int n_out = shape_.n_out;
  if (prepass_.is_on()) make_images(jobs, count);
  add_tilted(jobs, count, -1);
  Rows both, total_only;
  Fields fields[kGenerations + 1];
  for (int g = 0; g <= kGenerations; g++) fields[g] = fields_[g].fields();
  std::vector<Frame> frames(static_cast<size_t>(count));
  for (int i = 0; i < count; i++) {
    frames[i] = make_frame(jobs[i], i, &both, &total_only);
    frames[i].fields = &fields[jobs[i].input->generation];
    if (!prepass_.is_on()) continue;
    frames[i].pixels = prepass_.image(i);
    frames[i].type = Pixel::f32;
    frames[i].fields = &fields[kGenerations];
    frames[i].suspect = nullptr;
  }
  const LineSteps lines{steps_.hardening_2, steps_.hardening_3,
                        steps_.is_mean_wanted ? line_sums_.as() : nullptr, correction_.as(),
                        weights_.as()};
  if (steps_.is_mean_wanted) summed_ += count;
  const PushArgs args{shape_.n_x,
                      shape_.n_z,
                      n_out,
                      shape_.n_ring,
                      shape_.pad_x,
                      view_.z,
                      count,
                      row_pitch_,
                      in_words_,
                      units_.data(),
                      frames.data(),
                      has_line_steps() ? &lines : nullptr,
                      &filter_,
                      {total_.x.as(), fresh_.x.as()},
                      {total_.y.as(), fresh_.y.as()},
                      kShares,
                      turn_,
                      timed_ ? clock_ns : nullptr};
  const HorizontalArgs horizontal = horizontal_args(both, total_only);
  // One parallel pass: the band that holds row z first, then the other bands, then the
  // horizontal slice, which needs only that first band. Tasks are claimed in order, so
  // whoever waits for it waits for a thread that is already at work on it.
  const int z_band = view_.z / kRows;
  std::atomic<bool> z_rows_ready{false};
  pool_.each(bands_ + blocks(), [&](int task, int worker) {
    uint64_t* stage_ns = stage_ns_.data() + static_cast<size_t>(worker) * kTimedStages;
    if (task < bands_) {
      const int band = task == 0 ? z_band : task <= z_band ? task - 1 : task;
      float* scratch = scratch_.as() + static_cast<size_t>(worker) * scratch_pitch_;
      kernels_.push_band(args, band, spare_tiles(worker), scratch, stage_ns);
      if (task == 0) {
        z_rows_ready.store(true, std::memory_order_release);
        z_rows_ready.notify_all();
      }
      for (const bool is_x : {false, true})
        if (shown) write_band(*shown, band, is_x);
      return;
    }
    z_rows_ready.wait(false, std::memory_order_acquire);
    const uint64_t begin = timed_ ? clock_ns() : 0;
    add_horizontal(horizontal, task - bands_);
    if (shown && !tilted_.is_on()) write_block(*shown, task - bands_);
    if (timed_) stage_ns[kTimedHorizontal] += clock_ns() - begin;
  });
  for (int i = 0; i < count; i++)
    std::memcpy(z_row(jobs[i].input->slot) - kRowPad, frames[i].z_row - kRowPad,
                sizeof(float) * 2 * row_pitch_);
  add_tilted(jobs, count, 1);
  if (shown && tilted_.is_on()) tilted_.write(pool_, shown->z.pixels, shown->z.pitch, scale());
}

float Reconstructor::scale() const {
  return filled_slots_ ? static_cast<float>(shape_.arc / filled_slots_ / kRingGain) : 0.f;
}

void Reconstructor::write_band(const Images& images, int band, bool is_x) const {
  const Buffer& sum = is_x ? total_.x : total_.y;
  const Image& out = is_x ? images.x : images.y;
  kernels_.untile(out.pixels + static_cast<size_t>(band) * kRows * out.pitch, out.pitch,
                  shape_.n_out, std::min(kRows, shape_.n_z - band * kRows),
                  sum.as() + static_cast<size_t>(band) * sum_tile(), scale(), images.are_streamed);
}

void Reconstructor::write_block(const Images& images, int block) const {
  const int y0 = block * kRowsPerTask;
  for (int row = y0; row < std::min(shape_.n_out, y0 + kRowsPerTask); row++)
    kernels_.scale_row(images.z.pixels + static_cast<size_t>(row) * images.z.pitch,
                       shape_.n_out, total_.z.as() + static_cast<size_t>(row) * z_pitch_,
                       scale(), images.are_streamed);
}

void Reconstructor::write(const Images& images) {
  if (tilted_.is_on()) tilted_.write(pool_, images.z.pixels, images.z.pitch, scale());
  pool_.each(2 * bands_ + (tilted_.is_on() ? 0 : blocks()), [&](int task, int) {
    if (task < 2 * bands_) write_band(images, task / 2, task & 1);
    else write_block(images, task - 2 * bands_);
  });
}

void Reconstructor::write_oblique(Image image) {
  for (int y = 0; y < shape_.n_out && !oblique_.is_on(); y++)
    std::fill_n(image.pixels + static_cast<size_t>(y) * image.pitch, shape_.n_out, 0.f);
  oblique_.write(pool_, image.pixels, image.pitch, scale());
}

std::vector<uint64_t> Reconstructor::time_stages(bool on) {
  std::vector<uint64_t> sums(kTimedStages, 0);
  for (size_t i = 0; i < stage_ns_.size(); i++) sums[i % kTimedStages] += stage_ns_[i];
  std::fill(stage_ns_.begin(), stage_ns_.end(), 0);
  timed_ = on;
  return sums;
}

}  // namespace tomostream
