/* What the tables extension tells over its descriptor. */
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

extern "C" {
#include "watchdog/run/channel.h"
}

namespace
{

using Queries = std::vector<std::string>;

void
take(WdReport *report, gpointer heard)
{
  static_cast<Queries *>(heard)->push_back(report->denylisted.name);
}

class Channel : public testing::Test
{
protected:
  Channel()
  {
    EXPECT_TRUE(wd_channel_open(&channel, &theirs, nullptr));
  }

  ~Channel() override
  {
    wd_channel_close(&channel);
    close(theirs);
  }

  void tell(guint number)
  {
    auto report = std::make_unique<WdReport>();
    std::vector<guint8> bytes(WD_REPORT_BYTES_MAX);
    report->kind = WD_REPORT_DENYLISTED;
    report->worker_pid = 4711;
    g_strlcpy(report->denylisted.name, std::to_string(number).c_str(),
              sizeof report->denylisted.name);
    g_strlcpy(report->denylisted.query, "SELECT 1", sizeof report->denylisted.query);
    const gsize length = wd_report_encode(report.get(), bytes.data());
    ASSERT_EQ(send(theirs, bytes.data(), length, 0), (gssize)length);
  }

  Queries hear()
  {
    Queries heard;
    wd_channel_read(&channel, take, &heard);
    return heard;
  }

  WdChannel channel;
  int theirs;
};

/* Nobody is woken for them, so that what isn't read at this check waits for the next. */
TEST_F(Channel, ABurstIsReadAtOnceButNotWithoutEnd)
{
  const struct {
    guint told;
    std::vector<gsize> heard;
  } cases[] = {{0, {0}}, {1, {1, 0}}, {30, {30, 0}}, {100, {64, 36, 0}}};
  for (const auto &c : cases) {
    Queries all;
    for (guint i = 0; i < c.told; i++)
      tell(i);
    for (gsize count : c.heard) {
      const Queries heard = hear();
      EXPECT_EQ(heard.size(), count) << c.told;
      all.insert(all.end(), heard.begin(), heard.end());
    }
    for (guint i = 0; i < all.size(); i++)
      EXPECT_EQ(all[i], std::to_string(i)) << c.told;
  }
}

TEST_F(Channel, WhatIsNotUnderstoodHoldsNothingUp)
{
  tell(1);
  ASSERT_EQ(send(theirs, "nonsense", 8, 0), 8);
  const std::vector<guint8> longer(WD_REPORT_BYTES_MAX + 1);
  ASSERT_EQ(send(theirs, longer.data(), longer.size(), 0), (gssize)longer.size());
  tell(2);
  EXPECT_EQ(hear(), (Queries{"1", "2"}));
}

} // namespace
