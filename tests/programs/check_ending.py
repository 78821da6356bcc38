"""Sessions that end while a viewer is connected: it shows the reason over its picture, then the connection is closed."""

import unittest
from contextlib import ExitStack

from PIL import Image

import picture
import snapshot
import vncdo
from chain import Chain
from desktop import Desktop
from gateway import VNC_PASSWORD, Gateway
from places import scratch
from program import Program
from remmina import Remmina
from screen import Screen, ViewerScreen
from simulator import Simulator
from tigervnc import TigerVnc
from waiting import until

# The banner's height and colours: a dark band, and bright text. In a viewer that asks for JPEG, pixels differ a little.
HEIGHT = 20
DARK, BRIGHT = 40, 215

# Columns of a viewer's window that the banner covers, with a part of its text.
COLUMNS = (150, 350)

# One VM for each viewer, with a login that the viewer can use.
CONSOLES = [("tigervnc", "none"), ("gvncviewer", "none"), ("remmina", "vnc-password"), ("vncdotool", "none")]

# Longer than the reason is shown and the connection takes to close.
CLOSING = 10.0

desktop: Desktop
simulator: Simulator
gateway: Gateway


def setUpModule() -> None:
    global desktop, simulator, gateway
    desktop = unittest.enterModuleContext(Desktop())
    bridges = [word for vm, _ in CONSOLES for word in ("--bridge", f"{vm}=127.0.0.1:{desktop.port}")]
    simulator = unittest.enterModuleContext(Simulator(*bridges))
    gateway = unittest.enterModuleContext(Gateway(simulator, CONSOLES))


class Drain(unittest.TestCase):
    def test_it_ends_with_0_after_its_viewer_has_shown_the_reason_and_ended(self) -> None:
        with ExitStack() as stack:
            chain, screen = stack.enter_context(Chain()), stack.enter_context(ViewerScreen())
            viewer = stack.enter_context(TigerVnc(screen, chain.port()))
            viewer.shows(chain.desktop.picture)
            chain.gateway.process.terminate()
            photograph(screen, "drain")
            viewer.ended(CLOSING)
            self.assertEqual(0, chain.gateway.ended(CLOSING))


class PowerOff(unittest.TestCase):
    """The VM is powered off."""

    def setUp(self) -> None:
        self.screen = self.enterContext(ViewerScreen())

    def test_tigervnc_shows_the_reason_over_its_picture_and_ends(self) -> None:
        with TigerVnc(self.screen, gateway.ports["tigervnc", "none"]) as viewer:
            viewer.shows(desktop.picture)
            window = self.screen.window("TigerVNC Viewer")
            simulator.switch("tigervnc", "off")
            photograph(self.screen, "tigervnc", window)
            width, height = picture.SIZE
            above = (0, 0, width, height - HEIGHT)
            seen = self.screen.picture(window).crop(above)
            self.assertEqual("", picture.difference(seen, desktop.picture().crop(above)))
            viewer.ended(CLOSING)
            self.assertRegex(viewer.stderr, "(?i)end of stream|closed")

    def test_gvncviewer_on_gtk_vnc_shows_the_reason_and_ends(self) -> None:
        port = gateway.ports["gvncviewer", "none"]
        env = {"DISPLAY": self.screen.display, "NO_AT_BRIDGE": "1"}
        with Program("gvncviewer", ["gvncviewer", f"127.0.0.1:{port - 5900}"], env) as viewer:
            until("the desktop in its window", lambda: self._is_in_the_window_of("Gvncviewer"))
            simulator.switch("gvncviewer", "off")
            photograph(self.screen, "gvncviewer")
            self.assertEqual(0, viewer.ended(CLOSING), viewer.stderr)

    def test_remmina_on_libvncclient_shows_the_reason_and_goes_on(self) -> None:
        with Remmina(self.screen, gateway.ports["remmina", "vnc-password"], VNC_PASSWORD) as viewer:
            viewer.shows(desktop.picture)
            known = len(gateway.ends())
            simulator.switch("remmina", "off")
            photograph(self.screen, "remmina")
            gateway.end_after(known, "closed")
            viewer.must_run()

    def test_vncdotool_that_waits_for_another_picture_reports_the_end(self) -> None:
        other = scratch("other") / "other.png"
        Image.new("RGB", picture.SIZE).save(other)
        before = simulator.counts()["consoles_open"]
        argv = vncdo.command(gateway.ports["vncdotool", "none"], "expect", other, "0")
        with Program("vncdotool", argv) as viewer:
            until("its session", lambda: simulator.counts()["consoles_open"] > before)
            simulator.switch("vncdotool", "off")
            self.assertNotIn(viewer.ended(CLOSING), [0, -11], viewer.stderr)

    def _is_in_the_window_of(self, kind: str) -> bool:
        seen, expected = self.screen.picture(self.screen.window(kind)), desktop.picture()
        below = seen.crop((0, seen.height - expected.height, expected.width, seen.height))
        return snapshot.mean_difference(below, expected) < snapshot.JPEG_NOISE


def photograph(screen: Screen, name: str, window: str = "root") -> None:
    """Waits until the banner is on the screen, and keeps a picture of it."""

    def look() -> Image.Image | None:
        seen = screen.picture(window)
        return seen if has_banner(seen) else None

    until("the banner", look, CLOSING).save(scratch(f"photograph-{name}") / "screen.png")


def has_banner(seen: Image.Image) -> bool:
    """Whether there is a band of its height that has its two colours and, but for JPEG's noise, no others."""
    grey = seen.crop((COLUMNS[0], 0, COLUMNS[1], seen.height))
    run, bright = 0, 0
    for y in range(grey.height):
        pixels = list(grey.crop((0, y, grey.width, y + 1)).getdata())
        dark = sum(max(pixel) < DARK for pixel in pixels)
        light = sum(min(pixel) > BRIGHT for pixel in pixels)
        inside = dark >= 0.4 * len(pixels) and dark + light >= 0.98 * len(pixels)
        run, bright = (run + 1, bright + light) if inside else (0, 0)
        if run >= HEIGHT and bright > 0:
            return True
    return False
