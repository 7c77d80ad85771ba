/* Which program a shell would run. */
#include <gtest/gtest.h>

#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

extern "C" {
#include "watchdog/look/program-file.h"
}

namespace
{

class FindProgram : public testing::Test
{
protected:
  FindProgram()
  {
    g_autofree char *made = g_dir_make_tmp("program-XXXXXX", nullptr);
    g_autofree char *real = realpath(made, nullptr);
    directory = real;
    previous = g_get_current_dir();
    for (const char *name : {"/one", "/two", "/here"})
      EXPECT_EQ(mkdir((directory + name).c_str(), 0700), 0);
    EXPECT_EQ(chdir((directory + "/here").c_str()), 0);
  }

  ~FindProgram() override
  {
    EXPECT_EQ(chdir(previous), 0);
    g_free(previous);
    const std::string command = "rm -r " + directory;
    g_setenv("PATH", path, TRUE);
    EXPECT_EQ(system(command.c_str()), 0);
    g_free(path);
  }

  void program(const char *name, mode_t mode = 0700) const
  {
    const int fd = open((directory + name).c_str(), O_CREAT | O_WRONLY, mode);
    EXPECT_GE(fd, 0);
    close(fd);
  }

  /* Without the directory; or the error. */
  std::string find(const std::string &entries, const char *name = "osqueryd") const
  {
    g_autoptr(GError) error = nullptr;
    g_setenv("PATH", entries.c_str(), TRUE);
    g_autofree char *found = wd_program_file_find(name, &error);
    if (found == nullptr)
      return error->message;
    const std::string text = found;
    EXPECT_EQ(text.rfind(directory, 0), 0u) << text;
    return text.substr(directory.size());
  }

  const std::string missing = "osqueryd: no such program in PATH (a path to it has a slash)";
  std::string directory;
  char *previous;
  char *path = g_strdup(g_getenv("PATH"));
};

TEST_F(FindProgram, TheFirstThatCanBeExecuted)
{
  const std::string both = directory + "/one:" + directory + "/two";
  EXPECT_EQ(find(both), missing);
  program("/two/osqueryd");
  EXPECT_EQ(find(both), "/two/osqueryd");
  program("/one/osqueryd", 0600);
  EXPECT_EQ(find(both), "/two/osqueryd") << "it can't be executed";
  chmod((directory + "/one/osqueryd").c_str(), 0700);
  EXPECT_EQ(find(both), "/one/osqueryd");
}

TEST_F(FindProgram, NoDirectory)
{
  mkdir((directory + "/one/osqueryd").c_str(), 0700);
  program("/two/osqueryd");
  EXPECT_EQ(find(directory + "/one:" + directory + "/two"), "/two/osqueryd");
}

TEST_F(FindProgram, AnEmptyOrRelativeEntryBeginsAtTheWorkingDirectory)
{
  EXPECT_EQ(find(":"), missing);
  program("/here/osqueryd");
  for (const char *entries : {":/nowhere", "/nowhere:", "/nowhere::/nowhere", ".", "../here"})
    EXPECT_EQ(find(entries), "/here/osqueryd") << entries;
}

TEST_F(FindProgram, ANameWithASlashIsAPath)
{
  program("/one/osqueryd");
  const std::string one = directory + "/one";
  EXPECT_EQ(find(one, "./osqueryd"), "/here/osqueryd") << "whether it exists or not";
  EXPECT_EQ(find("/nowhere", "../one/osqueryd"), "/one/osqueryd");
  EXPECT_EQ(find("/nowhere", (one + "/osqueryd").c_str()), "/one/osqueryd");
}

} // namespace
