// The Python face of the reconstructor. Nothing is converted behind the caller's back.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "published_module.hpp"
#include "reconstructor.hpp"

namespace nb = nanobind;
using namespace nb::literals;
using namespace tomostream;

namespace {

template <class T, int N>
using In = nb::ndarray<const T, nb::ndim<N>, nb::c_contig, nb::device::cpu>;
using Out = nb::ndarray<float, nb::numpy, nb::ndim<2>, nb::device::cpu>;

constexpr int64_t kPixelBytes[] = {1, 1, 2, 2, 4, 4, 8, 8, 4, 8};

// The memory of a frame, whatever object owns it; read-only objects too.
class Pixels {
 public:
  explicit Pixels(nb::handle object) {
    if (PyObject_GetBuffer(object.ptr(), &view_, PyBUF_SIMPLE)) throw nb::python_error();
  }
  Pixels(Pixels&& other) noexcept : view_(other.view_) { other.view_.obj = nullptr; }
  ~Pixels() {
    if (view_.obj) PyBuffer_Release(&view_);
  }
  const Py_buffer& view() const { return view_; }

 private:
  Py_buffer view_;
};

// Runs the reconstructor without the interpreter's lock, one call at a time.
template <class F>
auto alone(Reconstructor& r, F&& call) {
  nb::gil_scoped_release release;
  std::lock_guard<std::mutex> lock(r.mutex());
  return call();
}

nb::tuple add(Reconstructor& r, nb::list frames, const std::vector<int>& types,
              const std::vector<double>& angles, const std::vector<int64_t>& slots,
              const std::vector<int>& generations) {
  const size_t count = frames.size();
  if (types.size() != count || angles.size() != count || slots.size() != count ||
      generations.size() != count)
    throw std::invalid_argument("add: as many types, angles, slots as frames wanted");
  const Shape& shape = r.shape();
  std::vector<Pixels> pixels;
  std::vector<Input> inputs;
  pixels.reserve(count);
  for (size_t i = 0; i < count; i++) {
    pixels.emplace_back(frames[i]);
    if (types[i] < 0 || types[i] > 9 || generations[i] < 0 ||
        generations[i] >= kGenerations || slots[i] < 0 || slots[i] >= shape.n_slots ||
        pixels[i].view().len != kPixelBytes[types[i]] * shape.n_z * shape.n_x)
      throw std::invalid_argument("add: malformed frame, slot or generation");
    inputs.push_back({pixels[i].view().buf, static_cast<Pixel>(types[i]),
                      std::cos(angles[i]), std::sin(angles[i]), slots[i], generations[i]});
  }
  std::unique_ptr<bool[]> accepted(new bool[count]());
  const int64_t repaired =
      alone(r, [&] { return r.add(inputs, accepted.get()); });
  nb::list result;
  for (size_t i = 0; i < count; i++) result.append(accepted[i]);
  return nb::make_tuple(result, repaired);
}

void set_recursive(Reconstructor& r, const std::vector<float>& poles,
                   const std::vector<float>& weights, const std::vector<float>& taps,
                   bool odd) {
  if (poles.size() > kPoles || weights.size() != poles.size() || taps.size() > kTaps)
    throw std::invalid_argument("set_recursive: too many coefficients");
  RecursiveFilter f{};
  f.n_poles = static_cast<int>(poles.size());
  std::copy(poles.begin(), poles.end(), f.pole);
  std::copy(weights.begin(), weights.end(), f.weight);
  std::copy(taps.begin(), taps.end(), f.tap);
  f.odd = odd;
  alone(r, [&] { r.set_recursive(f); });
}

void set_spectral(Reconstructor& r, const std::vector<float>& response,
                  const std::vector<float>& tail) {
  const size_t size = 2 * (response.size() - 1);
  if (response.size() < 3 || (size & (size - 1)) ||
      size < 2 * static_cast<size_t>(r.shape().n_x) ||
      tail.size() != static_cast<size_t>(r.shape().n_x))
    throw std::invalid_argument("set_spectral: sizes do not fit");
  alone(r, [&] { r.set_spectral(response, tail); });
}

int64_t set_fields(Reconstructor& r, int generation, In<float, 2> dark, In<float, 2> flat) {
  for (const In<float, 2>& field : {dark, flat})
    if (field.shape(0) != static_cast<size_t>(r.shape().n_z) ||
        field.shape(1) != static_cast<size_t>(r.shape().n_x))
      throw std::invalid_argument("set_fields: shape");
  if (generation < 0 || generation >= kGenerations)
    throw std::invalid_argument("set_fields: generation");
  return alone(r, [&] { return r.set_fields(generation, dark.data(), flat.data()); });
}

Image image_of(Out& array, int rows, int columns, const char* name) {
  if (array.shape(0) != static_cast<size_t>(rows) ||
      array.shape(1) != static_cast<size_t>(columns) || array.stride(1) != 1)
    throw std::invalid_argument(std::string(name) + ": wrong shape or strides");
  return {array.data(), static_cast<size_t>(array.stride(0))};
}

void write_slices(Reconstructor& r, Out z, Out y, Out x) {
  const Shape& shape = r.shape();
  const Image images[] = {image_of(z, shape.n_out, shape.n_out, "z"),
                          image_of(y, shape.n_z, shape.n_out, "y"),
                          image_of(x, shape.n_z, shape.n_out, "x")};
  alone(r, [&] { r.write(images[0], images[1], images[2]); });
}

nb::list available() {
  nb::list names;
  for (const char* name : {"avx512", "avx2", "baseline"})
    if (find_kernels(name)) names.append(name);
  return names;
}

void translate_out_of_memory(const std::exception_ptr& p, void*) {
  try {
    std::rethrow_exception(p);
  } catch (const OutOfMemory& e) {
    PyErr_SetString(PyExc_MemoryError, e.message.c_str());
  }
}

}  // namespace

NB_MODULE(_core, m) {
  nb::register_exception_translator(translate_out_of_memory);
  m.attr("GENERATIONS") = kGenerations;
  m.def("available", available);
  bind_published(m);
  nb::class_<Reconstructor>(m, "Reconstructor")
      .def(
          "__init__",
          [](Reconstructor* self, const std::string& isa, int threads, bool half) {
            const Kernels* kernels = find_kernels(isa.c_str());
            if (!kernels) throw std::invalid_argument("isa: " + isa);
            new (self) Reconstructor(*kernels, threads, half);
          },
          "isa"_a, "threads"_a, "half"_a)
      .def("allocate",
           [](Reconstructor& r, int n_z, int n_x, int n_slots, int n_out) {
             alone(r, [&] { r.allocate({n_z, n_x, n_slots, n_out}); });
           })
      .def("clear", [](Reconstructor& r) { alone(r, [&] { r.clear(); }); })
      .def("set_recursive", set_recursive)
      .def("set_spectral", set_spectral)
      .def("set_fields", set_fields, "generation"_a, "dark"_a.noconvert(),
           "flat"_a.noconvert())
      .def("set_view",
           [](Reconstructor& r, double center, int x, int y, int z) {
             alone(r, [&] { r.set_view({center, x, y, z}); });
           })
      .def("add", add, "frames"_a, "types"_a, "angles"_a, "slots"_a,
           "generations"_a)
      .def("write", write_slices, "z"_a.noconvert(), "y"_a.noconvert(), "x"_a.noconvert())
      .def("time_stages", &Reconstructor::time_stages)
      .def("memory",
           [](Reconstructor& r) {
             const Memory a = r.memory();
             return nb::make_tuple(a.ring, a.sums, a.fields, a.scratch);
           })
      .def_prop_ro("slots_filled", &Reconstructor::slots_filled)
      .def_prop_ro("isa", [](Reconstructor& r) { return std::string(r.isa()); })
      .def_prop_ro("threads", &Reconstructor::threads);
}
