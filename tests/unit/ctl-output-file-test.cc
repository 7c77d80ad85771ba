#include "tables/ctl/print/output-file.h"

#include "tests/unit/store-fixture.h"

namespace
{

class OutputFile : public StoreTest
{
protected:
  bool write(const std::string &file, const std::string &text)
  {
    g_autoptr(GError) error = nullptr;
    gboolean done = ctl_output_file(file.c_str(), text.data(), text.size(), &error);
    message = error != nullptr ? error->message : "";
    EXPECT_EQ(done, error == nullptr);
    return done;
  }

  static std::string content(const std::string &file)
  {
    g_autofree char *text = nullptr;
    gsize length = 0;
    EXPECT_TRUE(g_file_get_contents(file.c_str(), &text, &length, nullptr));
    return std::string(text, length);
  }

  // The files in the directory.
  guint files()
  {
    g_autoptr(GDir) dir = g_dir_open(directory.c_str(), 0, nullptr);
    guint n = 0;
    while (g_dir_read_name(dir) != nullptr)
      n++;
    return n;
  }

  std::string message;
};

TEST_F(OutputFile, IsThereAsAWholeAndPrivate)
{
  mode_t before = umask(0);
  const std::string text(3 << 20, 'x');
  EXPECT_TRUE(write(path("page"), text));
  umask(before);
  EXPECT_EQ(content(path("page")), text);
  struct stat info;
  ASSERT_EQ(stat(path("page").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  EXPECT_EQ(files(), 1u);
}

TEST_F(OutputFile, ReplacesWhatWasThere)
{
  ASSERT_TRUE(write(path("page"), "old"));
  EXPECT_TRUE(write(path("page"), "new"));
  EXPECT_EQ(content(path("page")), "new");
  EXPECT_EQ(files(), 1u);
}

TEST_F(OutputFile, ALinkIsReplacedNotFollowed)
{
  ASSERT_TRUE(write(path("precious"), "kept"));
  ASSERT_EQ(symlink(path("precious").c_str(), path("page").c_str()), 0);
  EXPECT_TRUE(write(path("page"), "new"));
  EXPECT_EQ(content(path("precious")), "kept");
  EXPECT_EQ(content(path("page")), "new");
}

TEST_F(OutputFile, AFailureLeavesNothing)
{
  EXPECT_FALSE(write(path("none/page"), "x"));
  EXPECT_EQ(message, path("none/page") + ": cannot be written: No such file or directory");
  ASSERT_EQ(mkdir(path("page").c_str(), 0700), 0);
  EXPECT_FALSE(write(path("page"), "x"));
  EXPECT_EQ(message, path("page") + ": cannot be written: Is a directory");
  EXPECT_EQ(files(), 1u);
  EXPECT_FALSE(write("/dev/shm", "x"));
  ASSERT_EQ(rmdir(path("page").c_str()), 0);
}

} // namespace
