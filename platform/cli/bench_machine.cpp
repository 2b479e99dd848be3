#include "platform/cli/bench_machine.hpp"

#include <fmt/format.h>
#include <fstream>
#include <thread>

namespace chronotile::cli {
namespace {

std::string processor_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.rfind("model name", 0) == 0) {
      return line.substr(line.find(':') + 2);
    }
  }
  return "unknown processor";
}

}  // namespace

std::string machine() {
  return fmt::format("{}, {} cores, g++ {}", processor_name(), std::thread::hardware_concurrency(), __VERSION__);
}

std::vector<std::string> configuration_arguments(const config::Sources& sources) {
  std::vector<std::string> arguments;
  const auto add = [&](const char* option, const std::string& value) {
    if (!value.empty()) {
      arguments.insert(arguments.end(), {option, value});
    }
  };
  add("--preset", sources.preset);
  add("--config", sources.file);
  if (sources.timing_error_ns >= 0) {
    add("--timing-error", fmt::format("{}", sources.timing_error_ns));
  }
  for (const std::string& set : sources.sets) {
    add("--set", set);
  }
  return arguments;
}

}  // namespace chronotile::cli
