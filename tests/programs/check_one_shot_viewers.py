"""Viewers that request one update, without LastRect and empty rectangles: Perl's Net::VNC, vncsnapshot.

Each connects to a real Xvnc, a real QEMU, and every quirk of the simulator's own desktop, in the default configuration.
"""

import unittest
from collections.abc import Callable

from PIL import Image

import netvnc
import picture
import snapshot
from check_quirks import QUIRKS
from desktop import Desktop
from gateway import Gateway, UrlGateway
from qemu import Qemu
from simulator import Simulator

# The password of viewers that need one, though the console does not ask for it.
UNUSED = "unused"

METHOD = "none"

# The port of each console, and what it shows.
consoles: dict[str, tuple[int, Callable[[], Image.Image]]] = {}


def setUpModule() -> None:
    enter = unittest.enterModuleContext
    desktop, qemu = enter(Desktop()), enter(Qemu())
    bridges = {"Xvnc": desktop.port, "QEMU": qemu.port}
    options = [option for vm, port in bridges.items() for option in ("--bridge", f"{vm}=127.0.0.1:{port}")]
    options += [option for vm, quirk in QUIRKS.items() for option in ("--vm", f"{vm}={quirk}")]
    simulator = enter(Simulator("--no-clock", *options))
    gateway = enter(Gateway(simulator, [(vm, METHOD) for vm in (*bridges, *QUIRKS)]))
    url = f'url = "ws://127.0.0.1:{qemu.websocket}/"'
    at_url = enter(UrlGateway({"QEMU at a URL": url, "QEMU at a URL, by scan codes": f'{url}\nkeyboard = "scancode"'}))
    consoles.update({"Xvnc": (gateway.ports["Xvnc", METHOD], desktop.picture)})
    consoles.update({"QEMU": (gateway.ports["QEMU", METHOD], qemu.picture)})
    consoles.update({name: (port, qemu.picture) for name, port in at_url.ports.items()})
    consoles.update({vm: (gateway.ports[vm, METHOD], lambda vm=vm: simulator.picture(vm)) for vm in QUIRKS})


class OneShot(unittest.TestCase):
    def test_net_vnc_captures_each_pixel_for_pixel(self) -> None:
        for name, (port, shown) in consoles.items():
            with self.subTest(name):
                picture.become_equal(lambda port=port: netvnc.capture(port), shown)

    def test_vncsnapshot_takes_a_picture_of_each_console(self) -> None:
        for name, (port, shown) in consoles.items():
            with self.subTest(name):
                seen = snapshot.visit(port, UNUSED).picture()
                self.assertLess(snapshot.mean_difference(seen, shown()), snapshot.JPEG_NOISE)
