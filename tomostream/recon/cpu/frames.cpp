// The steps on whole frames, before a frame is loaded.
#include <cstring>

#include "reconstructor.hpp"

namespace tomostream {

void Reconstructor::set_prepass(const PrepassSettings& settings) {
  prepass_settings_ = settings;
  if (!shape_.n_z) return;
  if (settings.is_on()) {
    // First: without memory for them the steps stay as they are.
    const size_t pixels = static_cast<size_t>(shape_.n_z) * static_cast<size_t>(shape_.n_x);
    const std::vector<float> dark(pixels, 0.f), flat(pixels, 1.f);
    set_fields(kGenerations, dark.data(), flat.data());
  } else {
    fields_[kGenerations] = FieldSet{};
  }
  prepass_.configure(prepass_kernels(kernels_), pool_, shape_.n_z, shape_.n_x, settings);
}

void Reconstructor::make_images(const Job* jobs, int count) {
  Fields fields[kGenerations];
  for (int g = 0; g < kGenerations; g++) fields[g] = fields_[g].fields();
  std::vector<Prepass::Input> raw;
  for (int i = 0; i < count; i++) {
    const Input& input = *jobs[i].input;
    raw.push_back({input.pixels, input.type, input.generation});
  }
  prepass_.run(pool_, raw, fields, timed_ ? stage_ns_.data() + kTimedPrepass : nullptr,
               kTimedStages);
}

bool Reconstructor::transmission(const Input& input, float* out) {
  Fate fate = Fate::accepted;
  check({input}, &fate);
  if (fate != Fate::accepted || !prepass_.is_on()) return false;
  const Job job{&input, nullptr, 1.f};
  make_images(&job, 1);
  const size_t pixels = static_cast<size_t>(shape_.n_z) * static_cast<size_t>(shape_.n_x);
  std::memcpy(out, prepass_.image(0), sizeof(float) * pixels);
  return true;
}

}  // namespace tomostream
