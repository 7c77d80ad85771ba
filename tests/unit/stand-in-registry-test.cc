#include <gtest/gtest.h>

#include <string>

#include "tests/stand-in/registry.h"

namespace
{

class Registry : public testing::Test
{
protected:
  Registry()
  {
    g_autoptr(GPtrArray) core =
        g_ptr_array_new_with_free_func(reinterpret_cast<GDestroyNotify>(stand_table_unref));
    g_ptr_array_add(core, stand_table_new("osquery_info", 0));
    registry_ = stand_registry_new(core);
  }

  ~Registry() override
  {
    stand_registry_free(registry_);
  }

  /* Registers @item of @kind with one column, or without any. Returns: the uuid's sign or the
   * refusal. */
  std::string Add(const char *name, const char *sdk, const char *kind, const char *item,
                  bool with_column = true)
  {
    auto unref = reinterpret_cast<GDestroyNotify>(g_hash_table_unref);
    GPtrArray *route = g_ptr_array_new_with_free_func(unref);
    if (with_column) {
      GHashTable *column = g_hash_table_new(g_str_hash, g_str_equal);
      static char id[] = "id", column_[] = "column", name_[] = "name", type[] = "type", x[] = "x",
                  text[] = "TEXT";
      g_hash_table_insert(column, id, column_);
      g_hash_table_insert(column, name_, x);
      g_hash_table_insert(column, type, text);
      g_ptr_array_add(route, column);
    }
    GHashTable *routes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                               reinterpret_cast<GDestroyNotify>(g_ptr_array_unref));
    g_hash_table_insert(routes, g_strdup(item), route);
    g_autoptr(GHashTable) broadcast = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, unref);
    g_hash_table_insert(broadcast, g_strdup(kind), routes);
    StandExtensionInfo info = {name, "1", sdk, "0"};
    g_autofree char *refusal = nullptr;
    last_ = stand_registry_add(registry_, &info, broadcast, &refusal);
    return refusal != nullptr ? refusal : "";
  }

  StandRegistry *registry_;
  gint64 last_ = -1;
};

TEST_F(Registry, RefusesInOsquerysWords)
{
  EXPECT_EQ(Add("a", "1.7.7", "table", "t"), "");
  EXPECT_EQ(Add("a", "1.7.7", "table", "u"), "Duplicate extension registered");
  EXPECT_EQ(last_, -1);
  EXPECT_EQ(Add("b", "1.7.6", "table", "u"), "Incompatible extension SDK version");
  EXPECT_EQ(Add("b", "1.7.7", "table", "t"),
            "Failed adding registry: Registry item t conflicts with another item of the same "
            "name.");
  EXPECT_EQ(Add("b", "1.7.7", "table", "osquery_info"),
            "Failed adding registry: Registry item osquery_info conflicts with another item of "
            "the same name.");
  EXPECT_EQ(Add("b", "1.7.7", "tabel", "u"), "Failed adding registry: Unknown registry: tabel");
  EXPECT_EQ(Add("b", "1.7.7", "table", "u", false), "Failed adding registry: Invalid route info");
  EXPECT_EQ(Add("b", "1.7.7", "logger", "t", false), "");
}

TEST_F(Registry, ComparesSdkVersionsAsOsqueryDoes)
{
  const struct {
    const char *version;
    bool passes;
  } cases[] = {{"0.0.0", true},  {"", true},       {"1", true},      {"1.8", true},
               {"1.7.7", true},  {"1.10.0", true}, {"5.23.0", true}, {"1.7.6", false},
               {"1.6.9", false}, {"0.9.9", false}};
  for (const auto &each : cases) {
    EXPECT_EQ(Add("a", each.version, "table", "t") == "", each.passes) << each.version;
    EXPECT_EQ(stand_registry_remove(registry_, last_), each.passes);
  }
}

TEST_F(Registry, KnowsWhoHasWhatUntilItIsRemoved)
{
  ASSERT_EQ(Add("a", "1.7.7", "table", "t"), "");
  gint64 uuid = last_;
  EXPECT_GT(uuid, 0);
  EXPECT_LE(uuid, 65535);
  {
    g_autoptr(StandExtension) owner = stand_registry_owner(registry_, "table", "t");
    ASSERT_NE(owner, nullptr);
    EXPECT_EQ(owner->uuid, uuid);
    g_autoptr(GPtrArray) tables = stand_registry_tables(registry_);
    ASSERT_EQ(tables->len, 2u);
    EXPECT_STREQ(static_cast<StandTable *>(g_ptr_array_index(tables, 1))->name, "t");
  }
  EXPECT_TRUE(stand_registry_remove(registry_, uuid));
  EXPECT_FALSE(stand_registry_remove(registry_, uuid));
  EXPECT_EQ(stand_registry_owner(registry_, "table", "t"), nullptr);
  g_autoptr(GPtrArray) tables = stand_registry_tables(registry_);
  EXPECT_EQ(tables->len, 1u);
  EXPECT_EQ(Add("a", "1.7.7", "table", "t"), "");
}

} // namespace
