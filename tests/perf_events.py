"""Whether page faults may be counted here (perf_event_open), and how container runtimes refuse it."""

import ctypes
import os
import platform
import struct

PERF_EVENT_OPEN = {"x86_64": 298}.get(platform.machine(), 241)
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
EPERM = 1
LIBC = ctypes.CDLL(None, use_errno=True)


def refuse_counters():
    """A seccomp filter, for this process and all that come from it."""
    load, equal, answer = 0x20, 0x15, 0x06
    allow, refuse = 0x7FFF0000, 0x00050000 | EPERM
    program = ctypes.create_string_buffer(b"".join(
        struct.pack("HBBI", *instruction) for instruction in (
            (load, 0, 0, 0), (equal, 0, 1, PERF_EVENT_OPEN), (answer, 0, 0, refuse),
            (answer, 0, 0, allow))))
    filter_ = struct.pack("HxxxxxxP", 4, ctypes.addressof(program))
    if (LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 or
            LIBC.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter_, 0, 0) != 0):
        raise OSError(ctypes.get_errno(), "seccomp")


def counters_are_permitted():
    """Whether we may count page faults ourselves."""
    software, page_faults = 1, 2
    attributes = struct.pack("IIQ", software, 64, page_faults).ljust(64, b"\0")
    fd = LIBC.syscall(PERF_EVENT_OPEN, attributes, 0, -1, -1, 0)
    if fd >= 0:
        os.close(fd)
    return fd >= 0
