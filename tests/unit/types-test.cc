#include "thrift/types.h"

#include <gtest/gtest.h>

#include "thrift/transport.h"
extern "C" {
// Generated: it says nothing of C++ itself.
#include "wire_extension_manager.h"
}

namespace
{
int finalized;

struct Plain {
  GObject parent;
};
struct PlainClass {
  GObjectClass parent;
};

// What Thrift 0.17 generates.
void
forgets_parent(GObject *)
{
  finalized++;
}
// What a newer one may generate.
void
chains_up(GObject *object)
{
  finalized++;
  G_OBJECT_CLASS(g_type_class_peek(G_TYPE_OBJECT))->finalize(object);
}
void
forgetful_init(gpointer class_data, gpointer)
{
  G_OBJECT_CLASS(class_data)->finalize = forgets_parent;
}
void
proper_init(gpointer class_data, gpointer)
{
  G_OBJECT_CLASS(class_data)->finalize = chains_up;
}

GType
make_type(const char *name, GClassInitFunc init)
{
  return g_type_register_static_simple(G_TYPE_OBJECT, name, sizeof(PlainClass), init, sizeof(Plain),
                                       nullptr, GTypeFlags(0));
}

// How often GObject's own finalizer runs: it clears an object's data.
int
ends_of(GType type)
{
  int ends = 0;
  auto *object = static_cast<GObject *>(g_object_new(type, nullptr));
  g_object_set_data_full(object, "probe", &ends,
                         [](gpointer data) { ++*static_cast<int *>(data); });
  g_object_unref(object);
  return ends;
}

TEST(Types, RepairsWhatForgetsItsParent)
{
  const GType type = make_type("Forgetful", forgetful_init);
  EXPECT_TRUE(wire_type_repair(type));
  finalized = 0;
  EXPECT_EQ(ends_of(type), 1);
  EXPECT_EQ(finalized, 1);
  EXPECT_FALSE(wire_type_repair(type)); // once
  EXPECT_EQ(ends_of(type), 1);
}

TEST(Types, LeavesAloneWhatChainsUp)
{
  const GType type = make_type("Proper", proper_init);
  EXPECT_FALSE(wire_type_repair(type));
  finalized = 0;
  EXPECT_EQ(ends_of(type), 1);
  EXPECT_EQ(finalized, 1);
  EXPECT_FALSE(wire_type_repair(make_type("Without", nullptr)));
}

// Holds with every Thrift: mended where it needs it, never finalized twice where it doesn't.
TEST(Types, GeneratedOnesEndOnce)
{
  wire_init();
  wire_init();
  for (const GType type :
       {WIRE_TYPE_EXTENSION_STATUS, WIRE_TYPE_EXTENSION_RESPONSE, WIRE_TYPE_INTERNAL_EXTENSION_INFO,
        WIRE_TYPE_INTERNAL_OPTION_INFO, WIRE_TYPE_EXTENSION_EXCEPTION,
        WIRE_TYPE_EXTENSION_CALL_ARGS, WIRE_TYPE_EXTENSION_CALL_RESULT,
        WIRE_TYPE_EXTENSION_MANAGER_REGISTER_EXTENSION_ARGS,
        WIRE_TYPE_EXTENSION_MANAGER_EXTENSIONS_RESULT, WIRE_TYPE_EXTENSION_MANAGER_QUERY_RESULT,
        WIRE_TYPE_EXTENSION_MANAGER_CLIENT})
    EXPECT_EQ(ends_of(type), 1) << g_type_name(type);
}
} // namespace
