"""A program at a terminal: what it shows, and keys for it."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time

from harness import PATIENCE, eventually


class Terminal:
    """Runs @command at a terminal of its own, which is also its controlling one."""

    def __init__(self, command, columns=80, term="xterm", locale="C.UTF-8", **environment):
        self.leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        env = {name: value for name, value in os.environ.items()
               if name not in ("NO_COLOR", "COLUMNS")}
        env.update(TERM=term, LC_ALL=locale, **environment)
        self.text = ""
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=follower, stdout=follower, stderr=follower,
            env=env, start_new_session=True, close_fds=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(follower)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        if self.leader >= 0:
            os.close(self.leader)

    def hang_up(self):
        os.close(self.leader)
        self.leader = -1

    def read(self, deadline):
        """Appends what comes next to text. Returns False at the end."""
        ready = select.select([self.leader], [], [], max(0, deadline - time.monotonic()))[0]
        assert ready, f"nothing more came after {self.text!r}"
        try:
            chunk = os.read(self.leader, 65536)
        except OSError:  # a terminal's way of saying that the other side is closed
            return False
        self.text += chunk.decode(errors="replace")
        return True

    def wait_for(self, text):
        """Until @text was shown; forgets what was shown up to it, which it returns."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.text:
            assert self.read(deadline), f"ended without {text!r}: {self.text!r}"
        before, self.text = self.text.split(text, 1)
        return before

    def wait_to_edit(self, prompt):
        """Until @prompt was shown, and keys are taken one by one: what is typed sooner may be taken
        by the terminal."""
        self.wait_for(prompt)
        eventually(lambda: not termios.tcgetattr(self.leader)[3] & termios.ICANON, "editing")

    def wait_for_signals(self):
        """Until the terminal makes signals of Ctrl-C and its like."""
        eventually(lambda: termios.tcgetattr(self.leader)[3] & termios.ISIG, "signals")

    def type(self, keys):
        os.write(self.leader, keys.encode())

    def rest(self):
        """All that it shows until it ends, and its exit code."""
        deadline = time.monotonic() + PATIENCE
        while self.read(deadline):
            pass
        return self.text, self.process.wait(PATIENCE)
