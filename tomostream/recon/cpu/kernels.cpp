// The kernels of one instruction set. Compiled with TOMO_ISA = baseline, avx2 or avx512.
// The object must hold no weak symbols; the build checks it.
#include "kernels.hpp"

#include "backproject.hpp"
#include "coarse.hpp"
#include "horizontal.hpp"
#include "lines.hpp"
#include "load.hpp"
#include "recursive.hpp"
#include "simd.hpp"
#include "spectral.hpp"
#include "tilted.hpp"
#include "words.hpp"

namespace tomostream {
namespace {

// A tile of floats, then what the filter needs.
size_t scratch_floats(int n_ring, int fft_size) {
  const size_t recursive = (size_t)kWidth * ((size_t)n_ring + 2 * kEdge) + grid_floats(n_ring);
  const size_t spectral = (size_t)fft_size * 2 * kWidth;
  return (size_t)n_ring * kRows + (recursive > spectral ? recursive : spectral);
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

// Filter projection k of one band: lines (n_ring, kRows); or lines (kRows / kWidth, n_ring,
// kWidth) in a unit, and words. Returns the words' largest magnitude.
int filter_band(const PushArgs& a, int k, int band, float* lines, Word* words, float unit,
                float* scratch, Stopwatch& watch) {
  const Frame& f = a.frames[k];
  const char* old = (const char*)f.slot[band];
  const auto rows_at = [&](int h) {
    // Of a tile of floats every other line: lines come in pairs.
    FilteredRows rows{1, lines + h, kRows, old + sizeof(float) * a.n_ring * h, 2 * kLine};
    if (!words) return rows;
    // Lines of kWidth rows stand together.
    const size_t of_rows = (size_t)a.n_ring * kWidth;
    rows = {1 / unit, lines + (size_t)(h / kWidth) * of_rows, kWidth,
            old + kTileHead + sizeof(Word) * a.n_ring * h, kLine};
    if (h / kWidth % 2 == 0) return rows;
    rows.before = rows.lines - of_rows;
    rows.words = words + (h - kWidth);
    return rows;
  };
  Words largest = {};
  with_pixel_type(f.type, [&](auto* type) {
    using P = __typeof__(*type);
    if (a.filter->spectral) {
      constexpr int C = 2 * kWidth;
      for (int h = 0; h < kRows; h += C) {
        load_lines<P>(a, k, band, h, scratch, C);
        load_lines<P>(a, k, band, h + kWidth, scratch + kWidth, C);
        watch.stop(kLoad);
        const Words now =
            filter_spectral(scratch, rows_at(h), rows_at(h + kWidth), a.n_ring, a.filter->fft);
        largest = larger_magnitude(largest, now);
        watch.stop(kFilter);
      }
      return;
    }
    float* t = scratch + kEdge * kWidth;
    const RecursiveFilter& filter = a.filter->recursive;
    for (int h = 0; h < kRows; h += kWidth) {
      load_lines<P>(a, k, band, h, t, kWidth);
      watch.stop(kLoad);
      const FilteredRows rows = rows_at(h);
      const Words now = filter.odd ? filter_recursive<true>(t, rows, a.n_ring, filter)
                                   : filter_recursive<false>(t, rows, a.n_ring, filter);
      largest = larger_magnitude(largest, now);
      watch.stop(kFilter);
    }
  });
  return largest_of(largest);
}

void prepare_row(float* row, size_t row_pitch, const void* tile, int n_ring, bool in_words,
                 int r, float* scratch) {
  if (in_words) {
    int32_t* g = (int32_t*)scratch;
    const Word* words = words_of(tile) + word_of_row(r);
    for (int x = 0; x < n_ring; x++) g[x] = words[(size_t)x * kRows];
    prepare(row, n_ring, g, unit_of(tile));
    return;
  }
  const float* values = (const float*)tile + r;
  for (int x = 0; x < n_ring; x++) scratch[x] = values[(size_t)x * kRows];
  prepare(row, row_pitch, n_ring, scratch);
}

struct TileList {
  const void* tiles[2 * kGroup];
  Taps taps[2 * kGroup];
  int count = 0;
  void add(const void* tile, const Taps& t) {
    tiles[count] = tile;
    taps[count++] = t;
  }
};

// Add the new tiles of a group to a vertical slice and take the old ones out.
void exchange(const PushArgs& a, const Frame* frames, int count, int band, bool is_y,
              const void* const* new_tiles) {
  const bool is_in_turn = band % a.shares == a.turn;
  TileList both, total_only;    // into the fresh sums too, if the band is in turn
  for (int k = 0; k < count; k++)
    both.add(new_tiles[k], is_y ? frames[k].new_y : frames[k].new_x);
  for (int k = 0; k < count; k++) {
    const Frame& f = frames[k];
    const Taps& taps = is_y ? f.old_y : f.old_x;
    TileList& list = is_in_turn && !f.old_is_fresh ? total_only : both;
    if (taps.offset) list.add(f.slot[band], taps);
  }
  const size_t sum = (size_t)band * a.n_out * kRows;
  const Sums& sums = is_y ? a.y : a.x;
  float *total = sums.total + sum, *fresh = is_in_turn ? sums.fresh + sum : nullptr;
  add_all(total, fresh, 0, a.n_out, a.in_words, both.tiles, both.taps, both.count);
  add_all(total, nullptr, 0, a.n_out, a.in_words, total_only.tiles, total_only.taps,
          total_only.count);
}

// Exchange a group of projections in one band. No slot occurs twice.
void push_group(const PushArgs& a, int first, int count, int band, void** spare, float* scratch,
                Stopwatch& watch) {
  const Frame* frames = a.frames + first;
  float *lines = scratch, *rest = scratch + (size_t)a.n_ring * kRows;
  for (int k = 0; k < count; k++) {
    void* tile = spare[k];
    if (!a.in_words) {
      filter_band(a, first + k, band, (float*)tile, nullptr, 0, rest, watch);
      continue;
    }
    // Packed in the last unit, which seldom is not the right one.
    float& unit = a.units[band];
    unit_of(tile) = unit;
    const int largest = filter_band(a, first + k, band, lines, words_of(tile), unit, rest, watch);
    if (is_fitting(largest)) continue;
    const float fitting = fitting_unit(lines, (size_t)a.n_ring * kRows, unit);
    pack_tile(tile, lines, a.n_ring, unit, fitting);
    unit = fitting;
    watch.stop(kFilter);
  }
  exchange(a, frames, count, band, false, spare);
  exchange(a, frames, count, band, true, spare);
  for (int k = 0; k < count; k++) {
    void* tile = spare[k];
    spare[k] = frames[k].slot[band];
    frames[k].slot[band] = tile;
    if (a.z / kRows == band)
      prepare_row(frames[k].z_row, a.row_pitch, tile, a.n_ring, a.in_words, a.z % kRows, rest);
  }
  watch.stop(kBackproject);
}

void push_band(const PushArgs& a, int band, void** spare, float* scratch, uint64_t* stage_ns) {
  Stopwatch watch{a.clock_ns, stage_ns, 0};
  watch.start();
  for (int k = 0; k < a.count; k += kGroup) {
    const int count = least(kGroup, a.count - k);
    push_group(a, k, count, band, spare, scratch, watch);
  }
}

// The first columns of a vector.
TOMO_INLINE void put(float* p, Floats a, int columns, bool is_streamed) {
  if (columns < kWidth) memcpy(p, &a, sizeof(float) * (size_t)columns);
  else if (!is_streamed || (uintptr_t)p % TOMO_VECTOR_BYTES) store_unaligned(p, a);
  else stream(p, a);
}

void scale_row(float* out, int n_out, const float* sum, float scale, bool is_streamed) {
  for (int x = 0; x < n_out; x += kWidth)
    put(out + x, load(sum + x) * scale, least(kWidth, n_out - x), is_streamed);
}

// Vectors that are written to a row at a time: memory takes long runs faster.
constexpr int kRun = 4 * kLine / TOMO_VECTOR_BYTES;

void untile(float* out, size_t pitch, int n_out, int rows, const float* sum, float scale,
            bool is_streamed) {
  Floats runs[kWidth][kRun];
  for (int x0 = 0; x0 < n_out; x0 += kRun * kWidth) {
    const int vectors = least(kRun, (n_out - x0 + kWidth - 1) / kWidth);
    for (int h = 0; h < rows; h += kWidth) {
      for (int k = 0; k < vectors; k++) {
        Floats r[kWidth];
        for (int i = 0; i < kWidth; i++) {
          const int x = least(x0 + k * kWidth + i, n_out - 1);
          r[i] = load(sum + (size_t)x * kRows + h) * scale;
        }
        transpose(r);
        for (int i = 0; i < kWidth; i++) runs[i][k] = r[i];
      }
      for (int i = 0; i < kWidth && h + i < rows; i++) {
        float* p = out + (size_t)(h + i) * pitch;
        for (int k = 0, x = x0; k < vectors; k++, x += kWidth)
          put(p + x, runs[i][k], least(kWidth, n_out - x), is_streamed);
      }
    }
  }
}

}  // namespace

#define TOMO_PASTE_(a, b) a##b
#define TOMO_PASTE(a, b) TOMO_PASTE_(a, b)
#define TOMO_QUOTE_(a) #a
#define TOMO_QUOTE(a) TOMO_QUOTE_(a)
const Kernels TOMO_PASTE(kernels_, TOMO_ISA) = {
    TOMO_QUOTE(TOMO_ISA), kWidth,      scratch_floats, make_taps, count_bad, push_band,
    backproject,          prepare_row, horizontal,     tilted,    untile,    scale_row};

}  // namespace tomostream
