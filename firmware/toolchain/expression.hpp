#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// Tokens and integer expressions of the assembler. Internal to the tool-chain.
namespace chronotile::toolchain::detail {

// Intermediate results; every value stays within -2^63 .. 2^64 - 1.
__extension__ typedef __int128 Value;  // NOLINT(modernize-use-using): __extension__ takes no alias

[[nodiscard]] std::string to_text(Value value);

/// A mistake in a line, thrown by the parser and the evaluator. An empty message: it has been reported already.
struct Mistake {
  std::size_t column = 0;  ///< byte of the line, from 0
  std::string message;
};

enum class TokenKind : std::uint8_t { kEnd, kName, kNumber, kString, kPunctuation };

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string_view text;  ///< strings: without the quotes
  std::size_t column = 0;
  Value value = 0;  ///< numbers
};

/// The tokens of a line without its comment, the last one of kind kEnd. They refer to `line`. Throws Mistake.
[[nodiscard]] std::vector<Token> tokenize(std::string_view line);

enum class Operation : std::uint8_t {
  kNumber,
  kSymbol,
  kNegate,
  kComplement,
  kNot,
  kMultiply,
  kDivide,
  kRemainder,
  kAdd,
  kSubtract,
  kShiftLeft,
  kShiftRight,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kEqual,
  kNotEqual,
  kAnd,
  kXor,
  kOr,
  kLogicalAnd,
  kLogicalOr,
  kWireGroups,  ///< g(n), g(first, last)
  kLowByte,     ///< out(mask), sn2we(mask)
  kHighByte,    ///< in(mask), we2sn(mask)
};

struct Node;
using Expression = std::unique_ptr<const Node>;

struct Node {
  Operation operation = Operation::kNumber;
  std::size_t column = 0;  ///< of the operator, or of the operand's first byte
  Value value = 0;         ///< kNumber
  std::string name;        ///< kSymbol
  std::vector<Expression> operands;
};

/// What an expression's meaning depends on where it stands.
struct Scope {
  std::uint32_t here = 0;    ///< the value of $
  std::string local_prefix;  ///< put before names that begin with a dot
  std::function<bool(const std::string&)> is_defined;
};

/// Reads tokens from left to right.
class TokenReader {
 public:
  explicit TokenReader(const std::vector<Token>& tokens, std::size_t first = 0) : tokens_(&tokens), next_(first) {}

  [[nodiscard]] const Token& peek(std::size_t ahead = 0) const;
  [[nodiscard]] bool at_end() const { return peek().kind == TokenKind::kEnd; }
  [[nodiscard]] bool at(std::string_view punctuation) const;
  const Token& take();
  bool accept(std::string_view punctuation);
  /// Throws Mistake unless `punctuation` comes next; `purpose` ends the message.
  void expect(std::string_view punctuation, std::string_view purpose);
  /// Throws Mistake unless nothing is left.
  void expect_end() const;

  [[nodiscard]] Expression expression(const Scope& scope);

 private:
  [[nodiscard]] Expression binary(const Scope& scope, int lowest);
  [[nodiscard]] Expression unary(const Scope& scope);
  [[nodiscard]] Expression call(const Scope& scope);

  const std::vector<Token>* tokens_;
  std::size_t next_;
  int depth_ = 0;
  int operators_ = 0;
};

/// Gives a symbol's value, or throws Mistake at `column`.
using Resolver = std::function<Value(const std::string& name, std::size_t column)>;

/// Throws Mistake.
[[nodiscard]] Value evaluate(const Node& node, const Resolver& resolver);

/// The byte where the expression begins.
[[nodiscard]] std::size_t first_column(const Node& node);

/// Names of the functions that expressions can call.
[[nodiscard]] const std::vector<std::string_view>& function_names();

}  // namespace chronotile::toolchain::detail
