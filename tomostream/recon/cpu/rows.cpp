// Planes beside the shown ones, made from the ring: the volume, row by row.
#include <algorithm>
#include <cstring>

#include "reconstructor.hpp"

namespace tomostream {

void Reconstructor::write_rows(int first, int count, float* out) {
  std::vector<int> ids;
  for (int i = 0; i < shape_.n_slots; i++)
    if (slots_[i].is_filled) ids.push_back(i);
  const size_t plane = static_cast<size_t>(shape_.n_z) * shape_.n_out;
  std::vector<Taps> taps(ids.size());
  for (int row = 0; row < count; row++) {
    const Upright normal_to_y{1, first + row, {}};
    pool_.each(static_cast<int>(ids.size()), [&](int i, int) {
      const Slot& slot = slots_[ids[i]];
      int32_t* memory = taps_.as<int32_t>() + static_cast<size_t>(i) * 3 * z_pitch_;
      make_taps(&taps[i], memory, normal_to_y, slot.cos, slot.sin, 1);
    });
    pool_.each(bands_, [&](int band, int worker) {
      const size_t offset = static_cast<size_t>(band) * tile() * (half_ ? 2 : 4);
      std::vector<const void*> tiles;
      for (const int id : ids) tiles.push_back(slot_data(id) + offset);
      float* sum = scratch_.as() + static_cast<size_t>(worker) * scratch_pitch_;
      float* image = out + static_cast<size_t>(row) * plane +
                     static_cast<size_t>(band) * kRows * shape_.n_out;
      std::memset(sum, 0, sizeof(float) * sum_tile());
      for (int i = 0; i < shape_.n_out; i += kBlock)
        kernels_.backproject(sum, i, std::min(shape_.n_out, i + kBlock), half_, tiles.data(),
                             taps.data(), static_cast<int>(tiles.size()));
      kernels_.untile(image, static_cast<size_t>(shape_.n_out), shape_.n_out,
                      std::min(kRows, shape_.n_z - band * kRows), sum, scale());
    });
  }
}

}  // namespace tomostream
