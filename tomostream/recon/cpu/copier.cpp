// Copies by several threads: one alone is slower than the bus to a GPU.
#include "copier.hpp"

#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "pool.hpp"

namespace nb = nanobind;

namespace tomostream {
namespace {

constexpr size_t kPiece = 256 << 10;    // bytes of one task

// The memory of an object, as long as this lives.
class Bytes {
 public:
  Bytes(nb::handle object, int flags) {
    if (PyObject_GetBuffer(object.ptr(), &view_, flags)) throw nb::python_error();
  }
  Bytes(Bytes&& other) noexcept : view_(other.view_) { other.view_.obj = nullptr; }
  ~Bytes() {
    if (view_.obj) PyBuffer_Release(&view_);
  }
  char* data() const { return static_cast<char*>(view_.buf); }
  size_t size() const { return static_cast<size_t>(view_.len); }

 private:
  Py_buffer view_;
};

struct Piece {
  char* target;
  const char* source;
  size_t bytes;
};

void copy(Pool& pool, nb::handle target, nb::list sources) {
  const Bytes to(target, PyBUF_WRITABLE);
  std::vector<Bytes> from;
  std::vector<Piece> pieces;
  size_t end = 0;
  for (nb::handle source : sources) {
    from.emplace_back(source, PyBUF_SIMPLE);
    const Bytes& bytes = from.back();
    if (bytes.size() > to.size() - end) throw std::invalid_argument("copy: no room");
    for (size_t i = 0; i < bytes.size(); i += kPiece)
      pieces.push_back(
          {to.data() + end + i, bytes.data() + i, std::min(kPiece, bytes.size() - i)});
    end += bytes.size();
  }
  nb::gil_scoped_release release;
  pool.each(static_cast<int>(pieces.size()), [&](int i, int) {
    std::memcpy(pieces[i].target, pieces[i].source, pieces[i].bytes);
  });
}

}  // namespace

void bind_copier(nb::module_& module) {
  nb::class_<Pool>(module, "Copier")
      .def(nb::init<int>(), nb::arg("threads"))
      .def("copy", copy, nb::arg("target"), nb::arg("sources"));
}

}  // namespace tomostream
