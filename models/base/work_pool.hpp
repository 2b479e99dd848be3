#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace chronotile {

/// Worker threads for work on numbers between the moment its inputs are final and the first moment simulated time needs
/// its result. With one thread a job runs where it is waited for. Jobs must not touch the simulation kernel, nor what
/// the simulation's own thread may change meanwhile.
class WorkPool {
 public:
  /// `threads` >= 1 counts the simulation's own thread.
  explicit WorkPool(int threads);
  WorkPool(const WorkPool&) = delete;
  WorkPool& operator=(const WorkPool&) = delete;
  ~WorkPool();

  class Job;
  /// Handle of a submitted job; empty when default-constructed or waited for.
  class Ticket {
   public:
    [[nodiscard]] bool pending() const { return job_ != nullptr; }

   private:
    friend class WorkPool;
    std::shared_ptr<Job> job_;
  };

  [[nodiscard]] Ticket submit(std::function<void()> work) { return submit(std::move(work), {}); }
  /// The same, but it begins only when the jobs of all `first` are done, even those that threw (empty tickets count as
  /// done). Jobs that need each other's results are told so and do not wait in a job, which would hold up a thread.
  [[nodiscard]] Ticket submit(std::function<void()> work, const std::vector<const Ticket*>& first);
  /// Returns when the job is done; runs it (or others of the queue) on this thread if it has not begun. Rethrows what
  /// the job threw. No effect on an empty ticket.
  void wait(Ticket& ticket);
  /// As wait(), whatever the job threw: for destructors.
  void drop(Ticket& ticket) noexcept;
  /// Calls work(0) to work(count - 1), side by side in jobs, and returns when all are done. Rethrows what the first of
  /// them threw; whether those behind it are called is open.
  void for_each(std::size_t count, const std::function<void(std::size_t)>& work);
  [[nodiscard]] int threads() const { return threads_; }

 private:
  struct Impl;
  int threads_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace chronotile
