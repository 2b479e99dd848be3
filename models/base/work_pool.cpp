#include "models/base/work_pool.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace chronotile {

class WorkPool::Job {
 public:
  explicit Job(std::function<void()> work) : work_(std::move(work)) {}

  void run() noexcept {
    try {
      work_();
    } catch (...) {
      error_ = std::current_exception();
    }
    work_ = nullptr;
  }
  void rethrow() const {
    if (error_) {
      std::rethrow_exception(error_);
    }
  }

  // guarded by the pool's mutex, as the queue is
  bool done = false;
  std::size_t waits_for = 0;  ///< jobs that must be done before it begins
  std::vector<std::shared_ptr<Job>> waiting_for_it;

 private:
  std::function<void()> work_;
  std::exception_ptr error_;
};

struct WorkPool::Impl {
  using JobPointer = std::shared_ptr<Job>;

  /// Runs `job`, taken from the queue under `lock`, with the lock released.
  void run(std::unique_lock<std::mutex>& lock, const JobPointer& job) {
    lock.unlock();
    job->run();
    lock.lock();
    job->done = true;
    for (JobPointer& next : job->waiting_for_it) {
      if (--next->waits_for == 0) {  // next in turn: what it needs is still in the cache
        queue.push_front(std::move(next));
        available.notify_one();
      }
    }
    job->waiting_for_it.clear();
    ++changes;
    finished.notify_all();
  }

  void enqueue(JobPointer job) {
    queue.push_back(std::move(job));
    ++changes;
    available.notify_one();
  }

  /// Returns, perhaps without a cause, when something has changed since the caller took `lock`. What a thread waits for
  /// mostly comes soon, so it looks for a while before it sleeps: waking it would take longer.
  void wait_for_change(std::unique_lock<std::mutex>& lock, std::condition_variable& wake) {
    const std::uint64_t seen = changes;
    if (may_spin) {
      lock.unlock();
      const auto start = std::chrono::steady_clock::now();
      do {
        for (int turn = 0; turn < kLooks && changes.load(std::memory_order_relaxed) == seen; ++turn) {
          pause();
        }
      } while (changes.load(std::memory_order_relaxed) == seen && std::chrono::steady_clock::now() - start < kLookTime);
      lock.lock();
    }
    wake.wait(lock, [&] { return changes != seen; });
  }

  static void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }

  JobPointer take_next() {
    JobPointer job = std::move(queue.front());
    queue.pop_front();
    return job;
  }

  bool take(const JobPointer& job) {
    for (auto entry = queue.begin(); entry != queue.end(); ++entry) {
      if (*entry == job) {
        queue.erase(entry);
        return true;
      }
    }
    return false;
  }

  void serve() {
    std::unique_lock lock(mutex);
    while (true) {
      if (stopping) {
        return;
      }
      if (queue.empty()) {
        wait_for_change(lock, available);
      } else {
        run(lock, take_next());
      }
    }
  }

  static constexpr int kLooks = 64;
  static constexpr std::chrono::microseconds kLookTime{100};

  std::mutex mutex;
  /// Of the queue and of jobs that are done; changed under the mutex.
  std::atomic<std::uint64_t> changes{0};
  bool may_spin = true;  ///< no more threads than cores
  std::condition_variable available;
  std::condition_variable finished;
  std::deque<JobPointer> queue;
  bool stopping = false;
  std::vector<std::thread> workers;
};

WorkPool::WorkPool(int threads) : threads_(threads), impl_(std::make_unique<Impl>()) {
  if (threads < 1) {
    throw std::invalid_argument("WorkPool: the number of threads must be at least 1");
  }
  impl_->may_spin = static_cast<unsigned>(threads) <= std::thread::hardware_concurrency();
  for (int worker = 1; worker < threads; ++worker) {
    impl_->workers.emplace_back([this] { impl_->serve(); });
  }
}

WorkPool::~WorkPool() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
    ++impl_->changes;
  }
  impl_->available.notify_all();
  for (std::thread& worker : impl_->workers) {
    worker.join();
  }
}

WorkPool::Ticket WorkPool::submit(std::function<void()> work, const std::vector<const Ticket*>& first) {
  Ticket ticket;
  ticket.job_ = std::make_shared<Job>(std::move(work));
  const std::lock_guard lock(impl_->mutex);
  for (const Ticket* other : first) {
    if (other->job_ && !other->job_->done) {
      ++ticket.job_->waits_for;
      other->job_->waiting_for_it.push_back(ticket.job_);
    }
  }
  if (ticket.job_->waits_for == 0) {
    impl_->enqueue(ticket.job_);
  }
  return ticket;
}

void WorkPool::for_each(std::size_t count, const std::function<void(std::size_t)>& work) {
  constexpr std::size_t kJobsPerThread = 4;  // so that none waits long for the others
  const std::size_t jobs = threads_ == 1 ? 1 : std::min(count, kJobsPerThread * static_cast<std::size_t>(threads_));
  std::vector<Ticket> tickets;
  for (std::size_t job = 1; job < jobs; ++job) {
    tickets.push_back(submit([&work, first = count * job / jobs, last = count * (job + 1) / jobs] {
      for (std::size_t index = first; index < last; ++index) {
        work(index);
      }
    }));
  }
  std::exception_ptr failure;
  const auto attempt = [&failure](const auto& action) {
    try {
      action();
    } catch (...) {
      failure = failure ? failure : std::current_exception();
    }
  };
  attempt([&] {
    for (std::size_t index = 0; jobs > 0 && index < count / jobs; ++index) {
      work(index);
    }
  });
  for (Ticket& ticket : tickets) {
    attempt([&] { wait(ticket); });
  }
  if (failure) {
    std::rethrow_exception(failure);
  }
}

void WorkPool::drop(Ticket& ticket) noexcept {
  try {
    wait(ticket);
  } catch (...) {  // nobody wants the result any more
  }
}

void WorkPool::wait(Ticket& ticket) {
  if (!ticket.pending()) {
    return;
  }
  const std::shared_ptr<Job> job = std::move(ticket.job_);
  ticket.job_ = nullptr;
  std::unique_lock lock(impl_->mutex);
  if (impl_->take(job)) {
    impl_->run(lock, job);
  }
  while (!job->done) {
    if (impl_->queue.empty()) {
      impl_->wait_for_change(lock, impl_->finished);
    } else {
      impl_->run(lock, impl_->take_next());
    }
  }
  job->rethrow();
}

}  // namespace chronotile
