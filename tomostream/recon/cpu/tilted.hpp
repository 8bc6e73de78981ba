// Backprojection into a tilted plane whose lines are horizontal.
//
// All points of a line have one z, so a projection shows the line what lies between two of
// its rows: they are interpolated to one profile, which the line samples like a line of the
// horizontal slice. Rows outside the detector are zero, as columns are.
//
// Sums are doubles, and what a projection adds to a point depends on nothing but the
// projection, the point and the centre. So what is taken out is, to the bit, what was added:
// the sums neither drift nor remember, and need no renewal.
#pragma once
#include "horizontal.hpp"
#include "kernels.hpp"
#include "simd.hpp"

namespace tomostream {
namespace {

typedef double Doubles __attribute__((vector_size(TOMO_VECTOR_BYTES), may_alias));
typedef float HalfFloats __attribute__((vector_size(TOMO_VECTOR_BYTES / 2)));

TOMO_INLINE void accumulate(double* sum, Floats a) {
  HalfFloats parts[2];
  memcpy(parts, &a, sizeof a);
  Doubles *p = (Doubles*)sum, *q = (Doubles*)(sum + kWidth / 2);
  *p += __builtin_convertvector(parts[0], Doubles);
  *q += __builtin_convertvector(parts[1], Doubles);
}

// Rows first <= z < last of a projection, pitch apart, out of its tiles. Beyond the last
// column a row goes on with zeros to the end of a vector.
template <class S>
void untile_rows(float* out, size_t pitch, const S* slot, int n_x, int first, int last) {
  for (int h = first / kWidth * kWidth; h < last; h += kWidth) {
    const S* tile = slot + (size_t)(h / kRows) * n_x * kRows + h % kRows;
    const int from = most(first, h), to = least(last, h + kWidth);
    for (int x = 0; x < n_x; x += kWidth) {
      Floats r[kWidth];
      for (int i = 0; i < kWidth; i++)
        r[i] = x + i < n_x ? load(tile + (size_t)(x + i) * kRows) : (Floats){};
      transpose(r);
      for (int z = from; z < to; z++) store(out + (size_t)(z - first) * pitch + x, r[z - h]);
    }
  }
}

// Two neighbouring rows of a projection, with the weights of the profile between them.
struct Profile {
  const float *one, *two;
  float weight_one, weight_two;
};

// Samples at start, start + step, ...; |step| <= 1.
#if TOMO_VECTOR_BYTES >= 32
TOMO_INLINE Floats sample(const Profile& p, double start, int32_t step, Ints lanes) {
  constexpr int32_t kFraction = (1 << kPoint) - 1, kOne = 0x3f800000;
  const int32_t lowest = step < 0 ? (kWidth - 1) * step : 0;
  const int64_t low = (int64_t)(start * (1 << kPoint)) + lowest;
  const int64_t first = low >> kPoint;    // floor
  const Ints at = lanes + ((int32_t)low & kFraction);
  const Ints column = at >> kPoint;
  const Floats one_and_w = (Floats)((at & kFraction) | kOne);
  const Floats g = load_unaligned(p.one + first) * p.weight_one +
                   load_unaligned(p.two + first) * p.weight_two;
  const Floats next = load_unaligned(p.one + first + 1) * p.weight_one +
                      load_unaligned(p.two + first + 1) * p.weight_two;
  const Floats d = next - g;
  return permute(g - d, column) + one_and_w * permute(d, column);
}
TOMO_INLINE int32_t sample_step(double step) { return (int32_t)(step * (1 << kPoint)); }
TOMO_INLINE Ints sample_lanes(int32_t step) {    // of the lowest lane: 0
  return lane_numbers() * step - (step < 0 ? (kWidth - 1) * step : 0);
}
#else
TOMO_INLINE Floats sample(const Profile& p, double start, float, Floats lanes) {
  // The padding makes positions positive, so that (int) rounds down.
  const int first = (int)(start + kTiltedPad) - kTiltedPad;
  const Floats at = lanes + ((float)(start - first) + (float)kWidth);
  return samples(p.one + first - kWidth, at) * p.weight_one +
         samples(p.two + first - kWidth, at) * p.weight_two;
}
TOMO_INLINE float sample_step(double step) { return (float)step; }
TOMO_INLINE Floats sample_lanes(float step) {
  return __builtin_convertvector(lane_numbers(), Floats) * step;
}
#endif

// Add the profile to a line; its point i lies at column start + i * step.
TOMO_INLINE void add_profile(double* sum, int n_points, int n_x, const Profile& profile,
                             double start, double step) {
  // Points that see the row: -1 < column < n_x.
  double from = 0, to = n_points;
  if (step > 1e-9 || step < -1e-9) {
    const double a = (-1 - start) / step, b = (n_x - start) / step;
    const double enter = a < b ? a : b, leave = a < b ? b : a;
    if (enter > from) from = enter;
    if (leave < to) to = leave;
  } else if (start <= -1 || start >= n_x) {
    return;
  }
  if (!(from < to)) return;
  const auto vector_step = sample_step(step);
  const auto lanes = sample_lanes(vector_step);
  const int last = least((int)to + 1, n_points);
  for (int i = (int)from / kWidth * kWidth; i < last; i += kWidth)
    accumulate(sum + i, sample(profile, start + step * i, vector_step, lanes));
}

int floor_of(double a) {    // |a| < 2^30
  const int i = (int)a;
  return i > a ? i - 1 : i;
}

// Rows of the detector that lines first..last-1 need, as far as they exist.
struct RowRange {
  int first, last;
};
RowRange rows_of(const TiltedArgs& t, int first, int last) {
  const double a = t.origin[2] + t.across[2] * first, b = t.origin[2] + t.across[2] * (last - 1);
  const int lowest = floor_of(a < b ? a : b), highest = floor_of(a < b ? b : a) + 1;
  return {most(lowest, 0), least(highest + 1, t.n_z)};
}

template <class S>
void add_projection(const TiltedArgs& t, const TiltedProjection& p, int first, int last,
                    RowRange range, float* rows, const float* nothing) {
  untile_rows(rows, t.row_pitch, (const S*)p.slot, t.n_x, range.first, range.last);
  const double c = p.cos, s = p.sin, step = t.along[0] * c - t.along[1] * s;
  for (int line = first; line < last; line++) {
    const double z = t.origin[2] + t.across[2] * line;
    if (z <= -1 || z >= t.n_z) continue;
    const int row = floor_of(z);
    const float above = (float)(z - row);
    const auto row_at = [&](int r) {
      const bool exists = r >= range.first && r < range.last;
      return exists ? rows + (size_t)(r - range.first) * t.row_pitch : nothing;
    };
    const Profile profile{row_at(row), row_at(row + 1), p.sign * (1 - above), p.sign * above};
    const double x = t.origin[0] + t.across[0] * line, y = t.origin[1] + t.across[1] * line;
    add_profile(t.sum + (size_t)line * t.pitch, t.n_points, t.n_x, profile,
                x * c - y * s + t.center, step);
  }
}

void tilted(const TiltedArgs& t, int first, int last, float* scratch) {
  const RowRange range = rows_of(t, first, last);
  if (range.first >= range.last) return;
  // The padding of all rows, and a row of zeros before them.
  const int count = range.last - range.first;
  memset(scratch, 0, sizeof(float) * t.row_pitch);
  float* padded = scratch + t.row_pitch;
  const size_t end = (size_t)((t.n_x + kWidth - 1) / kWidth * kWidth) + kTiltedPad;
  for (int r = 0; r < count; r++) {
    float* row = padded + (size_t)r * t.row_pitch;
    memset(row, 0, sizeof(float) * kTiltedPad);
    memset(row + end, 0, sizeof(float) * (t.row_pitch - end));
  }
  float *rows = padded + kTiltedPad, *nothing = scratch + kTiltedPad;
  for (int k = 0; k < t.count; k++) {
    const TiltedProjection& p = t.projections[k];
    if (t.half) add_projection<Half>(t, p, first, last, range, rows, nothing);
    else add_projection<float>(t, p, first, last, range, rows, nothing);
  }
}

}  // namespace
}  // namespace tomostream
