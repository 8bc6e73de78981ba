// The FBP filter.
//
// Recursive: y(x) = sum_k h(k) v(x - k) with h(k) = sum_j weight_j pole_j^(k-1) for k > 0, the
// same for k < 0, and some direct taps. The state of a pole before column x is
//   A(x) = sum_(k>0) pole^(k-1) v(x - k),   A(x + 1) = v(x) + pole A(x).
// If h(k) is 0 for even k, A sums odd distances only; C sums even ones, and with the squared
// pole A(x + 1) = v(x) + pole C(x), C(x + 1) = A(x).
//
// A row is a chain, and the rows of a few frames are too few threads for a GPU. So a row is cut
// into segments. load.cu sums each segment as if nothing were outside of it, join_segments
// turns these sums into the states at the segments' borders, and then all segments are
// filtered at once. Filter, segments: load.cu.

// One thread: the chain of one state of one row of one frame, along all segments.
// states: (frames, segments, n_states, pitch), in place; states 0..7 run forward, 8..15
// backward, and so on. A row continues for ever with its edge values.
KERNEL join_segments(float* states, const float* lines, Int64 frame_stride,
                     const Filter* filter, int segments, int n_states, int rows, int n_ring,
                     int pitch) {
  const Int64 r = thread_x();
  if (r >= rows) return;
  const int state = (int)blockIdx.y, k = (int)blockIdx.z, j = state % kPoles;
  const bool is_backward = (state / kPoles) & 1;
  const float* line = lines + k * frame_stride + r;
  const float edge = is_backward ? line[(Int64)(n_ring - 1) * pitch] : line[0];
  const float power = filter->power[j];
  float sum = edge * filter->settle[j];
  for (int i = 0; i < segments; i++) {
    const int segment = is_backward ? segments - 1 - i : i;
    float* at = states + (((Int64)k * segments + segment) * n_states + state) * pitch + r;
    const float inside = *at;
    *at = sum;
    sum = inside + power * sum;
  }
}

template <bool ODD>
struct Chain {
  float state[2][kPoles];

  // From the first state of the direction, kept `stride` apart.
  __device__ void start(const float* states, int pitch) {
#pragma unroll
    for (int j = 0; j < kPoles; j++) {
      state[0][j] = states[(Int64)j * pitch];
      if (ODD) state[1][j] = states[(Int64)(2 * kPoles + j) * pitch];
    }
  }
  // parity: of the columns since the start.
  __device__ float sum(int parity, const Filter* f) const {
    float a = 0, b = 0;
#pragma unroll
    for (int j = 0; j < kPoles; j += 2) {
      a += f->weight[j] * state[ODD ? parity : 0][j];
      b += f->weight[j + 1] * state[ODD ? parity : 0][j + 1];
    }
    return a + b;
  }
  __device__ void add(float value, int parity, const Filter* f) {
#pragma unroll
    for (int j = 0; j < kPoles; j++) {
      float& s = state[ODD ? 1 - parity : 0][j];
      s = s * f->pole[j] + value;
    }
  }
};

template <bool ODD, class S>
__device__ inline void filter_segment(const float* lines, float* partial, const float* states,
                                      const Filter* f, const int* frames, S* ring, int segments,
                                      int n_states, int rows, int n_ring, int pitch) {
  const Int64 r = thread_x();
  if (r >= rows) return;
  const int segment = (int)blockIdx.y, k = (int)blockIdx.z;
  const int first = segment * kSegment;
  const int last = first + kSegment < n_ring ? first + kSegment : n_ring;
  const Int64 projection = (Int64)n_ring * pitch;
  const float* v = lines + k * projection + r;
  float* y = partial + k * projection + r;
  S* out = ring + frames[k * kFrameWords + 2] * projection + r;
  const float* begin = states + ((Int64)k * segments + segment) * n_states * pitch + r;
  const auto at = [&](int x) {
    const int inside = x < 0 ? 0 : x < n_ring ? x : n_ring - 1;
    return v[(Int64)inside * pitch];
  };
  Chain<ODD> chain;
  chain.start(begin, pitch);
  const auto forward = [&](int x, int parity) {
    const float here = at(x);
    float sum = f->tap[0] * here + chain.sum(parity, f);
    for (int q = 1; q < kTaps; q++) {
      const int k_tap = ODD ? 2 * q - 1 : q;
      sum += f->tap[q] * (at(x - k_tap) + at(x + k_tap));
    }
    y[(Int64)x * pitch] = sum;
    chain.add(here, parity, f);
  };
  for (int x = first; x < last; x += 2) {
    forward(x, 0);
    if (x + 1 < last) forward(x + 1, 1);
  }
  chain.start(begin + (Int64)kPoles * pitch, pitch);
  const auto backward = [&](int x, int parity) {
    store(out + (Int64)x * pitch, y[(Int64)x * pitch] + chain.sum(parity, f));
    chain.add(at(x), parity, f);
  };
  for (int x = last - 1; x >= first; x -= 2) {
    backward(x, 0);
    if (x > first) backward(x - 1, 1);
  }
}

// One thread: one detector row of one segment of one frame. lines, partial (scratch): (frames,
// n_ring, pitch); ring: (places, n_ring, pitch).
#define FILTER(name, ODD, S)                                                                 \
  KERNEL name(const float* lines, float* partial, const float* states, const Filter* filter, \
              const int* frames, S* ring, int segments, int n_states, int rows, int n_ring,  \
              int pitch) {                                                                   \
    filter_segment<ODD, S>(lines, partial, states, filter, frames, ring, segments, n_states, \
                           rows, n_ring, pitch);                                             \
  }
FILTER(filter_half, false, Half)
FILTER(filter_float, false, float)
FILTER(filter_odd_half, true, Half)
FILTER(filter_odd_float, true, float)

// One thread: one complex number. spectrum (count, 2) *= response, which repeats.
KERNEL scale_spectrum(float* spectrum, const float* response, Int64 count, Int64 period) {
  const Int64 i = thread_x();
  if (i >= count) return;
  const float factor = response[i % period];
  spectrum[2 * i] *= factor;
  spectrum[2 * i + 1] *= factor;
}

template <class S>
__device__ inline void keep(const float* filtered, const float* padded, const float* tail,
                            S* ring, Int64 place, int size, int rows, int n_ring, int pitch) {
  const Int64 r = thread_x();
  if (r >= rows) return;
  const int first = (int)blockIdx.y * kBlock;
  const float left = padded[r * size], right = padded[r * size + n_ring - 1];
  for (int x = first; x < first + kBlock && x < n_ring; x++)
    // The row goes on for ever with its edge values; their share has a closed form.
    store(ring + (place * n_ring + x) * pitch + r,
          filtered[r * size + x] + left * tail[x] + right * tail[n_ring - 1 - x]);
}

// One thread: kBlock columns of one detector row of one projection that was filtered by FFT.
// filtered, padded (before the filter): (rows, size); tail: (n_ring,).
KERNEL keep_half(const float* filtered, const float* padded, const float* tail, Half* ring,
                 Int64 place, int size, int rows, int n_ring, int pitch) {
  keep<Half>(filtered, padded, tail, ring, place, size, rows, n_ring, pitch);
}
KERNEL keep_float(const float* filtered, const float* padded, const float* tail, float* ring,
                  Int64 place, int size, int rows, int n_ring, int pitch) {
  keep<float>(filtered, padded, tail, ring, place, size, rows, n_ring, pitch);
}
