#include "testbench/support/program.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/process.hpp>
#include <chrono>
#include <csignal>
#include <future>
#include <thread>

namespace chronotile::support {
namespace {

namespace bp = boost::process;

Outcome run(const std::vector<std::string>& arguments, const std::function<void(bp::child&)>& meanwhile) {
  boost::asio::io_context context;
  std::future<std::string> out;
  std::future<std::string> err;
  bp::child child(CHRONOTILE_PROGRAM, bp::args = arguments, bp::std_in<bp::null, bp::std_out> out, bp::std_err > err,
                  context);
  std::thread reading([&context] { context.run(); });
  meanwhile(child);
  reading.join();
  child.wait();
  return {child.exit_code(), out.get(), err.get()};
}

}  // namespace

Outcome run_chronotile(const std::vector<std::string>& arguments) {
  return run(arguments, [](bp::child&) {});
}

Outcome interrupt_chronotile(const std::vector<std::string>& arguments, const std::function<bool()>& condition) {
  return run(arguments, [&condition](bp::child& child) {
    while (child.running()) {
      if (condition()) {
        ::kill(child.id(), SIGINT);
        return;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
}

}  // namespace chronotile::support
