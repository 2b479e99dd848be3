#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/user_error.hpp"
#include "firmware/toolchain/program.hpp"

/// The assembler of local-controller programs. The language is described in docs/lc-manual.md.
namespace chronotile::toolchain {

struct AssemblerOptions {
  std::vector<std::filesystem::path> include_dirs;              ///< searched after the folder of the including file
  std::map<std::string, std::string> include_texts;             ///< name -> text, searched after the folders
  std::size_t word_limit = 4096;                                ///< words of the SRAM that the program must fit in
  std::vector<std::pair<std::string, std::int64_t>> constants;  ///< as if `.equ` stood before the first line
};

/// One mistake in a program.
struct Diagnostic {
  std::string file;
  std::uint32_t line = 0;    ///< from 1; 0: the file as a whole
  std::uint32_t column = 0;  ///< from 1, in bytes
  std::string message;
  std::string source_line;
  std::vector<std::string> notes;  ///< expansions and includes, innermost first

  /// "FILE:LINE:COLUMN: error: MESSAGE", the line, a caret under the column, the notes.
  [[nodiscard]] std::string text() const;
};

/// All mistakes found in a program (at most 20): what() is their texts and a count.
class AssemblyError : public UserError {
 public:
  explicit AssemblyError(std::vector<Diagnostic> diagnostics);

  [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }
  [[nodiscard]] const std::vector<Diagnostic>& diagnostics() const noexcept { return diagnostics_; }

 private:
  std::vector<Diagnostic> diagnostics_;
  std::string text_;
};

/// Throws AssemblyError; UserError if the file cannot be read.
[[nodiscard]] Program assemble_file(const std::filesystem::path& path, const AssemblerOptions& options = {});

/// As assemble_file; `name` stands for the file in messages, and its folder is where includes are looked for first.
[[nodiscard]] Program assemble_text(std::string_view text, const std::string& name,
                                    const AssemblerOptions& options = {});

/// The include file that comes with the library ("common.inc": slot timing and macros; "program_row.lcs": a tile's
/// program for closed-loop programming) or "" if there is none of this name. `.include` finds it after all folders.
[[nodiscard]] std::string_view builtin_include(std::string_view name);

/// A named constant of the language, such as ramp.run.
struct NamedValue {
  std::string_view name;
  std::uint32_t value;
  std::string_view meaning;
};
[[nodiscard]] const std::vector<NamedValue>& named_values();

}  // namespace chronotile::toolchain
