#include "watchdog/core/settings/permission.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace
{

constexpr uid_t USER = 1000;
constexpr uid_t OTHER = 1001;

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
  WdPermission expected;
};

const Case CASES[] = {
    {"root's", S_IFREG | 0755, 0, S_IFDIR | 0755, WD_PERMISSION_SAFE},
    {"our own", S_IFREG | 0700, USER, S_IFDIR | 0755, WD_PERMISSION_SAFE},
    {"writable by the group is fine", S_IFREG | 0775, 0, S_IFDIR | 0755, WD_PERMISSION_SAFE},
    {"a directory that all may write is fine", S_IFREG | 0755, 0, S_IFDIR | 0777,
     WD_PERMISSION_SAFE},
    {"like /tmp", S_IFREG | 0755, 0, S_IFDIR | 01777, WD_PERMISSION_DIRECTORY_STICKY},
    {"sticky alone", S_IFREG | 0755, 0, S_IFDIR | 01755, WD_PERMISSION_DIRECTORY_STICKY},
    {"a directory", S_IFDIR | 0755, 0, S_IFDIR | 0755, WD_PERMISSION_IS_DIRECTORY},
    {"somebody else's", S_IFREG | 0755, OTHER, S_IFDIR | 0755, WD_PERMISSION_OWNER},
    {"executable by others alone", S_IFREG | 0655, 0, S_IFDIR | 0755, WD_PERMISSION_NOT_EXECUTABLE},
    {"writable by others", S_IFREG | 0757, 0, S_IFDIR | 0755, WD_PERMISSION_WRITABLE},
    {"the first failed check counts", S_IFREG | 0646, OTHER, S_IFDIR | 01777,
     WD_PERMISSION_DIRECTORY_STICKY},
    {"and the second", S_IFREG | 0646, OTHER, S_IFDIR | 0755, WD_PERMISSION_OWNER},
    {"and the third", S_IFREG | 0646, USER, S_IFDIR | 0755, WD_PERMISSION_NOT_EXECUTABLE},
};

TEST(Permission, FollowsOsquerysRule)
{
  for (const Case &c : CASES) {
    struct stat file = with(c.file_mode, c.owner);
    struct stat directory = with(c.directory_mode, 0);
    EXPECT_EQ(wd_permission_check(&file, &directory, USER, FALSE), c.expected) << c.why;
    EXPECT_EQ(wd_permission_check(&file, &directory, USER, TRUE), WD_PERMISSION_SAFE) << c.why;
  }
}

TEST(Permission, MissingIsNeverSafe)
{
  struct stat file = with(S_IFREG | 0755, 0);
  struct stat directory = with(S_IFDIR | 0755, 0);
  EXPECT_EQ(wd_permission_check(nullptr, &directory, USER, TRUE), WD_PERMISSION_MISSING);
  EXPECT_EQ(wd_permission_check(nullptr, &directory, USER, FALSE), WD_PERMISSION_MISSING);
  EXPECT_EQ(wd_permission_check(&file, nullptr, USER, FALSE), WD_PERMISSION_DIRECTORY_MISSING);
}

TEST(Permission, EachFailureHasItsText)
{
  std::set<std::string> texts;
  for (int i = WD_PERMISSION_SAFE; i <= WD_PERMISSION_WRITABLE; i++)
    EXPECT_TRUE(texts.insert(wd_permission_text(static_cast<WdPermission>(i))).second) << i;
  EXPECT_STREQ(wd_permission_text(WD_PERMISSION_WRITABLE), "is writable by others");
}

} // namespace
