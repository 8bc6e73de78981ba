// Planes beside the shown ones, made from the ring: the volume, row by row.
#include <algorithm>
#include <cstring>

#include "reconstructor.hpp"

namespace tomostream {
namespace {

// Interpolation weights of a group of projections for a block of columns.
struct GroupTaps {
  alignas(64) int32_t offset[kGroup][kBlock];
  alignas(64) int32_t pair[kGroup][kBlock];
  alignas(64) float left[kGroup][kBlock], right[kGroup][kBlock];
  Taps taps[kGroup];
};

}  // namespace

// Neighbouring rows sample the same columns of the ring: a few rows are made at a time, a
// block of columns after the other, so that the ring is read from memory once for all.
void Reconstructor::write_rows(int first, int count, float* out) {
  std::vector<int> ids;
  for (int i = 0; i < shape_.n_slots; i++)
    if (slots_[i].is_filled) ids.push_back(i);
  const size_t plane = static_cast<size_t>(shape_.n_z) * shape_.n_out;
  const int chunks = (count + kRowsAtOnce - 1) / kRowsAtOnce;
  pool_.each(chunks * bands_, [&](int task, int worker) {
    const int row = task / bands_ * kRowsAtOnce, band = task % bands_;
    const int rows = std::min(kRowsAtOnce, count - row);
    float* sums = scratch_.as() + static_cast<size_t>(worker) * scratch_pitch_;
    float* image = out + static_cast<size_t>(row) * plane +
                   static_cast<size_t>(band) * kRows * shape_.n_out;
    for (int i = 0; i < shape_.n_out; i += kBlock) {
      const int columns = std::min(kBlock, shape_.n_out - i);
      add_rows(sums, ids, band, {first + row, rows, i, columns});
      for (int r = 0; r < rows; r++)
        kernels_.untile(image + static_cast<size_t>(r) * plane + i,
                        static_cast<size_t>(shape_.n_out), columns,
                        std::min(kRows, shape_.n_z - band * kRows), sums + r * kBlock * kRows,
                        scale(), true);
    }
  });
}

// sums: (rows, kBlock, kRows).
void Reconstructor::add_rows(float* sums, const std::vector<int>& ids, int band,
                             const Patch& patch) {
  const int half = shape_.n_out / 2, count = static_cast<int>(ids.size());
  GroupTaps group;
  const void* tiles[kGroup];
  std::memset(sums, 0, sizeof(float) * static_cast<size_t>(patch.rows) * kBlock * kRows);
  for (int k = 0; k < count; k += kGroup) {
    const int size = std::min(kGroup, count - k);
    for (int r = 0; r < patch.rows; r++) {
      for (int j = 0; j < size; j++) {
        const Slot& slot = slots_[ids[k + j]];
        tiles[j] = slot_tiles(ids[k + j])[band];
        const double start = (patch.first_column - half) * slot.cos -
                             (patch.first_row + r - half) * slot.sin + view_.center;
        group.taps[j] = {group.offset[j], in_words_ ? group.pair[j] : nullptr, group.left[j],
                         group.right[j]};
        kernels_.make_taps(group.taps[j], patch.columns, shape_.n_ring, start, slot.cos, 1);
      }
      kernels_.backproject(sums + r * kBlock * kRows, 0, patch.columns, in_words_, tiles,
                           group.taps, size);
    }
  }
}

}  // namespace tomostream
