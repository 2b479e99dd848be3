#include "firmware/toolchain/assembler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <tuple>
#include <unordered_map>

#include "common/nearest.hpp"
#include "firmware/toolchain/expression.hpp"

namespace chronotile::toolchain {
namespace {

using detail::Expression;
using detail::Mistake;
using detail::Scope;
using detail::Token;
using detail::TokenKind;
using detail::TokenReader;
using detail::Value;

constexpr std::size_t kErrorLimit = 20;
constexpr int kIncludeDepth = 32;
constexpr int kExpansionDepth = 100;
constexpr std::size_t kLineLimit = 250'000;
constexpr std::uint32_t kAddressLimit = 0x10000;

constexpr std::array<std::string_view, 14> kDirectives{".equ",  ".include", ".macro", ".endm", ".rept",
                                                       ".endr", ".if",      ".elif",  ".else", ".endif",
                                                       ".org",  ".word",    ".align", ".error"};

/// Why a line is where it is: the macro call, repetition or include that led to it, and theirs.
struct Expansion {
  enum class Kind : std::uint8_t { kInclude, kMacro, kRepeat };
  Kind kind = Kind::kInclude;
  std::string text;  ///< for messages
  SourcePlace place;
  std::uint32_t column = 0;
  int depth = 0;  ///< macros and repetitions
  int includes = 0;
  std::shared_ptr<const Expansion> outer;
};

struct Line {
  std::string text;
  std::vector<std::uint32_t> columns;  ///< byte of the source line for each byte of text and its end; empty: the same
  SourcePlace place;
  std::shared_ptr<const Expansion> why;

  [[nodiscard]] std::size_t source_column(std::size_t column) const {
    return columns.empty() ? column : columns[std::min(column, columns.size() - 1)];
  }
};
using LinePtr = std::shared_ptr<const Line>;

struct Parameter {
  std::string name;
  std::optional<std::string> preset;
};

struct Macro {
  std::vector<Parameter> parameters;
  std::vector<LinePtr> body;
  LinePtr definition;
};

struct Symbol {
  enum class State : std::uint8_t { kUnknown, kBusy, kKnown, kWrong };
  bool label = false;
  State state = State::kUnknown;
  Value value = 0;
  Expression expression;  ///< `.equ` whose value is not known yet
  LinePtr line;           ///< null: predefined
};

/// A word whose operands are worked out when all labels are known.
struct Pending {
  std::uint32_t address = 0;
  LinePtr line;
  const isa::Instruction* instruction = nullptr;  ///< null: .word
  isa::Decoded decoded;
  Expression number;
  Expression target;
};

struct OpenLoop {
  std::optional<std::size_t> pending;  ///< index of the loop whose end is to be filled in
  LinePtr line;
  std::size_t column = 0;
};

/// Thrown to give up: too many errors, or one that makes going on pointless.
struct GiveUp {};

std::string folder_of(const std::string& file) { return std::filesystem::path(file).parent_path().string(); }

std::optional<std::string> read_whole_file(const std::filesystem::path& path) {
  std::error_code failure;
  if (!std::filesystem::exists(path, failure) || std::filesystem::is_directory(path, failure)) {
    return std::nullopt;
  }
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    return std::nullopt;
  }
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::size_t stop = end;
    if (stop > begin && text[stop - 1] == '\r') {
      --stop;
    }
    lines.emplace_back(text.substr(begin, stop - begin));
    begin = end + 1;
  }
  return lines;
}

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// The first word of a line behind its labels, without the rest having to be correct.
std::string_view leading_word(std::string_view text) {
  while (true) {
    const std::size_t begin = std::min(text.find_first_not_of(" \t"), text.size());
    std::size_t end = begin;
    while (end < text.size() && (is_name_char(text[end]) || text[end] == '.')) {
      ++end;
    }
    const std::size_t next = std::min(text.find_first_not_of(" \t", end), text.size());
    if (end == begin || next >= text.size() || text[next] != ':') {
      return text.substr(begin, end - begin);
    }
    text.remove_prefix(next + 1);
  }
}

std::string_view operands_of(isa::Format format) {
  switch (format) {
    case isa::Format::kNone:
      return "no operands";
    case isa::Format::kGroupValue:
      return "GROUP, VALUE";
    case isa::Format::kGroupRegister:
      return "GROUP, REGISTER";
    case isa::Format::kImmediate:
      return "a number";
    case isa::Format::kRegister:
      return "a register";
    case isa::Format::kRegisterImm:
      return "REGISTER, NUMBER";
    case isa::Format::kRegisterPair:
      return "REGISTER, REGISTER";
    case isa::Format::kTarget:
      return "an address";
    case isa::Format::kBranch:
      return "REGISTER, REGISTER, ADDRESS";
    case isa::Format::kLoop:
      return "COUNT or COUNT, ADDRESS";
    case isa::Format::kLoopRegister:
      return "REGISTER or REGISTER, ADDRESS";
  }
  return "";
}

bool has_group(isa::Format format) {
  return format == isa::Format::kGroupValue || format == isa::Format::kGroupRegister;
}

std::optional<std::uint8_t> register_number(std::string_view name) {
  if (name.size() < 2 || name.size() > 3 || name[0] != 'r' || (name.size() == 3 && name[1] != '1')) {
    return std::nullopt;
  }
  int number = 0;
  for (const char c : name.substr(1)) {
    if (c < '0' || c > '9') {
      return std::nullopt;
    }
    number = number * 10 + (c - '0');
  }
  return number < isa::kRegisterCount ? std::optional<std::uint8_t>(static_cast<std::uint8_t>(number)) : std::nullopt;
}

class Assembler {
 public:
  explicit Assembler(const AssemblerOptions& options) : options_(options) {}

  Program run(std::string_view text, const std::string& name) {
    program_.name = name;
    try {
      define_presets();
      run_block(add_file(name, text, nullptr));
      finish();
    } catch (const GiveUp&) {  // NOLINT(bugprone-empty-catch): what is wrong stands in diagnostics_
    }
    if (!diagnostics_.empty()) {
      throw AssemblyError(std::move(diagnostics_));
    }
    return std::move(program_);
  }

 private:
  using Block = std::vector<LinePtr>;

  struct Condition {
    bool outer = true;   ///< whether the lines around it count
    bool active = true;  ///< whether the lines of this branch count
    bool taken = false;  ///< whether a branch has counted
    bool last = false;   ///< behind .else
    LinePtr line;
    std::size_t column = 0;
  };

  // ---- messages -----------------------------------------------------------------------------------------------------

  void report(const LinePtr& line, std::size_t column, const std::string& message) {
    if (message.empty()) {
      return;
    }
    const std::size_t source_column = line->source_column(column);
    if (!reported_.emplace(line->place.file, line->place.line, source_column, message).second) {
      return;
    }
    Diagnostic diagnostic;
    diagnostic.file = program_.files[line->place.file];
    diagnostic.line = line->place.line;
    diagnostic.column = static_cast<std::uint32_t>(source_column + 1);
    diagnostic.message = message;
    diagnostic.source_line = sources_[line->place.file][line->place.line - 1];
    if (line->text != diagnostic.source_line) {
      diagnostic.notes.push_back("which reads here: " + line->text);
    }
    for (const Expansion* why = line->why.get(); why != nullptr; why = why->outer.get()) {
      diagnostic.notes.push_back(fmt::format("{} {}:{}", why->text, program_.place_text(why->place), why->column));
    }
    diagnostics_.push_back(std::move(diagnostic));
    if (diagnostics_.size() >= kErrorLimit) {
      throw GiveUp{};
    }
  }
  void report(const LinePtr& line, const Mistake& mistake) { report(line, mistake.column, mistake.message); }

  [[noreturn]] void give_up(const LinePtr& line, std::size_t column, const std::string& message) {
    report(line, column, message);
    throw GiveUp{};
  }

  [[nodiscard]] std::string where(const LinePtr& line) const {
    return line == nullptr ? std::string("the command line") : program_.place_text(line->place);
  }

  // ---- files and blocks ---------------------------------------------------------------------------------------------

  Block add_file(const std::string& name, std::string_view text, const std::shared_ptr<const Expansion>& why) {
    auto found = std::find(program_.files.begin(), program_.files.end(), name);
    const auto file = static_cast<std::uint32_t>(found - program_.files.begin());
    if (found == program_.files.end()) {
      program_.files.push_back(name);
      sources_.push_back(split_lines(text));
    }
    Block block;
    std::uint32_t number = 0;
    for (const std::string& source : sources_[file]) {
      auto line = std::make_shared<Line>();
      line->text = source;
      line->place = {file, ++number};
      line->why = why;
      block.push_back(std::move(line));
    }
    return block;
  }

  void run_block(const Block& block) {
    const std::size_t outer_conditions = conditions_.size();
    for (std::size_t i = 0; i < block.size(); ++i) {
      if (++lines_done_ > kLineLimit) {
        give_up(block[i], 0, fmt::format("the program expands to more than {} lines", kLineLimit));
      }
      try {
        i = run_line(block, i, outer_conditions);
      } catch (const Mistake& mistake) {
        report(block[i], mistake);
      }
    }
    while (conditions_.size() > outer_conditions) {
      const Condition condition = std::move(conditions_.back());
      conditions_.pop_back();
      report(condition.line, condition.column, "this .if has no .endif");
    }
  }

  [[nodiscard]] bool active() const { return conditions_.empty() || conditions_.back().active; }

  /// Index of the line that closes the block that opens in line `first`.
  static std::size_t find_end(const Block& block, std::size_t first, std::size_t column, std::string_view opener,
                              std::string_view closer) {
    int depth = 0;
    for (std::size_t i = first; i < block.size(); ++i) {
      const std::string_view word = leading_word(block[i]->text);
      depth += word == opener ? 1 : 0;
      if (word == closer && --depth == 0) {
        return i;
      }
    }
    throw Mistake{column, fmt::format("this {} has no {}", opener, closer)};
  }

  /// Runs line `i` of the block and returns the index of the last line that it used up.
  std::size_t run_line(const Block& block, std::size_t i, std::size_t outer_conditions) {
    const LinePtr& line = block[i];
    if (!active() && skip_inactive(line)) {
      return i;
    }
    const std::vector<Token> tokens = detail::tokenize(line->text);
    TokenReader reader(tokens);
    if (active()) {
      define_labels(line, reader);
    } else {
      while (reader.peek(1).text == ":") {
        reader.take();
        reader.take();
      }
    }
    const Token head = reader.peek();
    if (head.kind == TokenKind::kEnd) {
      list(line, 0, line->text);
      return i;
    }
    reader.take();
    if (head.kind != TokenKind::kName) {
      throw Mistake{head.column,
                    fmt::format("expected a label, a mnemonic, a macro or a directive, found '{}'", head.text)};
    }
    if (head.text == ".if" || head.text == ".elif" || head.text == ".else" || head.text == ".endif") {
      list_comment(line, head.column);
      run_condition(line, head, reader, outer_conditions);
      return i;
    }
    if (head.text == ".macro") {
      const std::size_t end = find_end(block, i, head.column, ".macro", ".endm");
      define_macro(block, i, end, head, reader);
      return end;
    }
    if (head.text == ".rept") {
      const std::size_t end = find_end(block, i, head.column, ".rept", ".endr");
      try {
        list_comment(line, head.column);
        run_repeat(block, i, end, head, reader);
      } catch (const Mistake& mistake) {
        report(line, mistake);
      }
      return end;
    }
    if (head.text == ".endm" || head.text == ".endr") {
      throw Mistake{head.column, fmt::format("{} without {}", head.text, head.text == ".endm" ? ".macro" : ".rept")};
    }
    if (head.text == ".include") {
      list_comment(line, head.column);
      run_include(line, head, reader);
      return i;
    }
    if (head.text.front() == '.') {
      run_directive(line, head, reader);
      return i;
    }
    const auto macro = macros_.find(std::string(head.text));
    if (macro != macros_.end()) {
      list_comment(line, head.column);
      run_macro(line, head, macro->second);
      return i;
    }
    run_instruction(line, head, reader);
    return i;
  }

  /// Whether a line that does not count can be left alone: all but those that may make the next ones count. What it
  /// says need not be correct.
  bool skip_inactive(const LinePtr& line) {
    const std::string_view word = leading_word(line->text);
    if (word == ".if") {
      Condition condition;
      condition.outer = false;
      condition.active = false;
      condition.line = line;
      condition.column = static_cast<std::size_t>(word.data() - line->text.data());
      conditions_.push_back(std::move(condition));
      return true;
    }
    if (word != ".elif" && word != ".else" && word != ".endif") {
      return true;
    }
    if (conditions_.back().outer) {
      return false;
    }
    if (word == ".endif") {
      conditions_.pop_back();
    }
    return true;
  }

  void define_labels(const LinePtr& line, TokenReader& reader) {
    while (reader.peek().kind == TokenKind::kName && reader.peek(1).kind == TokenKind::kPunctuation &&
           reader.peek(1).text == ":") {
      const Token name = reader.take();
      reader.take();
      try {
        const bool local = name.text.front() == '.';
        const std::string full = local ? local_prefix_ + std::string(name.text) : std::string(name.text);
        if (!local) {
          local_prefix_ = full;
        }
        Symbol symbol;
        symbol.label = true;
        symbol.state = Symbol::State::kKnown;
        symbol.value = here_;
        symbol.line = line;
        define(full, std::move(symbol), name.column);
      } catch (const Mistake& mistake) {
        report(line, mistake);
      }
    }
  }

  void run_condition(const LinePtr& line, const Token& head, TokenReader& reader, std::size_t outer_conditions) {
    if (head.text == ".if") {
      Condition condition;
      condition.line = line;
      condition.column = head.column;
      condition.active = false;
      condition.taken = true;  // after a mistake no branch counts
      conditions_.push_back(std::move(condition));
      const bool holds = known_value(reader, ".if") != 0;
      conditions_.back().active = holds;
      conditions_.back().taken = holds;
      return;
    }
    if (conditions_.size() <= outer_conditions) {
      throw Mistake{head.column, fmt::format("{} without .if", head.text)};
    }
    Condition& condition = conditions_.back();
    if (head.text == ".endif") {
      conditions_.pop_back();
      reader.expect_end();
      return;
    }
    if (condition.last) {
      throw Mistake{head.column, fmt::format("{} behind .else", head.text)};
    }
    const bool candidate = !condition.taken;
    condition.active = false;
    if (head.text == ".else") {
      condition.last = true;
      condition.active = candidate;
      condition.taken = true;
      reader.expect_end();
    } else if (candidate) {
      condition.taken = true;
      const bool holds = known_value(reader, ".elif") != 0;
      condition.active = holds;
      condition.taken = holds;
    }
  }

  /// A copy of `line` in which \name stands for a parameter's text, \@ for the number of the expansion and \() for
  /// nothing. Names that are no parameters stay (a repetition inside may know them).
  static LinePtr substitute(const Line& line, const std::map<std::string, std::string, std::less<>>& values,
                            const std::string& serial, const std::shared_ptr<const Expansion>& why) {
    auto result = std::make_shared<Line>();
    result->place = line.place;
    result->why = why;
    const std::string& text = line.text;
    const auto append = [&](std::string_view piece, std::size_t column, bool advance) {
      for (std::size_t k = 0; k < piece.size(); ++k) {
        result->columns.push_back(static_cast<std::uint32_t>(line.source_column(column + (advance ? k : 0))));
      }
      result->text += piece;
    };
    std::size_t i = 0;
    while (i < text.size()) {
      const std::size_t slash = std::min(text.find('\\', i), text.size());
      append(std::string_view(text).substr(i, slash - i), i, true);
      i = slash;
      if (i >= text.size()) {
        break;
      }
      if (!serial.empty() && i + 1 < text.size() && text[i + 1] == '@') {
        append(serial, i, false);
        i += 2;
        continue;
      }
      if (!serial.empty() && text.compare(i + 1, 2, "()") == 0) {
        i += 3;
        continue;
      }
      std::size_t end = i + 1;
      while (end < text.size() && is_name_char(text[end])) {
        ++end;
      }
      const auto found = values.find(std::string_view(text).substr(i + 1, end - i - 1));
      if (found == values.end()) {
        append(std::string_view(text).substr(i, end - i), i, true);
      } else {
        append(found->second, i, false);
      }
      i = end;
    }
    result->columns.push_back(static_cast<std::uint32_t>(line.source_column(text.size())));
    return result;
  }

  std::shared_ptr<const Expansion> expand(const LinePtr& line, std::size_t column, Expansion::Kind kind,
                                          std::string text) {
    auto why = std::make_shared<Expansion>();
    why->kind = kind;
    why->text = std::move(text);
    why->place = line->place;
    why->column = static_cast<std::uint32_t>(line->source_column(column) + 1);
    why->outer = line->why;
    why->depth = (line->why ? line->why->depth : 0) + (kind == Expansion::Kind::kInclude ? 0 : 1);
    why->includes = (line->why ? line->why->includes : 0) + (kind == Expansion::Kind::kInclude ? 1 : 0);
    if (why->depth > kExpansionDepth) {
      give_up(line, column, fmt::format("macros nested deeper than {}; does one call itself?", kExpansionDepth));
    }
    if (why->includes > kIncludeDepth) {
      give_up(line, column, fmt::format("includes nested deeper than {}; does a file include itself?", kIncludeDepth));
    }
    return why;
  }

  void define_macro(const Block& block, std::size_t first, std::size_t end, const Token& head, TokenReader& reader) {
    const LinePtr& line = block[first];
    try {
      const Token name = reader.take();
      if (name.kind != TokenKind::kName || name.text.front() == '.') {
        throw Mistake{name.kind == TokenKind::kEnd ? head.column : name.column, "expected .macro NAME PARAMETERS"};
      }
      if (isa::find_instruction(name.text) != nullptr) {
        throw Mistake{name.column, fmt::format("'{}' is an instruction; give the macro another name", name.text)};
      }
      Macro macro;
      macro.definition = line;
      reader.accept(",");
      while (!reader.at_end()) {
        const Token parameter = reader.take();
        if (parameter.kind != TokenKind::kName || parameter.text.find('.') != std::string_view::npos) {
          throw Mistake{parameter.column, "expected the name of a parameter"};
        }
        for (const Parameter& other : macro.parameters) {
          if (other.name == parameter.text) {
            throw Mistake{parameter.column, fmt::format("the parameter '{}' stands here twice", parameter.text)};
          }
        }
        Parameter entry{std::string(parameter.text), std::nullopt};
        if (reader.accept("=")) {
          entry.preset = take_argument(line->text, reader);
        }
        macro.parameters.push_back(std::move(entry));
        if (!reader.at_end()) {
          reader.expect(",", "between parameters");
        }
      }
      macro.body.assign(block.begin() + static_cast<std::ptrdiff_t>(first) + 1,
                        block.begin() + static_cast<std::ptrdiff_t>(end));
      const auto [found, fresh] = macros_.try_emplace(std::string(name.text), std::move(macro));
      if (!fresh) {
        throw Mistake{name.column, fmt::format("the macro '{}' is defined already, at {}", name.text,
                                               where(found->second.definition))};
      }
    } catch (const Mistake& mistake) {
      report(line, mistake);
    }
  }

  /// The text up to the next comma outside of parentheses.
  static std::string take_argument(const std::string& text, TokenReader& reader) {
    const std::size_t begin = reader.peek().column;
    std::size_t end = begin;
    int depth = 0;
    while (!reader.at_end() && (depth > 0 || !reader.at(","))) {
      depth += reader.at("(") ? 1 : 0;
      depth -= reader.at(")") ? 1 : 0;
      const Token token = reader.take();
      end = token.column + token.text.size() + (token.kind == TokenKind::kString ? 2 : 0);
    }
    return text.substr(begin, end - begin);
  }

  void run_macro(const LinePtr& line, const Token& head, const Macro& macro) {
    const std::vector<Token> tokens = detail::tokenize(line->text);
    std::size_t first = 0;
    while (tokens[first].column <= head.column) {
      ++first;
    }
    TokenReader reader(tokens, first);
    std::map<std::string, std::string, std::less<>> values;
    const auto named = [&](std::string_view name) {
      return std::find_if(macro.parameters.begin(), macro.parameters.end(),
                          [&](const Parameter& entry) { return entry.name == name; });
    };
    std::size_t position = 0;
    while (!reader.at_end()) {
      const std::size_t column = reader.peek().column;
      auto parameter = macro.parameters.end();
      if (reader.peek().kind == TokenKind::kName && reader.peek(1).kind == TokenKind::kPunctuation &&
          reader.peek(1).text == "=") {
        const std::string_view name = reader.take().text;
        reader.take();
        parameter = named(name);
        if (parameter == macro.parameters.end()) {
          std::vector<std::string_view> names;
          names.reserve(macro.parameters.size());
          for (const Parameter& entry : macro.parameters) {
            names.emplace_back(entry.name);
          }
          throw Mistake{column, fmt::format("the macro '{}' has no parameter '{}'; {}", head.text, name,
                                            did_you_mean(name, names, "it has " + signature(macro)))};
        }
      } else {
        if (position >= macro.parameters.size()) {
          throw Mistake{column, fmt::format("the macro '{}' takes {}", head.text, signature(macro))};
        }
        parameter = macro.parameters.begin() + static_cast<std::ptrdiff_t>(position++);
      }
      std::string value = take_argument(line->text, reader);
      if (!value.empty() && !values.emplace(parameter->name, std::move(value)).second) {
        throw Mistake{column, fmt::format("the parameter '{}' is given twice", parameter->name)};
      }
      if (!reader.at_end()) {
        reader.expect(",", "between arguments");
      }
    }
    for (const Parameter& parameter : macro.parameters) {
      if (values.count(parameter.name) == 0) {
        if (!parameter.preset) {
          throw Mistake{head.column, fmt::format("the macro '{}' needs '{}': it takes {}", head.text, parameter.name,
                                                 signature(macro))};
        }
        values.emplace(parameter.name, *parameter.preset);
      }
    }
    const auto why =
        expand(line, head.column, Expansion::Kind::kMacro, fmt::format("in the macro '{}', called at", head.text));
    const std::string serial = std::to_string(++serial_);
    Block block;
    for (const LinePtr& body : macro.body) {
      block.push_back(substitute(*body, values, serial, why));
    }
    run_block(block);
  }

  static std::string signature(const Macro& macro) {
    std::vector<std::string> parts;
    for (const Parameter& parameter : macro.parameters) {
      parts.push_back(parameter.preset ? fmt::format("{}={}", parameter.name, *parameter.preset) : parameter.name);
    }
    return parts.empty() ? "no arguments" : fmt::format("({})", fmt::join(parts, ", "));
  }

  void run_repeat(const Block& block, std::size_t first, std::size_t end, const Token& head, TokenReader& reader) {
    const LinePtr& line = block[first];
    const std::size_t column = reader.peek().column;
    const Value count = evaluate_now(reader, ".rept");
    std::string variable;
    if (reader.accept(",")) {
      const Token name = reader.take();
      if (name.kind != TokenKind::kName || name.text.find('.') != std::string_view::npos) {
        throw Mistake{name.column, "expected the name of the repetition's counter"};
      }
      variable = name.text;
    }
    reader.expect_end();
    if (count < 0 || count > static_cast<Value>(kLineLimit)) {
      throw Mistake{column, fmt::format("cannot repeat {} times, only 0..{}", detail::to_text(count), kLineLimit)};
    }
    for (Value pass = 0; pass < count; ++pass) {
      const auto why = expand(line, head.column, Expansion::Kind::kRepeat,
                              fmt::format("in pass {} of the repetition at", detail::to_text(pass)));
      std::map<std::string, std::string, std::less<>> values;
      if (!variable.empty()) {
        values.emplace(variable, detail::to_text(pass));
      }
      Block copy;
      for (std::size_t k = first + 1; k < end; ++k) {
        copy.push_back(substitute(*block[k], values, "", why));
      }
      if (copy.empty()) {
        return;
      }
      run_block(copy);
    }
  }

  void run_include(const LinePtr& line, const Token& head, TokenReader& reader) {
    const Token name = reader.take();
    if (name.kind != TokenKind::kString || name.text.empty()) {
      throw Mistake{name.kind == TokenKind::kEnd ? head.column : name.column, "expected .include \"FILE\""};
    }
    reader.expect_end();
    const std::string wanted(name.text);
    const auto why = expand(line, head.column, Expansion::Kind::kInclude, "included from");
    std::vector<std::filesystem::path> places{folder_of(program_.files[line->place.file])};
    places.insert(places.end(), options_.include_dirs.begin(), options_.include_dirs.end());
    std::vector<std::string> tried;
    for (const std::filesystem::path& place : places) {
      const std::filesystem::path path = place / wanted;
      if (const auto text = read_whole_file(path)) {
        run_block(add_file(path.string(), *text, why));
        return;
      }
      tried.push_back(place.empty() ? "." : place.string());
    }
    if (const auto found = options_.include_texts.find(wanted); found != options_.include_texts.end()) {
      run_block(add_file(wanted, found->second, why));
      return;
    }
    if (const std::string_view text = builtin_include(wanted); !text.empty()) {
      run_block(add_file("<builtin>/" + wanted, text, why));
      return;
    }
    throw Mistake{name.column,
                  fmt::format("cannot read '{}'; looked in {} (add folders with -I)", wanted, fmt::join(tried, ", "))};
  }

  // ---- symbols ------------------------------------------------------------------------------------------------------

  void define_presets() {
    for (const auto& [name, value] : options_.constants) {
      const bool word = !name.empty() && (name[0] < '0' || name[0] > '9') && name[0] != '.' &&
                        std::all_of(name.begin(), name.end(), [](char c) { return is_name_char(c) || c == '.'; });
      if (!word || register_number(name) || is_named_value(name)) {
        throw UserError(fmt::format("constant '{}'", name), "this name cannot be defined",
                        "Use letters, digits and '_', no register and no built-in name");
      }
      Symbol symbol;
      symbol.state = Symbol::State::kKnown;
      symbol.value = value;
      if (!symbols_.try_emplace(name, std::move(symbol)).second) {
        throw UserError(fmt::format("constant '{}'", name), "it is defined twice", "Define it once");
      }
      program_.listing.push_back({{}, 0, 0, fmt::format(".equ {}, {}", name, value)});
    }
  }

  static bool is_named_value(std::string_view name) {
    return std::any_of(named_values().begin(), named_values().end(),
                       [&](const NamedValue& entry) { return entry.name == name; });
  }

  void define(const std::string& name, Symbol symbol, std::size_t column) {
    if (register_number(name)) {
      throw Mistake{column, fmt::format("'{}' is a register and cannot be defined", name)};
    }
    if (is_named_value(name)) {
      throw Mistake{column, fmt::format("'{}' is a built-in constant and cannot be defined", name)};
    }
    const auto [found, fresh] = symbols_.try_emplace(name, std::move(symbol));
    if (!fresh) {
      throw Mistake{column, fmt::format("'{}' is defined already, at {}", name, where(found->second.line))};
    }
  }

  [[noreturn]] void unknown_symbol(const std::string& name, std::size_t column) const {
    if (register_number(name)) {
      throw Mistake{column, fmt::format("the register '{}' cannot stand in an expression", name)};
    }
    if (isa::find_group(name)) {
      throw Mistake{column, fmt::format("'{}' is a signal group, not a value", name)};
    }
    std::vector<std::string_view> names;
    names.reserve(named_values().size() + symbols_.size());
    for (const auto& entry : symbols_) {
      names.emplace_back(entry.first);
    }
    for (const NamedValue& entry : named_values()) {
      names.push_back(entry.name);
    }
    std::sort(names.begin(), names.end());
    throw Mistake{column, fmt::format("'{}' is not defined{}", name, with_semicolon(did_you_mean(name, names)))};
  }

  static std::string with_semicolon(const std::string& text) { return text.empty() ? text : "; " + text; }

  Value resolve(const std::string& name, std::size_t column) {
    const auto found = symbols_.find(name);
    if (found == symbols_.end()) {
      for (const NamedValue& entry : named_values()) {
        if (entry.name == name) {
          return entry.value;
        }
      }
      unknown_symbol(name, column);
    }
    Symbol& symbol = found->second;
    switch (symbol.state) {
      case Symbol::State::kKnown:
        return symbol.value;
      case Symbol::State::kBusy:
        throw Mistake{column, fmt::format("'{}' depends on itself", name)};
      case Symbol::State::kWrong:
        throw Mistake{};
      case Symbol::State::kUnknown:
        break;
    }
    symbol.state = Symbol::State::kBusy;
    try {
      symbol.value = detail::evaluate(*symbol.expression,
                                      [this](const std::string& other, std::size_t at) { return resolve(other, at); });
      symbol.state = Symbol::State::kKnown;
      return symbol.value;
    } catch (const Mistake& mistake) {
      symbol.state = Symbol::State::kWrong;
      report(symbol.line, mistake);
      throw Mistake{};
    }
  }

  /// Whether every symbol is known by now.
  [[nodiscard]] bool is_known(const detail::Node& node) const {
    if (node.operation == detail::Operation::kSymbol) {
      const auto found = symbols_.find(node.name);
      return found == symbols_.end() ? is_named_value(node.name) : found->second.state == Symbol::State::kKnown;
    }
    return std::all_of(node.operands.begin(), node.operands.end(),
                       [this](const Expression& operand) { return is_known(*operand); });
  }

  [[nodiscard]] Scope scope() const {
    return {here_, local_prefix_,
            [this](const std::string& name) { return symbols_.count(name) != 0 || is_named_value(name); }};
  }

  /// An expression whose symbols all stand above.
  Value evaluate_now(TokenReader& reader, std::string_view directive) {
    const Expression expression = reader.expression(scope());
    return detail::evaluate(*expression, [&](const std::string& name, std::size_t column) -> Value {
      const auto found = symbols_.find(name);
      if (found != symbols_.end() && found->second.state == Symbol::State::kKnown) {
        return found->second.value;
      }
      if (found == symbols_.end() && is_named_value(name)) {
        return resolve(name, column);
      }
      if (found != symbols_.end() && found->second.state == Symbol::State::kWrong) {
        throw Mistake{};
      }
      if (register_number(name) || isa::find_group(name)) {
        unknown_symbol(name, column);
      }
      throw Mistake{column, fmt::format("'{}' is not known here; {} needs a value defined above", name, directive)};
    });
  }

  Value known_value(TokenReader& reader, std::string_view directive) {
    const Value value = evaluate_now(reader, directive);
    reader.expect_end();
    return value;
  }

  // ---- directives ---------------------------------------------------------------------------------------------------

  void run_directive(const LinePtr& line, const Token& head, TokenReader& reader) {
    if (head.text == ".equ") {
      run_equ(line, head, reader);
    } else if (head.text == ".org") {
      const std::size_t column = reader.peek().column;
      const Value address = known_value(reader, ".org");
      if (address < 0 || address >= static_cast<Value>(limit())) {
        throw Mistake{column, fmt::format("address {} is outside 0..{}", detail::to_text(address), limit() - 1)};
      }
      here_ = static_cast<std::uint32_t>(address);
      list(line, 0, line->text);
    } else if (head.text == ".align") {
      const std::size_t column = reader.peek().column;
      const Value step = known_value(reader, ".align");
      if (step < 1 || step > static_cast<Value>(limit())) {
        throw Mistake{column, fmt::format("cannot align to {}, only to 1..{}", detail::to_text(step), limit())};
      }
      const std::uint32_t first = here_;
      while (here_ % static_cast<std::uint32_t>(step) != 0) {
        place_word(line, head.column, isa::encode(isa::Decoded{}));
      }
      list_words(line, first, line->text);
    } else if (head.text == ".word") {
      const std::uint32_t first = here_;
      do {
        Pending pending;
        pending.address = here_;
        pending.line = line;
        pending.number = reader.expression(scope());
        const std::size_t column = detail::first_column(*pending.number);
        pending_.push_back(std::move(pending));
        place_word(line, column, 0);
      } while (reader.accept(","));
      reader.expect_end();
      list_words(line, first, line->text);
    } else if (head.text == ".error") {
      const Token text = reader.take();
      throw Mistake{head.column, text.kind == TokenKind::kString ? std::string(text.text) : "expected .error \"TEXT\""};
    } else {
      throw Mistake{head.column, fmt::format("there is no directive '{}'{}", head.text,
                                             with_semicolon(did_you_mean(head.text, kDirectives)))};
    }
  }

  void run_equ(const LinePtr& line, const Token& head, TokenReader& reader) {
    const Token name = reader.take();
    if (name.kind != TokenKind::kName || name.text.front() == '.') {
      throw Mistake{name.kind == TokenKind::kEnd ? head.column : name.column, "expected .equ NAME, EXPRESSION"};
    }
    reader.expect(",", "behind the name");
    Symbol symbol;
    symbol.line = line;
    symbol.state = Symbol::State::kWrong;  // after a mistake the name counts as defined
    std::optional<Mistake> mistake;
    try {
      symbol.expression = reader.expression(scope());
      reader.expect_end();
      symbol.state = Symbol::State::kUnknown;
    } catch (const Mistake& caught) {
      mistake = caught;
    }
    const bool known = symbol.state == Symbol::State::kUnknown && is_known(*symbol.expression);
    define(std::string(name.text), std::move(symbol), name.column);
    if (mistake) {
      throw Mistake(*mistake);
    }
    if (known) {
      resolve(std::string(name.text), name.column);
    }
    list(line, 0, line->text);
  }

  // ---- instructions -------------------------------------------------------------------------------------------------

  void run_instruction(const LinePtr& line, const Token& head, TokenReader& reader) {
    std::string_view mnemonic = head.text;
    const bool commit = mnemonic.size() > 2 && mnemonic.substr(mnemonic.size() - 2) == ".c";
    if (commit) {
      mnemonic.remove_suffix(2);
    }
    const isa::Instruction* const instruction = isa::find_instruction(mnemonic);
    if (instruction == nullptr) {
      std::vector<std::string_view> names;
      names.reserve(isa::kInstructions.size() + macros_.size());
      for (const isa::Instruction& row : isa::kInstructions) {
        names.push_back(row.mnemonic);
      }
      for (const auto& macro : macros_) {
        names.emplace_back(macro.first);
      }
      throw Mistake{head.column, fmt::format("there is no instruction or macro '{}'{}", head.text,
                                             with_semicolon(did_you_mean(mnemonic, names)))};
    }
    Pending pending;
    pending.address = here_;
    pending.line = line;
    pending.instruction = instruction;
    pending.decoded.opcode = instruction->opcode;
    pending.decoded.commit = commit;
    OpenLoop loop;
    try {
      if (commit && !has_group(instruction->format)) {
        throw Mistake{head.column + mnemonic.size(),
                      fmt::format("'{}' has no '.c': only set, on, off and setr commit", mnemonic)};
      }
      parse_operands(head, reader, pending);
      reader.expect_end();
    } catch (const Mistake& mistake) {
      report(line, mistake);
      pending.instruction = nullptr;
      pending.number = nullptr;
    }
    const bool counts_loop = instruction->opcode == isa::Opcode::kLoop || instruction->opcode == isa::Opcode::kLoopR;
    if (counts_loop) {
      loop.line = line;
      loop.column = head.column;
      if (pending.target == nullptr && pending.instruction != nullptr) {
        loop.pending = pending_.size();
      }
      loops_.push_back(loop);
    } else if (instruction->opcode == isa::Opcode::kEndLoop && !loops_.empty()) {
      if (loops_.back().pending) {
        pending_[*loops_.back().pending].decoded.target = static_cast<std::uint16_t>(here_ + 1);
      }
      loops_.pop_back();
    }
    const std::uint32_t first = here_;
    pending_.push_back(std::move(pending));
    place_word(line, head.column, 0);
    list_words(line, first, line->text);
  }

  void parse_operands(const Token& head, TokenReader& reader, Pending& pending) {
    const isa::Format format = pending.instruction->format;
    if (format == isa::Format::kNone) {
      return;
    }
    if (reader.at_end()) {
      throw Mistake{head.column, fmt::format("'{}' needs {}", head.text, operands_of(format))};
    }
    const auto comma = [&] { reader.expect(",", fmt::format("('{}' needs {})", head.text, operands_of(format))); };
    isa::Decoded& decoded = pending.decoded;
    switch (format) {
      case isa::Format::kNone:
        break;
      case isa::Format::kGroupValue:
        decoded.group = take_group(reader);
        comma();
        pending.number = reader.expression(scope());
        break;
      case isa::Format::kGroupRegister:
        decoded.group = take_group(reader);
        comma();
        decoded.left = take_register(reader);
        break;
      case isa::Format::kImmediate:
        pending.number = reader.expression(scope());
        break;
      case isa::Format::kRegister:
        decoded.left = take_register(reader);
        break;
      case isa::Format::kRegisterImm:
        decoded.left = take_register(reader);
        comma();
        pending.number = reader.expression(scope());
        break;
      case isa::Format::kRegisterPair:
        decoded.left = take_register(reader);
        comma();
        decoded.right = take_register(reader);
        break;
      case isa::Format::kTarget:
        pending.target = reader.expression(scope());
        break;
      case isa::Format::kBranch:
        decoded.left = take_register(reader);
        comma();
        decoded.right = take_register(reader);
        comma();
        pending.target = reader.expression(scope());
        break;
      case isa::Format::kLoop:
        pending.number = reader.expression(scope());
        if (reader.accept(",")) {
          pending.target = reader.expression(scope());
        }
        break;
      case isa::Format::kLoopRegister:
        decoded.left = take_register(reader);
        if (reader.accept(",")) {
          pending.target = reader.expression(scope());
        }
        break;
    }
  }

  static isa::Group take_group(TokenReader& reader) {
    const Token token = reader.take();
    if (token.kind != TokenKind::kName) {
      throw Mistake{token.column, "expected the name of a signal group"};
    }
    if (const auto group = isa::find_group(token.text)) {
      return *group;
    }
    std::vector<std::string_view> names;
    names.reserve(isa::kSignalGroups.size());
    for (const isa::SignalGroup& entry : isa::kSignalGroups) {
      names.push_back(entry.name);
    }
    throw Mistake{token.column, fmt::format("there is no signal group '{}'{}", token.text,
                                            with_semicolon(did_you_mean(token.text, names)))};
  }

  static std::uint8_t take_register(TokenReader& reader) {
    const Token token = reader.take();
    if (token.kind == TokenKind::kName) {
      if (const auto number = register_number(token.text)) {
        return *number;
      }
    }
    throw Mistake{token.column, token.kind == TokenKind::kEnd
                                    ? "expected a register, r0..r15"
                                    : fmt::format("expected a register, r0..r15, found '{}'", token.text)};
  }

  // ---- words --------------------------------------------------------------------------------------------------------

  [[nodiscard]] std::uint32_t limit() const {
    return static_cast<std::uint32_t>(std::min<std::size_t>(options_.word_limit, kAddressLimit));
  }

  void place_word(const LinePtr& line, std::size_t column, isa::Word word) {
    if (here_ >= limit()) {
      give_up(line, column,
              fmt::format("the program does not fit: this is word {} and the memory has {}", here_ + 1, limit()));
    }
    if (here_ >= program_.words.size()) {
      program_.words.resize(here_ + 1, 0);
      program_.origins.resize(here_ + 1);
    }
    WordOrigin& origin = program_.origins[here_];
    if (origin.place.known()) {
      report(line, column,
             fmt::format("address {} holds a word already, from {}", here_, program_.place_text(origin.place)));
    }
    program_.words[here_] = word;
    origin.place = line->place;
    origin.call = line->place;
    for (const Expansion* why = line->why.get(); why != nullptr; why = why->outer.get()) {
      if (why->kind == Expansion::Kind::kMacro) {
        origin.call = why->place;
      }
    }
    ++here_;
  }

  void list(const LinePtr& line, std::uint32_t words, std::string text) {
    program_.listing.push_back({line->place, here_ - words, words, std::move(text)});
  }
  void list_words(const LinePtr& line, std::uint32_t first, const std::string& text) {
    list(line, here_ - first, text);
  }
  void list_comment(const LinePtr& line, std::size_t column) {
    if (active()) {
      list(line, 0, line->text.substr(0, column) + "; " + line->text.substr(column));
    }
  }

  // ---- second pass --------------------------------------------------------------------------------------------------

  static std::string range_text(const isa::SignalGroup& group, bool is_set) {
    const std::uint32_t mask = isa::group_mask(group.group);
    if (group.layout == isa::Layout::kSigned && is_set) {
      const std::int32_t half = 1 << (group.bits - 1);
      return fmt::format("{}..{}", -half, half - 1);
    }
    return mask > 255 || mask < 10 ? fmt::format("0..{}", mask) : fmt::format("0..{} (0x{:x})", mask, mask);
  }

  static std::uint32_t group_value(const Pending& pending, Value value, std::size_t column) {
    const isa::SignalGroup& group = isa::signal_group(pending.decoded.group);
    const auto mask = static_cast<Value>(isa::group_mask(group.group));
    const bool is_set = pending.decoded.opcode == isa::Opcode::kSet;
    const bool is_signed = group.layout == isa::Layout::kSigned && is_set;
    const Value smallest = is_signed ? -((mask + 1) / 2) : 0;
    const Value largest = is_signed ? (mask + 1) / 2 - 1 : mask;
    if (value < smallest || value > largest) {
      throw Mistake{column, fmt::format("{} is outside {}, the range of '{}'", detail::to_text(value),
                                        range_text(group, is_set), group.name)};
    }
    return static_cast<std::uint32_t>(value & mask);
  }

  static std::uint32_t number_value(const Pending& pending, Value value, std::size_t column) {
    const isa::Instruction& instruction = *pending.instruction;
    const bool is_signed = instruction.format == isa::Format::kRegisterImm;
    const Value smallest = is_signed ? -(Value{1} << 31) : static_cast<Value>(instruction.min);
    if (value < smallest || value > static_cast<Value>(instruction.max)) {
      throw Mistake{column, fmt::format("{} is outside {}..{}, the range of '{}'", detail::to_text(value),
                                        detail::to_text(smallest), instruction.max, instruction.mnemonic)};
    }
    return static_cast<std::uint32_t>(value & 0xffffffff);
  }

  void complete(Pending& pending) {
    const auto resolver = [this](const std::string& name, std::size_t column) { return resolve(name, column); };
    isa::Word& word = program_.words[pending.address];
    if (pending.instruction == nullptr) {
      if (pending.number == nullptr) {
        return;
      }
      word = static_cast<isa::Word>(detail::evaluate(*pending.number, resolver));
      return;
    }
    if (pending.number != nullptr) {
      const Value value = detail::evaluate(*pending.number, resolver);
      const std::size_t column = detail::first_column(*pending.number);
      pending.decoded.number = pending.instruction->format == isa::Format::kGroupValue
                                   ? group_value(pending, value, column)
                                   : number_value(pending, value, column);
    }
    if (pending.target != nullptr) {
      const Value value = detail::evaluate(*pending.target, resolver);
      if (value < 0 || value >= static_cast<Value>(kAddressLimit)) {
        throw Mistake{detail::first_column(*pending.target),
                      fmt::format("address {} is outside 0..{}", detail::to_text(value), kAddressLimit - 1)};
      }
      pending.decoded.target = static_cast<std::uint16_t>(value);
    }
    word = isa::encode(pending.decoded);
  }

  void finish() {
    for (const OpenLoop& loop : loops_) {
      if (loop.pending) {
        report(loop.line, loop.column, "this loop has no endloop; add one, or write the address behind the loop");
      }
    }
    for (auto& [name, symbol] : symbols_) {
      try {
        if (symbol.state == Symbol::State::kUnknown) {
          resolve(name, 0);
        }
      } catch (const Mistake&) {  // NOLINT(bugprone-empty-catch): reported at the .equ
      }
    }
    for (Pending& pending : pending_) {
      try {
        complete(pending);
      } catch (const Mistake& mistake) {
        report(pending.line, mistake);
      }
    }
    for (const auto& [name, symbol] : symbols_) {
      if (symbol.label) {
        program_.symbols.emplace(name, static_cast<std::uint32_t>(symbol.value));
        program_.symbol_places.emplace(name, symbol.line->place);
      } else if (symbol.value >= std::numeric_limits<std::int64_t>::min() &&
                 symbol.value <= std::numeric_limits<std::int64_t>::max()) {
        program_.constants.emplace(name, static_cast<std::int64_t>(symbol.value));
      }
    }
  }

  const AssemblerOptions& options_;
  Program program_;
  std::vector<std::vector<std::string>> sources_;  ///< lines of program_.files
  std::map<std::string, Symbol> symbols_;
  std::map<std::string, Macro> macros_;
  std::vector<Condition> conditions_;
  std::vector<OpenLoop> loops_;
  std::vector<Pending> pending_;
  std::vector<Diagnostic> diagnostics_;
  std::set<std::tuple<std::uint32_t, std::uint32_t, std::size_t, std::string>> reported_;
  std::string local_prefix_;
  std::uint32_t here_ = 0;
  std::uint32_t serial_ = 0;
  std::size_t lines_done_ = 0;
};

std::string all_texts(const std::vector<Diagnostic>& diagnostics) {
  std::string text;
  for (const Diagnostic& diagnostic : diagnostics) {
    text += diagnostic.text() + "\n";
  }
  text += diagnostics.size() >= kErrorLimit
              ? fmt::format("{} errors, there may be more", diagnostics.size())
              : fmt::format("{} error{}", diagnostics.size(), diagnostics.size() == 1 ? "" : "s");
  return text;
}

std::string place_of(const Diagnostic& diagnostic) {
  return fmt::format("{}:{}:{}", diagnostic.file, diagnostic.line, diagnostic.column);
}

}  // namespace

std::string Diagnostic::text() const {
  std::string result = fmt::format("{}:{}:{}: error: {}\n    {}\n    ", file, line, column, message, source_line);
  for (std::size_t i = 0; i + 1 < column; ++i) {
    result += i < source_line.size() && source_line[i] == '\t' ? '\t' : ' ';
  }
  result += '^';
  for (const std::string& note : notes) {
    result += "\n  " + note;
  }
  return result;
}

AssemblyError::AssemblyError(std::vector<Diagnostic> diagnostics)
    : UserError(place_of(diagnostics.at(0)), diagnostics.at(0).message, "Correct the program"),
      diagnostics_(std::move(diagnostics)),
      text_(all_texts(diagnostics_)) {}

std::string Program::place_text(SourcePlace place) const {
  return place.known() && place.file < files.size() ? fmt::format("{}:{}", files[place.file], place.line)
                                                    : std::string();
}

std::string Program::place_of(std::size_t address) const {
  return address < origins.size() ? place_text(origins[address].place) : std::string();
}

std::vector<std::uint32_t> Program::addresses_of(std::string_view file, std::uint32_t line) const {
  std::vector<std::uint32_t> addresses;
  const auto matches = [&](const SourcePlace& place) {
    return place.known() && place.line == line && files[place.file] == file;
  };
  for (std::size_t i = 0; i < origins.size(); ++i) {
    if (matches(origins[i].place) || matches(origins[i].call)) {
      addresses.push_back(static_cast<std::uint32_t>(i));
    }
  }
  return addresses;
}

const std::vector<NamedValue>& named_values() {
  static const std::vector<NamedValue> values{
      {"all", 0xff, "all eight wire groups"},
      {"none", 0, "no wire group"},
      {"ramp.run", 1, "ramp: leaves its start level"},
      {"ramp.fall", 2, "ramp: falls instead of rising"},
      {"pdev.gp", 1, "pdev: G+"},
      {"pdev.gm", 2, "pdev: G-"},
      {"pdev.sp", 4, "pdev: g+ (small letter)"},
      {"pdev.sm", 8, "pdev: g- (small letter)"},
      {"trig.start", 1, "trig: the chip's start"},
  };
  return values;
}

Program assemble_text(std::string_view text, const std::string& name, const AssemblerOptions& options) {
  return Assembler(options).run(text, name);
}

Program assemble_file(const std::filesystem::path& path, const AssemblerOptions& options) {
  const auto text = read_whole_file(path);
  if (!text) {
    throw UserError(path.string(), "cannot be read", "Give a program file (.lcs) that exists");
  }
  return assemble_text(*text, path.string(), options);
}

}  // namespace chronotile::toolchain
