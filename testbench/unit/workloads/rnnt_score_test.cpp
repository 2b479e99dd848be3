#include <gtest/gtest.h>

#include "workloads/rnnt/score.hpp"

namespace chronotile::rnnt {
namespace {

void expect_errors(const char* reference, const char* hypothesis, std::size_t words, std::size_t substitutions,
                   std::size_t deletions, std::size_t insertions) {
  const WordErrors errors = word_errors(reference, hypothesis);
  EXPECT_EQ(errors.words, words) << reference;
  EXPECT_EQ(errors.substitutions, substitutions) << reference << " / " << hypothesis;
  EXPECT_EQ(errors.deletions, deletions) << reference << " / " << hypothesis;
  EXPECT_EQ(errors.insertions, insertions) << reference << " / " << hypothesis;
}

TEST(WordErrors, Alignments) {
  expect_errors("the cat sat", "the cat sat", 3, 0, 0, 0);
  expect_errors("the cat sat", "the hat sat", 3, 1, 0, 0);
  expect_errors("the cat sat", "the sat", 3, 0, 1, 0);
  expect_errors("the cat sat", "the fat cat sat", 3, 0, 0, 1);
  expect_errors("the cat sat on the mat", "cat sat down on a mat now", 6, 1, 1, 2);
  expect_errors("", "a b", 0, 0, 0, 2);
  expect_errors("a b", "", 2, 0, 2, 0);
  expect_errors("", "", 0, 0, 0, 0);
}

/// a b / b c: delete a, insert c; or two substitutions. Both are two errors.
TEST(WordErrors, TiesAreSubstitutions) {
  expect_errors("a b", "b c", 2, 2, 0, 0);
  expect_errors("a b c", "b", 3, 0, 2, 0);
  expect_errors("x a", "a y b", 2, 2, 0, 1);
}

TEST(WordErrors, CaseAndBlanksDoNotCount) {
  expect_errors("  THE Cat's\tsat \n", "the cat's  sat", 3, 0, 0, 0);
  expect_errors("the cats", "the cat's", 2, 1, 0, 0);
}

TEST(WordErrors, AddUpOverACorpus) {
  WordErrors corpus = word_errors("one two three", "one too three");
  corpus += word_errors("four", "");
  corpus += word_errors("five six seven eight", "five six seven eight nine");
  EXPECT_EQ(corpus.words, 8U);
  EXPECT_EQ(corpus.errors(), 3U);
  EXPECT_DOUBLE_EQ(corpus.rate_percent(), 37.5);
  EXPECT_EQ(WordErrors().rate_percent(), 0.0);
  EXPECT_EQ(word_errors("", "a").rate_percent(), 100.0);
}

TEST(WordErrors, NormalisedText) {
  EXPECT_EQ(normalised("  It's TWENTY-one, o\xE2\x80\x99"
                       "clock. "),
            "it's twenty one o'clock");
  EXPECT_EQ(normalised("caf\xC3\xA9 7"), "caf\xC3\xA9 7");
  EXPECT_EQ(normalised(" .,; "), "");
}

}  // namespace
}  // namespace chronotile::rnnt
