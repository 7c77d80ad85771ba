#include "tables/ctl/completion.h"

#include <cstring>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace
{

// The candidates at the | of @text.
std::vector<std::string>
complete(const std::string &text, gsize *start = nullptr)
{
  gsize point = text.find('|');
  std::string sql = text.substr(0, point) + text.substr(point + 1);
  gsize from;
  g_auto(GStrv) words = ctl_complete(sql.c_str(), point, start != nullptr ? start : &from);
  std::vector<std::string> found;
  for (guint i = 0; words[i] != nullptr; i++)
    found.push_back(words[i]);
  return found;
}

using Words = std::vector<std::string>;

TEST(CtlCompletion, Words)
{
  const struct {
    const char *text;
    Words words;
  } cases[] = {
      // a statement's first word
      {"|", {"EXPLAIN", "SELECT", "VALUES", "WITH"}},
      {"S|", {"SELECT"}},
      {"sel|", {"select"}},
      {"SELECT 1; s|", {"select"}},
      {"-- a comment\n/* one more */ s|", {"select"}},
      {"x|", {}},
      // tables
      {"SELECT * FROM |",
       {"watchdog_events", "watchdog_processes", "watchdog_samples", "watchdog_settings",
        "watchdog_terminations"}},
      {"SELECT * FROM watchdog_e|", {"watchdog_events"}},
      {"select * from WATCHDOG_P|", {"watchdog_processes"}},
      {"SELECT * FROM watchdog_events JOIN watchdog_p|", {"watchdog_processes"}},
      // columns: of the tables named, in front of them as well as behind
      {"SELECT cause| FROM watchdog_events", {"cause_eid"}},
      {"SELECT cause| FROM watchdog_processes", {}},
      {"SELECT * FROM watchdog_events WHERE qu|", {"query", "query_name"}},
      {"SELECT peak|", {"peak", "peak_footprint"}},
      {"SELECT pi|", {"pid"}}, // that both have
      {"SELECT eid,ti| FROM watchdog_events", {"time"}},
      {"SELECT max(dela| FROM watchdog_events", {"delay"}},
      // qualified
      {"SELECT e.reas| FROM watchdog_events e", {"reason"}},
      {"SELECT E.reas| FROM watchdog_events AS e", {"reason"}},
      {"SELECT p.reas| FROM watchdog_events e JOIN watchdog_processes p", {}},
      {"SELECT watchdog_processes.rest| FROM watchdog_processes", {"restart_limit", "restarts"}},
      {"SELECT x.reas| FROM watchdog_events e", {}},
      // keywords, as they are begun
      {"SELECT * FROM watchdog_events WH|", {"WHEN", "WHERE"}},
      {"SELECT * FROM watchdog_events wher|", {"where"}},
      {"SELECT * FROM watchdog_events ORDER BY eid DE|", {"delay", "DESC", "details"}},
      // nothing
      {"SELECT 'watch|", {}},
      {"SELECT \"wat|", {}},
      {"SELECT 1 -- wa|", {}},
      {"SELECT 1 /* wa|", {}},
      {"SELECT 12|", {}},
  };
  for (const auto &c : cases) {
    EXPECT_EQ(complete(c.text), c.words) << c.text;
  }
}

TEST(CtlCompletion, WithoutAWordOnlyColumns)
{
  Words words = complete("SELECT | FROM watchdog_processes");
  EXPECT_EQ(words.size(), 32u);
  EXPECT_EQ(complete("SELECT e.| FROM watchdog_events e").size(), 34u);
}

TEST(CtlCompletion, WhereTheWordBegins)
{
  const struct {
    const char *text;
    gsize start;
  } cases[] = {
      {"SELECT * FROM watch|dog", 14}, {"SELECT |", 7}, {"|", 0}, {"SELECT e.ti|", 9}, {"(na|", 1}};
  for (const auto &c : cases) {
    gsize start = 99;
    complete(c.text, &start);
    EXPECT_EQ(start, c.start) << c.text;
  }
}

TEST(CtlCompletion, Prefix)
{
  const struct {
    std::vector<const char *> words;
    const char *prefix;
  } cases[] = {
      {{"watchdog_events", nullptr}, "watchdog_events"},
      {{"watchdog_events", "watchdog_processes", nullptr}, "watchdog_"},
      {{"query", "query_name", nullptr}, "query"},
      {{"delay", "DESC", nullptr}, ""},
  };
  for (const auto &c : cases) {
    std::vector<char *> words;
    for (const char *word : c.words)
      words.push_back(g_strdup(word));
    g_autofree char *prefix = ctl_completion_prefix(words.data());
    EXPECT_STREQ(prefix, c.prefix);
    for (char *word : words)
      g_free(word);
  }
}

} // namespace
