// Backprojection into the planes.
//
// A projection adds to pixel (column, row) of a plane its sample at
//   position = start + column * step + row * step_down
// along the detector row of that pixel. Between columns it is interpolated; outside of the
// projection there are zeros. `uses` says which projections: kUse numbers each.

constexpr int kUse = 5;    // place in the ring, sign, start, step, step_down

template <class S>
__device__ inline void add_vertical(float* sums, const S* ring, const Int64* uses, int count,
                                    int first, int n_out, int n_ring, int pitch, int is_new) {
  const Int64 pair = thread_x();
  if (2 * pair >= pitch) return;
  const int i = first + (int)blockIdx.y, axis = (int)blockIdx.z;
  const Int64 projection = (Int64)n_ring * pitch;
  float2* sum = (float2*)(sums + ((Int64)axis * n_out + i) * pitch) + pair;
  float a = is_new ? 0.f : sum->x, b = is_new ? 0.f : sum->y;
  const Int64* use = uses + (Int64)axis * count * kUse;
#pragma unroll 4
  for (int k = 0; k < count; k++, use += kUse) {
    float w;
    const Int64 column = split(use[2] + i * use[3], &w);
    const S* p = ring + use[0] * projection + column * pitch + 2 * pair;
    const float sign = (float)use[1], left = sign * (1.f - w), right = sign * w;
    if (column >= 0 && column < n_ring) {
      const Pair u = load_pair(p);
      a += left * u.a;
      b += left * u.b;
    }
    if (column >= -1 && column < n_ring - 1) {
      const Pair u = load_pair(p + pitch);
      a += right * u.a;
      b += right * u.b;
    }
  }
  sum->x = a;
  sum->y = b;
}

// One thread: two neighbouring detector rows of one column of a plane along the axis; X and Y
// in one launch. sums: (planes, n_out, pitch); uses: (planes, count, kUse).
#define VERTICAL(name, S)                                                               \
  KERNEL name(float* sums, const S* ring, const Int64* uses, int count, int first,      \
              int n_out, int n_ring, int pitch, int is_new) {                           \
    add_vertical<S>(sums, ring, uses, count, first, n_out, n_ring, pitch, is_new);      \
  }
VERTICAL(vertical_half, Half)
VERTICAL(vertical_float, float)

// One thread: one pixel of the horizontal plane. sums: (rows, columns); lines: (places,
// n_ring), the plane's detector row of every projection.
KERNEL horizontal(float* sums, const float* lines, const Int64* uses, int count, int first,
                  int columns, int n_ring, int is_new) {
  const Int64 x = thread_x();
  if (x >= columns) return;
  const Int64 y = first + (Int64)blockIdx.y;
  float* sum = sums + y * columns + x;
  float a = is_new ? 0.f : *sum;
#pragma unroll 4
  for (int k = 0; k < count; k++, uses += kUse) {
    float w;
    const Int64 column = split(uses[2] + x * uses[3] + y * uses[4], &w);
    const float* p = lines + uses[0] * n_ring + column;
    const float left = column >= 0 && column < n_ring ? p[0] : 0.f;
    const float right = column >= -1 && column < n_ring - 1 ? p[1] : 0.f;
    a += (float)uses[1] * (left + w * (right - left));
  }
  *sum = a;
}

template <class S>
__device__ inline void add_tilted(float* sums, const S* ring, const Int64* uses, int count,
                                  int first, int columns, Int64 z, Int64 z_step,
                                  Int64 z_down, int rows, int n_ring, int pitch, int is_new) {
  const Int64 x = thread_x();
  if (x >= columns) return;
  const Int64 y = first + (Int64)blockIdx.y;
  float* sum = sums + y * columns + x;
  float a = is_new ? 0.f : *sum, below;
  const Int64 row = split(z + x * z_step + y * z_down, &below);
  // Rows of other devices, and those off the detector, count as zeros here.
  const float upper = row >= 0 && row < rows ? 1.f - below : 0.f;
  const float lower = row >= -1 && row < rows - 1 ? below : 0.f;
  for (int k = 0; k < count && (upper != 0 || lower != 0); k++, uses += kUse) {
    float w;
    const Int64 column = split(uses[2] + x * uses[3] + y * uses[4], &w);
    const S* p = ring + (uses[0] * n_ring + column) * pitch + row;
    float left = 0, right = 0;
    if (column >= 0 && column < n_ring) {
      if (upper != 0) left = upper * load(p);
      if (lower != 0) left += lower * load(p + 1);
    }
    if (column >= -1 && column < n_ring - 1) {
      if (upper != 0) right = upper * load(p + pitch);
      if (lower != 0) right += lower * load(p + pitch + 1);
    }
    a += (float)uses[1] * (left + w * (right - left));
  }
  *sum = a;
}

// One thread: one pixel of a tilted plane, whose detector row is z + column * z_step + row *
// z_down, fixed-point. sums: (rows of the plane, columns).
#define TILTED(name, S)                                                                      \
  KERNEL name(float* sums, const S* ring, const Int64* uses, int count, int first,           \
              int columns, Int64 z, Int64 z_step, Int64 z_down, int rows, int n_ring,        \
              int pitch, int is_new) {                                                       \
    add_tilted<S>(sums, ring, uses, count, first, columns, z, z_step, z_down, rows, n_ring,  \
                  pitch, is_new);                                                            \
  }
TILTED(tilted_half, Half)
TILTED(tilted_float, float)

template <class S>
__device__ inline void take_row(float* lines, const S* ring, const Int64* places, int row,
                                int n_ring, int pitch) {
  const Int64 x = thread_x();
  if (x >= n_ring) return;
  const Int64 at = places[blockIdx.y] * n_ring + x;
  lines[at] = load(ring + at * pitch + row);
}

// One thread: one column of the horizontal plane's detector row of one projection.
KERNEL take_row_half(float* lines, const Half* ring, const Int64* places, int row, int n_ring,
                     int pitch) {
  take_row<Half>(lines, ring, places, row, n_ring, pitch);
}
KERNEL take_row_float(float* lines, const float* ring, const Int64* places, int row,
                      int n_ring, int pitch) {
  take_row<float>(lines, ring, places, row, n_ring, pitch);
}

// One thread: kBlock columns of one detector row of a finished vertical plane.
// out: (planes, rows, n_out); sums: (planes, n_out, pitch).
KERNEL finish_vertical(float* out, const float* sums, float scale, int rows, int n_out,
                       int pitch) {
  const Int64 r = thread_x();
  if (r >= rows) return;
  const int first = (int)blockIdx.y * kBlock;
  const Int64 plane = blockIdx.z;
  for (int i = first; i < first + kBlock && i < n_out; i++)
    out[(plane * rows + r) * n_out + i] = scale * sums[(plane * n_out + i) * pitch + r];
}

// One thread: one pixel of a finished plane.
KERNEL finish_plane(float* out, const float* sums, float scale, Int64 count) {
  const Int64 i = thread_x();
  if (i < count) out[i] = scale * sums[i];
}
