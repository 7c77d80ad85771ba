"""A headless Chromium and one page in it, driven through its DevTools protocol over a pipe."""

import base64
import contextlib
import fcntl
import json
import os
import select
import signal
import subprocess
import tempfile
import time

from harness import all_processes, eventually

CHROMIUM = "/usr/bin/chromium"
PATIENCE = 60


class Browser:
    def __init__(self, directory):
        to_browser, self.write_fd = os.pipe()
        self.read_fd, from_browser = os.pipe()
        # The browser reads from its descriptor 3 and writes to 4.
        ends = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in (to_browser, from_browser)]
        os.close(to_browser)
        os.close(from_browser)
        command = [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu",
                   "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
                   "--disable-component-update", f"--user-data-dir={directory}",
                   "--remote-debugging-pipe", "about:blank"]
        self.log = open(f"{directory}/log", "w+b")
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, close_fds=False,
            preexec_fn=lambda: [os.dup2(end, 3 + i) for i, end in enumerate(ends)],
            env={**os.environ, "HOME": directory}, start_new_session=True)
        for end in ends:
            os.close(end)
        self.number = 0
        self.buffer = b""
        self.events = []
        self.session = None

    def open_page(self):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility"):
            self.call(f"{domain}.enable")

    def message(self, deadline):
        while b"\0" not in self.buffer:
            left = deadline - time.monotonic()
            ready = left > 0 and select.select([self.read_fd], [], [], left)[0]
            assert ready, "the browser doesn't answer"
            read = os.read(self.read_fd, 1 << 16)
            assert read, "the browser has ended"
            self.buffer += read
        text, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, **parameters):
        self.number += 1
        call = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            call["sessionId"] = self.session
        text = json.dumps(call).encode() + b"\0"
        while text:
            text = text[os.write(self.write_fd, text):]
        deadline = time.monotonic() + PATIENCE
        while (answer := self.message(deadline)).get("id") != self.number:
            self.events.append(answer)
        assert "error" not in answer, (method, answer)
        return answer["result"]

    def wait_event(self, method):
        deadline = time.monotonic() + PATIENCE
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self.message(deadline))

    # --- the page ---

    def show(self, url, width=1100, height=800, scheme="light", media=""):
        """Loads @url anew, in a window of this size."""
        self.events = []
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", media=media,
                  features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Page.navigate", url=url)
        self.wait_event("Page.loadEventFired")

    def evaluate(self, expression):
        """The value of a JavaScript expression; the page's own policy doesn't apply to it."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, key):
        for kind in ("keyDown", "keyUp"):
            code = {"Tab": 9, "Enter": 13}[key]
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key,
                      windowsVirtualKeyCode=code, **({"text": "\r"} if key == "Enter" and
                                                     kind == "keyDown" else {}))

    def screenshot(self, path, whole=True):
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def print_pages(self):
        return base64.b64decode(self.call("Page.printToPDF", preferCSSPageSize=True)["data"])

    def all_gone(self):
        self.process.poll()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        return not any(proc.pgrp == self.process.pid for proc in all_processes())

    def close(self):
        self.session = None
        with contextlib.suppress(AssertionError, OSError):
            self.call("Browser.close")
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            pass
        # What it started may go a moment later, and still write to its directory.
        eventually(self.all_gone, "the browser has ended")
        self.process.wait()
        os.close(self.read_fd)
        os.close(self.write_fd)
        self.log.close()


@contextlib.contextmanager
def browser():
    with tempfile.TemporaryDirectory(prefix="browser-") as directory:
        opened = Browser(directory)
        try:
            opened.open_page()
            yield opened
        finally:
            opened.close()
