/* Reads what a kernel would show, from a directory in place of "/". */
#include "watchdog/look/control-group.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

namespace
{

namespace fs = std::filesystem;

class ControlGroup : public testing::Test
{
protected:
  ControlGroup()
  {
    g_autofree char *made = g_dir_make_tmp("control-group-XXXXXX", nullptr);
    root = made;
  }

  ~ControlGroup() override
  {
    fs::remove_all(root);
  }

  /* "CPU% FILE, BYTES FILE" of the caps in the files, FILE without root; - for no cap. */
  std::string caps(const std::map<std::string, std::string> &files)
  {
    fs::remove_all(root);
    for (const auto &[path, text] : files) {
      fs::create_directories(fs::path(root + path).parent_path());
      std::ofstream(root + path) << text;
    }
    g_auto(WdGroupCaps) found;
    wd_control_group_caps(root.c_str(), &found);
    return shown(found.cpu_percent) + ", " + shown(found.memory_bytes);
  }

  std::string root;

private:
  std::string shown(const WdGroupCap &cap) const
  {
    if (cap.file == nullptr)
      return cap.amount == -1 ? "-" : "an amount without a file";
    const std::string file = cap.file;
    EXPECT_EQ(file.compare(0, root.size(), root), 0) << file;
    return std::to_string(cap.amount) + " " + file.substr(root.size());
  }
};

const std::string GROUPS = "/proc/self/cgroup";
const std::string MOUNT = "/sys/fs/cgroup";

TEST_F(ControlGroup, CapsOfVersion2)
{
  const std::string in_slice = "0::/system.slice/osqueryd.service\n";
  const std::string slice = MOUNT + "/system.slice";
  const std::string unit = slice + "/osqueryd.service";
  EXPECT_EQ(caps({}), "-, -");
  EXPECT_EQ(caps({{GROUPS, in_slice}}), "-, -");
  EXPECT_EQ(caps({{GROUPS, in_slice},
                  {unit + "/cpu.max", "max 100000\n"},
                  {unit + "/memory.max", "max\n"},
                  {unit + "/memory.high", "max\n"}}),
            "-, -");
  EXPECT_EQ(caps({{GROUPS, in_slice},
                  {unit + "/cpu.max", "20000 100000\n"},
                  {unit + "/memory.max", "300\n"},
                  {unit + "/memory.high", "200\n"}}),
            "20 /sys/fs/cgroup/system.slice/osqueryd.service/cpu.max, "
            "200 /sys/fs/cgroup/system.slice/osqueryd.service/memory.high");
  /* A group around ours binds, too. */
  EXPECT_EQ(caps({{GROUPS, in_slice},
                  {unit + "/cpu.max", "20000 100000\n"},
                  {slice + "/cpu.max", "10000 100000\n"},
                  {unit + "/memory.max", "max\n"},
                  {slice + "/memory.max", "100\n"}}),
            "10 /sys/fs/cgroup/system.slice/cpu.max, 100 /sys/fs/cgroup/system.slice/memory.max");
  /* Another group doesn't. */
  EXPECT_EQ(caps({{GROUPS, in_slice}, {slice + "/ssh.service/memory.max", "100\n"}}), "-, -");
}

/* Its own group is the root of what it sees. */
TEST_F(ControlGroup, CapsOfAContainer)
{
  EXPECT_EQ(caps({{GROUPS, "0::/\n"},
                  {MOUNT + "/cpu.max", "5000 100000\n"},
                  {MOUNT + "/memory.max", "100\n"}}),
            "5 /sys/fs/cgroup/cpu.max, 100 /sys/fs/cgroup/memory.max");
  EXPECT_EQ(caps({{GROUPS, "4:memory:/\n1:cpu,cpuacct:/\n"},
                  {MOUNT + "/cpu/cpu.cfs_quota_us", "5000\n"},
                  {MOUNT + "/cpu/cpu.cfs_period_us", "100000\n"},
                  {MOUNT + "/memory/memory.limit_in_bytes", "100\n"}}),
            "5 /sys/fs/cgroup/cpu/cpu.cfs_quota_us, "
            "100 /sys/fs/cgroup/memory/memory.limit_in_bytes");
  /* Without a namespace of its own: the path is the host's, the mount its group's. */
  EXPECT_EQ(caps({{GROUPS, "4:memory:/docker/1f\n1:cpu,cpuacct:/docker/1f\n"},
                  {MOUNT + "/memory/memory.limit_in_bytes", "100\n"}}),
            "-, 100 /sys/fs/cgroup/memory/memory.limit_in_bytes");
}

TEST_F(ControlGroup, CapsOfVersion1)
{
  const std::string groups = "4:memory:/a/b\n1:cpu,cpuacct:/a\n0::/\n";
  EXPECT_EQ(caps({{GROUPS, groups},
                  {MOUNT + "/cpu/a/cpu.cfs_quota_us", "-1\n"},
                  {MOUNT + "/cpu/a/cpu.cfs_period_us", "100000\n"},
                  {MOUNT + "/memory/a/b/memory.limit_in_bytes", "9223372036854771712\n"},
                  {MOUNT + "/memory/a/memory.limit_in_bytes", "300\n"}}),
            "-, 300 /sys/fs/cgroup/memory/a/memory.limit_in_bytes");
  EXPECT_EQ(caps({{GROUPS, groups},
                  {MOUNT + "/cpu/a/cpu.cfs_quota_us", "30000\n"},
                  {MOUNT + "/cpu/a/cpu.cfs_period_us", "100000\n"}}),
            "30 /sys/fs/cgroup/cpu/a/cpu.cfs_quota_us, -");
}

/* A path that climbs out leads nowhere. */
TEST_F(ControlGroup, ReadsNothingOutsideOfTheMount)
{
  EXPECT_EQ(caps({{GROUPS, "0::/../outside\n"}, {"/sys/fs/outside/memory.max", "100\n"}}), "-, -");
}

} // namespace
