#include "watchdog/core/settings/gflags.h"

#include "tests/unit/settings-io.h"

#include <gtest/gtest.h>

#include <string>

namespace
{

const WdFlagSpec SPECS[] = {
    {"level", WD_FLAG_INT32, "0"},          {"memory_limit", WD_FLAG_UINT64, "0"},
    {"dry_run", WD_FLAG_BOOL, "false"},     {"tables", WD_FLAG_BOOL, "true"},
    {"socket", WD_FLAG_STRING, "/default"}, {"flagfile", WD_FLAG_STRING, ""},
    {"fromenv", WD_FLAG_STRING, ""},        {"tryfromenv", WD_FLAG_STRING, ""},
};

class Gflags : public testing::Test
{
protected:
  ~Gflags() override
  {
    wd_flags_free(flags);
  }

  /* "" or the error, with its code before it. */
  std::string parse(std::initializer_list<const char *> words)
  {
    g_autoptr(GError) error = nullptr;
    WdSettingsIo io = fake.io();
    wd_flags_free(flags);
    flags = wd_flags_parse(SPECS, G_N_ELEMENTS(SPECS), Argv(words).get(), default_flagfile, &io,
                           &error);
    EXPECT_EQ(flags == nullptr, error != nullptr);
    if (error == nullptr)
      return "";
    EXPECT_EQ(error->domain, WD_SETTINGS_ERROR);
    EXPECT_EQ(strchr(error->message, '\n'), nullptr) << error->message;
    return (error->code == WD_SETTINGS_ERROR_FILE ? "file: " : "usage: ") +
           std::string(error->message);
  }

  std::string text(const char *name)
  {
    return flags != nullptr ? wd_flags_get(flags, name)->text : "no flags";
  }

  std::string source(const char *name)
  {
    return flags != nullptr ? wd_flags_get(flags, name)->source : "no flags";
  }

  std::vector<std::string> unknown()
  {
    std::vector<std::string> all;
    for (guint i = 0; i < flags->unknown->len; i++) {
      auto *one = static_cast<WdUnknownFlag *>(g_ptr_array_index(flags->unknown, i));
      all.push_back(std::string(one->name) + " " + one->source);
    }
    return all;
  }

  std::vector<std::string> warnings()
  {
    std::vector<std::string> all;
    for (guint i = 0; i < flags->warnings->len; i++)
      all.push_back(static_cast<const char *>(g_ptr_array_index(flags->warnings, i)));
    return all;
  }

  std::vector<std::string> arguments()
  {
    std::vector<std::string> all;
    for (guint i = 0; i < flags->arguments->len; i++)
      all.push_back(static_cast<const char *>(g_ptr_array_index(flags->arguments, i)));
    return all;
  }

  FakeIo fake;
  const char *default_flagfile = nullptr;
  WdFlags *flags = nullptr;
};

using Lines = std::vector<std::string>;

TEST_F(Gflags, DefaultsHoldWhenNothingIsGiven)
{
  EXPECT_EQ(parse({"p"}), "");
  EXPECT_EQ(text("socket"), "/default");
  EXPECT_EQ(source("socket"), "default");
  EXPECT_EQ(wd_flags_get(flags, "tables")->number, 1);
}

TEST_F(Gflags, EverySpellingInTheCommandLine)
{
  struct {
    std::initializer_list<const char *> words;
    const char *flag;
    const char *text;
  } const cases[] = {
      {{"p", "--level=1"}, "level", "1"},
      {{"p", "-level=1"}, "level", "1"},
      {{"p", "--level", "-1"}, "level", "-1"},
      {{"p", "-level", "1"}, "level", "1"},
      {{"p", "--memory-limit=0x12c"}, "memory_limit", "0x12c"},
      {{"p", "--memory-limit", "3"}, "memory_limit", "3"},
      {{"p", "--socket="}, "socket", ""},
      {{"p", "--socket=a=b"}, "socket", "a=b"},
      {{"p", "--socket", "--dry_run"}, "socket", "--dry_run"},
      {{"p", "--socket", "--"}, "socket", "--"},
      {{"p", "--dry_run"}, "dry_run", "true"},
      {{"p", "-dry_run"}, "dry_run", "true"},
      {{"p", "--dry-run"}, "dry_run", "true"},
      {{"p", "--dry_run=YES"}, "dry_run", "true"},
      {{"p", "--dry_run=0"}, "dry_run", "false"},
      {{"p", "--notables"}, "tables", "false"},
      {{"p", "-notables"}, "tables", "false"},
      {{"p", "--notables=true"}, "tables", "false"},
      {{"p", "--tables=f"}, "tables", "false"},
      {{"p", "--nodry-run"}, "dry_run", "false"},
      {{"p", "--level=1", "--level=2"}, "level", "2"},
      {{"p", "--dry_run", "--nodry_run"}, "dry_run", "false"},
      {{"p", "argument", "--level=1"}, "level", "1"},
      {{"p", "-", "--level=1"}, "level", "1"},
      {{"p", "", "--level=1"}, "level", "1"},
      {{"p", "--", "--level=1"}, "level", "0"},
      {{"p", "--dry_run", "false"}, "dry_run", "true"},
      {{"p", "--unknown", "--level=1"}, "level", "1"},
  };
  for (const auto &c : cases) {
    EXPECT_EQ(parse(c.words), "") << c.words.begin()[1];
    EXPECT_EQ(text(c.flag), c.text) << c.words.begin()[1];
  }
}

TEST_F(Gflags, WrongValuesAreNamedWithTheirSource)
{
  fake.files["/f"] = "# limits\n--memory_limit=1 \n";
  struct {
    std::initializer_list<const char *> words;
    const char *error;
  } const cases[] = {
      {{"p", "--level=high"},
       "usage: argv: --level=high: expected a whole number from -2147483648 to 2147483647"},
      {{"p", "--level="},
       "usage: argv: --level=: expected a whole number from -2147483648 to 2147483647"},
      {{"p", "--memory_limit", "-5"},
       "usage: argv: --memory_limit=-5: expected a whole number from 0 to 18446744073709551615"},
      {{"p", "--dry_run=on"}, "usage: argv: --dry_run=on: expected true or false"},
      {{"p", "--level"}, "usage: argv: --level: expected a value"},
      {{"p", "--level=1\n2"},
       "usage: argv: --level=1?2: expected a whole number from -2147483648 to 2147483647"},
      {{"p", "--flagfile=/f"},
       "usage: /f:2: --memory_limit=1 : expected a whole number from 0 to 18446744073709551615"},
      {{"p", "--level=bad", "--level=1"},
       "usage: argv: --level=bad: expected a whole number from -2147483648 to 2147483647"},
      {{"p", "--flagfile=/none"}, "file: argv: flagfile /none: No such file or directory"},
      {{"p", "--flagfile=/f,,/g"},
       "usage: argv: --flagfile=/f,,/g: expected names separated by commas"},
      {{"p", "--flagfile=,"}, "usage: argv: --flagfile=,: expected names separated by commas"},
      {{"p", "--flagfile", "--level"},
       "usage: argv: --flagfile=--level: expected names separated by commas"},
      {{"p", "--fromenv=level"},
       "usage: argv: --fromenv=level: expected FLAGS_level in the environment"},
      {{"p", "--fromenv=tryfromenv"},
       "usage: argv: --fromenv=tryfromenv: expected no flag that reads the environment"},
  };
  for (const auto &c : cases)
    EXPECT_EQ(parse(c.words), c.error);
}

TEST_F(Gflags, UnknownFlagsAreListedAndTakeNoValue)
{
  fake.files["/f"] = "--x=1\n";
  EXPECT_EQ(parse({"p", "--logger_path", "/log", "--nolevel", "--a-b=c", "--flagfile=/f", "--=7"}),
            "");
  EXPECT_EQ(unknown(), (Lines{"logger_path argv", "nolevel argv", "a-b argv", "x /f:1", " argv"}));
  EXPECT_EQ(arguments(), Lines{"/log"});
}

TEST_F(Gflags, WhatStandsBehindTwoDashesIsArguments)
{
  EXPECT_EQ(parse({"p", "a", "--", "--level=1", "b"}), "");
  EXPECT_EQ(arguments(), (Lines{"a", "--level=1", "b"}));
}

TEST_F(Gflags, AFlagfileIsAppliedAtItsPlace)
{
  fake.files["/f"] = "--level=5\n--socket=/from file\n";
  EXPECT_EQ(parse({"p", "--level=1", "--flagfile=/f"}), "");
  EXPECT_EQ(text("level"), "5");
  EXPECT_EQ(source("level"), "/f:1");
  EXPECT_EQ(text("socket"), "/from file");
  EXPECT_EQ(parse({"p", "--flagfile", "/f", "--level=1"}), "");
  EXPECT_EQ(text("level"), "1");
  EXPECT_EQ(source("level"), "argv");
}

TEST_F(Gflags, FlagfilesMayBeManyAndNested)
{
  fake.files["/a"] = "--level=1\n--flagfile=/c\n--memory_limit=1\n";
  fake.files["/b"] = "--memory_limit=2\n";
  fake.files["/c"] = "--level=3\n";
  EXPECT_EQ(parse({"p", "--flagfile=/a,/b,"}), "");
  EXPECT_EQ(source("level"), "/c:1");
  EXPECT_EQ(source("memory_limit"), "/b:1");
  EXPECT_EQ(parse({"p", "--flagfile="}), "");
  EXPECT_EQ(parse({"p", "--flagfile=/c", "--flagfile=/c"}), "") << "twice is no loop";
}

TEST_F(Gflags, FlagfilesThatNeverEndAreRefused)
{
  fake.files["/a"] = "--flagfile=/b\n";
  fake.files["/b"] = "\n--flagfile=/a\n";
  EXPECT_EQ(parse({"p", "--flagfile=/a"}), "file: /b:2: the flagfile /a includes itself");

  for (int i = 0; i < 20; i++)
    fake.files["/" + std::to_string(i)] = "--flagfile=/" + std::to_string(i + 1) + "\n";
  EXPECT_EQ(parse({"p", "--flagfile=/5"}).rfind("file: /20: ", 0), std::string::npos);
  EXPECT_EQ(parse({"p", "--flagfile=/0"}),
            "file: /15:1: flagfile /16: expected at most 256 flagfiles, nested at most 16 deep");

  std::string many;
  for (int i = 0; i < 20; i++)
    many += "--flagfile=/leaves\n";
  fake.files["/many"] = many;
  fake.files["/leaves"] = "";
  for (int i = 0; i < 20; i++)
    fake.files["/leaves"] += "--flagfile=/leaf\n";
  fake.files["/leaf"] = "";
  EXPECT_NE(parse({"p", "--flagfile=/many"}).find("at most 256 flagfiles"), std::string::npos);
  EXPECT_LE(fake.read.size(), 400u);
}

TEST_F(Gflags, AGreatFlagfileTakesNoGreatTime)
{
  std::string &file = fake.files["/f"];
  while (file.size() < 1024 * 1024 - 32)
    file += "--x\n--level=1\n";
  gint64 begin_us = g_get_monotonic_time();
  EXPECT_EQ(parse({"p", "--flagfile=/f"}), "");
  EXPECT_LT(g_get_monotonic_time() - begin_us, 5 * G_USEC_PER_SEC);
}

TEST_F(Gflags, WhatAFlagfileSilentlyIgnoresIsWarnedAbout)
{
  struct {
    const char *file;
    const char *level;
    Lines warnings;
  } const cases[] = {
      {"--level=1\n# --level=2\n", "1", {}},
      {"--level 1",
       "0",
       {"/f:1: ignored: in a flagfile, --level needs a '=' before its value and no blank before "
        "it"}},
      {"--level =1",
       "0",
       {"/f:1: ignored: in a flagfile, --level needs a '=' before its value and no blank before "
        "it"}},
      {"\n--dry_run true",
       "0",
       {"/f:2: ignored: in a flagfile, --dry_run needs a '=' before its value and no blank before "
        "it"}},
      {"--level", "0", {"/f:1: ignored: --level has no value"}},
      {"level=1\n--level=2\n--level=3",
       "0",
       {"/f:2: ignored, as are the flags below: the line above has no '-', so it names the "
        "programs "
        "that they are for"}},
      {"other\n--level=1\nother prog*\n--level=2",
       "2",
       {"/f:2: ignored, as are the flags below: the line above has no '-', so it names the "
        "programs "
        "that they are for"}},
      {"other\n# comment\n\nprogram\n--level=1", "1", {}},
      {"program\nother\n--level=1", "1", {}},
      {"# comment\n--level=1\n--level=2\r\n",
       "0",
       {"/f:1: this line and those below it, up to the next CR, are read as one"}},
      {"--level=1\r\n--level=2\r\n", "2", {}},
      {"--unknown 1", "0", {}},
  };
  for (const auto &c : cases) {
    fake.files["/f"] = c.file;
    EXPECT_EQ(parse({"/bin/program", "--flagfile=/f"}), "") << c.file;
    EXPECT_EQ(text("level"), c.level) << c.file;
    EXPECT_EQ(warnings(), c.warnings) << c.file;
  }
}

// As osqueryd 5.23.1 was seen to read them.
TEST_F(Gflags, WhatIsNoPlainTextIsWarnedAbout)
{
  using namespace std::string_literals;
  const char bom[] =
      "/f:1: ignored, as are the flags below: the file begins with a byte order mark, so this line "
      "is read as the name of a program; save it without the mark";
  const char utf16[] = "/f: ignored: it is UTF-16 text; save it as UTF-8";
  struct {
    std::string file;
    const char *level;
    Lines warnings;
  } const cases[] = {
      {"--level=1\n--socket=\0/s\n--level=2\n"s,
       "1",
       {"/f:2: has a NUL byte, at which reading ends: the rest is ignored"}},
      {"--level=1\0--level=2"s,
       "1",
       {"/f:1: has a NUL byte, at which reading ends: the rest is ignored"}},
      {"\0--level=1"s, "0", {"/f:1: has a NUL byte, at which reading ends: the rest is ignored"}},
      {"\0\0--level=1"s, "0", {"/f:1: has a NUL byte, at which reading ends: the rest is ignored"}},
      {"\xff\xfe-\0-\0l\0e\0v\0e\0l\0=\0"
       "1\0"s,
       "0",
       {utf16}},
      {"\xfe\xff\0-\0-\0l\0e\0v\0e\0l\0=\0"
       "1"s,
       "0",
       {utf16}},
      {"-\0-\0l\0e\0v\0e\0l\0=\0"
       "1\0"s,
       "0",
       {utf16}},
      {"\0-\0-\0l\0e\0v\0e\0l\0=\0"
       "1"s,
       "0",
       {utf16}},
      {"\xef\xbb\xbf--level=1\n", "0", {bom}},
      {"\xef\xbb\xbf# comment\n--level=1\n--level=2\n", "0", {bom}},
      {"\xef\xbb\xbf\n--level=1\nother\n--level=2\nprogram\n--level=3",
       "3",
       {bom, "/f:4: ignored, as are the flags below: the line above has no '-', so it names the "
             "programs that they are for"}},
      {"\xef\xbb\xbf", "0", {bom}},
      {"", "0", {}},
      {"-", "0", {}},
  };
  for (const auto &c : cases) {
    fake.files["/f"] = c.file;
    EXPECT_EQ(parse({"/bin/program", "--flagfile=/f"}), "") << c.file;
    EXPECT_EQ(text("level"), c.level) << c.file;
    EXPECT_EQ(warnings(), c.warnings) << c.file;
  }
}

TEST_F(Gflags, WhatIsNoFileIsReadAsAnEmptyOne)
{
  fake.unreadable = "/f";
  EXPECT_EQ(parse({"p", "--flagfile=/f", "--level=1"}), "");
  EXPECT_EQ(text("level"), "1");
  EXPECT_EQ(warnings(), Lines{"/f: ignored: is not a regular file"});
}

TEST_F(Gflags, ABooleanIgnoresTheWordBehindIt)
{
  EXPECT_EQ(parse({"p", "--dry_run", "false"}), "");
  EXPECT_EQ(warnings(),
            Lines{"argv: --dry_run false: the value is ignored: --dry_run needs a '=' before it"});
  EXPECT_EQ(arguments(), Lines{"false"});
  EXPECT_EQ(parse({"p", "--dry_run=false", "false"}), "");
  EXPECT_EQ(warnings(), Lines{});
  EXPECT_EQ(parse({"p", "--dry_run", "argument"}), "");
  EXPECT_EQ(warnings(), Lines{});
}

TEST_F(Gflags, FlagsMayComeFromTheEnvironment)
{
  fake.environment = {{"FLAGS_level", "3"},
                      {"FLAGS_dry_run", "t"},
                      {"FLAGS_flagfile", "/f"},
                      {"FLAGS_memory-limit", "9"}};
  fake.files["/f"] = "--socket=/s\n--fromenv=flagfile\n";
  EXPECT_EQ(parse({"p", "--fromenv=level,dry_run", "--tryfromenv=socket,memory-limit,tables"}), "");
  EXPECT_EQ(text("level"), "3");
  EXPECT_EQ(source("level"), "FLAGS_level");
  EXPECT_EQ(text("dry_run"), "true");
  EXPECT_EQ(text("socket"), "/default");
  EXPECT_EQ(text("memory_limit"), "9");
  EXPECT_EQ(parse({"p", "--fromenv=nothing"}), "");
  EXPECT_EQ(unknown(), Lines{"nothing argv"});
  EXPECT_EQ(parse({"p", "--fromenv=flagfile"}),
            "file: FLAGS_flagfile: the flagfile /f includes itself");
  fake.environment["FLAGS_level"] = "x";
  EXPECT_EQ(parse({"p", "--tryfromenv=level"}), "usage: FLAGS_level: --level=x: expected a whole "
                                                "number from -2147483648 to 2147483647");
}

TEST_F(Gflags, TheDefaultFlagfileComesFirstIfItCanBeRead)
{
  default_flagfile = "/default flags";
  EXPECT_EQ(parse({"p", "--level=1"}), "");
  EXPECT_EQ(warnings(), Lines{});
  fake.files["/default flags"] = "--level=7\n--memory_limit=7\n";
  EXPECT_EQ(parse({"p", "--level=1"}), "");
  EXPECT_EQ(text("level"), "1");
  EXPECT_EQ(source("memory_limit"), "/default flags:2");
  fake.denied = "/default flags";
  EXPECT_EQ(parse({"p"}), "");
  EXPECT_EQ(text("level"), "0");
  EXPECT_EQ(warnings(), Lines{"/default flags: ignored: Permission denied"});
}

} // namespace
