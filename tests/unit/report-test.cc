#include "watchdog/core/machine/report.h"

#include <cstring>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

namespace
{
using std::string;
using Bytes = std::vector<guint8>;

std::unique_ptr<WdReport>
report(guint n)
{
  auto report = std::make_unique<WdReport>();
  report->kind = WD_REPORT_REGISTRATIONS;
  report->worker_pid = 4711;
  report->registrations.responsive = TRUE;
  strcpy(report->registrations.version, "5.23.0");
  report->registrations.schedule_read = report->registrations.listed = TRUE;
  report->registrations.n_extensions = n;
  for (guint i = 0; i < n; i++) {
    WdReportedExtension *extension = &report->registrations.extensions[i];
    extension->pid = 5000 + i;
    extension->uuid = 65535 - i;
    extension->responsive = i % 2;
    memset(extension->version, '9', WD_REPORTED_VERSION_MAX);
  }
  return report;
}

std::unique_ptr<WdReport>
denylisted(const string &name, const string &query)
{
  auto report = std::make_unique<WdReport>();
  report->kind = WD_REPORT_DENYLISTED;
  report->worker_pid = 4711;
  g_strlcpy(report->denylisted.name, name.c_str(), sizeof report->denylisted.name);
  g_strlcpy(report->denylisted.query, query.c_str(), sizeof report->denylisted.query);
  return report;
}

Bytes
encode(const WdReport &report)
{
  Bytes bytes(WD_REPORT_BYTES_MAX);
  bytes.resize(wd_report_encode(&report, bytes.data()));
  return bytes;
}

bool
decodes(const Bytes &bytes, WdReport *report = nullptr)
{
  auto into = std::make_unique<WdReport>();
  // Exactly as large as it is, so that a sanitizer sees a read past the end.
  std::unique_ptr<guint8[]> exact(new guint8[bytes.size()]);
  std::copy(bytes.begin(), bytes.end(), exact.get());
  return wd_report_decode(exact.get(), bytes.size(), report != nullptr ? report : into.get());
}

TEST(Observation, ReportsComeBackAsTheyWere)
{
  for (const guint n : {0u, 1u, 7u, (guint)WD_REPORTED_EXTENSIONS_MAX}) {
    const auto before = report(n);
    auto after = std::make_unique<WdReport>();
    ASSERT_TRUE(decodes(encode(*before), after.get())) << n;
    EXPECT_EQ(after->kind, WD_REPORT_REGISTRATIONS);
    EXPECT_EQ(after->worker_pid, 4711);
    EXPECT_TRUE(after->registrations.responsive);
    EXPECT_STREQ(after->registrations.version, "5.23.0");
    EXPECT_TRUE(after->registrations.schedule_read);
    EXPECT_TRUE(after->registrations.listed);
    ASSERT_EQ(after->registrations.n_extensions, n);
    for (guint i = 0; i < n; i++) {
      EXPECT_EQ(after->registrations.extensions[i].pid, 5000 + i);
      EXPECT_EQ(after->registrations.extensions[i].uuid, 65535 - i);
      EXPECT_EQ(after->registrations.extensions[i].responsive, (gboolean)(i % 2));
      EXPECT_EQ(string(after->registrations.extensions[i].version), string(63, '9'));
    }
  }
}

TEST(Observation, DenylistedQueriesComeBackAsTheyWere)
{
  const auto before = denylisted("pack_café_heavy", "SELECT *\n\tFROM processes;");
  auto after = std::make_unique<WdReport>();
  ASSERT_TRUE(decodes(encode(*before), after.get()));
  EXPECT_EQ(after->kind, WD_REPORT_DENYLISTED);
  EXPECT_STREQ(after->denylisted.name, "pack_café_heavy");
  EXPECT_STREQ(after->denylisted.query, "SELECT *\n\tFROM processes;");
  EXPECT_TRUE(decodes(encode(*denylisted(string(255, 'n'), string(16383, 'q')))));
}

TEST(Observation, NoPartOfAMessageIsOneNorIsMore)
{
  for (const Bytes &whole : {encode(*report(3)), encode(*denylisted("name", "SELECT 1"))}) {
    for (size_t length = 0; length < whole.size(); length++)
      EXPECT_FALSE(decodes(Bytes(whole.begin(), whole.begin() + (long)length))) << length;
    Bytes more = whole;
    more.push_back(0);
    EXPECT_FALSE(decodes(more));
  }
}

TEST(Observation, ValuesOutOfRangeAreRefused)
{
  // Offsets: 0 magic, 3 kind, 4 worker pid, 12 responsive, 13 version's length, 15 "5.23.0",
  // 21 schedule read, 22 listed, 23 unattributed, 24 count, 26 pid, 34 uuid, 36 responsive,
  // 37 version's length.
  const Bytes good = encode(*report(1));
  ASSERT_TRUE(decodes(good));
  const struct {
    const char *what;
    size_t at;
    Bytes bytes;
  } cases[] = {
      {"magic", 0, {'X'}},
      {"kind 0", 3, {0}},
      {"kind 3", 3, {3}},
      {"worker pid 0", 4, {0, 0, 0, 0, 0, 0, 0, 0}},
      {"worker pid -1", 4, {255, 255, 255, 255, 255, 255, 255, 255}},
      {"responsive 2", 12, {2}},
      {"version too long", 13, {64, 0}},
      {"version past the end", 13, {63, 0}},
      {"version with a NUL", 15, {0}},
      {"version with a line's end", 15, {'\n'}},
      {"version not UTF-8", 15, {0xff}},
      {"schedule read 2", 21, {2}},
      {"listed 2", 22, {2}},
      {"unattributed 2", 23, {2}},
      {"none, but one follows", 24, {0, 0}},
      {"257 extensions", 24, {1, 1}},
      {"pid 0", 26, {0, 0, 0, 0, 0, 0, 0, 0}},
      {"pid over 31 bits", 26, {0, 0, 0, 128, 0, 0, 0, 0}},
      {"uuid 0", 34, {0, 0}},
      {"extension responsive 2", 36, {2}},
  };
  for (const auto &c : cases) {
    Bytes bad = good;
    std::copy(c.bytes.begin(), c.bytes.end(), bad.begin() + (long)c.at);
    EXPECT_FALSE(decodes(bad)) << c.what;
  }
  EXPECT_FALSE(decodes(encode(*denylisted("", "SELECT 1"))));
  EXPECT_FALSE(decodes(encode(*denylisted("a\nb", "SELECT 1"))));
}
} // namespace
