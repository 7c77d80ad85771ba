// A directory as glog keeps it: DIRECTORY/osqueryd.INFO, a link to a file named after its writer.
#pragma once

#include <glib/gstdio.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

class LogDirectory
{
public:
  LogDirectory()
  {
    char name[] = "/tmp/wd-log-XXXXXX";
    path = mkdtemp(name);
  }

  ~LogDirectory()
  {
    EXPECT_EQ(system(("rm -rf " + path).c_str()), 0);
  }

  std::string file(gint64 pid, const char *date = "20261129-010225") const
  {
    return std::string("osqueryd.INFO.") + date + "." + std::to_string(pid);
  }

  std::string at(const std::string &name) const
  {
    return path + "/" + name;
  }

  /* Makes it the present one. */
  void link(const std::string &name) const
  {
    unlink(at("osqueryd.INFO").c_str());
    EXPECT_EQ(symlink(name.c_str(), at("osqueryd.INFO").c_str()), 0);
  }

  void append(const std::string &name, const std::string &text) const
  {
    const int fd = open(at(name).c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    ASSERT_GE(fd, 0);
    EXPECT_EQ(write(fd, text.data(), text.size()), (ssize_t)text.size());
    close(fd);
  }

  std::string path;
};
