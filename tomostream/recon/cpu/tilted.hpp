// Backprojection into a tilted plane whose lines are horizontal.
//
// All points of a line have one z, so a projection shows the line what lies between two of
// its rows: they are interpolated to one profile, which the line samples like a line of the
// horizontal slice. Rows outside the detector are zero, as columns are.
//
// Sums are doubles, and what a projection adds to a point depends on nothing but the
// projection, the point and the centre. So what is taken out is, to the bit, what was added:
// the sums keep the roundings of a double only, and need no renewal.
#pragma once
#include "horizontal.hpp"
#include "kernels.hpp"
#include "simd.hpp"
#include "words.hpp"

namespace tomostream {
namespace {

// sum += a, in double precision. GCC makes four short conversions of the generic way, which
// cost a fifth of the time of a plane with AVX-512.
TOMO_INLINE void accumulate(double* sum, Floats a) {
#if TOMO_VECTOR_BYTES == 64
  const __m512 f = (__m512)a;
  const __m512d low = _mm512_cvtps_pd(_mm512_castps512_ps256(f));
  const __m512d high = _mm512_cvtps_pd(_mm512_extractf32x8_ps(f, 1));
  _mm512_store_pd(sum, _mm512_add_pd(_mm512_load_pd(sum), low));
  _mm512_store_pd(sum + 8, _mm512_add_pd(_mm512_load_pd(sum + 8), high));
#else
  typedef double Doubles __attribute__((vector_size(TOMO_VECTOR_BYTES), may_alias));
  typedef float HalfFloats __attribute__((vector_size(TOMO_VECTOR_BYTES / 2)));
  HalfFloats parts[2];
  memcpy(parts, &a, sizeof a);
  Doubles *low = (Doubles*)sum, *high = (Doubles*)(sum + kWidth / 2);
  *low += __builtin_convertvector(parts[0], Doubles);
  *high += __builtin_convertvector(parts[1], Doubles);
#endif
}

// Rows first <= z < last of a projection, pitch apart, out of its tiles. Beyond the last
// column a row goes on with zeros to the end of a vector.
template <class S>
void untile_rows(float* out, size_t pitch, const void* const* tiles, int n_x, int first, int last) {
  for (int h = first / kWidth * kWidth; h < last; h += kWidth) {
    const S* tile = (const S*)tiles[h / kRows];
    const int from = most(first, h), to = least(last, h + kWidth);
    for (int x = 0; x < n_x; x += kWidth) {
      Floats r[kWidth];
      for (int i = 0; i < kWidth; i++)
        r[i] = x + i < n_x ? load_rows_of(tile, (size_t)(x + i), h % kRows) : (Floats){};
      transpose(r);
      for (int z = from; z < to; z++) store(out + (size_t)(z - first) * pitch + x, r[z - h]);
    }
  }
}

int floor_of(double a) {    // |a| < 2^30
  const int i = (int)a;
  return i > a ? i - 1 : i;
}

// Two neighbouring rows of a projection, with the weights of the profile between them.
struct Profile {
  const float *one, *two;
  float weight_one, weight_two;
};

// Add the profile's samples at start + i * step to points first <= i < last; |step| <= 1.
// Whole vectors are written. All positions lie within the padding.
#if TOMO_VECTOR_BYTES >= 32
TOMO_INLINE void add_samples(double* sum, int first, int last, const Profile& p, double start,
                             double step) {
  // Positions are counted up as integers: made from a double for each vector they take a third
  // of the time. The finer unit keeps the count as good.
  constexpr int kFiner = 17;
  constexpr int32_t kFraction = (1 << kPoint) - 1, kOne = 0x3f800000;
  const int32_t lane_step = (int32_t)(step * (1 << kPoint));
  const int32_t lowest = lane_step < 0 ? (kWidth - 1) * lane_step : 0;
  const Ints lanes = lane_numbers() * lane_step - lowest;    // of the lowest lane: 0
  constexpr double kUnit = (double)((int64_t)1 << (kPoint + kFiner));
  const int64_t vector_step = (int64_t)(step * kWidth * kUnit);
  int64_t at_first = (int64_t)((start + step * first) * kUnit) + ((int64_t)lowest << kFiner);
  for (int i = first; i < last; i += kWidth, at_first += vector_step) {
    const int64_t low = at_first >> kFiner, column = low >> kPoint;    // floor
    const Ints at = lanes + ((int32_t)low & kFraction);
    const Ints from = at >> kPoint;
    const Floats one_and_w = (Floats)((at & kFraction) | kOne);
    const Floats g = load_unaligned(p.one + column) * p.weight_one +
                     load_unaligned(p.two + column) * p.weight_two;
    const Floats next = load_unaligned(p.one + column + 1) * p.weight_one +
                        load_unaligned(p.two + column + 1) * p.weight_two;
    const Floats d = next - g;
    accumulate(sum + i, permute(g - d, from) + one_and_w * permute(d, from));
  }
}
#else
TOMO_INLINE void add_samples(double* sum, int first, int last, const Profile& p, double start,
                             double step) {
  const Floats lanes = __builtin_convertvector(lane_numbers(), Floats) * (float)step;
  for (int i = first; i < last; i += kWidth) {
    const double at_first = start + step * i;
    const int column = floor_of(at_first) - kWidth;    // so that positions are positive
    const Floats at = lanes + (float)(at_first - column);
    accumulate(sum + i, samples(p.one + column, at) * p.weight_one +
                            samples(p.two + column, at) * p.weight_two);
  }
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
  add_samples(sum, (int)from / kWidth * kWidth, least((int)to + 1, n_points), profile, start,
              step);
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
  untile_rows<S>(rows, t.row_pitch, p.slot, t.n_x, range.first, range.last);
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
  // A row of zeros, then those of the projection with their padding.
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
    if (t.in_words) add_projection<Word>(t, p, first, last, range, rows, nothing);
    else add_projection<float>(t, p, first, last, range, rows, nothing);
  }
}

}  // namespace
}  // namespace tomostream
