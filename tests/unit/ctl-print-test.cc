#include "tables/ctl/print/csv.h"
#include "tables/ctl/print/event-log.h"
#include "tables/ctl/print/grid.h"
#include "tables/ctl/print/human.h"
#include "tables/ctl/print/json.h"
#include "tables/ctl/print/line.h"
#include "tables/ctl/print/text.h"
#include "watchdog/core/event/event.h"
#include "watchdog/store/database.h"

#include <gtest/gtest.h>
#include <string>

namespace
{

// What @print makes of the rows of @sql.
std::string
printed(CtlPrint print, const char *sql, CtlPart part = CTL_PART_WHOLE, int expected = SQLITE_DONE)
{
  g_autoptr(sqlite3) db = nullptr;
  g_autoptr(sqlite3_stmt) stmt = nullptr;
  EXPECT_EQ(sqlite3_open(":memory:", &db), SQLITE_OK);
  EXPECT_EQ(sqlite3_prepare_v2(db, sql, -1, &stmt, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
  char *text = nullptr;
  size_t length = 0;
  FILE *out = open_memstream(&text, &length);
  EXPECT_EQ(print(stmt, part, out), expected);
  fclose(out);
  std::string result(text, length);
  free(text);
  return result;
}

constexpr char two_rows[] = "SELECT 1 AS a, 'x' AS b UNION ALL SELECT NULL, '' ORDER BY 1 DESC";
constexpr char fails_at_once[] = "SELECT abs(-9223372036854775808) AS a";
constexpr char fails_later[] =
    "SELECT abs(value) AS a FROM (SELECT 1 AS value UNION ALL SELECT -9223372036854775808)";

TEST(CtlPrint, Json)
{
  EXPECT_EQ(printed(ctl_print_json, two_rows),
            "[\n  {\"a\":1,\"b\":\"x\"},\n  {\"a\":null,\"b\":\"\"}\n]\n");
  EXPECT_EQ(printed(ctl_print_json, "SELECT 1 WHERE 0"), "[\n]\n");
  EXPECT_EQ(printed(ctl_print_json, two_rows, CTL_PART_FIRST),
            "{\"a\":1,\"b\":\"x\"}\n{\"a\":null,\"b\":\"\"}\n");
  EXPECT_EQ(printed(ctl_print_json, fails_at_once, CTL_PART_WHOLE, SQLITE_ERROR), "");
}

TEST(CtlPrint, JsonValues)
{
  const struct {
    const char *sql;
    const char *value;
  } cases[] = {
      {"9223372036854775807", "9223372036854775807"},
      {"-1", "-1"},
      {"1.5", "1.5"},
      {"1e100", "1.0e+100"},
      {"9e999", "null"},
      {"NULL", "null"},
      {"'1'", "\"1\""},
      {"x'00ff'", "\"X'00FF'\""},
      {"'a\"b\\c'", "\"a\\\"b\\\\c\""},
      {"char(8, 9, 10, 13, 27, 127, 133)", "\"\\u0008\\t\\n\\u000d\\u001b\\u007f\\u0085\""},
      {"char(8238, 917505)", "\"\\u202e\\udb40\\udc01\""}, // reorders text; a tag
      {"'é字😀'", "\"é字😀\""},
      {"CAST(x'61ff62' AS TEXT)", "\"a\xef\xbf\xbd"
                                  "b\""},
      {"CAST(x'610062' AS TEXT)", "\"a\xef\xbf\xbd"
                                  "b\""},
  };
  for (const auto &c : cases)
    EXPECT_EQ(printed(ctl_print_json, (std::string("SELECT ") + c.sql + " AS v").c_str()),
              std::string("[\n  {\"v\":") + c.value + "}\n]\n")
        << c.sql;
}

TEST(CtlPrint, Csv)
{
  EXPECT_EQ(printed(ctl_print_csv, two_rows), "a,b\r\n1,x\r\n,\"\"\r\n");
  EXPECT_EQ(printed(ctl_print_csv, "SELECT 1 AS a WHERE 0"), "a\r\n");
  EXPECT_EQ(printed(ctl_print_csv, "SELECT 'a,b' AS \"x,y\", 'c\"d', 'e' || char(10) || 'f', ' g'"),
            "\"x,y\",\"'c\"\"d'\",'e' || char(10) || 'f',' g'\r\n"
            "\"a,b\",\"c\"\"d\",\"e\nf\", g\r\n");
  EXPECT_EQ(printed(ctl_print_csv, two_rows, CTL_PART_FIRST), "a,b\r\n1,x\r\n,\"\"\r\n");
  EXPECT_EQ(printed(ctl_print_csv, two_rows, CTL_PART_NEXT), "1,x\r\n,\"\"\r\n");
  EXPECT_EQ(printed(ctl_print_csv, fails_at_once, CTL_PART_WHOLE, SQLITE_ERROR), "");
}

TEST(CtlPrint, Line)
{
  EXPECT_EQ(printed(ctl_print_line, "SELECT 1 AS a, char(10) AS long UNION ALL SELECT 2, NULL"),
            "   a = 1\nlong = \\n\n\n   a = 2\nlong = \n");
  EXPECT_EQ(printed(ctl_print_line, "SELECT 1 AS a", CTL_PART_NEXT), "\na = 1\n");
}

TEST(CtlPrint, Box)
{
  EXPECT_EQ(printed(ctl_print_box, "SELECT 1 AS a, 'xyz' AS b UNION ALL SELECT NULL, '字'"),
            "+---+-----+\n"
            "| a | b   |\n"
            "+---+-----+\n"
            "| 1 | xyz |\n"
            "|   | 字  |\n"
            "+---+-----+\n");
  EXPECT_EQ(printed(ctl_print_box, "SELECT 1 AS a WHERE 0"), "+---+\n| a |\n+---+\n+---+\n");
  EXPECT_EQ(printed(ctl_print_box, fails_at_once, CTL_PART_WHOLE, SQLITE_ERROR), "");
  EXPECT_EQ(printed(ctl_print_box, fails_later, CTL_PART_WHOLE, SQLITE_ERROR),
            "+---+\n| a |\n+---+\n| 1 |\n+---+\n");
}

// After the first thousand rows the widths are fixed, and rows pass through.
TEST(CtlPrint, BoxOfManyRows)
{
  std::string text =
      printed(ctl_print_box,
              "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)"
              " SELECT iif(i = 1200, 123456, 1) AS a FROM n");
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1504);
  EXPECT_NE(text.find("\n| 123456 |\n| 1 |\n"), std::string::npos);
}

TEST(CtlPrint, Log)
{
  // eid, time, run_id, event, … lifetime_ms, delay, … cause_eid, details, message
  const struct {
    const char *event;
    const char *lifetime_ms;
    const char *delay;
    const char *cause;
    const char *line;
  } cases[] = {
      {"process_exited", "NULL", "NULL", "NULL",
       "  12  process_exited         worker[42]: it\\x1b\n"},
      {"process_exited", "7500000", "NULL", "7",
       "  12  process_exited         worker[42]: it\\x1b (lived 2h 5m; because of 7)\n"},
      {"respawn_delayed", "NULL", "90", "11",
       "  12  respawn_delayed        worker[42]: it\\x1b (next start in 1m 30s; because of 11)\n"},
      {"query_denylisted", "500", "NULL", "NULL", // of the worker that shows it
       "  12  query_denylisted       worker[42]: it\\x1b\n"},
      {"of_tomorrow", "500", "NULL", "NULL", "  12  of_tomorrow            worker[42]: it\\x1b\n"},
  };
  for (const auto &c : cases) {
    std::string row = std::string("SELECT 12, 0, 'r', '") + c.event + "', 'r', 'worker', 'p', 42";
    for (int i = 8; i < 23; i++)
      row += ", NULL";
    row += std::string(", ") + c.lifetime_ms + ", " + c.delay +
           ", NULL, NULL, NULL, NULL, NULL, NULL, " + c.cause + ", NULL, 'it' || char(27)";
    std::string text = printed(ctl_print_log, row.c_str());
    EXPECT_EQ(text.substr(text.find("  ")), c.line);
  }
}

TEST(CtlText, VisibleText)
{
  const struct {
    std::string text;
    const char *visible;
  } cases[] = {
      {"plain é字", "plain é字"},
      {"a\nb\tc\rd", "a\\nb\\tc\\rd"},
      {"\x1b[31m", "\\x1b[31m"},
      {std::string("a\0b", 3), "a\\x00b"},
      {"\x7f\xc2\x9b", "\\x7f\\u{9b}"},    // DEL, and the one-character CSI
      {"\xe2\x80\xae", "\\u{202e}"},       // right-to-left override
      {"\xff\xc3", "\\xff\\xc3"},          // no UTF-8, a cut sequence
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"}, // a surrogate
      {"", ""},
  };
  for (const auto &c : cases) {
    g_autoptr(GString) visible = g_string_new(nullptr);
    ctl_append_visible(visible, c.text.data(), c.text.size());
    EXPECT_STREQ(visible->str, c.visible);
  }
}

TEST(CtlText, DisplayWidth)
{
  EXPECT_EQ(ctl_display_width(""), 0u);
  EXPECT_EQ(ctl_display_width("abc"), 3u);
  EXPECT_EQ(ctl_display_width("é"), 1u);
  EXPECT_EQ(ctl_display_width("e\xcc\x81"), 1u); // a combining accent
  EXPECT_EQ(ctl_display_width("字"), 2u);
}

TEST(CtlHuman, Durations)
{
  const struct {
    gint64 seconds;
    const char *text;
  } cases[] = {{0, "0s"},          {59, "59s"},      {60, "1m 0s"},
               {3599, "59m 59s"},  {3600, "1h 0m"},  {7500, "2h 5m"},
               {86399, "23h 59m"}, {86400, "1d 0h"}, {1051200, "12d 4h"}};
  for (const auto &c : cases) {
    g_autofree char *text = ctl_human_duration(c.seconds);
    EXPECT_STREQ(text, c.text);
  }
}

TEST(CtlHuman, Quantities)
{
  const struct {
    char *text;
    const char *expected;
  } cases[] = {
      {ctl_human_bytes(0, WD_NONE), "0 B"},
      {ctl_human_bytes(1023, WD_NONE), "1023 B"},
      {ctl_human_bytes(1024, WD_NONE), "1 KiB"},
      {ctl_human_bytes(89443533, 209715200), "85.3/200 MiB"},
      {ctl_human_bytes(1024, 209715200), "0/200 MiB"},
      {ctl_human_bytes(-1024, 209715200), "0/200 MiB"},
      {ctl_human_bytes(-3145728, WD_NONE), "-3 MiB"},
      {ctl_human_bytes(-3145728, 209715200), "-3/200 MiB"},
      {ctl_human_bytes(G_MAXINT64, WD_NONE), "8388608 TiB"},
      {ctl_human_percent(2.46, WD_NONE), "2.5 %"},
      {ctl_human_percent(12, 10), "12.0/10 %"},
      {ctl_human_age(-5), "0s ago"},
      {ctl_human_age(7500), "2h ago"},
      {ctl_human_ms(0), "0 ms"},
      {ctl_human_ms(999), "999 ms"},
      {ctl_human_ms(4120), "4.1 s"},
      {ctl_human_ms(60000), "1m 0s"},
      {ctl_human_ms(7500000), "2h 5m"},
  };
  for (const auto &c : cases) {
    EXPECT_STREQ(c.text, c.expected);
    g_free(c.text);
  }
}

TEST(CtlHuman, ByteUnit)
{
  const struct {
    double greatest;
    double divisor;
    const char *unit;
  } cases[] = {{0, 1, "B"},
               {1 << 20, 1 << 20, "MiB"},
               {1023.0 * (1 << 20), 1 << 20, "MiB"},
               {1024.0 * (1 << 20), 1 << 30, "GiB"},
               {1e18, 1024.0 * (1 << 30), "TiB"}};
  for (const auto &c : cases) {
    const char *unit = nullptr;
    EXPECT_EQ(ctl_human_byte_unit(c.greatest, &unit), c.divisor) << c.greatest;
    EXPECT_STREQ(unit, c.unit);
  }
}

} // namespace
