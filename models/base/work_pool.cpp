#include "models/base/work_pool.hpp"

#include <condition_variable>
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
      if (--next->waits_for == 0) {
        enqueue(std::move(next));
      }
    }
    job->waiting_for_it.clear();
    finished.notify_all();
  }

  void enqueue(JobPointer job) {
    queue.push_back(std::move(job));
    available.notify_one();
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
      available.wait(lock, [this] { return stopping || !queue.empty(); });
      if (stopping) {
        return;
      }
      run(lock, take_next());
    }
  }

  std::mutex mutex;
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
  for (int worker = 1; worker < threads; ++worker) {
    impl_->workers.emplace_back([this] { impl_->serve(); });
  }
}

WorkPool::~WorkPool() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
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
      impl_->finished.wait(lock);
    } else {
      impl_->run(lock, impl_->take_next());
    }
  }
  job->rethrow();
}

}  // namespace chronotile
