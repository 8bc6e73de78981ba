// Steps that look at more than one pixel's row: they work on whole transmission images.

// One thread: one pixel. image: (frames, rows seen, n_x), what cannot be used mended along x.
KERNEL transmission(const void* raw, int type, const float* fields, const int* frames,
                    float* image, int rows_seen, int n_x) {
  const Int64 x = thread_x();
  if (x >= n_x) return;
  const int r = (int)blockIdx.y, k = (int)blockIdx.z;
  const Row row = row_of(raw, type, fields, frames, k, r, rows_seen, n_x);
  const float p = row.is_good((int)x) ? row.transmission((int)x) : mended(row, (int)x, -1.f);
  // An absurd pixel must not make a whole transform infinite.
  image[((Int64)k * rows_seen + r) * n_x + x] = fminf(fmaxf(p, -1e20f), 1e20f);
}

// The square window around a pixel; beyond the image its edge goes on. image: (rows, n_x).
struct Window {
  const float* image;
  int rows, n_x, z, x, radius;

  __device__ float at(int dz, int dx) const {
    const int r = z + dz < 0 ? 0 : z + dz < rows ? z + dz : rows - 1;
    const int i = x + dx < 0 ? 0 : x + dx < n_x ? x + dx : n_x - 1;
    return image[(Int64)r * n_x + i];
  }
  template <class F>
  __device__ int count(F is_counted) const {
    int found = 0;
    for (int dz = -radius; dz <= radius; dz++)
      for (int dx = -radius; dx <= radius; dx++) found += is_counted(at(dz, dx));
    return found;
  }
  __device__ float median() const {
    const int half = (2 * radius + 1) * (2 * radius + 1) / 2;
    for (int dz = -radius; dz <= radius; dz++)
      for (int dx = -radius; dx <= radius; dx++) {
        const float m = at(dz, dx);
        if (count([=](float v) { return v < m; }) <= half &&
            count([=](float v) { return v <= m; }) > half)
          return m;
      }
    return at(0, 0);
  }
};

// One thread: one pixel p of out, which is image with zingers replaced by the median m of the
// window. image, out: (frames, rows, n_x).
//
// A zinger has |p - m| > threshold m, that is m < p / (1 + threshold) or m (1 - threshold) > p.
// To know on which side of a number the median lies, counting is enough: one pass over the
// window without sorting. Only zingers, which are few, need the median itself.
KERNEL replace_zingers(const float* image, float* out, int radius, float threshold, int rows,
                       int n_x) {
  const Int64 x = thread_x();
  if (x >= n_x) return;
  const int z = (int)blockIdx.y;
  const Int64 first = (Int64)blockIdx.z * rows * n_x, here = first + (Int64)z * n_x + x;
  const Window window{image + first, rows, n_x, z, (int)x, radius};
  const int half = (2 * radius + 1) * (2 * radius + 1) / 2;
  const float p = image[here];
  const float bright = p / (1.f + threshold), dark = p / (1.f - threshold);
  bool is_zinger = window.count([=](float v) { return v < bright; }) > half;
  if (threshold < 1.f) is_zinger |= window.count([=](float v) { return v > dark; }) > half;
  else if (threshold > 1.f) is_zinger |= window.count([=](float v) { return v < dark; }) > half;
  else is_zinger |= p < 0.f;
  out[here] = is_zinger ? window.median() : p;
}

// One thread: one pixel of padded (height, width), which continues an image (rows, n_x) at
// its upper left with the nearest edge values: half of the rest follows each edge.
KERNEL pad_image(const float* image, float* padded, int rows, int n_x, int height, int width) {
  const Int64 x = thread_x();
  if (x >= width) return;
  const int z = (int)blockIdx.y;
  // Beyond the middle of the padding the periodic image's other edge is nearer.
  const int r = z < rows ? z : z < rows + (height - rows) / 2 ? rows - 1 : 0;
  const int i = (int)x < n_x ? (int)x : x < n_x + (width - n_x) / 2 ? n_x - 1 : 0;
  padded[(Int64)z * width + x] = image[(Int64)r * n_x + i];
}

// One thread: one pixel of image (rows, n_x), the upper left of padded (., width).
KERNEL crop_image(const float* padded, float* image, int n_x, int width) {
  const Int64 x = thread_x();
  if (x >= n_x) return;
  const Int64 z = blockIdx.y;
  image[z * n_x + x] = padded[z * width + x];
}
