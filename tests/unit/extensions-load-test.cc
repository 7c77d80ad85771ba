#include "watchdog/core/settings/extensions-load.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace
{

std::vector<std::string>
entries(const std::string &text)
{
  std::vector<std::string> all;
  g_auto(GStrv) parsed = wd_extensions_load_parse(text.data(), text.size());
  for (char **path = parsed; *path != nullptr; path++)
    all.push_back(*path);
  return all;
}

using Entries = std::vector<std::string>;

TEST(ExtensionsLoad, OnePathALine)
{
  EXPECT_EQ(entries(""), Entries{});
  EXPECT_EQ(entries("\n\n \n"), Entries{});
  EXPECT_EQ(entries("/a.ext"), Entries{"/a.ext"});
  EXPECT_EQ(entries("/a.ext\n/b.ext\n"), (Entries{"/a.ext", "/b.ext"}));
  EXPECT_EQ(entries("/a.ext\n/a.ext"), (Entries{"/a.ext", "/a.ext"}));
}

TEST(ExtensionsLoad, BlanksAndCommentsDoNotCount)
{
  EXPECT_EQ(entries("# all\n; of\n  # them\n\t;\n  /a b.ext \t\r\n\n/c #d.ext"),
            (Entries{"/a b.ext", "/c #d.ext"}));
}

/* As osqueryd 5.23.1 was seen to read them. */
TEST(ExtensionsLoad, EveryBlankIsTakenOffAPath)
{
  EXPECT_EQ(entries("\v/a.ext\f\n \t\r\v/b.ext\r\n"), (Entries{"/a.ext", "/b.ext"}));
  EXPECT_EQ(entries("\xa0/a.ext"), Entries{"\xa0/a.ext"});
}

TEST(ExtensionsLoad, ALineEndsAtANul)
{
  const std::string nul(1, '\0');
  EXPECT_EQ(entries("/a.ext" + nul + "junk\n/b.ext"), (Entries{"/a.ext", "/b.ext"}));
  EXPECT_EQ(entries("/a" + nul + ".ext\n" + nul + "/b.ext\n" + nul), Entries{"/a"});
  EXPECT_EQ(entries("/a.ext " + nul), Entries{"/a.ext"});
}

TEST(ExtensionsLoad, NamesEndInExt)
{
  for (const char *path : {"/a.ext", "a.ext", "/a.b.ext", "/a b.ext"})
    EXPECT_TRUE(wd_extensions_load_accepts(path)) << path;
  for (const char *path : {"", "/a", "/a.EXT", "/a.ext/", "/a.ext.bak", "/a.ex", "/aext"})
    EXPECT_FALSE(wd_extensions_load_accepts(path)) << path;
}

} // namespace
