"""TigerVNC's viewer through mksgate: pictures, keys, passwords, and the reasons when a console cannot be opened."""

import unittest

import picture
import tigervnc
from chain import Chain
from gateway import VNC_PASSWORD, WRONG_VNC_PASSWORD, Gateway
from screen import ViewerScreen
from tigervnc import TigerVnc

chain: Chain
screen: ViewerScreen


def setUpModule() -> None:
    global chain, screen
    chain = unittest.enterModuleContext(Chain())
    screen = unittest.enterModuleContext(ViewerScreen())


class Viewer(unittest.TestCase):
    def test_its_window_equals_that_of_a_direct_connection_pixel_for_pixel(self) -> None:
        with TigerVnc(screen, chain.desktop.port) as viewer:
            viewer.shows(chain.desktop.picture)
            direct = screen.picture()
        with TigerVnc(screen, chain.port()) as viewer:
            viewer.shows(chain.desktop.picture)
            through = screen.picture()
        self.assertGreater(picture.colours(through), picture.MANY)
        self.assertEqual("", picture.difference(through, direct))

    def test_every_lossless_encoding_shows_the_desktop_pixel_for_pixel(self) -> None:
        for encoding in tigervnc.ENCODINGS:
            with self.subTest(encoding), TigerVnc(screen, chain.port(), encoding) as viewer:
                viewer.shows(chain.desktop.picture)

    def test_few_colours_are_those_of_the_desktop_in_every_lossless_encoding(self) -> None:
        for colours in tigervnc.FEW:
            for encoding in tigervnc.ENCODINGS:
                name = f"{encoding} with {colours.highest}"
                with self.subTest(name), TigerVnc(screen, chain.port(), encoding, colours=colours) as viewer:
                    viewer.shows(lambda colours=colours: colours.of(chain.desktop.picture()))

    def test_typed_text_reaches_the_shell_and_its_echo_the_window(self) -> None:
        with TigerVnc(screen, chain.port()) as viewer:
            viewer.type_line("TigerVNC was here, 42 times")
            chain.desktop.has_read("TigerVNC was here, 42 times")
            viewer.shows(chain.desktop.picture)

    def test_a_password_lets_it_see_and_type(self) -> None:
        with TigerVnc(screen, chain.port("vnc-password"), password=VNC_PASSWORD) as viewer:
            viewer.shows(chain.desktop.picture)
            viewer.type_line("TigerVNC with a password")
            chain.desktop.has_read("TigerVNC with a password")

    def test_a_wrong_password_is_refused_with_a_reason(self) -> None:
        with TigerVnc(screen, chain.port("vnc-password"), password=WRONG_VNC_PASSWORD) as viewer:
            viewer.ended()
            self.assertRegex(viewer.stderr, "wrong password")

    def test_a_vm_that_is_off_is_refused_with_that_reason(self) -> None:
        with TigerVnc(screen, chain.port(vm="vm10")) as viewer:
            viewer.ended()
            self.assertRegex(viewer.stderr, "the VM is powered off: switch it on")

    def test_an_address_outside_allow_is_refused_with_that_reason(self) -> None:
        keys = 'allow = ["192.0.2.0/24"]'
        with Gateway(chain.simulator, [("vm08", "vnc-password")], console_keys=keys) as gateway:
            port = gateway.ports["vm08", "vnc-password"]
            with TigerVnc(screen, port, password=VNC_PASSWORD) as viewer:
                viewer.ended()
                reason = r"your address may not use this console: ask the administrator \(session [0-9]+\)"
                # It wraps its lines.
                self.assertRegex(" ".join(viewer.stderr.split()), reason)
            end = gateway.end_after(0, "may not use this console: add its network to allow")
            self.assertEqual("WARN", end["level"])
