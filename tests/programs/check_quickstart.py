"""docs/quickstart.md: its commands as a reader runs them, with TigerVNC, whose windows are photographed.

The photographs are compared with those in docs/pictures; with KEEP_PICTURES=1 in the environment they replace them.
"""

import contextlib
import os
import unittest
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from PIL import Image

import picture
from connecting import environment
from page import DOCS, Page
from places import free_ports, scratch
from remmina import contains
from screen import ManagedScreen
from simulator import Simulator
from waiting import DEADLINE, until

PAGE = DOCS / "quickstart.md"
# In the order of the page's ports.
TEN_VMS = ["web01", "web02", "web03", "web04", "db01", "db02", "mail01", "build01", "build02", "build03"]
SIZE = "640x400"
GATEWAY = "console.example"
PORT_PASSWORD = "s3cret-8"
USER, USER_PASSWORD = "ada", "engine of 1843"
OTHER_PASSWORD = "compiler of 1952"

VIEWER = "TigerVNC Viewer"
LOGIN = "VNC authentication"
UNKNOWN_AUTHORITY = "Unknown certificate issuer"

# A dialog that is painted has more colours than this.
PAINTED = 20
# The largest file of a photograph.
MOST_BYTES = 60 * 1024
# The share of pixels of a dialog that may differ from the photograph that is kept: a cursor, a certificate's number.
TOLERANCE = 0.04


class Quickstart(unittest.TestCase):
    def setUp(self) -> None:
        vms = [word for vm in ["vm08", *TEN_VMS] for word in ["--vm", vm]]
        self.simulator = self.enterContext(Simulator(*vms, "--size", SIZE, "--no-clock"))
        self.screen = self.enterContext(ManagedScreen())
        self.photographs = scratch("photographs")

    def test_one_vm_now(self) -> None:
        page = self._page("One VM, now", {})
        self.assertIn(f"sha256:{self.simulator.sha256}", page.run_on_terminal(0))
        with _meanwhile(lambda: page.run_on_terminal(1, passwords=(self.simulator.password,))):
            window = self._shows_and_types("vm08", "opened by mksgate connect", "quickstart-connect")
            self.screen.press(window, "alt+F4")

    def test_a_port_with_a_password(self) -> None:
        page, port = self._page_with_ports("A port with a password", 1)
        page.run_on_terminal(0, f"{self.simulator.password}\n\x04{PORT_PASSWORD}\n\x04")
        self.assertRegex(page.run_on_terminal(1), rf"\b{port}\b.*\bvm08\b")
        with page.begin(2) as gateway:
            gateway.line(rf"\b{port}\b")
            with page.begin(3):
                dialog = self._dialog(LOGIN, "quickstart-password")
                self.screen.fill_in(dialog, PORT_PASSWORD)
                self._shows_and_types("vm08", "behind a port with a password", "quickstart-port")

    def test_ten_consoles_with_users_over_tls(self) -> None:
        page, port = self._page_with_ports("Ten consoles with users, over TLS", len(TEN_VMS))
        page.run_on_terminal(0)
        page.run_on_terminal(1, passwords=(USER_PASSWORD, USER_PASSWORD, OTHER_PASSWORD, OTHER_PASSWORD))
        page.run_on_terminal(2, f"{self.simulator.password}\n\x04")
        page.run_on_terminal(3)
        checked = page.run_on_terminal(4)
        ports = dict(enumerate(TEN_VMS, port))
        for number, vm in ports.items():
            self.assertRegex(checked, rf"\b{number}\b.*\b{vm}\b")
        with page.begin(5) as gateway:
            for number, vm in ports.items():
                gateway.line(rf"\b{number}\b.*\b{vm}\b")
            # The viewer's machine knows the gateway by its name.
            hosts = scratch("hosts") / "hosts"
            hosts.write_text(f"127.0.0.1 {GATEWAY}\n")
            page.env |= {"LD_PRELOAD": "libnss_wrapper.so", "NSS_WRAPPER_HOSTS": str(hosts)}
            with page.begin(6):
                self.screen.fill_in(self._dialog(LOGIN, "quickstart-user"), USER, USER_PASSWORD)
                self._shows_and_types("web01", "ada was here, over TLS", "quickstart-tls")
            with page.begin(7):
                question = self._dialog(UNKNOWN_AUTHORITY, "quickstart-unknown")
                self.screen.press(question, "Escape")
                # It says that it has no connection.
                self.screen.titled(VIEWER)

    def _page(self, section: str, instead: dict[str, str]) -> Page:
        env = environment(self.simulator, self.screen)
        # The page sets these itself, or has the password typed.
        for name in ["GOVC_URL", "GOVC_USERNAME", "GOVC_PASSWORD", "GOVC_INSECURE"]:
            del env[name]
        host = {"esxi.example": self.simulator.address, "sha256:…": f"sha256:{self.simulator.sha256}"}
        return Page(PAGE, env, host | instead, section)

    def _page_with_ports(self, section: str, count: int) -> tuple[Page, int]:
        """The section with free ports, from the one that is returned on, and on loopback only."""
        port = free_ports(count)
        instead = {"5901": str(port), "5902": str(port + 1), '"0.0.0.0"': '"127.0.0.1"'}
        return self._page(section, instead), port

    def _shows_and_types(self, vm: str, text: str, name: str) -> str:
        """The viewer shows exactly the VM's screen, and what is typed in it reaches the VM; its window."""
        window = self.screen.window(VIEWER)
        self.screen.press(window)
        self.screen.run("xdotool", "type", "--delay", "20", text)
        self.simulator.has_typed(vm, text)

        def is_shown() -> bool:
            # TigerVNC lays a hint over the picture for some seconds.
            return picture.difference(self.screen.picture(window), self.simulator.picture(vm)) == ""

        self._photograph(window, name, is_shown, lambda _, kept: contains(kept, self.simulator.picture(vm)))
        return window

    def _dialog(self, title: str, name: str) -> str:
        """The dialog with this title, which is photographed."""
        dialog = self.screen.titled(title)
        is_painted = lambda: picture.colours(self.screen.picture(dialog)) > PAINTED
        self._photograph(dialog, name, is_painted, lambda taken, kept: _difference(taken, kept) <= TOLERANCE)
        return dialog

    def _photograph(
        self, window: str, name: str, is_complete: Callable[[], bool], alike: Callable[[Image.Image, Image.Image], bool]
    ) -> None:
        """Takes a photograph when the window is complete; it and the one that is kept must be alike."""
        kept = DOCS / "pictures" / f"{name}.png"
        taken = self.photographs / f"{name}.png"

        def take() -> bool:
            complete = is_complete()
            self.screen.photograph(window).save(taken, optimize=True)
            if os.environ.get("KEEP_PICTURES") == "1":
                return complete and is_complete()
            return complete and alike(picture.read(taken), picture.read(kept))

        until(f"{taken} to be like {kept}", take)
        if os.environ.get("KEEP_PICTURES") == "1":
            kept.write_bytes(taken.read_bytes())
        self.assertLess(kept.stat().st_size, MOST_BYTES)


@contextlib.contextmanager
def _meanwhile(work: Callable[[], object]) -> Iterator[None]:
    """Does the work in a thread meanwhile, and waits for its end."""
    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(work)
        yield
        working.result(DEADLINE)


def _difference(one: Image.Image, other: Image.Image) -> float:
    """The share of pixels that differ; all of them where the sizes do."""
    if one.size != other.size:
        return 1.0
    pairs = zip(one.getdata(), other.getdata(), strict=True)
    return sum(a != b for a, b in pairs) / (one.width * one.height)
