"""`cargo run --release -- demo`: three simulated desktops behind three ports, as the README recommends it."""

import unittest

from PIL import Image
from selenium.webdriver.common.by import By

import picture
import vncdo
from chromium import Chromium
from places import ROOT, free_ports
from program import Program
from waiting import until

VMS = 3

# The colour bars have eight; a blank screen has one.
FEW = 8

ports: range
demo: Program


def setUpModule() -> None:
    global ports, demo
    first = free_ports(VMS)
    ports = range(first, first + VMS)
    argv = ["cargo", "run", "--quiet", "--release", "--manifest-path", ROOT / "Cargo.toml"]
    demo = unittest.enterModuleContext(Program("demo", [*argv, "--", "demo", "--port", str(first)]))
    for port in ports:
        demo.line(rf"\b{port}\b")


class Demo(unittest.TestCase):
    def test_each_port_shows_a_desktop_of_its_own(self) -> None:
        screens = [vncdo.capture(port) for port in ports]
        for screen in screens:
            self.assertGreaterEqual(picture.colours(screen), FEW)
        # Each shows the name of its VM.
        self.assertEqual(VMS, len({screen.tobytes() for screen in screens}))

    def test_what_is_typed_on_one_port_shows_there_and_nowhere_else(self) -> None:
        before = [_typed_half(port) for port in ports]
        self.assertEqual(0, vncdo.visit(ports[0], "type", "hello").returncode)
        # A viewer that connects later sees it too; the guest may handle the keys a moment after the viewer has left.
        until("what was typed", lambda: picture.difference(before[0], _typed_half(ports[0])))
        after = [_typed_half(port) for port in ports]
        changed = [picture.difference(*pair) != "" for pair in zip(before, after, strict=True)]
        self.assertEqual([True] + [False] * (VMS - 1), changed)


class Browser(unittest.TestCase):
    def test_the_page_whose_address_it_prints_opens_each_desktop_in_a_browser(self) -> None:
        url = demo.line(r"In a browser on this machine: (http://127\.0\.0\.1:\d+/)$")[1]
        with Chromium() as chromium:
            for vm in ["vm01", "vm02", "vm03"]:
                chromium.driver.get(url)
                names = "[...document.querySelectorAll('.vm .name')].map((name) => name.textContent).join()"
                chromium.becomes("the list", f"{names} === 'vm01,vm02,vm03'")
                chromium.driver.find_element(By.LINK_TEXT, vm).click()
                chromium.becomes("the console", "document.getElementById('state').textContent === 'Connected'")
                self.assertEqual(vm, chromium.driver.find_element(By.CSS_SELECTOR, "h1").text)
                canvas = "document.querySelector('#screen canvas')"
                # The desktop's first colour bar.
                pixel = f"[...{canvas}.getContext('2d').getImageData(150, 100, 1, 1).data].join()"
                chromium.becomes("the picture", f"{canvas} && {pixel} === '255,255,0,255'")


class End(unittest.TestCase):
    """The last check by its name, because it ends the demo."""

    def test_it_ends_with_0_on_sigterm(self) -> None:
        self.assertEqual(0, demo.end())


def _typed_half(port: int) -> Image.Image:
    """The lower half of a port's desktop: what was typed, and no clock."""
    screen = vncdo.capture(port)
    return screen.crop((0, screen.height // 2, screen.width, screen.height))
