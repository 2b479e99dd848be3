#pragma once

#include <boost/interprocess/mapped_region.hpp>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace chronotile::weights {

enum class Dtype { kF32, kF16, kI32, kI64, kU8 };

/// Name of the type in a safetensors header, such as "F16".
[[nodiscard]] std::string_view name_of(Dtype dtype) noexcept;

/// Bytes of one element.
[[nodiscard]] std::size_t size_of(Dtype dtype) noexcept;

/// A tensor inside a memory-mapped file. It borrows from its SafetensorsFile and must not outlive it.
class Tensor {
 public:
  Tensor(std::string place, std::string name, Dtype dtype, std::vector<std::size_t> shape, const std::byte* data);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] Dtype dtype() const noexcept { return dtype_; }
  /// Row-major; empty for a scalar.
  [[nodiscard]] const std::vector<std::size_t>& shape() const noexcept { return shape_; }
  [[nodiscard]] std::size_t elements() const noexcept { return elements_; }
  /// elements() * size_of(dtype()) raw little-endian bytes, not necessarily aligned.
  [[nodiscard]] const std::byte* data() const noexcept { return data_; }

  /// The elements as F32, widened from F16 without loss. Throws UserError for integers.
  [[nodiscard]] std::vector<float> to_floats() const;
  /// Converts `count` elements from `first` on into `out`: a part of a large tensor, without a copy of the whole.
  /// Throws UserError for integers, std::out_of_range beyond the end.
  void copy_floats(std::size_t first, std::size_t count, float* out) const;
  /// The elements of an integer type. Throws UserError for floats.
  [[nodiscard]] std::vector<std::int64_t> to_integers() const;
  /// The elements in place: nullptr unless the type is F32 and the file aligns it.
  [[nodiscard]] const float* f32_in_place() const noexcept;

  /// Throws UserError, naming tensor and index, if an element is NaN or infinite.
  void require_finite() const;
  /// Throws UserError, naming the tensor and both shapes, if the shape differs.
  void require_shape(const std::vector<std::size_t>& expected) const;

 private:
  std::string place_;  ///< file and tensor, for messages
  std::string name_;
  Dtype dtype_;
  std::vector<std::size_t> shape_;
  std::size_t elements_;
  const std::byte* data_;
};

/// A safetensors file, memory-mapped and read-only: 8 bytes of header length (little endian), a JSON header, raw
/// tensors (format: github.com/huggingface/safetensors). Tensors are paged in when they are first touched.
class SafetensorsFile {
 public:
  /// Maps the file and checks the whole header. Throws UserError with the reason if the file is absent, too short,
  /// truncated, or if the header is malformed: no JSON, a missing or wrong field, an unknown type, a name given twice,
  /// offsets that overlap, leave a hole, leave the file or disagree with the shape.
  explicit SafetensorsFile(const std::filesystem::path& file);

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  /// By name.
  [[nodiscard]] const std::map<std::string, Tensor, std::less<>>& tensors() const noexcept { return tensors_; }
  [[nodiscard]] bool contains(std::string_view name) const { return tensors_.find(name) != tensors_.end(); }
  /// Throws UserError that names the nearest tensors of the file if there is none of that name.
  [[nodiscard]] const Tensor& tensor(std::string_view name) const;
  /// The header's __metadata__.
  [[nodiscard]] const std::map<std::string, std::string, std::less<>>& metadata() const noexcept { return metadata_; }
  /// Throws UserError if the metadata lack `key`.
  [[nodiscard]] const std::string& metadata(std::string_view key) const;

 private:
  std::filesystem::path path_;
  boost::interprocess::mapped_region region_;
  std::map<std::string, Tensor, std::less<>> tensors_;
  std::map<std::string, std::string, std::less<>> metadata_;
};

}  // namespace chronotile::weights
