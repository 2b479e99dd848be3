#include "platform/cli/firmware_source.hpp"

#include <fmt/format.h>

#include "common/user_error.hpp"
#include "firmware/toolchain/assembler.hpp"

namespace chronotile::cli {
namespace {

constexpr const char* kExtension = ".lcs";

void require_programs_of_plan(const mapping::ChipPlan& plan, const std::filesystem::path& directory) {
  if (!std::filesystem::is_directory(directory)) {
    throw UserError(directory.string(), "is not a directory", "Write one with `chronotile map ... --asm DIR`");
  }
  for (const auto& entry : plan.assembly) {
    const std::filesystem::path file = directory / (entry.first + kExtension);
    if (!std::filesystem::exists(file)) {
      throw UserError(file.string(), "there is no program for this controller of the mapping",
                      "The directory needs one for each that `chronotile map ... --asm DIR` writes");
    }
  }
  for (const auto& file : std::filesystem::directory_iterator(directory)) {
    if (file.path().extension() == kExtension && plan.assembly.count(file.path().stem().string()) == 0) {
      throw UserError(file.path().string(), "belongs to no controller that the mapping uses",
                      "Name it after one of those that `chronotile map ... --asm DIR` writes, or move it away");
    }
  }
}

}  // namespace

std::map<std::string, std::vector<isa::Word>> assemble_plan(const mapping::ChipPlan& plan, std::size_t sram_words,
                                                            const std::filesystem::path& directory) {
  toolchain::AssemblerOptions options;
  options.word_limit = sram_words;
  if (!directory.empty()) {
    require_programs_of_plan(plan, directory);
  }
  std::map<std::string, std::vector<isa::Word>> images;
  for (const auto& [name, text] : plan.assembly) {
    images[name] = directory.empty() ? toolchain::assemble_text(text, name + kExtension, options).words
                                     : toolchain::assemble_file(directory / (name + kExtension), options).words;
  }
  return images;
}

}  // namespace chronotile::cli
