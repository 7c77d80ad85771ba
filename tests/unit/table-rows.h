/* What a table shows, as text. */
#pragma once

#include <gtest/gtest.h>
#include <string>
#include <vector>

extern "C" {
#include "tables/cursor.h"
#include "tables/definitions.h"
}

inline guint
table_column(const WdTable *table, const std::string &name)
{
  const guint i = table_column_index(table, name.c_str());
  if (i < table->n_columns)
    return i;
  ADD_FAILURE() << "no column " << name;
  return 0;
}

/* All rows of the answer to @query, or of all that there is, the values of @columns joined by '|',
 * NULL as "-"; or the error. */
inline std::vector<std::string>
ask_table(TableStore *store, const WdTable *table, const std::vector<std::string> &columns,
          TableQuery *query = nullptr)
{
  g_autoptr(TableQuery) everything = table_query_new();
  g_autoptr(GError) error = nullptr;
  g_autoptr(TableCursor) cursor =
      table_cursor_open(store, table, query != nullptr ? query : everything, &error);
  if (cursor == nullptr)
    return {std::string("error: ") + error->message};
  std::vector<std::string> result;
  TableStep step;
  while ((step = table_cursor_next(cursor, &error)) == TABLE_ROW) {
    std::string row;
    for (const std::string &name : columns) {
      gsize length;
      const guint column = table_column(table, name);
      const char *text = table_cursor_text(cursor, column, &length);
      EXPECT_EQ(text == nullptr, table_cursor_is_null(cursor, column));
      row += row.empty() ? "" : "|";
      row += text != nullptr ? std::string(text, length) : "-";
    }
    result.push_back(row);
  }
  if (step == TABLE_FAILED)
    return {std::string("error: ") + error->message};
  EXPECT_EQ(table_cursor_next(cursor, &error), TABLE_END);
  return result;
}
