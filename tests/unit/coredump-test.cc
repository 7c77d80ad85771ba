#include "watchdog/core/kernel/coredump.h"

#include <gtest/gtest.h>

namespace
{

TEST(Coredump, Matches)
{
  const char boot_id[] = "01234567-89ab-cdef-0123-456789abcdef";
  const char found[] = "COREDUMP_PID=41 _BOOT_ID=0123456789abcdef0123456789abcdef";
  const char systemd[] = "|/usr/lib/systemd/systemd-coredump %P %u %g %s %t %c %h\n";
  const struct {
    const char *pattern;
    const char *boot_id;
    const char *matches;
  } cases[] = {
      {systemd, boot_id, found},
      {systemd, "0123456789abcdef0123456789abcdef", found},
      {"|/lib/systemd/systemd-coredump", boot_id, found},
      {"|/nix/store/x-systemd-257/lib/systemd/systemd-coredump\t%P", boot_id, found},
      {"core", boot_id, nullptr},
      {"", boot_id, nullptr},
      {"|", boot_id, nullptr},
      {"/var/crash/systemd-coredump", boot_id, nullptr},
      {"|/usr/share/apport/apport -p%p", boot_id, nullptr},
      {"|/bin/save /usr/lib/systemd/systemd-coredump", boot_id, nullptr},
      {"|/usr/lib/systemd/systemd-coredump2 %P", boot_id, nullptr},
      {systemd, "", nullptr},
      {systemd, "01234567-89ab-cdef-0123-456789abcde", nullptr},
      {systemd, "01234567-89ab-cdef-0123-456789abcdeg", nullptr},
      {systemd, "01234567-89ab-cdef-0123-456789abcdef0", nullptr},
  };
  for (const auto &c : cases) {
    g_autofree char *matches = wd_coredump_matches(c.pattern, c.boot_id, 41);
    EXPECT_STREQ(matches, c.matches) << c.pattern << " " << c.boot_id;
  }
}

} // namespace
