#include "workloads/weights/safetensors.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <stdexcept>
#include <utility>

#include "testbench/unit/workloads/support.hpp"

namespace chronotile::weights {
namespace {

using testing::raw;
using testing::safetensors;
using testing::user_error;

class Safetensors : public testing::InTemporaryDirectory {
 protected:
  void expect_refused(const std::string& header, const std::string& data, const std::vector<std::string>& parts) {
    expect_refused_bytes(safetensors(header, data), parts);
  }
  void expect_refused_bytes(const std::string& bytes, std::vector<std::string> parts) {
    const auto file = write("bad.safetensors", bytes);
    parts.emplace_back("bad.safetensors");
    user_error([&] { SafetensorsFile refused(file); }, parts);
  }
};

TEST_F(Safetensors, EveryTypeIsReadInItsShape) {
  const std::string data = raw<std::int64_t>({-5, 1LL << 40}) + raw<float>({1.5F, -2.0F, 0.25F, 4.0F, 5.0F, 6.0F}) +
                           raw<std::int32_t>({-7, 8}) + raw<std::uint16_t>({0x3C00, 0xC000, 0x0001, 0x7BFF}) +
                           raw<std::uint8_t>({0, 255});
  const SafetensorsFile file(write("a.safetensors", safetensors(R"({"__metadata__":{"who":"me"},
    "long":{"dtype":"I64","shape":[2],"data_offsets":[0,16]},
    "float":{"dtype":"F32","shape":[2,3],"data_offsets":[16,40]},
    "int":{"dtype":"I32","shape":[2,1],"data_offsets":[40,48]},
    "half":{"dtype":"F16","shape":[4],"data_offsets":[48,56]},
    "byte":{"dtype":"U8","shape":[2],"data_offsets":[56,58]}})",
                                                                data)));
  EXPECT_EQ(file.tensors().size(), 5U);
  EXPECT_EQ(file.metadata("who"), "me");
  EXPECT_EQ(file.tensor("long").to_integers(), (std::vector<std::int64_t>{-5, 1LL << 40}));
  EXPECT_EQ(file.tensor("int").to_integers(), (std::vector<std::int64_t>{-7, 8}));
  EXPECT_EQ(file.tensor("byte").to_integers(), (std::vector<std::int64_t>{0, 255}));
  const Tensor& tensor = file.tensor("float");
  EXPECT_EQ(tensor.shape(), (std::vector<std::size_t>{2, 3}));
  EXPECT_EQ(tensor.elements(), 6U);
  EXPECT_EQ(tensor.to_floats(), (std::vector<float>{1.5F, -2.0F, 0.25F, 4.0F, 5.0F, 6.0F}));
  // 1, -2, the smallest subnormal 2^-24, the largest 65,504
  EXPECT_EQ(file.tensor("half").to_floats(), (std::vector<float>{1.0F, -2.0F, 0x1p-24F, 65504.0F}));
  EXPECT_EQ(name_of(file.tensor("half").dtype()), "F16");
}

TEST_F(Safetensors, PartOfATensor) {
  const SafetensorsFile file(write(
      "a.safetensors",
      safetensors(R"({"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}})", raw<float>({1.0F, 2.0F, 3.0F, 4.0F}))));
  std::vector<float> part(2);
  file.tensor("w").copy_floats(1, 2, part.data());
  EXPECT_EQ(part, (std::vector<float>{2.0F, 3.0F}));
  EXPECT_THROW(file.tensor("w").copy_floats(3, 2, part.data()), std::out_of_range);
}

TEST_F(Safetensors, DataThatAreNotAlignedAreCopied) {
  const std::string header = R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  const std::string data = raw<float>({1.0F, 2.0F});
  for (std::size_t padding = 0; padding < 4; ++padding) {
    const SafetensorsFile file(write("a.safetensors", safetensors(header + std::string(padding, ' '), data)));
    EXPECT_EQ(file.tensor("w").to_floats(), (std::vector<float>{1.0F, 2.0F}));
    const bool aligned = (8 + header.size() + padding) % 4 == 0;
    EXPECT_EQ(file.tensor("w").f32_in_place() != nullptr, aligned);
  }
}

TEST_F(Safetensors, ScalarAndEmptyTensor) {
  const SafetensorsFile file(write("a.safetensors", safetensors(R"({"s":{"dtype":"F32","shape":[],"data_offsets":[0,4]},
                                             "e":{"dtype":"F32","shape":[0,3],"data_offsets":[4,4]}})",
                                                                raw<float>({9.0F}))));
  EXPECT_EQ(file.tensor("s").to_floats(), (std::vector<float>{9.0F}));
  EXPECT_TRUE(file.tensor("e").to_floats().empty());
}

TEST_F(Safetensors, ViewsOutliveAMoveOfTheFile) {
  SafetensorsFile file(write(
      "a.safetensors", safetensors(R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", raw<float>({3.0F}))));
  const SafetensorsFile moved(std::move(file));
  EXPECT_EQ(moved.tensor("w").to_floats(), (std::vector<float>{3.0F}));
}

TEST_F(Safetensors, UnknownNameNamesTheNearest) {
  const SafetensorsFile file(
      write("a.safetensors", safetensors(R"({"layers.0.weight":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},
                                             "other":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
                                         "ab")));
  const auto message = user_error([&] { (void)file.tensor("layer.0.weight"); }, {"layer.0.weight", "layers.0.weight"});
  EXPECT_LT(message.find("layers.0.weight"), message.find("other")) << "nearest first";
  EXPECT_TRUE(file.contains("other"));
  EXPECT_FALSE(file.contains("none"));
  user_error([&] { (void)file.metadata("version"); }, {"version"});
}

TEST_F(Safetensors, WrongKindOfElement) {
  const SafetensorsFile file(
      write("a.safetensors", safetensors(R"({"i":{"dtype":"I32","shape":[1],"data_offsets":[0,4]},
                                             "f":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
                                         std::string(8, '\0'))));
  user_error([&] { (void)file.tensor("i").to_floats(); }, {"'i'", "I32"});
  user_error([&] { (void)file.tensor("f").to_integers(); }, {"'f'", "F32"});
  EXPECT_EQ(file.tensor("i").f32_in_place(), nullptr);
}

TEST_F(Safetensors, NotANumberIsFoundAndPlaced) {
  const SafetensorsFile file(write(
      "a.safetensors", safetensors(R"({"nan":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},
                      "inf":{"dtype":"F16","shape":[2],"data_offsets":[24,28]},
                      "ok":{"dtype":"F16","shape":[1],"data_offsets":[28,30]}})",
                                   raw<float>({0.0F, 0.0F, 0.0F, 0.0F, 0.0F, std::numeric_limits<float>::quiet_NaN()}) +
                                       raw<std::uint16_t>({0x7C00, 0, 0x3C00}))));
  user_error([&] { file.tensor("nan").require_finite(); }, {"'nan'", "[1, 2]", "nan"});
  user_error([&] { file.tensor("inf").require_finite(); }, {"'inf'", "[0]", "inf"});
  file.tensor("ok").require_finite();
  user_error([&] { file.tensor("nan").require_shape({3, 2}); }, {"'nan'", "[2, 3]", "[3, 2]"});
  file.tensor("nan").require_shape({2, 3});
}

TEST_F(Safetensors, AbsentDirectoryEmpty) {
  user_error([&] { SafetensorsFile file(path("absent")); }, {"absent", "no such"});
  std::filesystem::create_directory(path("folder"));
  user_error([&] { SafetensorsFile file(path("folder")); }, {"folder"});
  expect_refused_bytes("", {"empty"});
}

TEST_F(Safetensors, TooShortOrNoHeader) {
  expect_refused_bytes("1234567", {"too short"});
  expect_refused_bytes(raw<std::uint64_t>({100}) + "{}", {"claims 100 bytes"});
  expect_refused_bytes(raw<std::uint64_t>({~0ULL}) + "{}", {"claims"});
  expect_refused_bytes("PK\x03\x04 a PyTorch checkpoint is a zip archive", {"claims"});
}

TEST_F(Safetensors, HeaderThatIsNoJsonObject) {
  expect_refused("{\"w\":", "", {"no JSON"});
  expect_refused("", "", {"no JSON"});
  expect_refused("[1]", "", {"no JSON object"});
  expect_refused("{\"\xff\xfe\":1}", "", {"no JSON"});
}

TEST_F(Safetensors, MissingField) {
  expect_refused(R"({"w":{"shape":[1],"data_offsets":[0,4]}})", "1234", {"'w'", "dtype"});
  expect_refused(R"({"w":{"dtype":"F32","data_offsets":[0,4]}})", "1234", {"'w'", "shape"});
  expect_refused(R"({"w":{"dtype":"F32","shape":[1]}})", "1234", {"'w'", "data_offsets"});
  expect_refused(R"({"w":7})", "1234", {"'w'", "gives no"});
}

TEST_F(Safetensors, FieldOfTheWrongKind) {
  expect_refused(R"({"w":{"dtype":"F8","shape":[1],"data_offsets":[0,1]}})", "1", {"'w'", "F8", "not supported"});
  expect_refused(R"({"w":{"dtype":3,"shape":[1],"data_offsets":[0,1]}})", "1", {"'w'", "not supported"});
  expect_refused(R"({"w":{"dtype":"U8","shape":1,"data_offsets":[0,1]}})", "1", {"'w'", "shape"});
  expect_refused(R"({"w":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}})", "1", {"'w'", "shape"});
  expect_refused(R"({"w":{"dtype":"U8","shape":[1.5],"data_offsets":[0,1]}})", "1", {"'w'", "shape"});
  expect_refused(R"({"w":{"dtype":"U8","shape":{"a":1},"data_offsets":[0,1]}})", "1", {"'w'", "shape"});
  expect_refused(R"({"w":{"dtype":"U8","shape":[1],"data_offsets":[0]}})", "1", {"'w'", "data_offsets"});
  expect_refused(R"({"w":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}})", "1", {"'w'", "data_offsets"});
  expect_refused(R"({"__metadata__":{"a":1}})", "", {"__metadata__", "'a'"});
  expect_refused(R"({"__metadata__":[]})", "", {"__metadata__"});
}

TEST_F(Safetensors, NameGivenTwice) {
  expect_refused(R"({"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},
                     "w":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
                 "12", {"'w' twice"});
  expect_refused(R"({"w":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}})", "1", {"'dtype' twice"});
}

TEST_F(Safetensors, TruncatedFile) {
  expect_refused(R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", "1234567", {"'w'", "truncated"});
}

TEST_F(Safetensors, OffsetsThatDisagreeWithTheShape) {
  expect_refused(R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", "1234", {"'w'", "needs 8 bytes"});
  expect_refused(R"({"w":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", "",
                 {"'w'", "too large"});
}

TEST_F(Safetensors, OverlapHoleAndRest) {
  expect_refused(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},
                     "b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
                 "123", {"'b'", "overlap"});
  expect_refused(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},
                     "b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}})",
                 "123", {"'b'", "hole"});
  expect_refused(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", "123", {"2 bytes after"});
}

}  // namespace
}  // namespace chronotile::weights
