#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "firmware/isa/instructions.hpp"
#include "platform/mapping/plan.hpp"

namespace chronotile::cli {

/// Assembles the program of each controller: the plan's own text, or, with `directory`, the file NAME.lcs there.
/// Throws AssemblyError for a mistake in a program, UserError if a file of the plan is missing there or a .lcs file
/// belongs to no controller of the plan.
[[nodiscard]] std::map<std::string, std::vector<isa::Word>> assemble_plan(const mapping::ChipPlan& plan,
                                                                          std::size_t sram_words,
                                                                          const std::filesystem::path& directory = {});

}  // namespace chronotile::cli
