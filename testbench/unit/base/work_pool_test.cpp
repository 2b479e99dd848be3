#include "models/base/work_pool.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

namespace chronotile {
namespace {

class WorkPoolTest : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Threads, WorkPoolTest, testing::Values(1, 2, 4));

TEST_P(WorkPoolTest, EveryJobRunsOnceBeforeItsWaitReturns) {
  WorkPool pool(GetParam());
  EXPECT_EQ(pool.threads(), GetParam());
  constexpr int kJobs = 500;
  std::vector<std::atomic<int>> runs(kJobs);
  std::vector<WorkPool::Ticket> tickets;
  for (int job = 0; job < kJobs; ++job) {
    tickets.push_back(pool.submit([&runs, job] { ++runs[static_cast<std::size_t>(job)]; }));
  }
  for (int job = kJobs - 1; job >= 0; --job) {
    auto& ticket = tickets[static_cast<std::size_t>(job)];
    EXPECT_TRUE(ticket.pending());
    pool.wait(ticket);
    EXPECT_FALSE(ticket.pending());
    EXPECT_EQ(runs[static_cast<std::size_t>(job)], 1);
  }
  for (const auto& count : runs) {
    EXPECT_EQ(count, 1);
  }
}

TEST_P(WorkPoolTest, WaitRethrows) {
  WorkPool pool(GetParam());
  auto ticket = pool.submit([] { throw std::runtime_error("no result"); });
  EXPECT_THROW(pool.wait(ticket), std::runtime_error);
  EXPECT_NO_THROW(pool.wait(ticket)) << "an empty ticket";
}

TEST_P(WorkPoolTest, AJobBeginsWhenThoseThatItNeedsAreDone) {
  WorkPool pool(GetParam());
  constexpr int kChains = 50;
  std::vector<std::array<int, 2>> parts(kChains);
  std::vector<int> sums(kChains);
  std::vector<WorkPool::Ticket> first;
  std::vector<WorkPool::Ticket> second;
  std::vector<WorkPool::Ticket> last;
  for (int chain = 0; chain < kChains; ++chain) {
    auto& part = parts[static_cast<std::size_t>(chain)];
    auto& sum = sums[static_cast<std::size_t>(chain)];
    first.push_back(pool.submit([&part, chain] { part[0] = chain; }));
    second.push_back(pool.submit([&part, chain] { part[1] = 1000 * chain; }));
    last.push_back(pool.submit([&part, &sum] { sum = part[0] + part[1]; }, {&first.back(), &second.back()}));
  }
  for (int chain = kChains - 1; chain >= 0; --chain) {
    pool.wait(last[static_cast<std::size_t>(chain)]);
    EXPECT_EQ(sums[static_cast<std::size_t>(chain)], 1001 * chain);
  }
}

TEST_P(WorkPoolTest, AJobAfterOneThatThrewOrIsDoneBegins) {
  WorkPool pool(GetParam());
  WorkPool::Ticket failed = pool.submit([] { throw std::runtime_error("no result"); });
  WorkPool::Ticket done = pool.submit([] {});
  pool.wait(done);
  bool ran = false;
  WorkPool::Ticket next = pool.submit([&ran] { ran = true; }, {&failed, &done});
  pool.wait(next);
  EXPECT_TRUE(ran);
  EXPECT_THROW(pool.wait(failed), std::runtime_error);
}

TEST_P(WorkPoolTest, ForEachCallsEachOnceAndRethrowsWhenAllAreDone) {
  WorkPool pool(GetParam());
  for (const std::size_t count : {0U, 1U, 3U, 100U}) {
    std::vector<std::atomic<int>> calls(count);
    pool.for_each(count, [&](std::size_t index) { ++calls.at(index); });
    for (const auto& call : calls) {
      EXPECT_EQ(call, 1);
    }
  }
  std::atomic<int> calls = 0;
  const auto fail = [&](std::size_t index) {
    ++calls;
    if (index == 5) {
      throw std::runtime_error("no result");
    }
  };
  EXPECT_THROW(pool.for_each(16, fail), std::runtime_error);
  const int after = calls;
  std::this_thread::yield();
  EXPECT_EQ(calls, after) << "none is left running";
}

TEST_P(WorkPoolTest, DestructionWithJobsLeft) {
  std::atomic<int> runs = 0;
  {
    WorkPool pool(GetParam());
    for (int job = 0; job < 100; ++job) {
      (void)pool.submit([&runs] { ++runs; });
    }
  }
  EXPECT_LE(runs, 100);
}

TEST(WorkPool, OneThreadRunsJobsWhereTheyAreWaitedFor) {
  WorkPool pool(1);
  std::thread::id where;
  auto ticket = pool.submit([&where] { where = std::this_thread::get_id(); });
  EXPECT_EQ(where, std::thread::id());
  pool.wait(ticket);
  EXPECT_EQ(where, std::this_thread::get_id());
}

TEST(WorkPool, NeedsAThread) { EXPECT_THROW(WorkPool(0), std::invalid_argument); }

}  // namespace
}  // namespace chronotile
