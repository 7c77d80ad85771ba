/* Which command lines of osqueryd are no daemon's. Each was tried on osqueryd 5.23.1. */
#include "watchdog/core/settings/settings-parse.h"

#include "tests/unit/settings-io.h"

#include <gtest/gtest.h>

#include <string>

namespace
{

struct Case {
  std::initializer_list<const char *> words; /* behind "--" */
  std::string reason;                        /* "": it is supervised */
};

std::string
by_word(const char *word)
{
  return std::string("argv: ") + word + ": osqueryd is a shell";
}

std::string
by_name(const char *name)
{
  return std::string("argv: ") + name +
         ": a program without \"osqueryd\" in its name is a shell, unless -D is given";
}

class RunsOnce : public testing::Test
{
protected:
  RunsOnce()
  {
    fake.files["/check"] = "--verbose\n--config_check\n";
    fake.files["/words"] = "--S\n-S\n--D\n-h\n";
    fake.files["/version"] = "--version\n";
    fake.environment["FLAGS_config_dump"] = "yes";
  }

  /* The reason, or the error. */
  std::string reason(std::initializer_list<const char *> words)
  {
    g_autoptr(GError) error = nullptr;
    WdSettingsIo io = fake.io();
    std::vector<const char *> all{"w", "--"};
    all.insert(all.end(), words);
    all.push_back(nullptr);
    g_autoptr(WdSettings) settings = wd_settings_parse(all.data(), 2, &io, &error);
    if (settings == nullptr)
      return error->message;
    return settings->runs_once != nullptr ? settings->runs_once : "";
  }

  FakeIo fake;
};

TEST_F(RunsOnce, ByWords)
{
  const Case cases[] = {
      {{"osqueryd"}, ""},
      {{"/opt/osquery/bin/osqueryd"}, ""},
      {{"my-osqueryd2"}, ""},
      {{"/opt/osqueryd/bin/osquery"}, by_name("/opt/osqueryd/bin/osquery")},
      {{"osqueryi"}, by_name("osqueryi")},
      {{"osqueryi", "-D"}, ""},
      {{"osqueryi", "--D"}, ""},
      {{"osqueryi", "--D=true"}, by_name("osqueryi")},
      {{"osqueryd", "-S"}, by_word("-S")},
      {{"osqueryd", "--S"}, by_word("--S")},
      {{"osqueryd", "--S=true"}, ""},
      {{"osqueryd", "-S", "-D"}, ""},
      {{"osqueryd", "-D", "-S"}, by_word("-S")},
      {{"osqueryd", "--config_path", "-S"}, by_word("-S")},
      {{"osqueryd", "--", "-S"}, by_word("-S")},
      {{"osqueryd", "--flagfile=/words"}, ""},
      {{"osqueryd", "-h"}, "argv: -h"},
      {{"osqueryd", "--h"}, "argv: --h"},
      {{"osqueryd", "-help"}, "argv: -help"},
      {{"osqueryd", "--verbose", "--help", "-D"}, "argv: --help"},
      {{"osqueryi", "-h", "-D"}, "argv: -h"},
      {{"osqueryd", "--flagfile=/missing", "-S"}, by_word("-S")},
      {{"osqueryd", "--watchdog_level=x", "--help"}, "argv: --help"},
  };
  for (const Case &c : cases)
    EXPECT_EQ(reason(c.words), c.reason) << testing::PrintToString(c.words);
}

TEST_F(RunsOnce, ByFlags)
{
  const Case cases[] = {
      {{"osqueryd", "--config_check"}, "argv: --config_check"},
      {{"osqueryd", "--config-check=1"}, "argv: --config_check"},
      {{"osqueryd", "--config_check=false"}, ""},
      {{"osqueryd", "--config_check", "--noconfig_check"}, ""},
      {{"osqueryd", "--noconfig_check", "--config_check"}, "argv: --config_check"},
      {{"osqueryd", "--flagfile=/check"}, "/check:2: --config_check"},
      {{"osqueryd", "--flagfile=/check", "--noconfig_check"}, ""},
      {{"osqueryd", "--pidfile", "--config_check"}, ""},
      {{"osqueryd", "--config_dump"}, "argv: --config_dump"},
      {{"osqueryd", "--fromenv=config_dump"}, "FLAGS_config_dump: --config_dump"},
      {{"osqueryd", "--database_dump"}, "argv: --database_dump"},
      {{"osqueryd", "--install"}, "argv: --install"},
      {{"osqueryd", "--uninstall"}, "argv: --uninstall"},
      {{"osqueryd", "--version"}, "argv: --version"},
      {{"osqueryd", "-version"}, "argv: --version"},
      {{"osqueryd", "--flagfile=/version"}, "/version:1: --version"},
      {{"osqueryd", "--noversion"}, ""},
      {{"osqueryd", "--help=true"}, "argv: --help"},
      {{"osqueryd", "--helpfull"}, "argv: --helpfull"},
      {{"osqueryd", "--helpshort"}, "argv: --helpshort"},
      {{"osqueryd", "--helppackage"}, "argv: --helppackage"},
      {{"osqueryd", "--helpxml"}, "argv: --helpxml"},
      {{"osqueryd", "--helpon=flags"}, "argv: --helpon"},
      {{"osqueryd", "--helpmatch", "flags"}, "argv: --helpmatch"},
      {{"osqueryd", "--helpmatch="}, ""},
      {{"osqueryd", "--tab_completion_word=x"}, "argv: --tab_completion_word"},
  };
  for (const Case &c : cases)
    EXPECT_EQ(reason(c.words), c.reason) << testing::PrintToString(c.words);
}

} // namespace
