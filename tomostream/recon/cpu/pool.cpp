#include "pool.hpp"

#include <algorithm>
#include <chrono>
#if defined(__linux__)
#include <sched.h>
#endif
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace tomostream {
namespace {

using Clock = std::chrono::steady_clock;

// How long to look out for the next event before sleeping: a wake-up costs about as much,
// and the next batch of a busy stream comes sooner.
constexpr std::chrono::microseconds kSpin{100};

// The recursive filter decays into subnormals, which make it 6 times slower. Flush them to
// zero, but only while our code runs on this thread: -ffast-math would do it to the caller
// for ever.
class FlushSubnormals {
 public:
#if defined(__x86_64__)
  FlushSubnormals() { _mm_setcsr(saved_ | 0x8040); }
  ~FlushSubnormals() { _mm_setcsr(saved_); }

 private:
  unsigned saved_ = _mm_getcsr();
#elif defined(__aarch64__)
  FlushSubnormals() {
    asm volatile("mrs %0, fpcr" : "=r"(saved_));
    asm volatile("msr fpcr, %0" : : "r"(saved_ | (1ul << 24)));
  }
  ~FlushSubnormals() { asm volatile("msr fpcr, %0" : : "r"(saved_)); }

 private:
  unsigned long saved_;
#endif
};

void pause() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

template <class Condition>
bool spin_until(Condition done) {
  for (const auto end = Clock::now() + kSpin; !done();) {
    for (int i = 0; i < 16; i++) pause();
    std::this_thread::yield();    // somebody else may need this very core
    if (Clock::now() >= end) return done();
  }
  return true;
}

int allowed_cpus() {
#if defined(__linux__)
  cpu_set_t set;    // respects taskset and cpusets
  if (!sched_getaffinity(0, sizeof set, &set)) return CPU_COUNT(&set);
#endif
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

}  // namespace

Pool::Pool(int threads) {
  const int count = threads > 0 ? threads : allowed_cpus();
  for (int i = 1; i < count; i++) threads_.emplace_back([this, i] { loop(i); });
}

Pool::~Pool() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
    ++jobs_;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Pool::work(Job& job, int worker) {
  FlushSubnormals flush;
  for (int i; (i = job.next.fetch_add(1, std::memory_order_relaxed)) < job.count;)
    job.call(job.context, i, worker);
}

void Pool::loop(int worker) {
  unsigned seen = 0;
  for (;;) {
    spin_until([&] { return jobs_.load(std::memory_order_relaxed) != seen; });
    std::unique_lock<std::mutex> lock(mutex_);
    while (!stop_ && jobs_ == seen) {
      ++sleeping_;
      wake_.wait(lock);
      --sleeping_;
    }
    if (stop_) return;
    seen = jobs_;
    Job* job = job_;
    if (!job) continue;    // too late: the others have finished it
    ++active_;
    lock.unlock();
    work(*job, worker);
    lock.lock();
    if (--active_ == 0) idle_.notify_one();
  }
}

void Pool::run(int count, Call call, void* context) {
  Job job{call, context, count};
  if (count < 2 || threads_.empty()) return work(job, 0);
  bool any_asleep;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    job_ = &job;
    ++jobs_;
    any_asleep = sleeping_ > 0;
  }
  if (any_asleep) wake_.notify_all();
  work(job, 0);
  {
    std::lock_guard<std::mutex> lock(mutex_);
    job_ = nullptr;
  }
  if (spin_until([&] { return active_.load(std::memory_order_acquire) == 0; })) return;
  std::unique_lock<std::mutex> lock(mutex_);
  idle_.wait(lock, [&] { return active_ == 0; });
}

}  // namespace tomostream
