// From transmission to line integral: what is checked and set up for it.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>

#include "reconstructor.hpp"

namespace tomostream {
namespace {

// Call visit with the pixels as what they are.
template <class F>
float with_pixels(const Input& input, F visit) {
  switch (input.type) {
    case Pixel::i8: return visit(static_cast<const int8_t*>(input.pixels));
    case Pixel::u8: return visit(static_cast<const uint8_t*>(input.pixels));
    case Pixel::i16: return visit(static_cast<const int16_t*>(input.pixels));
    case Pixel::u16: return visit(static_cast<const uint16_t*>(input.pixels));
    case Pixel::i32: return visit(static_cast<const int32_t*>(input.pixels));
    case Pixel::u32: return visit(static_cast<const uint32_t*>(input.pixels));
    case Pixel::i64: return visit(static_cast<const int64_t*>(input.pixels));
    case Pixel::u64: return visit(static_cast<const uint64_t*>(input.pixels));
    case Pixel::f32: return visit(static_cast<const float*>(input.pixels));
    case Pixel::f64: return visit(static_cast<const double*>(input.pixels));
  }
  return 0;
}

template <class P>
double value_at(const P* pixels, size_t index) {
  P value;    // of any alignment
  std::memcpy(&value, pixels + index, sizeof value);
  return static_cast<double>(value);
}

}  // namespace

void Reconstructor::set_steps(const Steps& steps) {
  if (steps.is_mean_wanted && !line_sums_.as())
    line_sums_ = Buffer(pool_, sizeof(float) * field_tile() * static_cast<size_t>(bands_),
                        "mean of a revolution");
  if (!steps.is_mean_wanted) {
    line_sums_ = Buffer{};
    summed_ = 0;
  }
  steps_ = steps;
}

void Reconstructor::set_weights(const std::vector<float>& weights) {
  weights_ = Buffer{};
  if (weights.empty()) return;
  weights_ = Buffer(pool_, sizeof(float) * weights.size(), "overlap weights");
  std::copy(weights.begin(), weights.end(), weights_.as());
}

void Reconstructor::set_correction(const float* correction) {
  if (!correction) {
    correction_ = Buffer{};
    return;
  }
  if (!correction_.as())
    correction_ = Buffer(pool_, sizeof(float) * field_tile() * static_cast<size_t>(bands_),
                         "correction of rings");
  pool_.each(shape_.n_z, [&](int z, int) {
    const float* row = correction + static_cast<size_t>(z) * shape_.n_x;
    for (int x = 0; x < shape_.n_x; x++) correction_.as()[field_at(z, x)] = row[x];
  });
}

int64_t Reconstructor::mean_lines(float* out) {
  const int64_t count = summed_;
  const size_t pixels = static_cast<size_t>(shape_.n_z) * shape_.n_x;
  summed_ = 0;
  if (count == 0) {
    std::fill_n(out, pixels, 0.f);
    return 0;
  }
  pool_.each(shape_.n_z, [&](int z, int) {
    float* row = out + static_cast<size_t>(z) * shape_.n_x;
    for (int x = 0; x < shape_.n_x; x++)
      row[x] = line_sums_.as()[field_at(z, x)] / static_cast<float>(count);
  });
  line_sums_.clear(pool_);
  return count;
}

bool Reconstructor::has_line_steps() const {
  return steps_.ratio != 1 || steps_.region.width > 0 || steps_.hardening_2 != 0 ||
         steps_.hardening_3 != 0 || steps_.is_mean_wanted || correction_.as() ||
         weights_.as();
}

float Reconstructor::light_of(const Input& input) const {
  const FieldSet& set = fields_[input.generation];
  const Region& r = steps_.region;
  return with_pixels(input, [&](const auto* pixels) {
    double sum = 0;
    int64_t count = 0;
    for (int z = r.y; z < r.y + r.height; z++)
      for (int x = r.x; x < r.x + r.width; x++) {
        const size_t o = field_at(z, x);
        const size_t i = static_cast<size_t>(z) * shape_.n_x + static_cast<size_t>(x);
        const double light = (value_at(pixels, i) - set.dark.as()[o]) * set.gain.as()[o];
        if (!std::isfinite(light)) continue;
        sum += light;
        count++;
      }
    return count ? static_cast<float>(sum / static_cast<double>(count))
                 : std::numeric_limits<float>::quiet_NaN();
  });
}

void Reconstructor::find_bad_pixels(const std::vector<Input>& inputs,
                                    std::vector<std::atomic<uint32_t>>& bad) {
  const auto is_float = [](const Input& i) {
    return i.type == Pixel::f32 || i.type == Pixel::f64;
  };
  if (std::none_of(inputs.begin(), inputs.end(), is_float)) return;
  const size_t bands = static_cast<size_t>(bands_);
  pool_.each(static_cast<int>(inputs.size()) * bands_, [&](int task, int) {
    const size_t i = static_cast<size_t>(task) / bands;
    if (!is_float(inputs[i])) return;
    const Fields fields = fields_[inputs[i].generation].fields();
    Frame frame{};
    frame.pixels = inputs[i].pixels;
    frame.type = inputs[i].type;
    frame.fields = &fields;
    const int band = task % bands_;
    const uint32_t n = kernels_.count_bad(frame, shape_.n_x, shape_.n_z, band);
    suspect_[static_cast<size_t>(task)] = n > 0;
    bad[i].fetch_add(n, std::memory_order_relaxed);
  });
}

int64_t Reconstructor::check(const std::vector<Input>& inputs, Fate* fates) {
  suspect_.assign(inputs.size() * static_cast<size_t>(bands_), 0);
  lights_.assign(inputs.size(), steps_.ratio);
  std::vector<std::atomic<uint32_t>> bad(inputs.size());
  find_bad_pixels(inputs, bad);
  if (steps_.region.width > 0)
    pool_.each(static_cast<int>(inputs.size()),
               [&](int i, int) { lights_[i] = light_of(inputs[i]); });
  const int64_t limit = static_cast<int64_t>(shape_.n_z) * shape_.n_x / 100;
  int64_t repaired = 0;
  for (size_t i = 0; i < inputs.size(); i++) {
    const int64_t all = fields_[inputs[i].generation].dead + bad[i].load();
    const bool is_lit = lights_[i] >= kLeastLight && std::isfinite(lights_[i]);
    fates[i] = all > limit                               ? Fate::bad_pixels
               : steps_.region.width > 0 && !is_lit ? Fate::dark_region
                                                         : Fate::accepted;
    if (fates[i] == Fate::accepted) repaired += all;
  }
  return repaired;
}

}  // namespace tomostream
