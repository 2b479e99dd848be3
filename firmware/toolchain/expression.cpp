#include "firmware/toolchain/expression.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "common/nearest.hpp"

namespace chronotile::toolchain::detail {
namespace {

constexpr int kDepthLimit = 200;
constexpr int kOperatorLimit = 2000;
constexpr Value kLargest = std::numeric_limits<std::uint64_t>::max();
constexpr Value kSmallest = std::numeric_limits<std::int64_t>::min();

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_start(char c) { return is_letter(c) || c == '.'; }
bool is_name_part(char c) { return is_name_start(c) || is_digit(c); }

int digit_value(char c) {
  if (is_digit(c)) {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + 10;
  }
  if (c >= 'A' && c <= 'F') {
    return c - 'A' + 10;
  }
  return 99;
}

Value parse_number(std::string_view text, std::size_t column) {
  int base = 10;
  std::string_view kind = "decimal";
  std::size_t i = 0;
  if (text.size() > 1 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
    base = 16;
    kind = "hexadecimal";
    i = 2;
  } else if (text.size() > 1 && text[0] == '0' && (text[1] == 'b' || text[1] == 'B')) {
    base = 2;
    kind = "binary";
    i = 2;
  }
  Value value = 0;
  bool any = false;
  for (; i < text.size(); ++i) {
    if (text[i] == '_') {
      continue;
    }
    const int digit = digit_value(text[i]);
    if (digit >= base) {
      throw Mistake{column + i, fmt::format("'{}' is not a {} digit", text[i], kind)};
    }
    any = true;
    value = value * base + digit;
    if (value > kLargest) {
      throw Mistake{column, fmt::format("number {} does not fit in 64 bits", text)};
    }
  }
  if (!any) {
    throw Mistake{column, fmt::format("number '{}' has no digits", text)};
  }
  return value;
}

struct BinaryOperator {
  std::string_view text;
  int precedence;
  Operation operation;
};

constexpr std::array<BinaryOperator, 18> kBinaryOperators{{
    {"||", 1, Operation::kLogicalOr},
    {"&&", 2, Operation::kLogicalAnd},
    {"|", 3, Operation::kOr},
    {"^", 4, Operation::kXor},
    {"&", 5, Operation::kAnd},
    {"==", 6, Operation::kEqual},
    {"!=", 6, Operation::kNotEqual},
    {"<", 7, Operation::kLess},
    {"<=", 7, Operation::kLessEqual},
    {">", 7, Operation::kGreater},
    {">=", 7, Operation::kGreaterEqual},
    {"<<", 8, Operation::kShiftLeft},
    {">>", 8, Operation::kShiftRight},
    {"+", 9, Operation::kAdd},
    {"-", 9, Operation::kSubtract},
    {"*", 10, Operation::kMultiply},
    {"/", 10, Operation::kDivide},
    {"%", 10, Operation::kRemainder},
}};

const BinaryOperator* find_binary(const Token& token) {
  if (token.kind != TokenKind::kPunctuation) {
    return nullptr;
  }
  const auto* const found = std::find_if(kBinaryOperators.begin(), kBinaryOperators.end(),
                                         [&](const BinaryOperator& entry) { return entry.text == token.text; });
  return found == kBinaryOperators.end() ? nullptr : found;
}

std::string shown(const Token& token) {
  if (token.kind == TokenKind::kEnd) {
    return "the end of the line";
  }
  return token.kind == TokenKind::kString ? fmt::format("\"{}\"", token.text) : fmt::format("'{}'", token.text);
}

Expression make_number(std::size_t column, Value value) {
  auto node = std::make_unique<Node>();
  node->column = column;
  node->value = value;
  return node;
}

Value in_range(Value value, std::size_t column) {
  if (value > kLargest || value < kSmallest) {
    throw Mistake{column, "the result does not fit in 64 bits"};
  }
  return value;
}

Value shift(Operation operation, Value left, Value right, std::size_t column) {
  if (right < 0 || right > 63) {
    throw Mistake{column, fmt::format("cannot shift by {}, only by 0..63", to_text(right))};
  }
  if (operation == Operation::kShiftRight) {
    return left >> static_cast<int>(right);
  }
  Value result = 0;
  if (__builtin_mul_overflow(left, Value{1} << static_cast<int>(right), &result)) {
    throw Mistake{column, "the result does not fit in 64 bits"};
  }
  return result;
}

Value wire_groups(const Node& node, const Resolver& resolver) {
  std::array<Value, 2> bounds{};
  for (std::size_t i = 0; i < 2; ++i) {
    const Node& operand = *node.operands[std::min(i, node.operands.size() - 1)];
    bounds[i] = evaluate(operand, resolver);
    if (bounds[i] < 0 || bounds[i] > 7) {
      throw Mistake{first_column(operand), fmt::format("wire group {} is outside 0..7", to_text(bounds[i]))};
    }
  }
  if (bounds[1] < bounds[0]) {
    throw Mistake{node.column, "the last wire group of g() comes before the first"};
  }
  return ((Value{2} << static_cast<int>(bounds[1])) - 1) & ~((Value{1} << static_cast<int>(bounds[0])) - 1);
}

Value byte(const Node& node, const Resolver& resolver, int left_shift) {
  const Value mask = evaluate(*node.operands[0], resolver);
  if (mask < 0 || mask > 0xff) {
    throw Mistake{first_column(*node.operands[0]),
                  fmt::format("mask {} is outside 0..255 (eight wire groups)", to_text(mask))};
  }
  return mask << left_shift;
}

Value binary_value(const Node& node, Value left, Value right) {
  Value result = 0;
  switch (node.operation) {
    case Operation::kMultiply:
      if (__builtin_mul_overflow(left, right, &result)) {
        throw Mistake{node.column, "the result does not fit in 64 bits"};
      }
      return result;
    case Operation::kDivide:
    case Operation::kRemainder:
      if (right == 0) {
        throw Mistake{node.column, "division by zero"};
      }
      return node.operation == Operation::kDivide ? left / right : left % right;
    case Operation::kAdd:
      return left + right;
    case Operation::kSubtract:
      return left - right;
    case Operation::kShiftLeft:
    case Operation::kShiftRight:
      return shift(node.operation, left, right, node.column);
    case Operation::kLess:
      return left < right ? 1 : 0;
    case Operation::kLessEqual:
      return left <= right ? 1 : 0;
    case Operation::kGreater:
      return left > right ? 1 : 0;
    case Operation::kGreaterEqual:
      return left >= right ? 1 : 0;
    case Operation::kEqual:
      return left == right ? 1 : 0;
    case Operation::kNotEqual:
      return left != right ? 1 : 0;
    case Operation::kAnd:
      return left & right;
    case Operation::kXor:
      return left ^ right;
    default:
      return left | right;
  }
}

}  // namespace

std::string to_text(Value value) {
  return value < 0 ? fmt::format("-{}", static_cast<std::uint64_t>(-value))
                   : fmt::format("{}", static_cast<std::uint64_t>(value));
}

std::vector<Token> tokenize(std::string_view line) {
  std::vector<Token> tokens;
  std::size_t i = 0;
  const auto follows = [&](std::string_view text) { return line.substr(i, text.size()) == text; };
  while (i < line.size()) {
    const char c = line[i];
    const std::size_t begin = i;
    if (c == ' ' || c == '\t') {
      ++i;
      continue;
    }
    if (c == ';' || follows("//")) {
      break;
    }
    Token token;
    token.column = begin;
    if (is_name_start(c) || is_digit(c)) {
      while (i < line.size() && is_name_part(line[i])) {
        ++i;
      }
      token.kind = is_digit(c) ? TokenKind::kNumber : TokenKind::kName;
      token.text = line.substr(begin, i - begin);
      if (is_digit(c)) {
        token.value = parse_number(token.text, begin);
      }
    } else if (c == '"') {
      const std::size_t end = line.find('"', begin + 1);
      if (end == std::string_view::npos) {
        throw Mistake{begin, "this string has no closing '\"'"};
      }
      token.kind = TokenKind::kString;
      token.text = line.substr(begin + 1, end - begin - 1);
      i = end + 1;
    } else {
      static constexpr std::array<std::string_view, 8> kPairs{"<<", ">>", "<=", ">=", "==", "!=", "&&", "||"};
      static constexpr std::string_view kSingles = "+-*/%&|^~!<>()=,:$";
      token.kind = TokenKind::kPunctuation;
      const bool pair = std::any_of(kPairs.begin(), kPairs.end(), follows);
      if (!pair && kSingles.find(c) == std::string_view::npos) {
        if (c == '\\') {
          throw Mistake{begin, "'\\' names a parameter of a macro or of .rept, and there is none of this name here"};
        }
        if (c == '#') {
          throw Mistake{begin, "unexpected '#'; a comment begins with ';' or '//'"};
        }
        throw Mistake{begin, static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e
                                 ? fmt::format("unexpected byte 0x{:02x}", static_cast<unsigned char>(c))
                                 : fmt::format("unexpected '{}'", c)};
      }
      i += pair ? 2 : 1;
      token.text = line.substr(begin, i - begin);
    }
    tokens.push_back(token);
  }
  Token end;
  end.column = tokens.empty() ? i
                              : tokens.back().column + tokens.back().text.size() +
                                    (tokens.back().kind == TokenKind::kString ? 2U : 0U);
  tokens.push_back(end);
  return tokens;
}

const Token& TokenReader::peek(std::size_t ahead) const {
  return (*tokens_)[std::min(next_ + ahead, tokens_->size() - 1)];
}

bool TokenReader::at(std::string_view punctuation) const {
  return peek().kind == TokenKind::kPunctuation && peek().text == punctuation;
}

const Token& TokenReader::take() {
  const Token& token = peek();
  next_ = std::min(next_ + 1, tokens_->size() - 1);
  return token;
}

bool TokenReader::accept(std::string_view punctuation) {
  if (!at(punctuation)) {
    return false;
  }
  take();
  return true;
}

void TokenReader::expect(std::string_view punctuation, std::string_view purpose) {
  if (!accept(punctuation)) {
    throw Mistake{peek().column, fmt::format("expected '{}' {}, found {}", punctuation, purpose, shown(peek()))};
  }
}

void TokenReader::expect_end() const {
  if (!at_end()) {
    throw Mistake{peek().column, fmt::format("unexpected {} behind the statement", shown(peek()))};
  }
}

Expression TokenReader::expression(const Scope& scope) { return binary(scope, 1); }

Expression TokenReader::binary(const Scope& scope, int lowest) {
  Expression left = unary(scope);
  while (true) {
    const BinaryOperator* const found = find_binary(peek());
    if (found == nullptr || found->precedence < lowest) {
      return left;
    }
    if (++operators_ > kOperatorLimit) {
      throw Mistake{peek().column, "the expression is too long"};
    }
    auto node = std::make_unique<Node>();
    node->operation = found->operation;
    node->column = take().column;
    node->operands.push_back(std::move(left));
    node->operands.push_back(binary(scope, found->precedence + 1));
    left = std::move(node);
  }
}

Expression TokenReader::unary(const Scope& scope) {
  if (++depth_ > kDepthLimit) {
    throw Mistake{peek().column, "the expression is nested too deeply"};
  }
  const Token token = take();
  Expression result;
  if (token.kind == TokenKind::kNumber) {
    result = make_number(token.column, token.value);
  } else if (token.kind == TokenKind::kName) {
    if (at("(")) {
      --next_;
      result = call(scope);
    } else {
      auto node = std::make_unique<Node>();
      node->operation = Operation::kSymbol;
      node->column = token.column;
      node->name = token.text.front() == '.' ? scope.local_prefix + std::string(token.text) : std::string(token.text);
      result = std::move(node);
    }
  } else if (token.kind == TokenKind::kPunctuation && token.text == "$") {
    result = make_number(token.column, scope.here);
  } else if (token.kind == TokenKind::kPunctuation && token.text == "(") {
    result = expression(scope);
    expect(")", "to close the parenthesis");
  } else if (token.kind == TokenKind::kPunctuation && token.text == "+") {
    result = unary(scope);
  } else if (token.kind == TokenKind::kPunctuation && (token.text == "-" || token.text == "~" || token.text == "!")) {
    auto node = std::make_unique<Node>();
    node->operation = token.text == "-"   ? Operation::kNegate
                      : token.text == "~" ? Operation::kComplement
                                          : Operation::kNot;
    node->column = token.column;
    node->operands.push_back(unary(scope));
    result = std::move(node);
  } else {
    throw Mistake{token.column, fmt::format("expected a value, found {}", shown(token))};
  }
  --depth_;
  return result;
}

Expression TokenReader::call(const Scope& scope) {
  const Token name = take();
  expect("(", "");
  if (name.text == "defined") {
    const Token symbol = take();
    if (symbol.kind != TokenKind::kName) {
      throw Mistake{symbol.column, fmt::format("expected a name in defined(), found {}", shown(symbol))};
    }
    expect(")", "behind the name");
    return make_number(name.column, scope.is_defined && scope.is_defined(std::string(symbol.text)) ? 1 : 0);
  }
  struct Function {
    std::string_view name;
    Operation operation;
    std::size_t most;
  };
  static constexpr std::array<Function, 5> kFunctions{{{"g", Operation::kWireGroups, 2},
                                                       {"out", Operation::kLowByte, 1},
                                                       {"in", Operation::kHighByte, 1},
                                                       {"sn2we", Operation::kLowByte, 1},
                                                       {"we2sn", Operation::kHighByte, 1}}};
  const auto* const found = std::find_if(kFunctions.begin(), kFunctions.end(),
                                         [&](const Function& entry) { return entry.name == name.text; });
  if (found == kFunctions.end()) {
    throw Mistake{name.column,
                  fmt::format("there is no function '{}'; {}", name.text,
                              did_you_mean(name.text, function_names(),
                                           fmt::format("the functions are {}", fmt::join(function_names(), ", "))))};
  }
  auto node = std::make_unique<Node>();
  node->operation = found->operation;
  node->column = name.column;
  node->operands.push_back(expression(scope));
  while (accept(",")) {
    node->operands.push_back(expression(scope));
  }
  if (node->operands.size() > found->most) {
    throw Mistake{name.column,
                  fmt::format("{}() takes {}, not {} values", name.text,
                              found->most == 1 ? "one value" : "one or two values", node->operands.size())};
  }
  expect(")", fmt::format("to close {}(", name.text));
  return node;
}

std::size_t first_column(const Node& node) {
  const bool infix = node.operands.size() == 2 && node.operation != Operation::kWireGroups;
  return infix ? std::min(node.column, first_column(*node.operands[0])) : node.column;
}

Value evaluate(const Node& node, const Resolver& resolver) {
  switch (node.operation) {
    case Operation::kNumber:
      return node.value;
    case Operation::kSymbol:
      return resolver(node.name, node.column);
    case Operation::kNegate:
      return in_range(-evaluate(*node.operands[0], resolver), node.column);
    case Operation::kComplement:
      return in_range(~evaluate(*node.operands[0], resolver), node.column);
    case Operation::kNot:
      return evaluate(*node.operands[0], resolver) == 0 ? 1 : 0;
    case Operation::kLogicalAnd:
      return evaluate(*node.operands[0], resolver) != 0 && evaluate(*node.operands[1], resolver) != 0 ? 1 : 0;
    case Operation::kLogicalOr:
      return evaluate(*node.operands[0], resolver) != 0 || evaluate(*node.operands[1], resolver) != 0 ? 1 : 0;
    case Operation::kWireGroups:
      return wire_groups(node, resolver);
    case Operation::kLowByte:
      return byte(node, resolver, 0);
    case Operation::kHighByte:
      return byte(node, resolver, 8);
    default: {
      const Value left = evaluate(*node.operands[0], resolver);
      const Value right = evaluate(*node.operands[1], resolver);
      return in_range(binary_value(node, left, right), node.column);
    }
  }
}

const std::vector<std::string_view>& function_names() {
  static const std::vector<std::string_view> names{"g", "out", "in", "sn2we", "we2sn", "defined"};
  return names;
}

}  // namespace chronotile::toolchain::detail
