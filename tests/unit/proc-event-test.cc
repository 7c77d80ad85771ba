#include "watchdog/core/kernel/proc-event.h"

#include <gtest/gtest.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>

#include <cstring>
#include <vector>

namespace
{

std::vector<guint8>
datagram(guint32 what, gint32 pid, gint32 tgid, guint32 code, guint32 idx = CN_IDX_PROC)
{
  struct nlmsghdr netlink = {};
  struct cn_msg header = {};
  header.id = {idx, CN_VAL_PROC};
  header.len = sizeof(struct proc_event);
  guint8 event[sizeof(struct proc_event)] = {};
  std::memcpy(event, &what, sizeof what);
  const guint32 exit[] = {(guint32)pid, (guint32)tgid, code};
  std::memcpy(event + 16, exit, sizeof exit);
  std::vector<guint8> bytes(sizeof netlink + sizeof header + sizeof event);
  std::memcpy(bytes.data(), &netlink, sizeof netlink);
  std::memcpy(bytes.data() + 16, &header, sizeof header);
  std::memcpy(bytes.data() + 36, event, sizeof event);
  return bytes;
}

WdProcEventKind
parse(const std::vector<guint8> &bytes, gint64 *pid, WdExit *how)
{
  return wd_proc_event_parse(bytes.data(), bytes.size(), pid, how);
}

constexpr guint32 EXIT = 0x80000000;

TEST(ProcEvent, Exits)
{
  struct {
    guint32 status;
    gint64 code, signal;
    gboolean core_dumped;
  } const rows[] = {
      {0, 0, WD_NONE, FALSE},          {78 << 8, 78, WD_NONE, FALSE},
      {255 << 8, 255, WD_NONE, FALSE}, {9, WD_NONE, 9, FALSE},
      {11, WD_NONE, 11, FALSE},        {15, WD_NONE, 15, FALSE},
      {11 | 0x80, WD_NONE, 11, TRUE},
  };
  for (const auto &row : rows) {
    gint64 pid = 0;
    WdExit how = {};
    EXPECT_EQ(parse(datagram(EXIT, 7, 7, row.status), &pid, &how), WD_PROC_EVENT_EXIT);
    EXPECT_EQ(pid, 7);
    EXPECT_EQ(how.code, row.code);
    EXPECT_EQ(how.signal, row.signal);
    EXPECT_EQ(how.core_dumped, row.core_dumped);
    EXPECT_FALSE(how.oom);
  }
}

TEST(ProcEvent, WhatIsNone)
{
  gint64 pid = 0;
  WdExit how = {};
  EXPECT_EQ(parse(datagram(EXIT, 8, 7, 0), &pid, &how), WD_PROC_EVENT_OTHER); // a thread
  EXPECT_EQ(parse(datagram(1, 7, 7, 0), &pid, &how), WD_PROC_EVENT_OTHER);    // a fork
  EXPECT_EQ(parse(datagram(EXIT, 7, 7, 0, 99), &pid, &how), WD_PROC_EVENT_OTHER);
  EXPECT_EQ(parse(datagram(EXIT, -7, -7, 0), &pid, &how), WD_PROC_EVENT_OTHER);
  EXPECT_EQ(parse(datagram(0, 0, 0, 0), &pid, &how), WD_PROC_EVENT_ANSWER);
  EXPECT_EQ(parse(datagram(0, 1, 0, 0), &pid, &how), WD_PROC_EVENT_OTHER); // refused
  EXPECT_EQ(pid, 0);
}

TEST(ProcEvent, CutAnywhere)
{
  const std::vector<guint8> whole = datagram(EXIT, 7, 7, 9);
  for (size_t length = 0; length < whole.size(); length++) {
    const std::vector<guint8> cut(whole.begin(), whole.begin() + (long)length);
    gint64 pid = 0;
    WdExit how = {};
    const WdProcEventKind kind = parse(cut, &pid, &how);
    EXPECT_EQ(kind == WD_PROC_EVENT_EXIT, length >= 64) << length;
    EXPECT_EQ(pid, length >= 64 ? 7 : 0);
  }
}

} // namespace
