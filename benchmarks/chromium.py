"""A real headless Chromium, spoken to by its DevTools protocol over a pipe.

Debian's ``chromium`` (``apt-get install chromium``). Nothing else is needed: the protocol is JSON,
one message between NUL bytes on file descriptors 3 and 4, as ``--remote-debugging-pipe`` has it
(https://chromedevtools.github.io/devtools-protocol/).
"""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

#: Where it is; None where it is not installed.
CHROMIUM = shutil.which("chromium")

#: Seconds to wait for any answer before the test fails.
TIMEOUT = 60


class Page:
    """One page in a browser of its own, with all that it said and asked for.

    ``console`` has every message of the console, error or not, and every uncaught exception;
    ``requests`` every address that was asked for; ``blocked`` why some were not.
    Whatever asks the network is refused by a proxy that is not there.
    """

    def __init__(self, width: int = 1400, height: int = 900) -> None:
        self.console: list[str] = []
        self.requests: list[str] = []
        self.blocked: list[str] = []
        self._number = 0
        self._buffer = b""
        self._answers: dict[int, dict] = {}
        self._events: list[str] = []
        # Not below the test's own folder: the profile's files vanish while others are made.
        self._profile = tempfile.TemporaryDirectory(prefix="chromium", ignore_cleanup_errors=True)
        self._start()
        target = self._send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._send("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")
        self.size(width, height)

    def __enter__(self) -> "Page":
        return self

    def __exit__(self, *_: object) -> None:
        self._send("Browser.close")
        self._process.wait(TIMEOUT)
        os.close(self._to)
        os.close(self._from)
        self._profile.cleanup()

    def _start(self) -> None:
        their_in, self._to = os.pipe()
        self._from, their_out = os.pipe()
        # bash puts the pipes where Chromium looks for them; sh knows no numbers beyond 9.
        options = [
            *("--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu"),
            *("--no-first-run", "--disable-background-networking", "--disable-component-update"),
            *("--disable-dev-shm-usage", "--proxy-server=127.0.0.1:9", "--hide-scrollbars"),
            *("--proxy-bypass-list=<-loopback>", f"--user-data-dir={self._profile.name}"),
        ]
        self._process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{their_in} 4>&{their_out}', "bash", CHROMIUM, *options],
            pass_fds=(their_in, their_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(their_in)
        os.close(their_out)

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol for this page; RuntimeError if Chromium refuses."""
        return self._send(method, self._session, **parameters)

    def _send(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        number, deadline = self._number, time.monotonic() + TIMEOUT
        while number not in self._answers:
            self._receive(deadline)
        answer = self._answers.pop(number)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def _receive(self, deadline: float) -> None:
        if not select.select([self._from], [], [], max(0, deadline - time.monotonic()))[0]:
            raise TimeoutError("Chromium does not answer")
        chunk = os.read(self._from, 1 << 20)
        if not chunk:
            raise RuntimeError("Chromium has ended")
        *messages, self._buffer = (self._buffer + chunk).split(b"\0")
        for message in map(json.loads, messages):
            if "id" in message:
                self._answers[message["id"]] = message
            else:
                self._note(message["method"], message["params"])

    def _note(self, event: str, told: dict[str, Any]) -> None:
        self._events.append(event)
        if event == "Runtime.consoleAPICalled":
            words = (str(part.get("value", part.get("description"))) for part in told["args"])
            self.console.append(f"{told['type']}: {' '.join(words)}")
        elif event == "Runtime.exceptionThrown":
            details = told["exceptionDetails"]
            self.console.append(details.get("exception", {}).get("description", details["text"]))
        elif event == "Log.entryAdded":
            self.console.append(f"{told['entry']['level']}: {told['entry']['text']}")
        elif event == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])

        elif event == "Network.loadingFailed":
            self.blocked.append(told.get("blockedReason", told["errorText"]))

    def open(self, file: Path) -> float:
        """Open a file; returns the seconds until it is loaded and has been drawn once."""
        begin = time.monotonic()
        self._events.clear()
        self.send("Page.navigate", url=file.absolute().as_uri())
        while "Page.loadEventFired" not in self._events:
            self._receive(begin + TIMEOUT)
        self.do("new Promise(r => requestAnimationFrame(() => setTimeout(r, 0)))")
        return time.monotonic() - begin

    def do(self, script: str) -> Any:
        """The value of an expression of JavaScript; a promise is waited for."""
        answer = self.send(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"]["description"])
        return answer["result"].get("value")

    def cpu(self) -> float:
        """Seconds of CPU that the page's thread has taken so far."""
        self.send("Performance.enable", timeDomain="threadTicks")
        metrics = self.send("Performance.getMetrics")["metrics"]
        return next(one["value"] for one in metrics if one["name"] == "TaskDuration")

    def wait(self, script: str) -> None:
        """Wait until an expression is true."""
        deadline = time.monotonic() + TIMEOUT
        while not self.do(f"Boolean({script})"):
            if time.monotonic() > deadline:
                raise TimeoutError(script)
            time.sleep(0.05)

    def type(self, selector: str, text: str) -> None:
        """Put text in a field, as if typed."""
        self.do(f"(f => {{ f.focus(); f.select(); }})(document.querySelector('{selector}'))")
        if text:
            self.send("Input.insertText", text=text)
        else:
            self.key("Delete", code=46)

    def text(self, selector: str) -> str:
        """What a reader sees of the first element."""
        return self.do(f"document.querySelector({json.dumps(selector)}).innerText")

    def size(self, width: int, height: int, scale: float = 1) -> None:
        self.send(
            "Emulation.setDeviceMetricsOverride",
            **{"width": width, "height": height, "deviceScaleFactor": scale, "mobile": False},
        )

    def media(self, kind: str = "screen", **features: str) -> None:
        """Screen or print, and features like ``prefers-color-scheme``."""
        wanted = [{"name": k.replace("_", "-"), "value": v} for k, v in features.items()]
        self.send("Emulation.setEmulatedMedia", media=kind, features=wanted)

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        """``mouseMoved``, ``mousePressed``, ``mouseReleased`` or ``mouseWheel`` at a place."""
        self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def click(self, x: float, y: float) -> None:
        self.mouse("mouseMoved", x, y)
        for kind in ("mousePressed", "mouseReleased"):
            self.mouse(kind, x, y, button="left", clickCount=1)

    def key(self, key: str, text: str = "", code: int = 0) -> None:
        more = {"key": key, "windowsVirtualKeyCode": code}
        self.send("Input.dispatchKeyEvent", type="keyDown", text=text, **more)
        self.send("Input.dispatchKeyEvent", type="keyUp", **more)

    def screenshot(self, file: Path, whole: bool = False, **clip: float) -> None:
        """A PNG of what is in the window, of the ``whole`` page, or of x, y, width, height."""
        if whole:
            size = self.send("Page.getLayoutMetrics")["cssContentSize"]
            clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"]}
        more = {"clip": {**clip, "scale": 1}, "captureBeyondViewport": True} if clip else {}
        shot = self.send("Page.captureScreenshot", format="png", **more)
        file.write_bytes(base64.b64decode(shot["data"]))

    def pdf(self, file: Path) -> None:
        """Print, on A4."""
        paper = {"paperWidth": 8.27, "paperHeight": 11.69}
        printed = self.send("Page.printToPDF", printBackground=False, **paper)
        file.write_bytes(base64.b64decode(printed["data"]))
