#include "watchdog/core/settings/permission.h"

#include <gtest/gtest.h>

namespace
{

constexpr uid_t USER = 1000;
constexpr uid_t OTHER = 1001;

const char STICKY[] = "is in a directory with the sticky bit, like /tmp";
const char OWNER[] = "is owned by neither root nor the current user";
const char NOT_EXECUTABLE[] = "is not executable by its owner";

struct stat
with(mode_t mode, uid_t owner)
{
  struct stat stat = {};
  stat.st_mode = mode;
  stat.st_uid = owner;
  return stat;
}

struct Case {
  const char *why;
  mode_t file_mode;
  uid_t owner;
  mode_t directory_mode;
  const char *expected; /* NULL: safe */
};

const Case CASES[] = {
    {"root's", S_IFREG | 0755, 0, S_IFDIR | 0755, nullptr},
    {"our own", S_IFREG | 0700, USER, S_IFDIR | 0755, nullptr},
    {"writable by the group is fine", S_IFREG | 0775, 0, S_IFDIR | 0755, nullptr},
    {"a directory that all may write is fine", S_IFREG | 0755, 0, S_IFDIR | 0777, nullptr},
    {"like /tmp", S_IFREG | 0755, 0, S_IFDIR | 01777, STICKY},
    {"sticky alone", S_IFREG | 0755, 0, S_IFDIR | 01755, STICKY},
    {"a directory", S_IFDIR | 0755, 0, S_IFDIR | 0755, "is a directory"},
    {"somebody else's", S_IFREG | 0755, OTHER, S_IFDIR | 0755, OWNER},
    {"executable by others alone", S_IFREG | 0655, 0, S_IFDIR | 0755, NOT_EXECUTABLE},
    {"writable by others", S_IFREG | 0757, 0, S_IFDIR | 0755, "is writable by others"},
    {"the first failed check counts", S_IFREG | 0646, OTHER, S_IFDIR | 01777, STICKY},
    {"and the second", S_IFREG | 0646, OTHER, S_IFDIR | 0755, OWNER},
    {"and the third", S_IFREG | 0646, USER, S_IFDIR | 0755, NOT_EXECUTABLE},
};

TEST(Permission, FollowsOsquerysRule)
{
  for (const Case &c : CASES) {
    struct stat file = with(c.file_mode, c.owner);
    struct stat directory = with(c.directory_mode, 0);
    EXPECT_STREQ(wd_permission_fault(&file, &directory, USER, FALSE), c.expected) << c.why;
    EXPECT_STREQ(wd_permission_fault(&file, &directory, USER, TRUE), nullptr) << c.why;
  }
}

TEST(Permission, MissingIsNeverSafe)
{
  struct stat file = with(S_IFREG | 0755, 0);
  struct stat directory = with(S_IFDIR | 0755, 0);
  EXPECT_STREQ(wd_permission_fault(nullptr, &directory, USER, TRUE), "can't be opened");
  EXPECT_STREQ(wd_permission_fault(nullptr, &directory, USER, FALSE), "can't be opened");
  EXPECT_STREQ(wd_permission_fault(&file, nullptr, USER, FALSE),
               "names no directory that can be looked at");
}

} // namespace
