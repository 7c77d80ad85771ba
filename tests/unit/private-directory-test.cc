// What keeps a directory from being claimed, and that it can be claimed once that is over.
#include "watchdog/record/private-directory.h"

#include "tests/unit/child-process.h"
#include "tests/unit/store-fixture.h"

#include <fcntl.h>
#include <thread>

namespace
{

using Path = std::string;

class PrivateDirectory : public StoreTest
{
protected:
  void SetUp() override
  {
    StoreTest::SetUp();
    name = path("state");
    claimed = wd_private_directory_new(name.c_str());
  }

  void TearDown() override
  {
    wd_private_directory_free(claimed);
    unlink((name + "/lock").c_str());
    rmdir(name.c_str());
    StoreTest::TearDown();
  }

  bool claim()
  {
    problem.clear();
    g_autoptr(GError) error = nullptr;
    const bool done = wd_private_directory_claim(claimed, &error);
    EXPECT_EQ(done, error == nullptr);
    EXPECT_EQ(done, wd_private_directory_claimed(claimed));
    problem = error != nullptr ? error->message : "";
    busy = g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_AGAIN);
    return done;
  }

  bool could_claim() const
  {
    g_autoptr(GError) error = nullptr;
    const bool could = wd_private_directory_check(name.c_str(), &error);
    EXPECT_EQ(could, error == nullptr);
    EXPECT_TRUE(could || strstr(error->message, name.c_str()) != nullptr) << error->message;
    return could;
  }

  Path name, problem;
  bool busy = false;
  WdPrivateDirectory *claimed = nullptr;
};

TEST_F(PrivateDirectory, IsMadeWithItsParents)
{
  const Path deep = path("a/b");
  WdPrivateDirectory *directory = wd_private_directory_new(deep.c_str());
  EXPECT_FALSE(wd_private_directory_claimed(directory));
  EXPECT_NE(access(path("a").c_str(), F_OK), 0);
  EXPECT_TRUE(wd_private_directory_check(deep.c_str(), nullptr));
  EXPECT_NE(access(path("a").c_str(), F_OK), 0);
  EXPECT_TRUE(wd_private_directory_claim(directory, nullptr));
  struct stat made;
  ASSERT_EQ(stat(deep.c_str(), &made), 0);
  EXPECT_EQ(made.st_mode & 07777, 0700u);
  EXPECT_EQ(wd_private_directory_path(directory), deep);
  wd_private_directory_free(directory);
  unlink((deep + "/lock").c_str());
  rmdir(deep.c_str());
  rmdir(path("a").c_str());
}

struct Obstacle {
  const char *what;
  void (*put)(const Path &name);
  void (*take_away)(const Path &name);
};

void
make_file(const Path &name)
{
  close(open(name.c_str(), O_WRONLY | O_CREAT, 0600));
}

void
remove_file(const Path &name)
{
  unlink(name.c_str());
}

template <mode_t MODE>
void
make_directory(const Path &name)
{
  mkdir(name.c_str(), 0700);
  chmod(name.c_str(), MODE);
}

void
make_right(const Path &name)
{
  chmod(name.c_str(), 0700);
}

const Obstacle OBSTACLES[] = {
    {"Not a directory", make_file, remove_file},
    {"Not a directory", [](const Path &name) { EXPECT_EQ(symlink("nowhere", name.c_str()), 0); },
     remove_file},
    {"is writable by others", make_directory<0777>, make_right},
    {"is writable by others", make_directory<0720>, make_right},
    {"/lock: ",
     [](const Path &name) {
       mkdir(name.c_str(), 0700);
       EXPECT_EQ(symlink("elsewhere", (name + "/lock").c_str()), 0);
     },
     [](const Path &name) { unlink((name + "/lock").c_str()); }},
};

TEST_F(PrivateDirectory, CanBeHadOnceNothingIsInTheWay)
{
  for (const Obstacle &obstacle : OBSTACLES) {
    SCOPED_TRACE(obstacle.what);
    obstacle.put(name);
    const bool in_lock = strchr(obstacle.what, '/') != nullptr;
    EXPECT_EQ(could_claim(), in_lock);
    EXPECT_FALSE(claim());
    EXPECT_NE(problem.find(name), Path::npos) << problem;
    EXPECT_NE(problem.find(obstacle.what), Path::npos) << problem;
    EXPECT_FALSE(busy);
    obstacle.take_away(name);
    EXPECT_TRUE(could_claim());
    EXPECT_TRUE(claim());
    wd_private_directory_free(claimed);
    claimed = wd_private_directory_new(name.c_str());
    unlink((name + "/lock").c_str());
    rmdir(name.c_str());
  }
}

TEST_F(PrivateDirectory, AFileAboveItIsInTheWay)
{
  make_file(path("file"));
  const Path below = path("file/a/b");
  EXPECT_FALSE(wd_private_directory_check(below.c_str(), nullptr));
  WdPrivateDirectory *directory = wd_private_directory_new(below.c_str());
  EXPECT_FALSE(wd_private_directory_claim(directory, nullptr));
  wd_private_directory_free(directory);
}

TEST_F(PrivateDirectory, AnotherUsersIsLeftAlone)
{
  if (geteuid() != 0)
    GTEST_SKIP() << "needs root";
  make_directory<0700>(name);
  ASSERT_EQ(chown(name.c_str(), 65534, 65534), 0);
  EXPECT_FALSE(could_claim());
  EXPECT_FALSE(claim());
  EXPECT_EQ(problem, name + ": is owned by another user");
  EXPECT_NE(access((name + "/lock").c_str(), F_OK), 0);
}

TEST_F(PrivateDirectory, OneProcessHasItAtATime)
{
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  Child other([this, &ready] {
    (void)wd_private_directory_claim(claimed, nullptr);
    (void)!write(ready[1], "", 1);
  });
  char byte;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  EXPECT_TRUE(wd_private_directory_is_claimed_by(name.c_str(), other.pid));
  EXPECT_FALSE(wd_private_directory_is_claimed_by(name.c_str(), getpid()));
  EXPECT_FALSE(wd_private_directory_is_claimed_by(path("missing").c_str(), other.pid));
  EXPECT_TRUE(could_claim());
  EXPECT_FALSE(claim());
  EXPECT_TRUE(busy);
  kill(other.pid, SIGKILL);
  other.reap();
  EXPECT_FALSE(wd_private_directory_is_claimed_by(name.c_str(), other.pid));
  EXPECT_TRUE(claim());
  close(ready[0]);
  close(ready[1]);
}

TEST_F(PrivateDirectory, OneProcessMayHaveItTwice)
{
  WdPrivateDirectory *second = wd_private_directory_new(name.c_str());
  EXPECT_TRUE(claim());
  EXPECT_TRUE(wd_private_directory_claim(second, nullptr));
  EXPECT_TRUE(claim());
  wd_private_directory_free(second);
}

TEST_F(PrivateDirectory, IsClaimedAnewWhenItWasRemoved)
{
  EXPECT_TRUE(claim());
  ASSERT_EQ(unlink((name + "/lock").c_str()), 0);
  ASSERT_EQ(rmdir(name.c_str()), 0);
  EXPECT_TRUE(claim());
  EXPECT_EQ(access((name + "/lock").c_str(), F_OK), 0);
}

} // namespace
