#include "testbench/support/reports.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <systemc>
#include <utility>

namespace chronotile::support {
namespace {

ExpectReport* innermost = nullptr;

void handle(const sc_core::sc_report& report, const sc_core::sc_actions& actions) {
  const int severity = report.get_severity();
  if (severity == sc_core::SC_WARNING || severity == sc_core::SC_ERROR) {
    const std::string text = fmt::format("{}: {}", report.get_msg_type(), report.get_msg());
    if (innermost == nullptr || !innermost->accept(text)) {
      ADD_FAILURE() << "SystemC: " << text << " (" << report.get_file_name() << ":" << report.get_line_number() << ")";
    }
    sc_core::sc_report_handler::default_handler(report, actions & ~sc_core::sc_actions{sc_core::SC_DISPLAY});
    return;
  }
  sc_core::sc_report_handler::default_handler(report, actions);
}

}  // namespace

void turn_kernel_reports_into_failures() { sc_core::sc_report_handler::set_handler(&handle); }

ExpectReport::ExpectReport(std::string text) : text_(std::move(text)), outer_(innermost) { innermost = this; }

ExpectReport::~ExpectReport() {
  innermost = outer_;
  EXPECT_GT(count_, 0) << "no SystemC report with \"" << text_ << "\"";
}

bool ExpectReport::accept(const std::string& report) {
  if (report.find(text_) != std::string::npos) {
    ++count_;
    return true;
  }
  return outer_ != nullptr && outer_->accept(report);
}

}  // namespace chronotile::support
