#include "watchdog/core/kernel/interpreter.h"

#include <gtest/gtest.h>
#include <string>

namespace
{

TEST(Interpreter, IsReadAsTheKernelReadsIt)
{
  const std::string full(WD_INTERPRETER_HEAD_SIZE, 'x');
  const struct {
    std::string head;
    const char *interpreter;
  } cases[] = {
      {"#!/bin/sh\nexit 1\n", "/bin/sh"},
      {"#! \t/bin/sh", "/bin/sh"},
      {"#!/usr/bin/env python3\n", "/usr/bin/env"},
      {"#!/usr/bin/python3\r\nimport os\r\n", "/usr/bin/python3\r"},
      {"#!/usr/bin/env python3\r\n", "/usr/bin/env"},
      {"#!\n/bin/sh", nullptr},
      {"#!", nullptr},
      {"#", nullptr},
      {"", nullptr},
      {" #!/bin/sh\n", nullptr},
      {"\x7f"
       "ELF",
       nullptr},
      {std::string("#!") + full, full.c_str() + 2},
  };
  for (const auto &c : cases) {
    g_autofree char *interpreter = wd_interpreter_parse(c.head.data(), c.head.size());
    EXPECT_STREQ(interpreter, c.interpreter) << c.head;
  }
}

} // namespace
