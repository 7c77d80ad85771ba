#include "watchdog/core/output/line-reader.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace
{

struct Given {
  std::string line;
  bool cut;
  bool operator==(const Given &other) const
  {
    return line == other.line && cut == other.cut;
  }
};

void
PrintTo(const Given &given, std::ostream *stream)
{
  *stream << given.line.size() << " bytes " << testing::PrintToString(given.line.substr(0, 20))
          << (given.cut ? ", cut" : "");
}

class Reader
{
public:
  std::vector<Given> given;
  const char *last = nullptr; /* where the last line was */

  void take(const std::string &bytes)
  {
    wd_line_reader_take(reader, bytes.data(), bytes.size());
  }
  void finish()
  {
    wd_line_reader_finish(reader);
  }
  Reader() : reader(wd_line_reader_new(on_line, this))
  {
  }
  Reader(const Reader &) = delete;
  Reader &operator=(const Reader &) = delete;
  ~Reader()
  {
    wd_line_reader_free(reader);
  }

private:
  WdLineReader *reader;

  static void on_line(const char *line, gsize length, gboolean cut, gpointer user_data)
  {
    auto self = static_cast<Reader *>(user_data);
    self->given.push_back({std::string(line, length), cut != FALSE});
    self->last = line;
  }
};

using Lines = std::vector<Given>;

/* The same stream in pieces of each of these sizes gives the same lines. */
void
expect_lines(const std::string &bytes, const Lines &lines)
{
  for (const gsize piece : {1, 2, 3, 7, 4096, 65535, 65536, 65537, 1000000}) {
    Reader reader;
    for (gsize at = 0; at < bytes.size(); at += piece)
      reader.take(bytes.substr(at, piece));
    reader.finish();
    EXPECT_EQ(reader.given, lines) << "in pieces of " << piece;
  }
}

TEST(LineReader, GivesLinesHoweverTheyCome)
{
  expect_lines("", {});
  expect_lines("\n", {{"", false}});
  expect_lines("a", {{"a", false}});
  expect_lines("a\n", {{"a", false}});
  expect_lines("a\nb", {{"a", false}, {"b", false}});
  expect_lines("\n\na\n\n", {{"", false}, {"", false}, {"a", false}, {"", false}});
  expect_lines("one\r\ntwo\r", {{"one\r", false}, {"two\r", false}});
  expect_lines(std::string("a\0b\n\xff", 5), {{std::string("a\0b", 3), false}, {"\xff", false}});
}

TEST(LineReader, CutsALongLineOnce)
{
  const std::string most(WD_LINE_MAX, 'x');
  expect_lines(most, {{most, false}});
  expect_lines(most + "\nb\n", {{most, false}, {"b", false}});
  expect_lines(most + "y\nb\n", {{most, true}, {"b", false}});
  expect_lines(most + "y", {{most, true}});
  expect_lines(most + most + most + "\n\nb", {{most, true}, {"", false}, {"b", false}});
}

TEST(LineReader, GivesALineAsSoonAsItIsWhole)
{
  Reader reader;
  reader.take("a");
  EXPECT_TRUE(reader.given.empty());
  reader.take("b\nc");
  EXPECT_EQ(reader.given, (Lines{{"ab", false}}));
}

TEST(LineReader, GivesALongLineAsSoonAsItIsTooLong)
{
  Reader reader;
  reader.take(std::string(WD_LINE_MAX, 'x'));
  EXPECT_TRUE(reader.given.empty());
  reader.take("y");
  EXPECT_EQ(reader.given.size(), 1u);
  reader.take("more\n");
  EXPECT_EQ(reader.given.size(), 1u);
}

TEST(LineReader, CopiesNoWholeLine)
{
  Reader reader;
  const std::string bytes = "whole\npart";
  reader.take(bytes);
  EXPECT_EQ(reader.last, bytes.data());
}

TEST(LineReader, BeginsAnewAfterTheEnd)
{
  Reader reader;
  reader.take(std::string(WD_LINE_MAX + 1, 'x'));
  reader.finish();
  reader.take("next\n");
  reader.finish();
  EXPECT_EQ(reader.given.size(), 2u);
  EXPECT_EQ(reader.given.back(), (Given{"next", false}));
}

} // namespace
