/* Whom signals go to. */
#include <gtest/gtest.h>
#include <signal.h>

#include <string>
#include <vector>

extern "C" {
#include "watchdog/core/machine/descendants.h"
}

namespace
{

using Kills = std::vector<std::pair<gint64, int>>;

Kills
taken(GArray *kills)
{
  Kills result;
  for (guint i = 0; i < kills->len; i++)
    result.emplace_back(g_array_index(kills, WdKill, i).target,
                        g_array_index(kills, WdKill, i).signo);
  g_array_unref(kills);
  return result;
}

TEST(Descendants, OnlySigkillIsForTheGroupToo)
{
  const struct {
    int signo;
    Kills kills;
  } cases[] = {
      {SIGUSR1, {{70, SIGUSR1}}},
      {SIGTERM, {{70, SIGTERM}}},
      {SIGKILL, {{-70, SIGKILL}, {70, SIGKILL}}},
  };
  for (const auto &c : cases) {
    GArray *kills = wd_kills_new();
    wd_descendants_signal(70, c.signo, kills);
    EXPECT_EQ(taken(kills), c.kills) << c.signo;
  }
}

TEST(Descendants, TheGroupGoesWithItsLeaderIfWeMadeIt)
{
  GArray *kills = wd_kills_new();
  wd_descendants_died(70, TRUE, kills);
  wd_descendants_died(71, FALSE, kills);
  EXPECT_EQ(taken(kills), (Kills{{-70, SIGKILL}}));
}

TEST(Descendants, WhoIsOursButNotSupervisedWasLeftBehind)
{
  const struct {
    std::vector<gint64> children;
    std::vector<gint64> supervised;
    Kills kills;
  } cases[] = {
      {{}, {}, {}},
      {{70, 71}, {70, 71}, {}},
      {{70, 80, 71, 81}, {70, 71}, {{80, SIGKILL}, {81, SIGKILL}}},
      {{80}, {}, {{80, SIGKILL}}},
      /* Supervised, but not (yet) on the kernel's list. */
      {{}, {70}, {}},
  };
  for (const auto &c : cases) {
    GArray *kills = wd_kills_new();
    g_autoptr(GArray) children = g_array_new(FALSE, FALSE, sizeof(gint64));
    g_autoptr(GArray) supervised = g_array_new(FALSE, FALSE, sizeof(gint64));
    g_array_append_vals(children, c.children.data(), (guint)c.children.size());
    g_array_append_vals(supervised, c.supervised.data(), (guint)c.supervised.size());
    wd_descendants_strays(children, supervised, kills);
    EXPECT_EQ(taken(kills), c.kills);
  }
}

TEST(Descendants, AMarkIsAWholeEntryOfTheEnvironment)
{
  using namespace std::string_literals;
  const struct {
    std::string environment;
    gboolean marked;
  } cases[] = {
      {"", FALSE},
      {"RUN=abc\0"s, TRUE},
      {"PATH=/bin\0RUN=abc\0HOME=/\0"s, TRUE},
      {"PATH=/bin\0RUN=abc"s, TRUE},
      {"RUN=abcd\0"s, FALSE},
      {"RUN=ab\0c\0"s, FALSE},
      {"XRUN=abc\0"s, FALSE},
      {"X=RUN=abc\0"s, FALSE},
      {"RUN=\0abc\0"s, FALSE},
      {"\0\0\0RUN=abc\0"s, TRUE},
      {"\0\0\0"s, FALSE},
      {std::string(100000, 'x'), FALSE},
  };
  for (const auto &c : cases) {
    /* Exactly so long, for the sanitizers. */
    const std::vector<char> bytes(c.environment.begin(), c.environment.end());
    EXPECT_EQ(wd_descendants_marked(bytes.data(), bytes.size(), "RUN=abc"), c.marked)
        << c.environment.substr(0, 40);
  }
}

} // namespace
