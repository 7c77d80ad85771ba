#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "tests/stand-in/flags.h"
#include "tests/stand-in/help.h"

namespace
{

using Files = std::map<std::string, std::string>;

char *
ReadFile(const char *path, gpointer data, GError **error)
{
  auto *files = static_cast<Files *>(data);
  auto file = files->find(path);
  if (file != files->end())
    return g_strdup(file->second.c_str());
  g_set_error_literal(error, G_FILE_ERROR, G_FILE_ERROR_NOENT, "No such file or directory");
  return nullptr;
}

struct Outcome {
  std::string error;
  std::map<std::string, std::string> values;
};

Outcome
Parse(std::vector<const char *> arguments, Files files, const char *first = nullptr)
{
  arguments.insert(arguments.begin(), "/usr/bin/osqueryd");
  arguments.push_back(nullptr);
  g_autoptr(GError) error = nullptr;
  g_autoptr(StandFlags) flags =
      stand_flags_parse(arguments.data(), first, ReadFile, &files, &error);
  Outcome outcome;
  if (flags == nullptr) {
    outcome.error = error->message;
    return outcome;
  }
  guint n;
  const StandFlag *known = stand_flags_known(&n);
  for (guint i = 0; i < n; i++)
    if (stand_flags_is_set(flags, known[i].name))
      outcome.values[known[i].name] = stand_flags_text(flags, known[i].name);
  return outcome;
}

struct Case {
  const char *name;
  std::vector<const char *> arguments;
  Files files;
  std::map<std::string, std::string> values;
};

class Accepted : public testing::TestWithParam<Case>
{
};

TEST_P(Accepted, HasTheseValues)
{
  Outcome outcome = Parse(GetParam().arguments, GetParam().files);
  EXPECT_EQ(outcome.error, "");
  outcome.values.erase("flagfile");
  EXPECT_EQ(outcome.values, GetParam().values);
}

INSTANTIATE_TEST_SUITE_P(
    Flags, Accepted,
    testing::Values(
        Case{"Nothing", {}, {}, {}},
        Case{"Equals", {"--extensions_socket=/s"}, {}, {{"extensions_socket", "/s"}}},
        Case{"NextWord", {"--extensions_socket", "/s"}, {}, {{"extensions_socket", "/s"}}},
        Case{"OneDash", {"-extensions_socket=/s"}, {}, {{"extensions_socket", "/s"}}},
        Case{"DashesInTheName", {"--extensions-socket=/s"}, {}, {{"extensions_socket", "/s"}}},
        Case{"ValueWithEquals", {"--tls_hostname=a=b"}, {}, {{"tls_hostname", "a=b"}}},
        Case{"EmptyValue", {"--tls_hostname="}, {}, {{"tls_hostname", ""}}},
        Case{"ValueThatLooksLikeAFlag",
             {"--tls_hostname", "--verbose"},
             {},
             {{"tls_hostname", "--verbose"}}},
        Case{"Bool", {"--verbose"}, {}, {{"verbose", "true"}}},
        Case{"BoolTakesNoNextWord", {"--verbose", "false"}, {}, {{"verbose", "true"}}},
        Case{"BoolYes", {"--verbose=YES"}, {}, {{"verbose", "true"}}},
        Case{"BoolOff", {"--verbose=f"}, {}, {{"verbose", "false"}}},
        Case{"NoBool", {"--noverbose"}, {}, {{"verbose", "false"}}},
        Case{"Hexadecimal", {"--alarm_timeout=0x10"}, {}, {{"alarm_timeout", "0x10"}}},
        Case{"Negative", {"--watchdog_level=-1"}, {}, {{"watchdog_level", "-1"}}},
        Case{"LastWins",
             {"--alarm_timeout=20", "--alarm_timeout=30"},
             {},
             {{"alarm_timeout", "30"}}},
        Case{"NoFlagsAfterTwoDashes", {"--verbose", "--", "--unknown"}, {}, {{"verbose", "true"}}},
        Case{"OtherWords", {"word", "-"}, {}, {}},
        Case{"Flagfile",
             {"--flagfile=/f"},
             {{"/f", "# a comment\n\n  --verbose\r\n--tls_hostname=a b \n--unknown=1\n"
                     "--alarm_timeout 20\n--alarm_timeout\n"}},
             {{"verbose", "true"}, {"tls_hostname", "a b "}}},
        Case{"FlagfileInItsPlace",
             {"--alarm_timeout=20", "--flagfile=/f", "--watchdog_level=1"},
             {{"/f", "--alarm_timeout=30\n--watchdog_level=0"}},
             {{"alarm_timeout", "30"}, {"watchdog_level", "1"}}},
        Case{"FlagfileListAndNested",
             {"--flagfile=/a,/b"},
             {{"/a", "--flagfile=/c"}, {"/b", "--verbose"}, {"/c", "--force"}},
             {{"verbose", "true"}, {"force", "true"}}},
        Case{"FlagfileForOtherPrograms",
             {"--flagfile=/f"},
             {{"/f", "osqueryi other*\n--verbose\nosqueryi\nosquery?\n--force\n"}},
             {{"force", "true"}}}),
    [](const auto &info) { return info.param.name; });

struct Refusal {
  const char *name;
  std::vector<const char *> arguments;
  Files files;
  const char *error;
};

class Refused : public testing::TestWithParam<Refusal>
{
};

TEST_P(Refused, WithThisLine)
{
  EXPECT_EQ(Parse(GetParam().arguments, GetParam().files).error, GetParam().error);
}

INSTANTIATE_TEST_SUITE_P(
    Flags, Refused,
    testing::Values(
        Refusal{"Unknown", {"--foo-bar=1"}, {}, "ERROR: unknown command line flag 'foo_bar'"},
        Refusal{"NoForWhatIsNoBool",
                {"--noalarm_timeout"},
                {},
                "ERROR: unknown command line flag 'noalarm_timeout'"},
        Refusal{"NoValue",
                {"--alarm_timeout"},
                {},
                "ERROR: flag 'alarm_timeout' is missing its argument"},
        Refusal{"NotANumber",
                {"--alarm_timeout=12s"},
                {},
                "ERROR: illegal value '12s' specified for uint64 flag 'alarm_timeout'"},
        Refusal{"NegativeUnsigned",
                {"--watchdog_delay=-1"},
                {},
                "ERROR: illegal value '-1' specified for uint64 flag 'watchdog_delay'"},
        Refusal{"OutOfRange",
                {"--watchdog_level=2147483648"},
                {},
                "ERROR: illegal value '2147483648' specified for int32 flag 'watchdog_level'"},
        Refusal{"NotABool",
                {"--verbose=maybe"},
                {},
                "ERROR: illegal value 'maybe' specified for bool flag 'verbose'"},
        Refusal{"ShortAlarm",
                {"--alarm_timeout=9"},
                {},
                "Alarm timeout cannot be lower than 10 seconds\n"
                "ERROR: failed validation of new value '9' for flag 'alarm_timeout'"},
        Refusal{"WrongValueInAFlagfile",
                {"--flagfile=/f"},
                {{"/f", "--alarm_timeout=20 \n"}},
                "ERROR: illegal value '20 ' specified for uint64 flag 'alarm_timeout'"},
        Refusal{"NoFlagfile", {"--flagfile=/f"}, {}, "/f: No such file or directory"},
        Refusal{"FlagfileInItself",
                {"--flagfile=/f"},
                {{"/f", "--flagfile=/f"}},
                "/f: flagfiles are nested too deeply"}),
    [](const auto &info) { return info.param.name; });

TEST(Flags, TheFirstFlagfileComesBeforeTheArguments)
{
  Outcome outcome = Parse({"--alarm_timeout=20"}, {{"/f", "--alarm_timeout=30\n--verbose"}}, "/f");
  EXPECT_EQ(outcome.values["alarm_timeout"], "20");
  EXPECT_EQ(outcome.values["verbose"], "true");
}

TEST(Flags, DefaultsAndNumbers)
{
  const char *arguments[] = {"osqueryd", "--alarm_timeout=0x10", "--extensions_interval=1",
                             nullptr};
  g_autoptr(StandFlags) flags = stand_flags_parse(arguments, nullptr, ReadFile, nullptr, nullptr);
  ASSERT_NE(flags, nullptr);
  EXPECT_EQ(stand_flags_number(flags, "alarm_timeout"), 16);
  EXPECT_EQ(stand_flags_number(flags, "extensions_interval"), 1);
  EXPECT_EQ(stand_flags_number(flags, "extensions_timeout"), 3);
  EXPECT_FALSE(stand_flags_bool(flags, "verbose"));
  EXPECT_TRUE(stand_flags_bool(flags, "extensions_default_index"));
  EXPECT_STREQ(stand_flags_text(flags, "extensions_socket"), "/var/osquery/osquery.em");
}

TEST(Flags, HelpListsThemAsOsqueryDoes)
{
  g_autofree char *help = stand_help();
  const std::string text = help;
  EXPECT_NE(text.find("\n    --flagfile PATH "), std::string::npos);
  EXPECT_NE(text.find("\n    --logger_stderr "), std::string::npos);
  EXPECT_NE(text.find("\n    --distributed_loginfo "), std::string::npos);
  EXPECT_NE(text.find("\n    --schedule_lognames "), std::string::npos);
  EXPECT_NE(text.find("\n    --alarm_timeout VALUE "), std::string::npos);
  EXPECT_EQ(text.find("--watchdog_max_delay"), std::string::npos); /* osquery hides it */
  EXPECT_LT(text.find("--logger_stderr "), text.find("configuration options"));
  EXPECT_GT(text.find("--schedule_lognames "), text.find("configuration options"));
}

TEST(Flags, HelpIsAskedForInFourWays)
{
  for (const char *word : {"--help", "-help", "--h", "-h"}) {
    const char *arguments[] = {"osqueryd", "--unknown", word, nullptr};
    EXPECT_TRUE(stand_help_is_asked(arguments)) << word;
  }
  const char *arguments[] = {"osqueryd", "--verbose", "help", nullptr};
  EXPECT_FALSE(stand_help_is_asked(arguments));
}

} // namespace
