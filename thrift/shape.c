#include "thrift/shape.h"

#include <string.h>

#define LIST_OF(...) ((const WireShape *const[]){__VA_ARGS__})
#define STRUCT(...)                                      \
  {                                                      \
    .type = WIRE_STRUCT, .fields = LIST_OF(__VA_ARGS__), \
    .n_fields = G_N_ELEMENTS(LIST_OF(__VA_ARGS__))       \
  }

static const WireShape TEXT = {.type = WIRE_STRING};
static const WireShape I32 = {.type = WIRE_I32};
static const WireShape I64 = {.type = WIRE_I64};

static const WireShape ROW = {.type = WIRE_MAP, .key = &TEXT, .value = &TEXT};
static const WireShape ROWS = {.type = WIRE_LIST, .value = &ROW};
static const WireShape STATUS = STRUCT(NULL, &I32, &TEXT, &I64);
static const WireShape RESPONSE = STRUCT(NULL, &STATUS, &ROWS);
static const WireShape OPTION = STRUCT(NULL, &TEXT, &TEXT, &TEXT);
static const WireShape OPTIONS = {.type = WIRE_MAP, .key = &TEXT, .value = &OPTION};
static const WireShape INFO = STRUCT(NULL, &TEXT, &TEXT, &TEXT, &TEXT);
static const WireShape INFOS = {.type = WIRE_MAP, .key = &I64, .value = &INFO};
static const WireShape ITEMS = {.type = WIRE_MAP, .key = &TEXT, .value = &ROWS};
static const WireShape REGISTRY = {.type = WIRE_MAP, .key = &TEXT, .value = &ITEMS};
static const WireShape APPLICATION_EXCEPTION = STRUCT(NULL, &TEXT, &I32);

static const struct {
  const char *name;
  WireShape arguments;
  WireShape result;
} METHODS[] = {
    {"ping", {.type = WIRE_STRUCT}, STRUCT(&STATUS)},
    {"call", STRUCT(NULL, &TEXT, &TEXT, &ROW), STRUCT(&RESPONSE)},
    {"shutdown", {.type = WIRE_STRUCT}, {.type = WIRE_STRUCT}},
    {"extensions", {.type = WIRE_STRUCT}, STRUCT(&INFOS)},
    {"options", {.type = WIRE_STRUCT}, STRUCT(&OPTIONS)},
    {"registerExtension", STRUCT(NULL, &INFO, &REGISTRY), STRUCT(&STATUS)},
    {"deregisterExtension", STRUCT(NULL, &I64), STRUCT(&STATUS)},
    {"query", STRUCT(NULL, &TEXT), STRUCT(&RESPONSE)},
    {"getQueryColumns", STRUCT(NULL, &TEXT), STRUCT(&RESPONSE)},
};

const WireShape *
wire_shape_of_method(const char *method, WireDirection direction)
{
  for (gsize i = 0; i < G_N_ELEMENTS(METHODS); i++)
    if (strcmp(METHODS[i].name, method) == 0)
      return direction == WIRE_FROM_CLIENT ? &METHODS[i].arguments : &METHODS[i].result;
  return NULL;
}

const WireShape *
wire_shape_of_exception(void)
{
  return &APPLICATION_EXCEPTION;
}
