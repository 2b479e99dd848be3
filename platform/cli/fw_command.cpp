#include "platform/cli/fw_command.hpp"
#include "platform/cli/run_summary.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "common/atomic_file.hpp"
#include "common/user_error.hpp"
#include "firmware/isa/manual_tables.hpp"
#include "firmware/toolchain/assembler.hpp"
#include "firmware/toolchain/check.hpp"
#include "firmware/toolchain/disassembler.hpp"
#include "firmware/toolchain/image.hpp"

namespace chronotile::cli {
namespace {

using toolchain::AssemblerOptions;
using toolchain::CheckOptions;
using toolchain::ControllerKind;
using toolchain::Finding;
using toolchain::Program;

/// Options that say how to read a source.
struct SourceOptions {
  std::vector<std::string> include_dirs;
  std::vector<std::string> constants;
  std::size_t words = AssemblerOptions().word_limit;
};

struct AsmOptions {
  SourceOptions source;
  std::vector<std::string> inputs;
  std::string output;
  std::string listing;
  std::string symbols;
};

struct DisasmOptions {
  std::string input;
  std::string output;
  bool plain = false;
  bool no_labels = false;
};

struct CheckCommandOptions {
  SourceOptions source;
  std::vector<std::string> inputs;
  std::string kind = "any";
  std::uint32_t slot_cycles = CheckOptions().slot_cycles;
  bool json = false;
};

void add_source_options(CLI::App& command, SourceOptions& options) {
  command.add_option("-I,--include", options.include_dirs, "Folder that .include looks in, behind the source's own")
      ->type_name("DIR")
      ->allow_extra_args(false);
  command
      .add_option("-D,--define", options.constants,
                  "Constant NAME, as if .equ stood in the first line; 1 without VALUE")
      ->type_name("NAME[=VALUE]")
      ->allow_extra_args(false);
  command.add_option("--words", options.words, "Words of the controller's memory")
      ->capture_default_str()
      ->check(CLI::Range(1, 65536));
}

std::int64_t parse_value(const std::string& definition, const std::string& text) {
  const std::size_t sign = !text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0;
  const bool hexadecimal = text.compare(sign, 2, "0x") == 0;
  try {
    std::size_t used = 0;
    const std::int64_t value = std::stoll(text, &used, hexadecimal ? 16 : 10);
    if (used == text.size()) {
      return value;
    }
  } catch (const std::logic_error&) {  // NOLINT(bugprone-empty-catch): reported below
  }
  throw UserError("-D " + definition, fmt::format("'{}' is not a number", text), "Write a decimal or 0x number");
}

AssemblerOptions assembler_options(const SourceOptions& options) {
  AssemblerOptions result;
  result.include_dirs.assign(options.include_dirs.begin(), options.include_dirs.end());
  result.word_limit = options.words;
  for (const std::string& definition : options.constants) {
    const std::size_t equals = definition.find('=');
    result.constants.emplace_back(
        definition.substr(0, equals),
        equals == std::string::npos ? 1 : parse_value(definition, definition.substr(equals + 1)));
  }
  return result;
}

void write(const std::string& path, const std::string& text) {
  if (path.empty() || path == "-") {
    std::cout << text;
  } else {
    write_file_atomically(path, text);
  }
}

void run_asm(const AsmOptions& options) {
  const bool several = options.inputs.size() > 1;
  const bool to_folder = std::filesystem::is_directory(options.output);
  if (several && !to_folder) {
    throw UserError("fw asm", "several programs need a folder to be written to", "Give an existing folder with -o");
  }
  if (several && !(options.listing.empty() && options.symbols.empty())) {
    throw UserError("fw asm", "--listing and --symbols name one file", "Give one program at a time");
  }
  const AssemblerOptions assembler = assembler_options(options.source);
  std::map<std::filesystem::path, std::string> files;  // all programs are correct before the first file is written
  for (const std::string& input : options.inputs) {
    const Program program = toolchain::assemble_file(input, assembler);
    if (!options.listing.empty()) {
      files[options.listing] = toolchain::listing_text(program);
    }
    if (!options.symbols.empty()) {
      files[options.symbols] = toolchain::symbol_map_text(program);
    }
    const std::filesystem::path output =
        to_folder ? options.output / std::filesystem::path(input).filename().replace_extension(".hex")
                  : std::filesystem::path(options.output);
    if (!output.empty() && output != "-" && std::filesystem::exists(output) &&
        std::filesystem::equivalent(output, input)) {
      throw UserError(output.string(), "is the program itself", "Give the image another name");
    }
    if (to_folder && files.count(output) != 0) {
      throw UserError(output.string(), "would be written twice", "Give the programs different names");
    }
    files[output] = toolchain::hex_text(program.words);
  }
  for (const auto& [path, text] : files) {
    write(path.string(), text);
  }
}

void run_disasm(const DisasmOptions& options) {
  toolchain::DisassemblerOptions disassembler;
  disassembler.labels = !options.no_labels;
  disassembler.addresses = !options.plain;
  write(options.output, toolchain::disassemble(toolchain::read_hex(options.input), disassembler));
}

Program read_program(const std::string& input, const CheckCommandOptions& options) {
  if (std::filesystem::path(input).extension() != ".hex") {
    return toolchain::assemble_file(input, assembler_options(options.source));
  }
  Program program;
  program.name = input;
  program.words = toolchain::read_hex(input, options.source.words);
  return program;
}

nlohmann::ordered_json to_json(const std::string& input, const Finding& finding) {
  nlohmann::ordered_json object;
  object["file"] = input;
  object["severity"] = finding.severity == toolchain::Severity::kError ? "error" : "warning";
  object["address"] = finding.address;
  object["place"] = finding.place;
  object["message"] = finding.message;
  return object;
}

/// One of the names that --kind admits.
ControllerKind kind_named(const std::string& name) {
  if (name == "any") {
    return ControllerKind::kAny;
  }
  return name == "tile" ? ControllerKind::kTile : ControllerKind::kPad;
}

void run_check(const CheckCommandOptions& options, Cli& cli) {
  CheckOptions check;
  check.kind = kind_named(options.kind);
  check.slot_cycles = options.slot_cycles;
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const std::string& input : options.inputs) {
    const std::vector<Finding> findings = toolchain::check(read_program(input, options), check);
    for (const Finding& finding : findings) {
      if (options.json) {
        list.push_back(to_json(input, finding));
      } else {
        std::cout << (finding.place.empty() ? input + ": " : "") << finding.text() << '\n';
      }
    }
    if (toolchain::has_errors(findings)) {
      cli.status = kFailed;
    }
  }
  if (options.json) {
    nlohmann::ordered_json object;
    object["findings"] = std::move(list);
    std::cout << object.dump(kJsonIndent) << '\n';
  }
}

void run_tables(const std::string& manual) {
  if (manual.empty()) {
    std::cout << isa::manual_tables();
    return;
  }
  std::ifstream stream(manual, std::ios::binary);
  std::ostringstream text;
  if (!stream || !(text << stream.rdbuf())) {
    throw UserError(manual, "cannot be read", "Give docs/lc-manual.md");
  }
  try {
    write_file_atomically(manual, isa::update_manual(text.str()));
  } catch (const std::invalid_argument& error) {
    throw UserError(manual, error.what(), fmt::format("Put '{}' and '{}' into it", isa::kManualBegin, isa::kManualEnd));
  }
}

}  // namespace

void add_fw_command(CLI::App& app, Cli& cli) {
  CLI::App* const fw = app.add_subcommand("fw", "Assemble, disassemble and check programs of the local controllers");
  fw->require_subcommand(1);

  const auto asm_options = std::make_shared<AsmOptions>();
  CLI::App* command = fw->add_subcommand("asm", "Assemble programs to $readmemh images");
  command->add_option("program", asm_options->inputs, "Program (.lcs), or several")->required()->type_name("FILE");
  command->add_option("-o,--output", asm_options->output, "Image, or a folder for NAME.hex of each; default: stdout")
      ->type_name("FILE");
  command->add_option("--listing", asm_options->listing, "Addresses, words and statements, macros expanded")
      ->type_name("FILE");
  command->add_option("--symbols", asm_options->symbols, "Symbol map for the debugger")->type_name("FILE");
  add_source_options(*command, asm_options->source);
  command->callback([asm_options] { run_asm(*asm_options); });

  const auto disasm_options = std::make_shared<DisasmOptions>();
  command = fw->add_subcommand("disasm", "Turn a $readmemh image into a program that assembles to the same words");
  command->add_option("image", disasm_options->input, "Image (.hex)")->required()->type_name("FILE");
  command->add_option("-o,--output", disasm_options->output, "Program; default: stdout")->type_name("FILE");
  command->add_flag("--plain", disasm_options->plain, "No comments with addresses and words");
  command->add_flag("--no-labels", disasm_options->no_labels, "Targets as numbers");
  command->callback([disasm_options] { run_disasm(*disasm_options); });

  const auto check_options = std::make_shared<CheckCommandOptions>();
  command = fw->add_subcommand("check", "Find mistakes without running; exit status 1 if there are errors");
  command->add_option("program", check_options->inputs, "Program (.lcs) or image (.hex), or several")
      ->required()
      ->type_name("FILE");
  command->add_option("--kind", check_options->kind, "Controller: its signal groups are checked")
      ->capture_default_str()
      ->check(CLI::IsMember({"any", "tile", "pad"}).description(""))
      ->type_name("any|tile|pad");
  command->add_option("--slot-cycles", check_options->slot_cycles, "Cycles of a slot")
      ->capture_default_str()
      ->check(CLI::Range(1, 65536));
  command->add_flag("--json", check_options->json, "Machine-readable result");
  add_source_options(*command, check_options->source);
  command->callback([check_options, &cli] { run_check(*check_options, cli); });

  const auto manual = std::make_shared<std::string>();
  command = fw->add_subcommand("tables", "Print the manual's tables of instructions and signals (markdown)");
  command->add_option("--update", *manual, "Replace the generated section of this manual instead")->type_name("FILE");
  command->callback([manual] { run_tables(*manual); });
}

}  // namespace chronotile::cli
