/* Following the log file that an osqueryd writes: which file it is, and what a look takes. */
#include "extension/log-file.h"

#include "tests/unit/log-directory.h"

#include <string>

namespace
{

const gint64 PID = 4321;

/* What a look gives; "-" when there is no file; with "!" before it when something was lost. */
class LogFile : public testing::Test
{
protected:
  std::string look()
  {
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    gboolean lost = FALSE;
    if (!ext_log_file_look(log, logs.path.c_str(), bytes, &lost)) {
      EXPECT_EQ(bytes->len, 0u);
      return "-";
    }
    return (lost ? "!" : "") + std::string((const char *)bytes->data, bytes->len);
  }

  void restart(gint64 age_us)
  {
    ext_log_file_free(log);
    log = ext_log_file_new(PID, g_get_monotonic_time() - age_us);
  }

  void TearDown() override
  {
    ext_log_file_free(log);
  }

  LogDirectory logs;
  const std::string name = logs.file(PID);
  ExtLogFile *log = ext_log_file_new(PID, g_get_monotonic_time());
};

TEST_F(LogFile, GivesWhatIsNew)
{
  EXPECT_EQ(look(), "-");
  logs.append(name, "one\n");
  EXPECT_EQ(look(), "-"); /* nothing says yet that it is the present one */
  logs.link(name);
  EXPECT_EQ(look(), "!one\n");
  EXPECT_EQ(look(), "");
  logs.append(name, "two\nthr");
  EXPECT_EQ(look(), "two\nthr");
  logs.append(name, "ee\n");
  EXPECT_EQ(look(), "ee\n");
}

TEST_F(LogFile, FollowsARemovedFileUntilThereIsAnother)
{
  logs.append(name, "one\n");
  logs.link(name);
  look();
  EXPECT_EQ(rename(logs.at(name).c_str(), logs.at("old").c_str()), 0);
  logs.append("old", "two\n");
  EXPECT_EQ(look(), "two\n");
  unlink(logs.at("osqueryd.INFO").c_str());
  logs.append("old", "three\n");
  EXPECT_EQ(look(), "three\n");
  /* glog begins another at 10 MB. */
  const std::string next = logs.file(PID, "20261129-020000");
  logs.append("old", "four\n");
  logs.append(next, "five\n");
  logs.link(next);
  EXPECT_EQ(look(), "!five\n");
}

TEST_F(LogFile, OfTheNextWorkerIsNotThisOnes)
{
  logs.append(name, "one\n");
  logs.link(name);
  look();
  logs.append(name, "last words\n");
  logs.append(logs.file(PID + 1), "next\n");
  logs.link(logs.file(PID + 1));
  EXPECT_EQ(look(), "last words\n");
}

TEST_F(LogFile, OfAnEarlierProcessWithThatPidIsNotThisOnes)
{
  logs.append(name, "one\n");
  logs.link(name);
  const struct timespec before[2] = {{.tv_sec = time(nullptr) - 60, .tv_nsec = 0},
                                     {.tv_sec = time(nullptr) - 60, .tv_nsec = 0}};
  ASSERT_EQ(utimensat(AT_FDCWD, logs.at(name).c_str(), before, 0), 0);
  EXPECT_EQ(look(), "-");
  restart(100 * G_TIME_SPAN_SECOND);
  EXPECT_EQ(look(), "!one\n");
}

TEST_F(LogFile, MustBeNamedAfterItsWriter)
{
  for (const char *other : {"osqueryd.INFO.20261129-010225", "x.14321", "x4321", "4321", "."}) {
    logs.append(other[0] != '.' ? other : "dot", "one\n");
    logs.link(other);
    EXPECT_EQ(look(), "-") << other;
  }
  for (const std::string &elsewhere : {logs.at(name), std::string("sub/") + name, "./" + name}) {
    logs.append(name, "one\n");
    logs.link(elsewhere);
    EXPECT_EQ(look(), "-") << elsewhere;
  }
  unlink(logs.at("osqueryd.INFO").c_str());
  logs.append("osqueryd.INFO", "one\n"); /* no link, so nothing names the writer */
  EXPECT_EQ(look(), "-");
}

TEST_F(LogFile, MustBeARegularFile)
{
  logs.link(name);
  EXPECT_EQ(look(), "-"); /* dangles */
  ASSERT_EQ(mkfifo(logs.at(name).c_str(), 0600), 0);
  EXPECT_EQ(look(), "-"); /* and doesn't wait for a writer */
  unlink(logs.at(name).c_str());
  ASSERT_EQ(mkdir(logs.at(name).c_str(), 0700), 0);
  EXPECT_EQ(look(), "-");
  rmdir(logs.at(name).c_str());
  logs.append("target", "one\n");
  ASSERT_EQ(symlink("target", logs.at(name).c_str()), 0);
  EXPECT_EQ(look(), "-");
}

TEST_F(LogFile, MustBeRootsOrOurs)
{
  if (geteuid() != 0)
    GTEST_SKIP() << "only root gives files away";
  logs.append(name, "one\n");
  logs.link(name);
  ASSERT_EQ(chown(logs.at(name).c_str(), 65534, 65534), 0);
  EXPECT_EQ(look(), "-");
  ASSERT_EQ(chown(logs.at(name).c_str(), 0, 0), 0);
  EXPECT_EQ(look(), "!one\n");
}

TEST_F(LogFile, BeginsNearTheEndWithAWholeLine)
{
  const std::string line(1023, 'a');
  logs.link(name);
  for (int i = 0; i < 100; i++)
    logs.append(name, line + "\n");
  std::string whole = "!";
  for (int i = 0; i < EXT_LOG_FILE_TAIL_BYTES / 1024 - 1; i++)
    whole += line + "\n";
  EXPECT_EQ(look(), whole);
}

TEST_F(LogFile, DropsALineWhoseBeginningIsMissingHoweverLongItIs)
{
  logs.link(name);
  logs.append(name, std::string(2 * EXT_LOG_FILE_TAIL_BYTES, 'a'));
  EXPECT_EQ(look(), "!");
  logs.append(name, "aaa");
  EXPECT_EQ(look(), "");
  logs.append(name, "a\nb\nc");
  EXPECT_EQ(look(), "b\nc");
}

TEST_F(LogFile, SkipsWhatIsTooMuchForALook)
{
  logs.append(name, "one\n");
  logs.link(name);
  look();
  logs.append(name, std::string(EXT_LOG_FILE_LOOK_BYTES, 'a'));
  EXPECT_EQ(look(), std::string(EXT_LOG_FILE_LOOK_BYTES, 'a'));
  logs.append(name, "\n" + std::string(EXT_LOG_FILE_LOOK_BYTES, 'b') + "\ntwo\n");
  EXPECT_EQ(look(), "!two\n");
}

TEST_F(LogFile, BeginsAgainWhenItWasCutShort)
{
  logs.append(name, "one\ntwo\n");
  logs.link(name);
  look();
  ASSERT_EQ(truncate(logs.at(name).c_str(), 0), 0);
  logs.append(name, "three\n");
  EXPECT_EQ(look(), "!three\n");
}

TEST_F(LogFile, LooksInAnotherDirectoryWhenToldTo)
{
  logs.append(name, "one\n");
  logs.link(name);
  look();
  LogDirectory other;
  other.append(name, "elsewhere\n");
  other.link(name);
  std::swap(logs.path, other.path);
  EXPECT_EQ(look(), "!elsewhere\n");
  std::swap(logs.path, other.path);
}

} // namespace
