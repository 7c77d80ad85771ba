#include <gtest/gtest.h>

#include <string>

#include "tests/stand-in/context.h"

namespace
{

StandTable *
Table(gint64 uuid = 7)
{
  StandTable *table = stand_table_new("t", uuid);
  stand_table_add_column(table, "name", STAND_TYPE_TEXT, 0);
  stand_table_add_column(table, "eid", STAND_TYPE_BIGINT, STAND_COLUMN_INDEX);
  return table;
}

std::string
Json(const StandTable *table, const std::vector<StandConstraint> &list, guint64 used)
{
  g_autoptr(GArray) constraints = stand_constraints_new();
  for (const StandConstraint &each : list) {
    StandConstraint constraint = {each.column, each.op, g_strdup(each.expr)};
    g_array_append_val(constraints, constraint);
  }
  g_autofree char *json = stand_context_json(table, constraints, used);
  return json;
}

TEST(Context, NamesEveryColumnInOrderOfTheNames)
{
  g_autoptr(StandTable) table = Table();
  EXPECT_EQ(Json(table, {}, 0),
            R"({"constraints":[{"name":"eid","list":[],"affinity":"BIGINT"},)"
            R"({"name":"name","list":[],"affinity":"TEXT"}],"colsUsed":[],"colsUsedBitset":0})");
}

TEST(Context, GroupsConstraintsByColumnInTheirOrder)
{
  g_autoptr(StandTable) table = Table();
  char forty_two[] = "42", a[] = "a", seven[] = "7";
  EXPECT_EQ(Json(table, {{1, 4, forty_two}, {0, 65, a}, {1, 16, seven}}, 3),
            R"({"constraints":[{"name":"eid","list":[{"op":4,"expr":"42"},{"op":16,"expr":"7"}],)"
            R"("affinity":"BIGINT"},{"name":"name","list":[{"op":65,"expr":"a"}],)"
            R"("affinity":"TEXT"}],"colsUsed":["name","eid"],"colsUsedBitset":3})");
}

TEST(Context, EscapesAsOsqueryDoes)
{
  g_autoptr(StandTable) table = stand_table_new("t", 7);
  stand_table_add_column(table, "n", STAND_TYPE_TEXT, 0);
  char text[] = "\"\\/\b\f\n\r\t\x01\x1f\x7f\xc3\xa9";
  EXPECT_EQ(Json(table, {{0, 2, text}}, 1),
            "{\"constraints\":[{\"name\":\"n\",\"list\":[{\"op\":2,\"expr\":"
            "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001F\x7f\xc3\xa9\"}],\"affinity\":\"TEXT\"}],"
            "\"colsUsed\":[\"n\"],\"colsUsedBitset\":1}");
}

TEST(Context, TheLastBitStandsForAllColumnsFrom63On)
{
  g_autoptr(StandTable) table = stand_table_new("t", 7);
  for (int i = 0; i < 66; i++) {
    g_autofree char *name = g_strdup_printf("c%02d", i);
    stand_table_add_column(table, name, STAND_TYPE_TEXT, 0);
  }
  std::string json = Json(table, {}, G_GUINT64_CONSTANT(1) << 63 | 1);
  EXPECT_NE(json.find(R"("colsUsed":["c00","c63","c64","c65"],)"
                      R"("colsUsedBitset":9223372036854775809})"),
            std::string::npos)
      << json;
}

struct Declared {
  const char *name;
  std::vector<StandColumn> columns;
  const char *statement;
};

class Declaration : public testing::TestWithParam<Declared>
{
};

TEST_P(Declaration, IsOsquerys)
{
  g_autoptr(StandTable) table = stand_table_new("t", 7);
  for (const StandColumn &column : GetParam().columns)
    stand_table_add_column(table, column.name, column.type, column.options);
  g_autofree char *statement = stand_table_statement(table);
  EXPECT_STREQ(statement, GetParam().statement);
}

char kA[] = "a", kB[] = "b`c";

INSTANTIATE_TEST_SUITE_P(
    Table, Declaration,
    testing::Values(Declared{"Plain",
                             {{kA, STAND_TYPE_TEXT, 0}, {kB, STAND_TYPE_UNSIGNED_BIGINT, 0}},
                             "CREATE TABLE `t`(`a` TEXT, `b``c` UNSIGNED BIGINT)"},
                    Declared{"Hidden",
                             {{kA, STAND_TYPE_INTEGER, STAND_COLUMN_HIDDEN}},
                             "CREATE TABLE `t`(`a` INTEGER HIDDEN)"},
                    Declared{"Indexed",
                             {{kA, STAND_TYPE_TEXT, 0}, {kB, STAND_TYPE_BIGINT, 9}},
                             "CREATE TABLE `t`(`a` TEXT, `b``c` BIGINT, PRIMARY KEY (`b``c`))"},
                    Declared{"OnlyAdditional",
                             {{kA, STAND_TYPE_TEXT, 0}, {kB, STAND_TYPE_TEXT, 4}},
                             "CREATE TABLE `t`(`a` TEXT, `b``c` TEXT, PRIMARY KEY (`a`, `b``c`))"}),
    [](const auto &info) { return info.param.name; });

TEST(Table, AColumnOfAnExtensionIsIndexedByDefault)
{
  g_autoptr(StandTable) table = Table();
  g_autoptr(StandTable) core = Table(0);
  EXPECT_EQ(stand_column_effective_options(table, stand_table_column(table, 0)),
            guint{STAND_COLUMN_INDEX});
  EXPECT_EQ(stand_column_effective_options(core, stand_table_column(core, 0)), 0u);
}

} // namespace
