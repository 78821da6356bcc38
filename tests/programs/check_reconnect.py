"""Viewers whose consoles are lost again and again: each stays connected, shows a line meanwhile, and has its console again."""

import unittest
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock

from PIL import Image

import snapshot
import tigervnc
from check_ending import has_banner
from desktop import Desktop
from gateway import VNC_PASSWORD, Gateway
from places import scratch
from program import Program
from remmina import Remmina
from screen import Screen, ViewerScreen
from simulator import Simulator
from tigervnc import TigerVnc
from waiting import until

# One VM for each viewer, with a login that the viewer can use.
CONSOLES = [(encoding.lower(), "none") for encoding in tigervnc.ENCODINGS]
CONSOLES += [("gvncviewer", "none"), ("remmina", "vnc-password"), ("photographed", "none")]

# How often each viewer loses its console.
GAPS = 20

desktop: Desktop
simulator: Simulator
gateway: Gateway

# All VMs show the same desktop, in which one viewer at a time types.
typing = Lock()


def setUpModule() -> None:
    global desktop, simulator, gateway
    desktop = unittest.enterModuleContext(Desktop())
    bridges = [word for vm, _ in CONSOLES for word in ("--bridge", f"{vm}=127.0.0.1:{desktop.port}")]
    simulator = unittest.enterModuleContext(Simulator(*bridges))
    gateway = unittest.enterModuleContext(Gateway(simulator, CONSOLES, gateway_keys='reconnect_for = "2m"'))


class Viewers(unittest.TestCase):
    def test_each_viewer_has_its_console_again_after_every_gap(self) -> None:
        viewers: list[Callable[[], None]] = [_gvncviewer, _remmina]
        viewers += [lambda encoding=encoding: _tigervnc(encoding) for encoding in tigervnc.ENCODINGS]
        with ThreadPoolExecutor(len(viewers)) as threads:
            for viewer in [threads.submit(viewer) for viewer in viewers]:
                viewer.result()

    def test_tigervnc_shows_that_the_vm_is_off_and_its_picture_when_it_is_on(self) -> None:
        with ViewerScreen() as screen, TigerVnc(screen, gateway.ports["photographed", "none"]) as viewer:
            viewer.shows(desktop.picture)
            for state in ["off", "suspend"]:
                with back("photographed"):
                    simulator.switch("photographed", state)
                    photograph(screen, state)
                    simulator.switch("photographed", "on")
                viewer.shows(desktop.picture)


def _tigervnc(encoding: str) -> None:
    """The console is closed while its VM stays on."""
    vm = encoding.lower()
    with ViewerScreen() as screen, TigerVnc(screen, gateway.ports[vm, "none"], encoding) as viewer:
        viewer.shows(desktop.picture)
        for gap in range(GAPS):
            with back(vm):
                simulator.switch(vm, "close")
            text = f"{encoding} {gap}"
            with typing:
                viewer.type_line(text)
                once(text)
            viewer.shows(desktop.picture)


def _gvncviewer() -> None:
    """gtk-vnc. The VM is powered off and on."""
    port = gateway.ports["gvncviewer", "none"]
    with ViewerScreen() as screen:
        env = {"DISPLAY": screen.display, "NO_AT_BRIDGE": "1"}

        def shows_desktop() -> bool:
            seen, expected = screen.picture(screen.window("Gvncviewer")), desktop.picture()
            below = seen.crop((0, seen.height - expected.height, expected.width, seen.height))
            return snapshot.mean_difference(below, expected) < snapshot.JPEG_NOISE

        with Program("gvncviewer", ["gvncviewer", f"127.0.0.1:{port - 5900}"], env):
            until("the desktop in its window", shows_desktop)
            for _ in range(GAPS):
                off_and_on("gvncviewer", screen)
                until("the desktop in its window", shows_desktop)


def _remmina() -> None:
    """libvncclient. The VM is powered off and on."""
    port = gateway.ports["remmina", "vnc-password"]
    with ViewerScreen() as screen, Remmina(screen, port, VNC_PASSWORD) as viewer:
        viewer.shows(desktop.picture)
        for _ in range(GAPS):
            off_and_on("remmina", screen)
            viewer.shows(desktop.picture)


def off_and_on(vm: str, screen: Screen) -> None:
    with back(vm):
        simulator.switch(vm, "off")
        until("the line on the screen", lambda: has_banner(screen.picture()))
        simulator.switch(vm, "on")


@contextmanager
def back(vm: str) -> Iterator[None]:
    """A gap of the VM's viewer: waits until it has its console again."""

    def gaps() -> int:
        return sum(event["message"].startswith("console back") and event["vm"] == vm for event in gateway.events())

    before = gaps()
    yield
    until(f"the console of {vm}", lambda: gaps() > before)


def once(text: str) -> None:
    """Waits for a typed line, which must be there once."""
    desktop.has_read(text)
    if desktop.lines().count(text) != 1:
        raise AssertionError(f"{text!r} was typed more than once: {desktop.lines()}")


def photograph(screen: Screen, name: str) -> None:
    """Waits until the line is on the screen, and keeps a picture of it."""

    def look() -> Image.Image | None:
        seen = screen.picture()
        return seen if has_banner(seen) else None

    until("the line", look).save(scratch(f"photograph-{name}") / "screen.png")
