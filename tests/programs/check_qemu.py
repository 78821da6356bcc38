"""QEMU behind mksgate: its picture in stock viewers, and keys from TigerVNC and vncdotool.

QEMU itself says what its screen shows and which keys its guest received.
"""

import unittest

import gvnc
import libvnc
import machine_code
import picture
import scan_codes
import snapshot
import tigervnc
import vncdo
from gateway import Gateway
from libvnc import LibVnc
from qemu import Qemu
from remmina import Remmina
from screen import ViewerScreen
from simulator import Simulator
from tightvnc import TightVnc
from tigervnc import TigerVnc

VM, METHOD = "vm08", "none"

# The password of viewers that need one, though the console does not ask for it.
UNUSED = "unused"

qemu: Qemu
port: int
screen: ViewerScreen


def setUpModule() -> None:
    global qemu, port, screen
    qemu = unittest.enterModuleContext(Qemu())
    simulator = unittest.enterModuleContext(Simulator("--bridge", f"{VM}=127.0.0.1:{qemu.port}"))
    gateway = unittest.enterModuleContext(Gateway(simulator, [(VM, METHOD)]))
    port = gateway.ports[VM, METHOD]
    screen = unittest.enterModuleContext(ViewerScreen())


class Picture(unittest.TestCase):
    def test_no_two_pixels_of_the_guests_picture_are_equal(self) -> None:
        width, height = machine_code.SIZE
        self.assertEqual(width * height, picture.colours(machine_code.picture()))
        self.assertGreater(picture.colours(qemu.picture()), picture.MANY)

    def test_tigervnc_shows_it_pixel_for_pixel_in_every_lossless_encoding(self) -> None:
        for encoding in tigervnc.ENCODINGS:
            with self.subTest(encoding), TigerVnc(screen, port, encoding) as viewer:
                viewer.shows(qemu.picture)

    def test_tigervnc_shows_it_in_few_colours_in_every_lossless_encoding(self) -> None:
        for colours in tigervnc.FEW:
            for encoding in tigervnc.ENCODINGS:
                name = f"{encoding} with {colours.highest}"
                with self.subTest(name), TigerVnc(screen, port, encoding, colours=colours) as viewer:
                    viewer.shows(lambda colours=colours: colours.of(qemu.picture()))

    def test_tigervnc_shows_what_a_key_changes(self) -> None:
        with TigerVnc(screen, port) as viewer:
            viewer.shows(qemu.picture)
            before = qemu.picture()
            viewer.type_line("x")
            qemu.has_typed("x\n")
            self.assertNotEqual("", picture.difference(before, qemu.picture()))
            viewer.shows(qemu.picture)

    def test_vncdotool_captures_it_pixel_for_pixel(self) -> None:
        picture.become_equal(lambda: vncdo.capture(port), qemu.picture)

    def test_gvnccapture_captures_it_pixel_for_pixel(self) -> None:
        picture.become_equal(lambda: gvnc.visit(port).picture(), qemu.picture)

    def test_libvncclient_shows_it_pixel_for_pixel(self) -> None:
        viewer = LibVnc()
        picture.become_equal(lambda: viewer.visit(port, libvnc.NONE).picture(), qemu.picture)

    def test_tightvnc_shows_it_pixel_for_pixel(self) -> None:
        with TightVnc(screen, port, UNUSED) as viewer:
            viewer.shows(qemu.picture)

    def test_remmina_shows_it_pixel_for_pixel(self) -> None:
        with Remmina(screen, port, UNUSED) as viewer:
            viewer.shows(qemu.picture)

    def test_vncsnapshot_takes_a_picture_of_it(self) -> None:
        seen, shown = snapshot.visit(port, UNUSED).picture(), qemu.picture()
        self.assertLess(snapshot.mean_difference(seen, shown), snapshot.JPEG_NOISE)
        self.assertGreater(snapshot.mean_difference(seen, shown.rotate(180)), snapshot.JPEG_NOISE)


class Keys(unittest.TestCase):
    """None is lost, doubled or out of order, and none stays down."""

    def test_what_tigervnc_types_reaches_the_guest(self) -> None:
        with TigerVnc(screen, port) as viewer:
            viewer.shows(qemu.picture)
            viewer.type_line("TigerVNC was here, 42 times! [~@#]")
            qemu.has_typed("TigerVNC was here, 42 times! [~@#]\n")

    def test_what_vncdotool_types_reaches_the_guest(self) -> None:
        ended = vncdo.visit(port, "type", "vncdotool was here, 42 times", "key", "enter")
        self.assertEqual(0, ended.returncode, ended.stderr)
        qemu.has_typed("vncdotool was here, 42 times\n")

    def test_keys_with_an_extended_scan_code_reach_the_guest(self) -> None:
        known = len(qemu.keys())
        ended = vncdo.visit(port, "key", "left", "keydown", "rctrl", "keyup", "rctrl", "key", "enter")
        self.assertEqual(0, ended.returncode, ended.stderr)
        qemu.has_typed("\n")
        expected = [
            (code, is_down)
            for code in (scan_codes.LEFT_ARROW, scan_codes.RIGHT_CONTROL, scan_codes.ENTER)
            for is_down in (True, False)
        ]
        self.assertEqual(expected, qemu.keys()[known:])
