#include "workloads/weights/safetensors.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <boost/interprocess/exceptions.hpp>
#include <boost/interprocess/file_mapping.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>
#include <stdexcept>
#include <system_error>
#include <tuple>
#include <utility>

#include "common/user_error.hpp"

namespace chronotile::weights {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kLengthBytes = 8;
constexpr std::uint64_t kLargestHeader = 100'000'000;  // the format's own limit
constexpr std::string_view kMetadataKey = "__metadata__";
constexpr const char* kAgain = "Copy, download or convert it again";
constexpr std::size_t kNamesShown = 5;

constexpr std::array<std::pair<Dtype, std::string_view>, 5> kDtypes = {
    {{Dtype::kF32, "F32"}, {Dtype::kF16, "F16"}, {Dtype::kI32, "I32"}, {Dtype::kI64, "I64"}, {Dtype::kU8, "U8"}}};

template <typename T>
T load(const std::byte* data, std::size_t index) {
  T value;
  std::memcpy(&value, data + index * sizeof(T), sizeof(T));
  return value;
}

float load_half(const std::byte* data, std::size_t index) {
  return static_cast<float>(Eigen::half(Eigen::half_impl::raw_uint16_to_half(load<std::uint16_t>(data, index))));
}

/// One reader's view of a file while its header is checked; every refusal names the file.
class HeaderReader {
 public:
  HeaderReader(std::string file, const std::byte* begin, std::size_t size)
      : file_(std::move(file)), begin_(begin), size_(size) {}

  Json header() {
    if (size_ < kLengthBytes) {
      refuse(fmt::format("{} bytes are too short for a safetensors file", size_), kAgain);
    }
    const auto length = load<std::uint64_t>(begin_, 0);
    if (length > kLargestHeader || length > size_ - kLengthBytes) {
      refuse(fmt::format("the header claims {} bytes of a file of {}", length, size_),
             "The file is truncated or no safetensors file; copy, download or convert it again");
    }
    data_ = begin_ + kLengthBytes + length;
    data_size_ = size_ - kLengthBytes - static_cast<std::size_t>(length);
    const auto* text = reinterpret_cast<const char*>(begin_ + kLengthBytes);
    Json header = parse(text, text + length);
    if (!header.is_object()) {
      refuse("the header is no JSON object", kAgain);
    }
    return header;
  }

  [[nodiscard]] std::map<std::string, std::string, std::less<>> metadata(const Json& header) const {
    std::map<std::string, std::string, std::less<>> result;
    const auto found = header.find(kMetadataKey);
    if (found == header.end()) {
      return result;
    }
    if (!found->is_object()) {
      refuse(fmt::format("{} is no object", kMetadataKey), kAgain);
    }
    for (const auto& [key, value] : found->items()) {
      if (!value.is_string()) {
        refuse(fmt::format("{}: '{}' is no text", kMetadataKey, key), kAgain);
      }
      result.emplace(key, value.get<std::string>());
    }
    return result;
  }

  [[nodiscard]] std::map<std::string, Tensor, std::less<>> tensors(const Json& header) const {
    std::map<std::string, Tensor, std::less<>> result;
    std::vector<Extent> extents;
    for (const auto& [name, entry] : header.items()) {
      if (name != kMetadataKey) {
        const Extent extent = extent_of(name, entry);
        extents.push_back(extent);
        result.emplace(name,
                       Tensor(place(name), name, dtype_of(name, entry), shape_of(name, entry), data_ + extent.begin));
        check_size(result.at(name), extent);
      }
    }
    check_cover(std::move(extents));
    return result;
  }

 private:
  struct Extent {
    std::size_t begin;
    std::size_t end;
    std::string name;
  };

  [[noreturn]] void refuse(std::string problem, std::string remedy) const {
    throw UserError(file_, std::move(problem), std::move(remedy));
  }
  [[noreturn]] void refuse_tensor(const std::string& name, std::string problem, std::string remedy) const {
    throw UserError(place(name), std::move(problem), std::move(remedy));
  }
  [[nodiscard]] std::string place(const std::string& name) const { return fmt::format("{}: tensor '{}'", file_, name); }

  /// JSON in which no object names a key twice; the library would keep the last one silently.
  Json parse(const char* begin, const char* end) const {
    std::vector<std::set<std::string>> keys;
    const auto watch = [&](int /*depth*/, Json::parse_event_t event, Json& parsed) {
      if (event == Json::parse_event_t::object_start) {
        keys.emplace_back();
      } else if (event == Json::parse_event_t::object_end) {
        keys.pop_back();
      } else if (event == Json::parse_event_t::key && !keys.back().insert(parsed.get<std::string>()).second) {
        refuse(fmt::format("the header names '{}' twice", parsed.get<std::string>()), kAgain);
      }
      return true;
    };
    try {
      return Json::parse(begin, end, watch);
    } catch (const Json::exception& error) {
      refuse(fmt::format("the header is no JSON ({})", error.what()),
             "Give a safetensors file; a PyTorch checkpoint (.pt) must be converted first");
    }
  }

  const Json& field(const std::string& name, const Json& entry, const char* key) const {
    if (!entry.is_object() || !entry.contains(key)) {
      refuse_tensor(name, fmt::format("the header gives no {}", key), kAgain);
    }
    return entry.at(key);
  }

  [[nodiscard]] Dtype dtype_of(const std::string& name, const Json& entry) const {
    const Json& field_value = field(name, entry, "dtype");
    const std::string text = field_value.is_string() ? field_value.get<std::string>() : field_value.dump();
    const auto* const found =
        std::find_if(kDtypes.begin(), kDtypes.end(), [&](const auto& known) { return known.second == text; });
    if (found == kDtypes.end()) {
      refuse_tensor(name, fmt::format("the type {} is not supported", text),
                    "Convert the tensor to F32, F16, I32, I64 or U8");
    }
    return found->first;
  }

  std::vector<std::size_t> sizes(const std::string& name, const Json& entry, const char* key) const {
    const Json& list = field(name, entry, key);
    std::vector<std::size_t> result;
    for (const Json& value : list) {
      if (!list.is_array() || !value.is_number_unsigned()) {
        result.clear();
        break;
      }
      result.push_back(value.get<std::size_t>());
    }
    if (!list.is_array() || result.size() != list.size()) {
      refuse_tensor(name, fmt::format("{} is no list of sizes: {}", key, list.dump()), kAgain);
    }
    return result;
  }

  [[nodiscard]] std::vector<std::size_t> shape_of(const std::string& name, const Json& entry) const {
    std::vector<std::size_t> shape = sizes(name, entry, "shape");
    std::size_t bytes = sizeof(std::int64_t);
    for (const std::size_t size : shape) {
      if (size != 0 && bytes > std::numeric_limits<std::size_t>::max() / size) {
        refuse_tensor(name, fmt::format("the shape [{}] is too large", fmt::join(shape, ", ")), kAgain);
      }
      bytes *= size;
    }
    return shape;
  }

  [[nodiscard]] Extent extent_of(const std::string& name, const Json& entry) const {
    const std::vector<std::size_t> offsets = sizes(name, entry, "data_offsets");
    if (offsets.size() != 2 || offsets[0] > offsets[1]) {
      refuse_tensor(name, fmt::format("data_offsets [{}] are no begin and end", fmt::join(offsets, ", ")), kAgain);
    }
    if (offsets[1] > data_size_) {
      refuse_tensor(name, fmt::format("the data end at byte {}, the file has {} bytes of data", offsets[1], data_size_),
                    "The file is truncated; copy, download or convert it again");
    }
    return {offsets[0], offsets[1], name};
  }

  void check_size(const Tensor& tensor, const Extent& extent) const {
    const std::size_t needed = tensor.elements() * size_of(tensor.dtype());
    if (needed != extent.end - extent.begin) {
      refuse_tensor(
          tensor.name(),
          fmt::format("the shape [{}] of {} needs {} bytes, the offsets give {}", fmt::join(tensor.shape(), ", "),
                      name_of(tensor.dtype()), needed, extent.end - extent.begin),
          kAgain);
    }
  }

  /// The format wants every byte of the data in exactly one tensor.
  void check_cover(std::vector<Extent> extents) const {
    std::sort(extents.begin(), extents.end(), [](const Extent& left, const Extent& right) {
      return std::tie(left.begin, left.end) < std::tie(right.begin, right.end);
    });
    std::size_t covered = 0;
    for (const Extent& extent : extents) {
      if (extent.begin != covered) {
        refuse_tensor(extent.name,
                      fmt::format("the data begin at byte {} and {} the tensor before, which ends at {}", extent.begin,
                                  extent.begin < covered ? "overlap" : "leave a hole after", covered),
                      kAgain);
      }
      covered = extent.end;
    }
    if (covered != data_size_) {
      refuse(fmt::format("{} bytes after the last tensor belong to none", data_size_ - covered), kAgain);
    }
  }

  std::string file_;
  const std::byte* begin_;
  std::size_t size_;
  const std::byte* data_ = nullptr;
  std::size_t data_size_ = 0;
};

boost::interprocess::mapped_region map(const std::filesystem::path& file) {
  namespace ip = boost::interprocess;
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  if (!std::filesystem::exists(status)) {
    throw UserError(file.string(), "no such weight file", "Check the path");
  }
  if (!std::filesystem::is_regular_file(status)) {
    throw UserError(file.string(), "is no file", "Name a .safetensors file");
  }
  if (std::filesystem::file_size(file, error) == 0) {
    throw UserError(file.string(), "the file is empty", kAgain);
  }
  try {
    return {ip::file_mapping(file.c_str(), ip::read_only), ip::read_only};
  } catch (const ip::interprocess_exception& failure) {
    throw UserError(file.string(), fmt::format("cannot be read ({})", failure.what()), "Check its permissions");
  }
}

/// Levenshtein distance, for suggestions.
std::size_t distance(std::string_view left, std::string_view right) {
  std::vector<std::size_t> row(right.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < left.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < right.size(); ++j) {
      const std::size_t replaced = diagonal + (left[i] == right[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

/// "[3, 17]": the index of element `flat` of a row-major tensor.
std::string index_text(std::size_t flat, const std::vector<std::size_t>& shape) {
  std::vector<std::size_t> index(shape.size());
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    index[axis] = flat % shape[axis];
    flat /= shape[axis];
  }
  return fmt::format("[{}]", fmt::join(index, ", "));
}

}  // namespace

std::string_view name_of(Dtype dtype) noexcept {
  const auto* const found =
      std::find_if(kDtypes.begin(), kDtypes.end(), [&](const auto& known) { return known.first == dtype; });
  return found == kDtypes.end() ? std::string_view("?") : found->second;
}

std::size_t size_of(Dtype dtype) noexcept {
  switch (dtype) {
    case Dtype::kI64:
      return 8;
    case Dtype::kF32:
    case Dtype::kI32:
      return 4;
    case Dtype::kF16:
      return 2;
    case Dtype::kU8:
      break;
  }
  return 1;
}

Tensor::Tensor(std::string place, std::string name, Dtype dtype, std::vector<std::size_t> shape, const std::byte* data)
    : place_(std::move(place)),
      name_(std::move(name)),
      dtype_(dtype),
      shape_(std::move(shape)),
      elements_(std::accumulate(shape_.begin(), shape_.end(), std::size_t{1}, std::multiplies<>())),
      data_(data) {}

std::vector<float> Tensor::to_floats() const {
  std::vector<float> result(elements_);
  copy_floats(0, elements_, result.data());
  return result;
}

void Tensor::copy_floats(std::size_t first, std::size_t count, float* out) const {
  if (first > elements_ || count > elements_ - first) {
    throw std::out_of_range(fmt::format("{}: elements {} + {} of {}", place_, first, count, elements_));
  }
  if (dtype_ == Dtype::kF32) {
    if (count != 0) {
      std::memcpy(out, data_ + first * sizeof(float), count * sizeof(float));
    }
  } else if (dtype_ == Dtype::kF16) {
    for (std::size_t i = 0; i < count; ++i) {
      out[i] = load_half(data_, first + i);
    }
  } else {
    throw UserError(place_, fmt::format("holds integers ({}) where floats are needed", name_of(dtype_)),
                    "Store it as F32 or F16");
  }
}

std::vector<std::int64_t> Tensor::to_integers() const {
  std::vector<std::int64_t> result(elements_);
  for (std::size_t i = 0; i < elements_; ++i) {
    switch (dtype_) {
      case Dtype::kI32:
        result[i] = load<std::int32_t>(data_, i);
        break;
      case Dtype::kI64:
        result[i] = load<std::int64_t>(data_, i);
        break;
      case Dtype::kU8:
        result[i] = load<std::uint8_t>(data_, i);
        break;
      case Dtype::kF32:
      case Dtype::kF16:
        throw UserError(place_, fmt::format("holds floats ({}) where integers are needed", name_of(dtype_)),
                        "Store it as I32 or I64");
    }
  }
  return result;
}

const float* Tensor::f32_in_place() const noexcept {
  const bool aligned = reinterpret_cast<std::uintptr_t>(data_) % alignof(float) == 0;
  return dtype_ == Dtype::kF32 && aligned ? reinterpret_cast<const float*>(data_) : nullptr;
}

void Tensor::require_finite() const {
  if (dtype_ != Dtype::kF32 && dtype_ != Dtype::kF16) {
    return;
  }
  for (std::size_t i = 0; i < elements_; ++i) {
    const float value = dtype_ == Dtype::kF32 ? load<float>(data_, i) : load_half(data_, i);
    if (!std::isfinite(value)) {
      throw UserError(place_, fmt::format("element {} is {}", index_text(i, shape_), value),
                      "Train or convert the weights again");
    }
  }
}

void Tensor::require_shape(const std::vector<std::size_t>& expected) const {
  if (shape_ != expected) {
    throw UserError(
        place_, fmt::format("its shape is [{}] and must be [{}]", fmt::join(shape_, ", "), fmt::join(expected, ", ")),
        "Give the weights of this network");
  }
}

SafetensorsFile::SafetensorsFile(const std::filesystem::path& file) : path_(file), region_(map(file)) {
  HeaderReader reader(file.string(), static_cast<const std::byte*>(region_.get_address()), region_.get_size());
  const Json header = reader.header();
  metadata_ = reader.metadata(header);
  tensors_ = reader.tensors(header);
}

const Tensor& SafetensorsFile::tensor(std::string_view name) const {
  const auto found = tensors_.find(name);
  if (found != tensors_.end()) {
    return found->second;
  }
  std::vector<std::string_view> names;
  for (const auto& entry : tensors_) {
    names.emplace_back(entry.first);
  }
  std::stable_sort(names.begin(), names.end(), [&](std::string_view left, std::string_view right) {
    return distance(left, name) < distance(right, name);
  });
  names.resize(std::min(names.size(), kNamesShown));
  throw UserError(path_.string(), fmt::format("there is no tensor '{}'", name),
                  names.empty()
                      ? std::string("The file holds no tensors at all")
                      : fmt::format("Nearest of the {} in the file: {}", tensors_.size(), fmt::join(names, ", ")));
}

const std::string& SafetensorsFile::metadata(std::string_view key) const {
  const auto found = metadata_.find(key);
  if (found == metadata_.end()) {
    throw UserError(path_.string(), fmt::format("__metadata__ has no '{}'", key),
                    "Give a file that this project's training or conversion script wrote");
  }
  return found->second;
}

}  // namespace chronotile::weights
