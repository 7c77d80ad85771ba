#include "watchdog/core/kernel/details.h"

#include "watchdog/core/event/event.h"

#include <cstring>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace
{

WdThreadUse
thread(gint64 tid, const char *name, gint64 cpu_ms, gint64 start_ticks = 1)
{
  WdThreadUse result = {};
  result.tid = tid;
  result.start_ticks = start_ticks;
  result.cpu_ms = cpu_ms;
  g_strlcpy(result.name, name, sizeof result.name);
  return result;
}

WdThreads *
threads(gint64 time_us, const std::vector<WdThreadUse> &list)
{
  WdThreads *result = wd_threads_new(time_us);
  g_array_append_vals(result->threads, list.data(), static_cast<guint>(list.size()));
  return result;
}

std::string
json(const WdThreads *before, const WdThreads *now, const WdProcMemory *memory = nullptr)
{
  g_autofree char *text =
      wd_details_json(before, now, static_cast<gint64>(now->threads->len), memory, 12);
  return text;
}

TEST(Details, CountsCpuSinceTheEarlierMomentBusiestFirst)
{
  g_autoptr(WdThreads) before =
      threads(1000000, {thread(1, "main", 500), thread(2, "query", 100), thread(3, "old", 90, 7)});
  g_autoptr(WdThreads) now =
      threads(4000000, {thread(1, "main", 510), thread(2, "query", 2900), thread(3, "new", 30, 8)});
  const WdProcMemory memory = {100, 20, 3, 0, 3};
  EXPECT_EQ(
      json(before, now, &memory),
      "{\"busiest_threads\":[{\"tid\":2,\"name\":\"query\",\"cpu_ms\":2800},"
      "{\"tid\":3,\"name\":\"new\",\"cpu_ms\":30},{\"tid\":1,\"name\":\"main\",\"cpu_ms\":10}],"
      "\"interval_ms\":3000,\"threads\":3,\"descriptors\":12,\"anonymous_bytes\":100,"
      "\"file_bytes\":20,\"shared_bytes\":3,\"swap_bytes\":0,\"partial\":false}");
}

TEST(Details, WithoutAnEarlierMomentCountsFromTheStart)
{
  g_autoptr(WdThreads) now = threads(4000000, {thread(1, "main", 510)});
  EXPECT_EQ(json(nullptr, now),
            "{\"busiest_threads\":[{\"tid\":1,\"name\":\"main\",\"cpu_ms\":510}],"
            "\"interval_ms\":null,\"threads\":1,\"descriptors\":12,\"anonymous_bytes\":null,"
            "\"file_bytes\":null,\"shared_bytes\":null,\"swap_bytes\":null,\"partial\":false}");
}

TEST(Details, TellsTheBusiestOnly)
{
  std::vector<WdThreadUse> many;
  for (int i = 1; i <= 50; i++)
    many.push_back(thread(i, "t", i));
  g_autoptr(WdThreads) now = threads(1, many);
  now->partial = TRUE;
  const std::string text = json(nullptr, now);
  EXPECT_NE(text.find("[{\"tid\":50,"), std::string::npos);
  EXPECT_NE(text.find("\"tid\":46,"), std::string::npos);
  EXPECT_EQ(text.find("\"tid\":45,"), std::string::npos);
  EXPECT_NE(text.find("\"partial\":true"), std::string::npos);
}

TEST(Details, NamesOfAnyBytesStayJson)
{
  g_autoptr(WdThreads) now = threads(1, {thread(1, "a\"b\\c\n\x01\xff", 1)});
  EXPECT_NE(json(nullptr, now).find("\"name\":\"a\\\"b\\\\c\\u000a\\u0001\xEF\xBF\xBD\""),
            std::string::npos);
}

TEST(Details, Join)
{
  struct {
    const char *first, *second, *joined;
  } const rows[] = {
      {"{\"a\":1}", "{\"b\":2}", "{\"a\":1,\"b\":2}"},
      {"{\"a\":1}", nullptr, "{\"a\":1}"},
      {nullptr, "{\"b\":2}", "{\"b\":2}"},
      {"{}", "{\"b\":2}", "{\"b\":2}"},
      {"{\"a\":1}", "{}", "{\"a\":1}"},
      {"{}", "{}", "{}"},
      {nullptr, nullptr, nullptr},
  };
  for (const auto &row : rows) {
    g_autofree char *joined = wd_details_join(row.first, row.second);
    EXPECT_STREQ(joined, row.joined);
  }
}

} // namespace
