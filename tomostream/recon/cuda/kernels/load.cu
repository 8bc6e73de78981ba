// Raw pixels -> line integrals of attenuation.

// Types of raw pixels, in the order of the loader's PIXEL_TYPES.
__device__ inline float pixel(const void* raw, int type, Int64 i) {
  switch (type) {    // the same for all threads: no divergence
    case 0: return (float)((const signed char*)raw)[i];
    case 1: return (float)((const unsigned char*)raw)[i];
    case 2: return (float)((const short*)raw)[i];
    case 3: return (float)((const unsigned short*)raw)[i];
    case 4: return (float)((const int*)raw)[i];
    case 5: return (float)((const unsigned*)raw)[i];
    default: return ((const float*)raw)[i];
  }
}

// One row of one frame and of its fields. gain = 1 / (flat - dark); where that is dead, it is
// NaN and `dark` holds two distances instead: to the next pixel that is not dead on the left
// (upper 16 bits) and on the right, 0 if there is none.
struct Row {
  const void* raw;
  int type, n_x;
  Int64 first;
  const float *dark, *gain;
  float scale;    // of the transmission: brings a flat of another exposure to this frame's

  __device__ bool is_dead(int x) const { return gain[x] != gain[x]; }
  __device__ bool is_good(int x) const {
    return !is_dead(x) && is_finite(pixel(raw, type, first + x));
  }
  __device__ float transmission(int x) const {
    return (pixel(raw, type, first + x) - dark[x]) * gain[x] * scale;
  }
  // The nearest good pixel on that side; -1 or n_x if there is none.
  __device__ int left_of(int x) const {
    do {
      const unsigned distance = is_dead(x) ? __float_as_uint(dark[x]) >> 16 : 1u;
      if (distance == 0) return -1;
      x -= (int)distance;
    } while (x >= 0 && !is_good(x));
    return x;
  }
  __device__ int right_of(int x) const {
    do {
      const unsigned distance = is_dead(x) ? __float_as_uint(dark[x]) & 0xffffu : 1u;
      if (distance == 0) return n_x;
      x += (int)distance;
    } while (x < n_x && !is_good(x));
    return x;
  }
};

// The line integral of a pixel that can be used.
__device__ inline float minus_log(const Row& row, int x, float floor) {
  // Not infinite: its logarithm would be -inf.
  return -logf(fminf(fmaxf(row.transmission(x), floor), 3e38f));
}

// The value at a pixel that cannot be used: between those of the nearest ones that can.
// floor < 0 asks for the transmission, else for the line integral.
__device__ inline float mend(const Row& row, int x, float floor) {
  const bool is_line = floor >= 0;
  const int left = row.left_of(x), right = row.right_of(x);
  float a = is_line ? 0.f : 1.f, b = a;    // a whole row of bad pixels lets all light through
  if (right < row.n_x) a = b = is_line ? minus_log(row, right, floor) : row.transmission(right);
  if (left < 0) return b;
  a = is_line ? minus_log(row, left, floor) : row.transmission(left);
  if (right >= row.n_x) return a;
  return a + (b - a) * (float)(x - left) / (float)(right - left);
}

__device__ SELDOM float mended(Row row, int x, float floor) { return mend(row, x, floor); }

constexpr int kFrameWords = 4;    // of frames: fields' place, scale, ring's place, raw index

// fields: (place, 2, rows seen, n_x): dark and gain.
__device__ inline Row row_of(const void* raw, int type, const float* fields, const int* frames,
                             int k, int row, int rows_seen, int n_x) {
  const int* frame = frames + k * kFrameWords;
  const Int64 plane = (Int64)rows_seen * n_x;
  const float* dark = fields + 2 * plane * frame[0] + (Int64)row * n_x;
  return {raw, type, n_x, plane * frame[3] + (Int64)row * n_x, dark, dark + plane,
          __int_as_float(frame[1])};
}

// The line integral of pixel x. steps: floor, then b, c of line + b line^2 + c line^3.
//
// Beam hardening: Herman, Phys. Med. Biol. 24 (1979) 81, doi:10.1088/0031-9155/24/1/008.
// CALLS: leaves the mending to a function, which costs spilled registers inside of a loop.
template <bool CALLS>
__device__ inline float line_integral(const Row& row, int x, const float* steps) {
  float line;
  if (row.is_good(x)) line = minus_log(row, x, steps[0]);
  else line = CALLS ? mended(row, x, steps[0]) : mend(row, x, steps[0]);
  return line + (steps[1] + steps[2] * line) * line * line;
}

// One thread: pixels of a row that are neither finite nor dead. bad: (frames, own rows).
KERNEL count_bad(const void* raw, int type, const float* fields, const int* frames, int* bad,
                 int rows, int top, int rows_seen, int n_x) {
  const Int64 r = thread_x();
  if (r >= rows) return;
  const int k = (int)blockIdx.y;
  const Row row = row_of(raw, type, fields, frames, k, top + (int)r, rows_seen, n_x);
  int count = 0;
  for (int x = 0; x < n_x; x++)
    count += !row.is_dead(x) && !is_finite(pixel(raw, type, row.first + x));
  bad[(Int64)k * rows + r] = count;
}

// One thread: one pixel of sum (own rows, n_x), to which it adds the line integrals of all
// frames, before the correction of rings.
KERNEL collect_lines(const void* raw, int type, const float* fields, const int* frames,
                     const float* steps, float* sum, int count, int rows, int top,
                     int rows_seen, int n_x) {
  const Int64 x = thread_x();
  if (x >= n_x) return;
  const int r = (int)blockIdx.y;
  float lines = 0;
  for (int k = 0; k < count; k++) {
    const Row row = row_of(raw, type, fields, frames, k, top + r, rows_seen, n_x);
    lines += line_integral<false>(row, (int)x, steps);
  }
  sum[(Int64)r * n_x + x] += lines;
}

constexpr int kSegment = 128;    // columns that one thread loads and filters
constexpr int kPoles = 8;        // exponentials of the recursive filter
constexpr int kTaps = 6;         // direct taps, h[0] included
constexpr int kBlock = 8;        // columns loaded together: one sector of memory at least

// The recursive filter as the host lays it out.
struct Filter {
  float pole[kPoles];      // odd filters: squared
  float weight[kPoles];
  float power[kPoles];     // of the pole, over a segment
  float settle[kPoles];    // state after a constant 1 for ever
  float tap[kTaps];
};

// Sums of exponentials over one segment, as if nothing were outside of it. See filter.cu.
template <bool ODD>
struct SegmentSums {
  float forward[2][kPoles], backward[2][kPoles], power[kPoles];

  __device__ void start() {
    for (int j = 0; j < kPoles; j++) {
      forward[0][j] = forward[1][j] = backward[0][j] = backward[1][j] = 0;
      power[j] = 1;
    }
  }
  __device__ void add(float value, int parity, const Filter* f) {
#pragma unroll
    for (int j = 0; j < kPoles; j++) {
      const int next = ODD ? 1 - parity : 0;
      forward[next][j] = forward[next][j] * f->pole[j] + value;
      backward[ODD ? parity : 0][j] += power[j] * value;
      if (!ODD || parity) power[j] *= f->pole[j];
    }
  }
  __device__ void store(float* states, int pitch) const {
#pragma unroll
    for (int j = 0; j < kPoles; j++) {
      states[(Int64)j * pitch] = forward[0][j];
      states[(Int64)(kPoles + j) * pitch] = backward[0][j];
      if (ODD) {
        states[(Int64)(2 * kPoles + j) * pitch] = forward[1][j];
        states[(Int64)(3 * kPoles + j) * pitch] = backward[1][j];
      }
    }
  }
};
struct NoSums {
  __device__ void start() {}
  __device__ void add(float, int, const Filter*) {}
  __device__ void store(float*, int) const {}
};

template <class Sums>
__device__ inline void load_segment(
    const void* raw, int type, const float* fields, const int* frames, const float* steps,
    const float* weight, const float* correction, float* lines, Int64 frame_stride,
    Int64 column_stride, Int64 row_stride, float* states, const Filter* f, int n_states, int rows,
    int top, int rows_seen, int n_x, int pad_x, int n_ring, int pitch) {
  const Int64 r = thread_x();
  if (r >= rows) return;
  const int segment = (int)blockIdx.y, k = (int)blockIdx.z, x0 = segment * kSegment;
  const Row row = row_of(raw, type, fields, frames, k, top + (int)r, rows_seen, n_x);
  const float* rings = correction + r * n_x;
  float* out = lines + k * frame_stride + r * row_stride;
  Sums sums;
  sums.start();
  float value = 0;
  for (int i = x0; i < x0 + kSegment; i += kBlock) {
    float block[kBlock];
#pragma unroll
    for (int j = 0; j < kBlock; j++) {
      const int x = i + j - pad_x;
      // Beyond the ring a row goes on with its last value.
      if (i + j < n_ring) {
        value = 0;
        if (x >= 0 && x < n_x)
          value = (line_integral<true>(row, x, steps) - rings[x]) * weight[x];
      }
      block[j] = value;
    }
#pragma unroll
    for (int j = 0; j < kBlock; j++) {
      if (i + j < n_ring) out[(i + j) * column_stride] = block[j];
      sums.add(block[j], j & 1, f);
    }
  }
  sums.store(states + ((Int64)k * gridDim.y + segment) * n_states * pitch + r, pitch);
}

// One thread: one detector row of one segment of one frame. lines: by its strides; weight:
// (n_x,), of half-acquisition; correction: (own rows, n_x), of rings; states: (frames,
// segments, n_states, pitch).
#define LOAD(name, Sums)                                                                      \
  KERNEL name(const void* raw, int type, const float* fields, const int* frames,             \
              const float* steps, const float* weight, const float* correction, float* lines, \
              Int64 frame_stride, Int64 column_stride, Int64 row_stride, float* states,       \
              const Filter* filter, int n_states, int rows, int top, int rows_seen, int n_x,  \
              int pad_x, int n_ring, int pitch) {                                             \
    load_segment<Sums>(raw, type, fields, frames, steps, weight, correction, lines,           \
                       frame_stride, column_stride, row_stride, states, filter, n_states,     \
                       rows, top, rows_seen, n_x, pad_x, n_ring, pitch);                      \
  }
LOAD(load_lines, NoSums)
LOAD(load_and_sum, SegmentSums<false>)
LOAD(load_and_sum_odd, SegmentSums<true>)
