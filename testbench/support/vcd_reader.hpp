#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace chronotile::support {

/// Reads a value change dump back, for tests. Throws std::runtime_error where the file is not one.
class VcdReader {
 public:
  struct Change {
    std::uint64_t time_ps;
    std::string value;  ///< "0", "1", "x"; vectors in binary without leading zeros; the text of reals and strings
    friend bool operator==(const Change& a, const Change& b) { return a.time_ps == b.time_ps && a.value == b.value; }
    friend std::ostream& operator<<(std::ostream& out, const Change& change) {
      return out << "{" << change.time_ps << " ps, " << change.value << "}";
    }
  };
  struct Variable {
    std::string type;  ///< as in the file: wire, real, string, event
    int bits;
    std::vector<Change> changes;
  };

  explicit VcdReader(const std::filesystem::path& path) : file_(path) {
    if (!file_) {
      throw std::runtime_error("no file " + path.string());
    }
    header();
    body();
  }

  /// Full names ("chip.tile00.lc.pc", without range) in the order of the file.
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  [[nodiscard]] bool has(const std::string& name) const { return variables_.count(name) != 0; }
  [[nodiscard]] const Variable& variable(const std::string& name) const {
    const auto found = variables_.find(name);
    if (found == variables_.end()) {
      throw std::runtime_error("the dump has no variable " + name);
    }
    return found->second;
  }
  /// All values in order of time, the initial one first.
  [[nodiscard]] const std::vector<Change>& changes(const std::string& name) const { return variable(name).changes; }
  /// The value that holds at the time; empty before the first.
  [[nodiscard]] std::string value_at(const std::string& name, std::uint64_t time_ps) const {
    std::string value;
    for (const Change& change : changes(name)) {
      if (change.time_ps > time_ps) {
        break;
      }
      value = change.value;
    }
    return value;
  }
  /// Times at which the value became this one.
  [[nodiscard]] std::vector<std::uint64_t> times_of(const std::string& name, const std::string& value) const {
    std::vector<std::uint64_t> times;
    for (const Change& change : changes(name)) {
      if (change.value == value) {
        times.push_back(change.time_ps);
      }
    }
    return times;
  }
  [[nodiscard]] std::uint64_t end_ps() const { return time_; }  ///< last time stamp

 private:
  std::string word() {
    std::string text;
    if (!(file_ >> text)) {
      throw std::runtime_error("the dump ends too early");
    }
    return text;
  }
  std::vector<std::string> until_end() {
    std::vector<std::string> words;
    for (std::string text = word(); text != "$end"; text = word()) {
      words.push_back(text);
    }
    return words;
  }

  void header() {
    std::vector<std::string> scopes;
    for (std::string section = word(); section != "$enddefinitions"; section = word()) {
      const std::vector<std::string> words = until_end();
      if (section == "$scope") {
        scopes.push_back(words.at(1));
      } else if (section == "$upscope") {
        if (scopes.empty()) {
          throw std::runtime_error("$upscope without $scope");
        }
        scopes.pop_back();
      } else if (section == "$timescale") {
        timescale(words);
      } else if (section == "$var") {
        std::string name;
        for (const std::string& scope : scopes) {
          name += scope + ".";
        }
        name += words.at(3);
        if (!variables_.emplace(name, Variable{words.at(0), std::stoi(words.at(1)), {}}).second) {
          throw std::runtime_error(name + " is there twice");
        }
        codes_[words.at(2)].push_back(name);
        names_.push_back(name);
      }
    }
    until_end();
    if (!scopes.empty()) {
      throw std::runtime_error("$scope without $upscope");
    }
  }

  void timescale(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& part : words) {
      text += part;
    }
    static const std::map<std::string, std::uint64_t> kUnits = {{"ps", 1}, {"ns", 1000}, {"us", 1'000'000}};
    std::size_t digits = 0;
    const std::uint64_t count = std::stoull(text, &digits);
    unit_ps_ = count * kUnits.at(text.substr(digits));
  }

  void body() {
    std::string text;
    while (file_ >> text) {
      switch (text.front()) {
        case '$':
          break;  // $dumpvars, $end
        case '#': {
          const std::uint64_t time = std::stoull(text.substr(1)) * unit_ps_;
          if (time < time_ || (time == time_ && has_time_)) {
            throw std::runtime_error("time stamp " + text + " out of order");
          }
          time_ = time;
          has_time_ = true;
          break;
        }
        case 'b':
        case 'r':
          add(word(), text.substr(1));
          break;
        case 's':
          add(word(), unescaped(text.substr(1)));
          break;
        default:
          add(text.substr(1), text.substr(0, 1));
      }
    }
  }

  void add(const std::string& code, const std::string& value) {
    const auto found = codes_.find(code);
    if (found == codes_.end()) {
      throw std::runtime_error("change of an unknown identifier " + code);
    }
    for (const std::string& name : found->second) {
      variables_.at(name).changes.push_back({time_, value});
    }
  }

  static std::string unescaped(const std::string& text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text.compare(i, 2, "\\x") == 0) {
        plain += static_cast<char>(std::stoi(text.substr(i + 2, 2), nullptr, 16));
        i += 3;
      } else {
        plain += text[i];
      }
    }
    return plain;
  }

  std::ifstream file_;
  std::map<std::string, Variable> variables_;
  std::map<std::string, std::vector<std::string>> codes_;
  std::vector<std::string> names_;
  std::uint64_t unit_ps_ = 1;
  std::uint64_t time_ = 0;
  bool has_time_ = false;
};

}  // namespace chronotile::support
