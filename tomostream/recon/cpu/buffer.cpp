#include "buffer.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <limits>

namespace tomostream {
namespace {

constexpr size_t kPage = 4096, kHugePage = size_t{2} << 20, kChunk = size_t{16} << 20;
// From here on a buffer has huge pages: small ones lie anywhere, and where a few of them share
// sets of the second-level cache, a run is slower by a tenth than the one before it.
constexpr size_t kFewPages = size_t{256} << 10;
constexpr double kGiB = 1024.0 * 1024.0 * 1024.0;
constexpr size_t kUnknown = std::numeric_limits<size_t>::max();

size_t number_in(const char* path) {
  std::ifstream file(path);
  size_t value;
  return file >> value ? value : kUnknown;
}

// What the system and the container can still give. Linux promises more than it has.
size_t available_bytes() {
  size_t available = kUnknown;
  std::ifstream meminfo("/proc/meminfo");
  for (std::string line; std::getline(meminfo, line);) {
    unsigned long long kib;
    if (std::sscanf(line.c_str(), "MemAvailable: %llu", &kib) == 1)
      available = static_cast<size_t>(kib) * 1024;
  }
  const size_t limit = number_in("/sys/fs/cgroup/memory.max");
  const size_t used = number_in("/sys/fs/cgroup/memory.current");
  if (limit != kUnknown && used != kUnknown)
    available = std::min(available, limit > used ? limit - used : 0);
  return available;
}

[[noreturn]] void refuse(const char* what, size_t bytes, size_t available) {
  char text[160];
  if (available == kUnknown)
    std::snprintf(text, sizeof text, "%s: wanted %.3g GiB, the system refused", what,
                  static_cast<double>(bytes) / kGiB);
  else
    std::snprintf(text, sizeof text, "%s: wanted %.3g GiB, %.3g GiB available", what,
                  static_cast<double>(bytes) / kGiB,
                  static_cast<double>(available) / kGiB);
  throw OutOfMemory{text};
}

// bytes: a multiple of unit. Null if the system has no more.
void* map_aligned(size_t bytes, size_t unit) {
  const size_t more = bytes + unit - kPage;
  void* data = mmap(nullptr, more, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) return nullptr;
  char *first = static_cast<char*>(data), *begin = first;
  begin += (unit - reinterpret_cast<uintptr_t>(first) % unit) % unit;
  const size_t before = static_cast<size_t>(begin - first), after = more - bytes - before;
  if (before) munmap(first, before);
  if (after) munmap(begin + bytes, after);
  return begin;
}

}  // namespace

Buffer::Buffer(Pool& pool, size_t bytes, const char* what) {
  const size_t unit = bytes >= kFewPages ? kHugePage : kPage;
  if (bytes > kUnknown / 2) refuse(what, bytes, available_bytes());
  bytes_ = std::max(unit, (bytes + unit - 1) / unit * unit);
  if (bytes >= kHugePage) {
    const size_t available = available_bytes();
    if (available != kUnknown && bytes_ > available) refuse(what, bytes_, available);
  }
  data_ = map_aligned(bytes_, unit);
  if (!data_) refuse(what, bytes_, kUnknown);
#ifdef MADV_HUGEPAGE
  if (unit == kHugePage) madvise(data_, bytes_, MADV_HUGEPAGE);
#endif
  clear(pool);
}

Buffer::~Buffer() {
  if (data_) munmap(data_, bytes_);
}

void Buffer::clear(Pool& pool) {
  char* data = as<char>();
  const int chunks = static_cast<int>((bytes_ + kChunk - 1) / kChunk);
  pool.each(chunks, [&](int i, int) {
    const size_t first = static_cast<size_t>(i) * kChunk;
    std::memset(data + first, 0, std::min(kChunk, bytes_ - first));
  });
}

}  // namespace tomostream
