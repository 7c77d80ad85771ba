def test_x(booted, package):
    booted.install(package)
    print(booted.run("osquery-watchdog","enable"))
    print(booted.run("systemctl","status","osqueryd").stdout)
    print(booted.run("osquery-watchdogctl","status").stdout)
    print(booted.run("osquery-watchdogctl","events").stdout)
    print(booted.run("systemctl","show","-p","ExecStart","osqueryd").stdout)
    print(booted.run("systemd-analyze","verify","osqueryd.service"))
    print(booted.run("journalctl","-u", "osqueryd", "--no-pager").stdout)
    assert 0
