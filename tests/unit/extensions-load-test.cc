#include "watchdog/core/settings/extensions-load.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace
{

std::vector<std::string>
entries(const char *text)
{
  std::vector<std::string> all;
  g_autoptr(GPtrArray) parsed = wd_extensions_load_parse(text);
  for (guint i = 0; i < parsed->len; i++) {
    auto *entry = static_cast<WdExtensionEntry *>(g_ptr_array_index(parsed, i));
    all.push_back(std::to_string(entry->line) + ":" + entry->path);
  }
  return all;
}

using Entries = std::vector<std::string>;

TEST(ExtensionsLoad, OnePathALine)
{
  EXPECT_EQ(entries(""), Entries{});
  EXPECT_EQ(entries("\n\n \n"), Entries{});
  EXPECT_EQ(entries("/a.ext"), Entries{"1:/a.ext"});
  EXPECT_EQ(entries("/a.ext\n/b.ext\n"), (Entries{"1:/a.ext", "2:/b.ext"}));
  EXPECT_EQ(entries("/a.ext\n/a.ext"), (Entries{"1:/a.ext", "2:/a.ext"}));
}

TEST(ExtensionsLoad, BlanksAndCommentsDoNotCount)
{
  EXPECT_EQ(entries("# all\n; of\n  # them\n\t;\n  /a b.ext \t\r\n\n/c #d.ext"),
            (Entries{"5:/a b.ext", "7:/c #d.ext"}));
}

TEST(ExtensionsLoad, NamesEndInExt)
{
  for (const char *path : {"/a.ext", "a.ext", "/a.b.ext", "/a b.ext"})
    EXPECT_TRUE(wd_extensions_load_accepts(path)) << path;
  for (const char *path : {"", "/a", "/a.EXT", "/a.ext/", "/a.ext.bak", "/a.ex", "/aext"})
    EXPECT_FALSE(wd_extensions_load_accepts(path)) << path;
}

} // namespace
