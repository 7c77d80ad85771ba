#include "watchdog/core/settings/flag-word.h"

#include <gtest/gtest.h>

#include <string>

namespace
{

const WdFlagSpec SPECS[] = {
    {"dry_run", WD_FLAG_BOOL, "false"},
    {"notes", WD_FLAG_STRING, ""},
    {"level", WD_FLAG_INT32, "0"},
};

/* "NAME SPEC VALUE", with - for what there is none of. */
std::string
shown(const WdFlagWord &word)
{
  return std::string(word.name) + " " + (word.spec != nullptr ? word.spec->name : "-") + " " +
         (word.value != nullptr ? word.value : "-");
}

TEST(FlagWord, IsTakenApart)
{
  const struct {
    const char *word;
    const char *parts;
  } cases[] = {
      {"--level=7", "level level 7"},
      {"-level=7", "level level 7"},
      {"--level", "level level -"},
      {"--level=", "level level "},
      {"--level=a=b", "level level a=b"},
      {"--dry-run", "dry-run dry_run true"},
      {"--dry_run=no", "dry_run dry_run no"},
      {"--nodry_run", "nodry_run dry_run false"},
      {"--nodry-run=yes", "nodry-run dry_run false"},
      {"--notes=x", "notes notes x"}, // a name that begins with "no"
      {"--nolevel", "nolevel - -"},   // no boolean
      {"--nolevel=1", "nolevel - 1"},
      {"---level=7", "-level - 7"},
      {"--", " - -"},
      {"--=7", " - 7"},
  };
  for (const auto &c : cases) {
    const char *const argv[] = {c.word, nullptr};
    gsize i = 0;
    g_auto(WdFlagWord) word = wd_flag_word_take(SPECS, G_N_ELEMENTS(SPECS), argv, &i);
    EXPECT_EQ(shown(word), c.parts) << c.word;
  }
}

TEST(FlagWord, TakesTheNextWordForItsValueIfItLacksOne)
{
  const struct {
    const char *argv[3];
    const char *parts;
    gsize i;
  } cases[] = {
      {{"--level", "7", nullptr}, "level level 7", 1},
      {{"--level", "--level", nullptr}, "level level --level", 1},
      {{"--level", nullptr, nullptr}, "level level -", 0},
      {{"--level=7", "8", nullptr}, "level level 7", 0},
      {{"--dry_run", "no", nullptr}, "dry_run dry_run true", 0},
      {{"--unknown", "x", nullptr}, "unknown - -", 0},
  };
  for (const auto &c : cases) {
    gsize i = 0;
    g_auto(WdFlagWord) word = wd_flag_word_take(SPECS, G_N_ELEMENTS(SPECS), c.argv, &i);
    EXPECT_EQ(shown(word), c.parts);
    EXPECT_EQ(i, c.i) << c.parts;
  }
}

} // namespace
