// The Python face of the published algorithm's loops.
#include "published_module.hpp"

#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>

#include "kernels.hpp"
#include "pool.hpp"
#include "published.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace tomostream {
namespace {

template <class T, int N>
using In = nb::ndarray<const T, nb::ndim<N>, nb::c_contig, nb::device::cpu>;
template <int N>
using Out = nb::ndarray<float, nb::ndim<N>, nb::c_contig, nb::device::cpu>;

constexpr int kRowsPerTask = 8;

const PublishedKernels& kernels_of(const std::string& isa) {
  // The same test of the CPU as for our own kernels.
  const Kernels* own = find_kernels(isa.c_str());
  if (!own) throw std::invalid_argument("isa: " + isa);
#if defined(__x86_64__)
  if (!std::strcmp(own->name, "avx512")) return published_avx512;
  if (!std::strcmp(own->name, "avx2")) return published_avx2;
#endif
  return published_baseline;
}

// The loops on as many threads as our engine has, from a pool like its own.
class Published {
 public:
  Published(const std::string& isa, int threads)
      : kernels_(kernels_of(isa)), pool_(new Pool(threads)) {}

  void minus_log(const In<uint16_t, 3>& raw, const In<float, 2>& dark,
                 const In<float, 2>& flat, Out<3>& out) {
    run(kernels_.minus_log_u16, raw, dark, flat, out);
  }
  void minus_log_float(const In<float, 3>& raw, const In<float, 2>& dark,
                       const In<float, 2>& flat, Out<3>& out) {
    run(kernels_.minus_log_f32, raw, dark, flat, out);
  }

  // filtered (K, n_z, n_x), cos_sin (K, 2): packed += their slices.
  void backproject(const In<float, 3>& filtered, const In<float, 2>& cos_sin,
                   Out<2>& packed, float center,
                   const std::tuple<int, int, int>& planes) {
    const int count = static_cast<int>(filtered.shape(0));
    const int n_z = static_cast<int>(filtered.shape(1));
    const int n_x = static_cast<int>(filtered.shape(2));
    const int rows = std::max(n_x, n_z);
    const auto [x, y, z] = planes;
    if (cos_sin.shape(0) != filtered.shape(0) || cos_sin.shape(1) != 2 ||
        packed.shape(0) != static_cast<size_t>(rows) ||
        packed.shape(1) != 3 * filtered.shape(2) || z < 0 || z >= n_z)
      throw std::invalid_argument("backproject: shapes do not fit");
    const PublishedView view{n_z, n_x, center, x, y, z};
    nb::gil_scoped_release release;
    pool_->each((rows + kRowsPerTask - 1) / kRowsPerTask, [&](int task, int) {
      const int first = task * kRowsPerTask;
      kernels_.backproject(view, filtered.data(), cos_sin.data(), count, packed.data(),
                           first, std::min(rows, first + kRowsPerTask));
    });
  }

 private:
  template <class P>
  void run(void (*kernel)(const P*, const float*, const float*, float*, size_t),
           const In<P, 3>& raw, const In<float, 2>& dark, const In<float, 2>& flat,
           Out<3>& out) {
    const size_t pixels = raw.shape(1) * raw.shape(2);
    for (const In<float, 2>* field : {&dark, &flat})
      if (field->shape(0) != raw.shape(1) || field->shape(1) != raw.shape(2))
        throw std::invalid_argument("minus_log: shapes do not fit");
    if (out.size() != raw.size()) throw std::invalid_argument("minus_log: out");
    nb::gil_scoped_release release;
    const int blocks = 2 * pool_->size();    // of each frame
    pool_->each(static_cast<int>(raw.shape(0)) * blocks, [&](int task, int) {
      const size_t frame = static_cast<size_t>(task / blocks) * pixels;
      const size_t block = static_cast<size_t>(task % blocks);
      const size_t first = pixels * block / blocks;
      kernel(raw.data() + frame + first, dark.data() + first, flat.data() + first,
             out.data() + frame + first, pixels * (block + 1) / blocks - first);
    });
  }

  const PublishedKernels& kernels_;
  std::unique_ptr<Pool> pool_;
};

}  // namespace

void bind_published(nb::module_& module) {
  nb::class_<Published>(module, "Published")
      .def(nb::init<const std::string&, int>(), "isa"_a, "threads"_a)
      .def("minus_log", &Published::minus_log, "raw"_a.noconvert(), "dark"_a.noconvert(),
           "flat"_a.noconvert(), "out"_a.noconvert())
      .def("minus_log", &Published::minus_log_float, "raw"_a.noconvert(),
           "dark"_a.noconvert(), "flat"_a.noconvert(), "out"_a.noconvert())
      .def("backproject", &Published::backproject, "filtered"_a.noconvert(),
           "cos_sin"_a.noconvert(), "packed"_a.noconvert(), "center"_a, "planes"_a);
}

}  // namespace tomostream
