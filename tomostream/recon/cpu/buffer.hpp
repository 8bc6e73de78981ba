// Memory that is zero, page-aligned, in huge pages where the system allows, and really there:
// the first revolution would be 2-3 times slower if it had to fault its pages in.
#pragma once
#include <cstddef>
#include <string>
#include <utility>

#include "pool.hpp"

namespace tomostream {

class Buffer {
 public:
  Buffer() = default;
  // Throws OutOfMemory, which says what was wanted, before the system would kill someone.
  Buffer(Pool&, size_t bytes, const char* what);
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Buffer();

  void swap(Buffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
  }
  void clear(Pool&);
  size_t bytes() const { return bytes_; }
  template <class T = float>
  T* as() const {
    return static_cast<T*>(data_);
  }

 private:
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

struct OutOfMemory {
  std::string message;
};

}  // namespace tomostream
