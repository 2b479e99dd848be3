#include "testbench/support/program.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/process.hpp>
#include <future>

namespace chronotile::support {

Outcome run_chronotile(const std::vector<std::string>& arguments) {
  namespace bp = boost::process;
  boost::asio::io_context context;
  std::future<std::string> out;
  std::future<std::string> err;
  bp::child child(CHRONOTILE_PROGRAM, bp::args = arguments, bp::std_in<bp::null, bp::std_out> out, bp::std_err > err,
                  context);
  context.run();
  child.wait();
  return {child.exit_code(), out.get(), err.get()};
}

}  // namespace chronotile::support
