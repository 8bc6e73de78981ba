// A pool of threads. Tasks are claimed one by one, in order, from an atomic counter. The
// caller works too, and waits only for threads that have claimed something: one that the
// operating system has not woken yet, or that is gone after a fork, costs nothing.
#pragma once
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

namespace tomostream {

class Pool {
 public:
  explicit Pool(int threads);    // 0: all CPUs that this process may use
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  int size() const { return static_cast<int>(threads_.size()) + 1; }
  // Call task(i, worker) for i in 0..count-1; one caller at a time.
  template <class F>
  void each(int count, F&& task) {
    using Task = std::remove_reference_t<F>;
    run(count, [](void* c, int i, int w) { (*static_cast<Task*>(c))(i, w); }, &task);
  }

 private:
  using Call = void (*)(void* context, int i, int worker);
  struct Job {
    Call call;
    void* context;
    int count;
    std::atomic<int> next{0};
  };
  static void work(Job&, int worker);
  void run(int count, Call, void* context);
  void loop(int worker);

  std::mutex mutex_;
  std::condition_variable wake_, idle_;
  Job* job_ = nullptr;              // guarded by mutex_
  int sleeping_ = 0;                // guarded by mutex_
  bool stop_ = false;               // guarded by mutex_
  std::atomic<unsigned> jobs_{0};
  std::atomic<int> active_{0};      // threads that hold a pointer to the job
  std::vector<std::thread> threads_;
};

}  // namespace tomostream
