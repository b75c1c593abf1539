"""A Chromium that is driven as a person would: pages, sizes, colours, keys that are pressed.

It is spoken to through two pipes in the DevTools protocol
(https://chromedevtools.github.io/devtools-protocol/): each message is JSON and ends with a NUL.
"""

from __future__ import annotations

import base64
import json
import os
import selectors
import subprocess
import time
from pathlib import Path
from typing import Any, Self

from tests.conftest import clean_environment

_LIMIT_S = 60.0


class Chromium:
    """A browser without a window, in a home of its own.

    Args:
        program: Its executable.
        home: A directory that may be filled.
    """

    def __init__(self, program: str, home: Path) -> None:
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        options = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")
        self._process = subprocess.Popen(
            [
                *("bash", "-c", f'exec "$0" "$@" 3<&{theirs_in} 4>&{theirs_out}', program),
                *(*options, f"--user-data-dir={home}/profile", "--remote-debugging-pipe"),
            ],
            env=clean_environment(home),
            pass_fds=(theirs_in, theirs_out),
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._number = 0
        self._held = b""
        self._loads = 0
        self._session: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._out)
        os.close(self._in)
        self._process.kill()
        self._process.wait()

    def send(self, method: str, **parameters: object) -> Any:
        """Give a command; its result."""
        self._number += 1
        message: dict[str, object] = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        number = self._number
        answer = self._wait(lambda said: said.get("id") == number)
        assert "error" not in answer, answer
        return answer["result"]

    def open(self, address: str, *, width: int, dark: bool) -> None:
        """Show a page in a new tab, and wait until all of it is there."""
        self._session = None
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        attached = self.send("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=False,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])
        self.send("Page.enable")
        before = self._loads
        self.send("Page.navigate", url=address)
        if self._loads == before:
            self._wait(lambda _: self._loads > before)

    def press(self, text: str) -> None:
        """Press a key for each character, or the one of a name such as ``Backspace``."""
        for key in [text] if text in _KEYS else text:
            known = {"key": key, **_KEYS.get(key, {"text": key})}
            self.send("Input.dispatchKeyEvent", type="keyDown", **known)
            self.send("Input.dispatchKeyEvent", type="keyUp", **known)

    def click(self, selector: str) -> None:
        """Press the mouse on the middle of an element."""
        box = self.ask(
            f"(e => (e.scrollIntoView(), e.getBoundingClientRect().toJSON()))"
            f"(document.querySelector({json.dumps(selector)}))"
        )
        at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **at)

    def follow(self, selector: str) -> None:
        """Press the mouse on a link, and wait until all of its page is there."""
        before = self._loads
        self.click(selector)
        if self._loads == before:
            self._wait(lambda _: self._loads > before)

    def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        said = self.send("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in said, said
        return said["result"].get("value")

    def wait_for(self, expression: str) -> Any:
        """Wait until an expression is true; its value."""
        until = time.monotonic() + _LIMIT_S
        while not (value := self.ask(expression)):
            assert time.monotonic() < until, expression
            time.sleep(0.05)
        return value

    def picture(self, file: Path) -> None:
        """Write the whole page as a PNG."""
        said = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(said["data"]))

    def _wait(self, wanted: Any) -> Any:
        until = time.monotonic() + _LIMIT_S
        with selectors.DefaultSelector() as selector:
            selector.register(self._in, selectors.EVENT_READ)
            while True:
                while b"\0" in self._held:
                    line, _, self._held = self._held.partition(b"\0")
                    said = json.loads(line)
                    self._loads += said.get("method") == "Page.loadEventFired"
                    if wanted(said):
                        return said
                assert time.monotonic() < until, "the browser does not answer"
                if selector.select(1):
                    data = os.read(self._in, 1 << 20)
                    assert data, "the browser has ended"
                    self._held += data


_KEYS: dict[str, dict[str, object]] = {
    "Backspace": {"code": "Backspace", "windowsVirtualKeyCode": 8},
    "Enter": {"code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"},
    "Tab": {"code": "Tab", "windowsVirtualKeyCode": 9},
}
