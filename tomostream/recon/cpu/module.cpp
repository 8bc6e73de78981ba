// The Python face of the reconstructor. Nothing is converted behind the caller's back.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "copier.hpp"
#include "published_module.hpp"
#include "reconstructor.hpp"

namespace nb = nanobind;
using namespace nb::literals;
using namespace tomostream;

namespace {

template <class T, int N>
using In = nb::ndarray<const T, nb::ndim<N>, nb::c_contig, nb::device::cpu>;
using Out = nb::ndarray<float, nb::numpy, nb::ndim<2>, nb::device::cpu>;
using OutImage = nb::ndarray<float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using OutRows = nb::ndarray<float, nb::ndim<3>, nb::c_contig, nb::device::cpu>;

constexpr double kFarthest = 1 << 24;    // pixels
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

Image image_of(Out& array, int rows, int columns, const char* name) {
  if (array.shape(0) != static_cast<size_t>(rows) ||
      array.shape(1) != static_cast<size_t>(columns) || array.stride(1) != 1)
    throw std::invalid_argument(std::string(name) + ": wrong shape or strides");
  return {array.data(), static_cast<size_t>(array.stride(0))};
}

Images images_of(const Reconstructor& r, Out& z, Out& y, Out& x) {
  const Shape& shape = r.shape();
  return {image_of(z, shape.n_out, shape.n_out, "z"), image_of(y, shape.n_z, shape.n_out, "y"),
          image_of(x, shape.n_z, shape.n_out, "x")};
}

nb::tuple add(Reconstructor& r, nb::list frames, const std::vector<int>& types,
              const std::vector<double>& angles, const std::vector<int64_t>& slots,
              const std::vector<int>& generations, nb::object shown) {
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
  Images images;
  if (!shown.is_none()) {
    Out z = nb::cast<Out>(shown[0]), y = nb::cast<Out>(shown[1]), x = nb::cast<Out>(shown[2]);
    images = images_of(r, z, y, x);
  }
  Images* wanted = shown.is_none() ? nullptr : &images;
  std::vector<Fate> fates(count);
  const int64_t repaired = alone(r, [&] { return r.add(inputs, fates.data(), wanted); });
  nb::list result;
  for (const Fate fate : fates) result.append(static_cast<int>(fate));
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
      size < 2 * static_cast<size_t>(r.shape().n_ring) ||
      tail.size() != static_cast<size_t>(r.shape().n_ring))
    throw std::invalid_argument("set_spectral: sizes do not fit");
  alone(r, [&] { r.set_spectral(response, tail); });
}

bool is_frame_shape(const Reconstructor& r, const auto& image) {
  return image.shape(0) == static_cast<size_t>(r.shape().n_z) &&
         image.shape(1) == static_cast<size_t>(r.shape().n_x);
}

int64_t set_fields(Reconstructor& r, int generation, In<float, 2> dark, In<float, 2> flat) {
  if (!is_frame_shape(r, dark) || !is_frame_shape(r, flat))
    throw std::invalid_argument("set_fields: shape");
  if (generation < 0 || generation >= kGenerations)
    throw std::invalid_argument("set_fields: generation");
  return alone(r, [&] { return r.set_fields(generation, dark.data(), flat.data()); });
}

bool transmission(Reconstructor& r, nb::object frame, int type, int generation, Out out) {
  const Pixels pixels(frame);
  if (type < 0 || type > 9 || generation < 0 || generation >= kGenerations ||
      pixels.view().len != kPixelBytes[type] * r.shape().n_z * r.shape().n_x ||
      out.shape(0) != static_cast<size_t>(r.shape().n_z) ||
      out.shape(1) != static_cast<size_t>(r.shape().n_x) || out.stride(1) != 1 ||
      out.stride(0) != static_cast<int64_t>(out.shape(1)))
    throw std::invalid_argument("transmission: malformed frame, generation or out");
  const Input input{pixels.view().buf, static_cast<Pixel>(type), 1, 0, 0, generation};
  return alone(r, [&] { return r.transmission(input, out.data()); });
}

Turn turn_by(double angle) { return {std::cos(angle), std::sin(angle)}; }

// Nine numbers: origin, column step, row step; none: no plane.
PlaneGrid grid_of(const std::vector<double>& numbers, int n_out) {
  PlaneGrid grid{};
  if (numbers.empty()) return grid;
  if (numbers.size() != 9) throw std::invalid_argument("plane: nine numbers wanted");
  for (int i = 0; i < 3; i++) {
    // Nothing of the ring is seen so far off; rows and columns stay countable.
    grid.origin[i] = std::clamp(numbers[i], -kFarthest, kFarthest);
    grid.column_step[i] = numbers[3 + i];
    grid.row_step[i] = numbers[6 + i];
  }
  for (const double* step : {grid.column_step, grid.row_step})
    if (!(std::hypot(step[0], step[1], step[2]) <= 1 + 1e-9))
      throw std::invalid_argument("plane: steps of at most a pixel wanted");
  if (grid.column_step[2] != 0 && grid.row_step[2] != 0)
    throw std::invalid_argument("plane: a horizontal step wanted");
  grid.rows = grid.columns = n_out;
  return grid;
}

void set_view(Reconstructor& r, double center, int x, int y, int z, double turn_x,
              double turn_y, const std::vector<double>& tilted,
              const std::vector<double>& oblique) {
  const int n = r.shape().n_out;
  const View view{center,
                  {0, x, turn_by(turn_x)},
                  {1, y, turn_by(turn_y)},
                  z,
                  grid_of(tilted, n),
                  grid_of(oblique, n)};
  alone(r, [&] { r.set_view(view); });
}

void write_oblique(Reconstructor& r, Out out) {
  const int n = r.shape().n_out;
  const Image image = image_of(out, n, n, "oblique");
  alone(r, [&] { r.write_oblique(image); });
}

void write_slices(Reconstructor& r, Out z, Out y, Out x) {
  const Images images = images_of(r, z, y, x);
  alone(r, [&] { r.write(images); });
}

void write_rows(Reconstructor& r, int first, OutRows out) {
  const Shape& shape = r.shape();
  const size_t count = out.shape(0);
  if (out.shape(1) != static_cast<size_t>(shape.n_z) ||
      out.shape(2) != static_cast<size_t>(shape.n_out) || first < 0 ||
      static_cast<size_t>(first) + count > static_cast<size_t>(shape.n_out))
    throw std::invalid_argument("write_rows: shape");
  alone(r, [&] { r.write_rows(first, static_cast<int>(count), out.data()); });
}

void set_steps(Reconstructor& r, float floor, float ratio,
               const std::tuple<int, int, int, int>& region,
               const std::pair<float, float>& hardening, bool is_mean_wanted) {
  const auto [x, y, width, height] = region;
  if (!(floor > 0) || !(ratio > 0) || x < 0 || y < 0 || width < 0 || height < 0 ||
      x + width > r.shape().n_x || y + height > r.shape().n_z)
    throw std::invalid_argument("set_steps: floor, ratio or region");
  const Steps steps{floor,          ratio,           {x, y, width, height},
                    hardening.first, hardening.second, is_mean_wanted};
  alone(r, [&] { r.set_steps(steps); });
}

void set_correction(Reconstructor& r, std::optional<In<float, 2>> correction) {
  if (correction && !is_frame_shape(r, *correction))
    throw std::invalid_argument("set_correction: shape");
  alone(r, [&] { r.set_correction(correction ? correction->data() : nullptr); });
}

void set_weights(Reconstructor& r, const std::vector<float>& weights) {
  if (!weights.empty() && weights.size() != static_cast<size_t>(r.shape().n_x))
    throw std::invalid_argument("set_weights: size");
  alone(r, [&] { r.set_weights(weights); });
}

int64_t mean_lines(Reconstructor& r, OutImage out) {
  if (!is_frame_shape(r, out)) throw std::invalid_argument("mean_lines: shape");
  return alone(r, [&] { return r.mean_lines(out.data()); });
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
  bind_copier(m);
  bind_published(m);
  nb::class_<Reconstructor>(m, "Reconstructor")
      .def(
          "__init__",
          [](Reconstructor* self, const std::string& isa, int threads, bool in_words) {
            const Kernels* kernels = find_kernels(isa.c_str());
            if (!kernels) throw std::invalid_argument("isa: " + isa);
            new (self) Reconstructor(*kernels, threads, in_words);
          },
          "isa"_a, "threads"_a, "in_words"_a)
      .def("allocate",
           [](Reconstructor& r, int n_z, int n_x, int n_slots, int n_out, int n_ring,
              int pad_x, double arc) {
             if (pad_x < 0 || pad_x + n_x > n_ring)
               throw std::invalid_argument("allocate: frames do not fit the ring");
             alone(r, [&] { r.allocate({n_z, n_x, n_slots, n_out, n_ring, pad_x, arc}); });
           })
      .def("clear", [](Reconstructor& r) { alone(r, [&] { r.clear(); }); })
      .def("set_recursive", set_recursive)
      .def("set_spectral", set_spectral)
      .def("set_fields", set_fields, "generation"_a, "dark"_a.noconvert(),
           "flat"_a.noconvert())
      .def("set_prepass",
           [](Reconstructor& r, int radius, float threshold, double strength) {
             if (radius < 0 || radius == 1 || radius > kMostRadius || !(threshold >= 0) ||
                 !(strength >= 0))
               throw std::invalid_argument("set_prepass: out of range");
             alone(r, [&] { r.set_prepass({radius, threshold, strength}); });
           })
      .def("transmission", transmission, "frame"_a, "type"_a, "generation"_a,
           "out"_a.noconvert())
      .def("set_view", set_view)
      .def("set_steps", set_steps, "floor"_a, "ratio"_a, "region"_a, "hardening"_a,
           "is_mean_wanted"_a)
      .def("set_correction", set_correction, "correction"_a.noconvert().none())
      .def("set_weights", set_weights)
      .def("mean_lines", mean_lines, "out"_a.noconvert())
      .def("write_rows", write_rows, "first"_a, "out"_a.noconvert())
      .def("add", add, "frames"_a, "types"_a, "angles"_a, "slots"_a,
           "generations"_a, "shown"_a.none())
      .def("write", write_slices, "z"_a.noconvert(), "y"_a.noconvert(), "x"_a.noconvert())
      .def("write_oblique", write_oblique, "out"_a.noconvert())
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
