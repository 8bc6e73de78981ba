// The kernels of one instruction set. Compiled with TOMO_ISA = baseline, avx2 or avx512.
// The object must hold no weak symbols; the build checks it.
#include "kernels.hpp"

#include "backproject.hpp"
#include "horizontal.hpp"
#include "lines.hpp"
#include "load.hpp"
#include "recursive.hpp"
#include "simd.hpp"
#include "spectral.hpp"
#include "tilted.hpp"

namespace tomostream {
namespace {

// A group of new tiles, then what the filter needs.
size_t scratch_floats(int n_ring, int fft_size) {
  const size_t recursive = (size_t)kWidth * (2 * (size_t)n_ring + 2 * kEdge);
  const size_t spectral = (size_t)fft_size * 2 * kWidth;
  const size_t tiles = (size_t)kGroup * n_ring * kRows;
  return tiles + (recursive > spectral ? recursive : spectral);
}

// Times the stages of one band; does nothing without a clock.
struct Stopwatch {
  uint64_t (*clock)();
  uint64_t* stage_ns;
  uint64_t last;
  void start() {
    if (clock) last = clock();
  }
  void stop(Stage stage) {
    if (!clock) return;
    const uint64_t now = clock();
    stage_ns[stage] += now - last;
    last = now;
  }
};

// Write the filtered projection k of one band to tile out. Meanwhile fetch the tile that it
// will replace.
template <class S>
void filter_band(const PushArgs& a, int k, int band, S* out, float* scratch,
                 Stopwatch& watch) {
  const Frame& f = a.frames[k];
  const S* upcoming = (const S*)f.slot + (size_t)band * a.n_ring * kRows;
  with_pixel_type(f.type, [&](auto* type) {
    using P = __typeof__(*type);
    if (a.filter->spectral) {
      constexpr int C = 2 * kWidth;
      for (int h = 0; h < kRows; h += C) {
        load_lines<P>(a, k, band, h, scratch, C);
        load_lines<P>(a, k, band, h + kWidth, scratch + kWidth, C);
        watch.stop(kLoad);
        filter_spectral(scratch, out + h, upcoming + h, a.n_ring, a.filter->fft);
        watch.stop(kFilter);
      }
      return;
    }
    float* t = scratch + kEdge * kWidth;
    float* y = t + (size_t)(a.n_ring + kEdge) * kWidth;
    const RecursiveFilter& filter = a.filter->recursive;
    for (int h = 0; h < kRows; h += kWidth) {
      load_lines<P>(a, k, band, h, t, kWidth);
      watch.stop(kLoad);
      if (filter.odd) filter_recursive<true>(t, y, out + h, upcoming + h, a.n_ring, filter);
      else filter_recursive<false>(t, y, out + h, upcoming + h, a.n_ring, filter);
      watch.stop(kFilter);
    }
  });
}

template <class S>
void prepare_from(float* row, size_t row_pitch, const S* tile, int n_ring, int r,
                  float* scratch) {
  for (int x = 0; x < n_ring; x += kWidth) {
    alignas(TOMO_VECTOR_BYTES) S s[kWidth];
    for (int i = 0; i < kWidth; i++)
      s[i] = tile[(size_t)least(x + i, n_ring - 1) * kRows + r];
    store_unaligned(scratch + x, load(s));
  }
  prepare(row, row_pitch, n_ring, scratch);
}

void prepare_row(float* row, size_t row_pitch, const void* tile, int n_ring, bool half, int r,
                 float* scratch) {
  if (half) prepare_from(row, row_pitch, (const Half*)tile, n_ring, r, scratch);
  else prepare_from(row, row_pitch, (const float*)tile, n_ring, r, scratch);
}

struct TileList {
  const void* tiles[kGroup];
  Taps taps[kGroup];
  int count = 0;
  void add(const void* tile, const Taps& t) {
    tiles[count] = tile;
    taps[count++] = t;
  }
};

// Add the new tiles of a group to a vertical slice and take the old ones out.
template <class S>
void exchange(const PushArgs& a, const Frame* frames, int count, int band, bool is_y,
              const S* fresh_tiles) {
  const size_t tile = (size_t)a.n_ring * kRows;
  const bool is_in_turn = band % a.shares == a.turn;
  TileList added, old, old_fresh;
  for (int k = 0; k < count; k++) {
    const Frame& f = frames[k];
    const Taps& taps = is_y ? f.old_y : f.old_x;
    const S* slot = (const S*)f.slot + (size_t)band * tile;
    added.add(fresh_tiles + (size_t)k * tile, is_y ? f.new_y : f.new_x);
    if (taps.offset) (is_in_turn && f.old_is_fresh ? old_fresh : old).add(slot, taps);
  }
  const size_t sum = (size_t)band * a.n_out * kRows;
  const Sums& sums = is_y ? a.y : a.x;
  float *total = sums.total + sum, *fresh = is_in_turn ? sums.fresh + sum : nullptr;
  add_all<S>(total, fresh, 0, a.n_out, added.tiles, added.taps, added.count);
  add_all<S>(total, nullptr, 0, a.n_out, old.tiles, old.taps, old.count);
  add_all<S>(total, fresh, 0, a.n_out, old_fresh.tiles, old_fresh.taps, old_fresh.count);
}

// Exchange a group of projections in one band. No slot occurs twice.
template <class S>
void push_group(const PushArgs& a, int first, int count, int band, float* scratch,
                Stopwatch& watch) {
  const Frame* frames = a.frames + first;
  const size_t tile = (size_t)a.n_ring * kRows;
  S* tiles = (S*)scratch;
  scratch += kGroup * tile;
  for (int k = 0; k < count; k++)
    filter_band<S>(a, first + k, band, tiles + (size_t)k * tile, scratch, watch);
  exchange<S>(a, frames, count, band, false, tiles);
  exchange<S>(a, frames, count, band, true, tiles);
  for (int k = 0; k < count; k++) {
    const S* new_tile = tiles + (size_t)k * tile;
    memcpy((S*)frames[k].slot + (size_t)band * tile, new_tile, sizeof(S) * tile);
    if (a.z / kRows == band)
      prepare_from(frames[k].z_row, a.row_pitch, new_tile, a.n_ring, a.z % kRows, scratch);
  }
  watch.stop(kBackproject);
}

void push_band(const PushArgs& a, int band, float* scratch, uint64_t* stage_ns) {
  Stopwatch watch{a.clock_ns, stage_ns, 0};
  watch.start();
  for (int k = 0; k < a.count; k += kGroup) {
    const int count = least(kGroup, a.count - k);
    if (a.half) push_group<Half>(a, k, count, band, scratch, watch);
    else push_group<float>(a, k, count, band, scratch, watch);
  }
}

// The first columns of a vector, into an image that is not read here again.
TOMO_INLINE void put(float* p, Floats a, int columns) {
  if (columns < kWidth) memcpy(p, &a, sizeof(float) * (size_t)columns);
  else if ((uintptr_t)p % TOMO_VECTOR_BYTES) store_unaligned(p, a);
  else stream(p, a);
}

void scale_row(float* out, int n_out, const float* sum, float scale) {
  for (int x = 0; x < n_out; x += kWidth)
    put(out + x, load(sum + x) * scale, least(kWidth, n_out - x));
}

void untile(float* out, size_t pitch, int n_out, int rows, const float* sum,
            float scale) {
  for (int x0 = 0; x0 < n_out; x0 += kWidth)
    for (int h = 0; h < rows; h += kWidth) {
      const int columns = least(kWidth, n_out - x0);
      Floats r[kWidth];
      for (int i = 0; i < kWidth; i++) {
        const size_t o = (size_t)(x0 + least(i, columns - 1)) * kRows + h;
        r[i] = load(sum + o) * scale;
      }
      transpose(r);
      for (int i = 0; i < kWidth && h + i < rows; i++) {
        float* p = out + (size_t)(h + i) * pitch + x0;
        put(p, r[i], columns);
      }
    }
}

}  // namespace

#define TOMO_PASTE_(a, b) a##b
#define TOMO_PASTE(a, b) TOMO_PASTE_(a, b)
#define TOMO_QUOTE_(a) #a
#define TOMO_QUOTE(a) TOMO_QUOTE_(a)
const Kernels TOMO_PASTE(kernels_, TOMO_ISA) = {
    TOMO_QUOTE(TOMO_ISA), scratch_floats, make_taps, count_bad, push_band,
    backproject,          prepare_row,    horizontal, tilted,   untile,
    scale_row};

}  // namespace tomostream
