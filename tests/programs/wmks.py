"""VMware's own console client, WMKS, in a page that this serves on loopback. Its package comes from npm."""

import base64
import io
import ssl
import subprocess
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from PIL import Image
from selenium.webdriver import ActionChains
from selenium.webdriver.common.actions.pointer_actions import PointerActions

import picture
from authority import Authority
from chromium import Chromium
from openqa import acquire
from places import ROOT, TARGET
from simulator import Simulator
from waiting import until

SOURCE = ROOT / "tests" / "programs" / "wmks"
INSTALLED = TARGET / "wmks"

# A download, which may be slow.
INSTALL_LIMIT = 300

# A position on the guest's screen where a click has no effect.
FREE_PLACE = (40, 560)

# Pixels of scrolling per notch of the wheel.
NOTCH = 120

# The client's name of its state.
CONNECTED = "connected"


def install() -> Path:
    """Installs the packages of package-lock.json with npm; returns the client's script."""
    INSTALLED.mkdir(exist_ok=True)
    for name in ["package.json", "package-lock.json"]:
        (INSTALLED / name).write_bytes((SOURCE / name).read_bytes())
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
    ended = subprocess.run(command, cwd=INSTALLED, capture_output=True, text=True, timeout=INSTALL_LIMIT)
    if ended.returncode != 0:
        raise RuntimeError(f"npm ended with {ended.returncode}: {ended.stderr[-2000:]}")
    return INSTALLED / "node_modules" / "opennebula-wmks" / "dist" / "wmks.js"


class Page:
    """An HTTP server for the page at `url`, with TLS where there is an `authority`."""

    def __init__(self, client: Path, authority: Authority | None = None) -> None:
        html, script = (SOURCE / "page.html").read_bytes(), client.read_bytes()
        files = {"/": ("text/html", html), "/wmks.js": ("text/javascript", script)}

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                kind, body = files.get(self.path, ("text/plain", b""))
                self.send_response(200 if body else 404)
                self.send_header("Content-Type", f"{kind}; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        scheme = "http"
        if authority:
            scheme = "https"
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*authority.certificate())
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"{scheme}://127.0.0.1:{self.server.server_port}/"

    def __enter__(self) -> "Page":
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


class Wmks:
    """The client, connected to a VM's console, in an element of this size: with a ticket of the simulator, or to `url`."""

    def __init__(
        self, chromium: Chromium, page: Page, simulator: Simulator, vm: str, size: tuple[int, int], url: str = ""
    ) -> None:
        self.chromium, self.page, self.simulator, self.vm, self.size = chromium, page, simulator, vm, size
        self.url = url

    def __enter__(self) -> "Wmks":
        url = self.url or self._ticket()
        self.chromium.driver.get(self.page.url)
        self.chromium.becomes("the page's script", "window.ready")
        self.chromium.run("begin(...arguments)", url, *self.size)
        self.chromium.becomes("the connection", f"seen.state === '{CONNECTED}'")
        return self

    def _ticket(self) -> str:
        return acquire(self.simulator.address, self.simulator.username, self.simulator.password, self.vm)[0]

    def __exit__(self, *_: object) -> None:
        # Chromium may keep a page, and its socket, in the back/forward cache.
        self.chromium.run("client.disconnect()")
        until("the console's end", lambda: self.simulator.counts()["consoles_open"] == 0)

    def is_well(self) -> bool:
        """Whether it is connected and has seen no error."""
        return self.chromium.run("return seen") == {"state": CONNECTED, "errors": []}

    def picture(self) -> Image.Image:
        """The guest's screen as the client has drawn it, read back from its canvas."""
        url = self.chromium.run("return picture()")
        return Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGB")

    def shows(self) -> None:
        """Waits until each pixel is the guest's."""
        picture.become_equal(self.picture, lambda: self.simulator.picture(self.vm))

    def cursor(self) -> Image.Image:
        """The guest's cursor, which the client gives to the browser as a data URL."""
        style = self.chromium.run("return document.querySelector('#console canvas').style.cursor")
        return Image.open(io.BytesIO(base64.b64decode(style.partition("base64,")[2].partition(")")[0]))).convert("RGBA")

    def actions(self) -> ActionChains:
        """A chain of input events; pointer moves take no time."""
        return ActionChains(self.chromium.driver, duration=0)

    def point(self, x: int, y: int) -> None:
        """Moves the pointer to this position of the guest's screen."""
        self._pointer(lambda pointer: pointer.move_to_location(*self._at(x, y)))

    def press(self, button: int) -> None:
        """Presses a button: 0 is the left one, 1 the middle one, 2 the right one."""
        self._pointer(lambda pointer: pointer.pointer_down(button))

    def release(self, button: int) -> None:
        self._pointer(lambda pointer: pointer.pointer_up(button))

    def turn_wheel(self, x: int, y: int, right: int, down: int) -> None:
        """Turns the wheel by notches at this position, as a page scrolls."""
        actions = self.actions()
        actions.w3c_actions.wheel_action.scroll(*self._at(x, y), NOTCH * right, NOTCH * down, 0, "viewport")
        actions.perform()

    def take_focus(self) -> None:
        """Clicks on it, so that it has the keyboard focus."""
        self.point(*FREE_PLACE)
        self.press(0)
        self.release(0)

    def _pointer(self, act: Callable[[PointerActions], object]) -> None:
        actions = self.actions()
        act(actions.w3c_actions.pointer_action)
        actions.perform()

    def _at(self, x: int, y: int) -> tuple[int, int]:
        """A position of the guest's screen, in the page."""
        left, top = self.chromium.run(
            "const { left, top } = document.querySelector('#console canvas').getBoundingClientRect(); return [left, top]"
        )
        return round(left) + x, round(top) + y

    def resize(self, width: int, height: int) -> None:
        """Resizes its element in the page, and notifies the client."""
        self.chromium.run(
            """const [width, height] = arguments;
            Object.assign(document.getElementById("console").style, { width: `${width}px`, height: `${height}px` });
            client.updateScreen();""",
            width,
            height,
        )
