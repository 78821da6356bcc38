"""Stock viewers with desktops that differ from a plain VNC server in every way that is known of ESXi.

The desktops are the simulator's, which says what they show, so that pictures are compared pixel for pixel.
"""

import unittest

import gvnc
import libvnc
import picture
import snapshot
import tigervnc
import vncdo
from gateway import Gateway
from libvnc import LibVnc
from remmina import Remmina
from screen import ViewerScreen
from simulator import Simulator
from tightvnc import TightVnc
from tigervnc import TigerVnc
from waiting import until

# A VM for each set of quirks: pixel formats, answers to requests, unasked messages, key repeat by the host.
QUIRKS = {
    "plain": "",
    "no-caps": "no-caps",
    "only-native": "only-native",
    "ignore-format": "ignore-format",
    "one-pixel": "one-pixel",
    "split": "split",
    "chatty": "chatty",
    "repeat": "repeat",
    "acks": "acks",
    "cursor-masks": "cursor-masks,only-native",
    "all-at-once": "only-native,one-pixel,split,chatty,repeat,acks",
}

# The scan code of A.
KEY_A = 0x1E

# The password of viewers that need one, though the console does not ask for it.
UNUSED = "unused"

METHOD = "none"

simulator: Simulator
gateway: Gateway
screen: ViewerScreen


def setUpModule() -> None:
    global simulator, gateway, screen
    vms = [option for vm, quirks in QUIRKS.items() for option in ("--vm", f"{vm}={quirks}")]
    simulator = unittest.enterModuleContext(Simulator("--no-clock", *vms))
    gateway = unittest.enterModuleContext(Gateway(simulator, [(vm, METHOD) for vm in QUIRKS]))
    screen = unittest.enterModuleContext(ViewerScreen())


class Desktops(unittest.TestCase):
    def test_they_show_many_colours(self) -> None:
        for vm in QUIRKS:
            self.assertGreater(picture.colours(simulator.picture(vm)), picture.MANY)


class TigerVncViewer(unittest.TestCase):
    def test_it_shows_each_pixel_for_pixel_and_types(self) -> None:
        for vm in QUIRKS:
            with self.subTest(vm), TigerVnc(screen, port(vm)) as viewer:
                viewer.shows(lambda vm=vm: simulator.picture(vm))
                viewer.type_line("TigerVNC was here: 42!")
                simulator.has_typed(vm, "TigerVNC was here: 42!\n")
                viewer.shows(lambda vm=vm: simulator.picture(vm))

    def test_a_key_that_is_held_repeats_and_stops(self) -> None:
        # The viewer's X server repeats the key, too; either repetition will do.
        with TigerVnc(screen, port("repeat")) as viewer:
            viewer.shows(lambda: simulator.picture("repeat"))
            with viewer.holding("a"):
                until("the key's repetition", lambda: simulator.typed("repeat").endswith("aaaaa"))
            viewer.type_line("b")
            simulator.has_typed("repeat", "aaaaab\n")

    def test_it_shows_each_in_few_colours(self) -> None:
        for vm in QUIRKS:
            with self.subTest(vm), TigerVnc(screen, port(vm), colours=tigervnc.LOW) as viewer:
                viewer.shows(lambda vm=vm: tigervnc.LOW.of(simulator.picture(vm)))

    def test_it_shows_every_encoding_in_every_number_of_colours(self) -> None:
        for colours in [tigervnc.FULL, *tigervnc.FEW]:
            for encoding in tigervnc.ENCODINGS:
                name = f"{encoding} with {colours.highest}"
                with self.subTest(name), TigerVnc(screen, port("plain"), encoding, colours=colours) as viewer:
                    viewer.shows(lambda colours=colours: colours.of(simulator.picture("plain")))


class OtherViewers(unittest.TestCase):
    def test_vncdotool_captures_each_pixel_for_pixel_and_types(self) -> None:
        for vm in QUIRKS:
            with self.subTest(vm):
                picture.become_equal(lambda vm=vm: vncdo.capture(port(vm)), lambda vm=vm: simulator.picture(vm))
                ended = vncdo.visit(port(vm), "type", "vncdotool was here: 42", "key", "enter")
                self.assertEqual(0, ended.returncode, ended.stderr)
                simulator.has_typed(vm, "vncdotool was here: 42\n")

    def test_a_key_that_vncdotool_holds_repeats_and_stops(self) -> None:
        # It sends one key-down event; the host repeats the key for the first time half a second later.
        held = ["keydown", "a", "pause", "3", "keyup", "a", "key", "b", "key", "enter"]
        for vm, repeats in {"plain": False, "repeat": True}.items():
            with self.subTest(vm):
                before = len(simulator.keys(vm))
                ended = vncdo.visit(port(vm), *held)
                self.assertEqual(0, ended.returncode, ended.stderr)
                simulator.has_typed(vm, "ab\n")
                by_host = [key["repeated"] for key in simulator.keys(vm)[before:] if key["scan_code"] == KEY_A]
                count = sum(by_host)
                self.assertEqual(repeats, count > 0)
                # All repetitions are between the key-down and the key-up event.
                self.assertEqual([False, *[True] * count, False], by_host)

    def test_gvnccapture_captures_each_pixel_for_pixel(self) -> None:
        for vm in QUIRKS:
            with self.subTest(vm):
                seen = gvnc.visit(port(vm)).picture()
                self.assertEqual("", picture.difference(seen, simulator.picture(vm)))

    def test_libvncclient_shows_each_pixel_for_pixel(self) -> None:
        viewer = LibVnc()
        for vm in QUIRKS:
            with self.subTest(vm):
                seen = viewer.visit(port(vm), libvnc.NONE).picture()
                self.assertEqual("", picture.difference(seen, simulator.picture(vm)))

    def test_vncsnapshot_takes_a_picture_of_each(self) -> None:
        for vm in QUIRKS:
            with self.subTest(vm):
                seen = snapshot.visit(port(vm), UNUSED).picture()
                self.assertLess(snapshot.mean_difference(seen, simulator.picture(vm)), snapshot.JPEG_NOISE)

    def test_tightvnc_shows_each_pixel_for_pixel(self) -> None:
        for vm in QUIRKS:
            with self.subTest(vm), TightVnc(screen, port(vm), UNUSED) as viewer:
                viewer.shows(lambda vm=vm: simulator.picture(vm))

    def test_remmina_shows_each_pixel_for_pixel(self) -> None:
        for vm in QUIRKS:
            with self.subTest(vm), Remmina(screen, port(vm), UNUSED) as viewer:
                viewer.shows(lambda vm=vm: simulator.picture(vm))


def port(vm: str) -> int:
    return gateway.ports[vm, METHOD]
