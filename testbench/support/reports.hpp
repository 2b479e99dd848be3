#pragma once

#include <string>

namespace chronotile::support {

/// Warnings and errors of the SystemC kernel fail the running test. Called by the test bench's main().
void turn_kernel_reports_into_failures();

/// While it lives, kernel warnings and errors whose message type or text contains `text` do not fail the test; if none
/// has come when it is destroyed, that does. An error still throws sc_report.
class ExpectReport {
 public:
  explicit ExpectReport(std::string text);
  ExpectReport(const ExpectReport&) = delete;
  ExpectReport& operator=(const ExpectReport&) = delete;
  ~ExpectReport();

  [[nodiscard]] int count() const { return count_; }
  /// Counts a report if it is one of those expected.
  bool accept(const std::string& report);

 private:
  std::string text_;
  int count_ = 0;
  ExpectReport* outer_;
};

}  // namespace chronotile::support
