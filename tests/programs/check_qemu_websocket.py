"""A real QEMU's own WebSocket behind mksgate: without TLS, and with TLS (tls-creds-x509) and a password."""

import unittest

import picture
import vncdo
from authority import Authority
from qemu import Qemu
from screen import ViewerScreen
from tigervnc import TigerVnc
from url_gateway import UrlGateway

PASSWORD = "Qemu-77!"

plain: Qemu
secure: Qemu
screen: ViewerScreen
gateway: UrlGateway


def setUpModule() -> None:
    global plain, secure, screen, gateway
    authority = Authority()
    plain = unittest.enterModuleContext(Qemu())
    secure = unittest.enterModuleContext(Qemu(authority, PASSWORD))
    screen = unittest.enterModuleContext(ViewerScreen())
    url = f'url = "wss://127.0.0.1:{secure.websocket}/"\ntrust = "file:{authority.pem}"\n'
    consoles = {
        "plain": f'url = "ws://127.0.0.1:{plain.websocket}/"',
        "secure": f'{url}password_file = "password"',
        "wrong password": f'{url}password_file = "wrong"',
        "no password": url,
        "no subprotocol": f'url = "ws://127.0.0.1:{plain.websocket}/"\nsubprotocol = "none"',
        "other subprotocol": f'url = "ws://127.0.0.1:{plain.websocket}/"\nsubprotocol = "chat"',
    }
    gateway = unittest.enterModuleContext(UrlGateway(consoles, {"password": PASSWORD, "wrong": "Qemu-78?"}))


class Guest(unittest.TestCase):
    def test_vncdotool_sees_it_pixel_for_pixel(self) -> None:
        for way, guest in {"plain": plain, "secure": secure, "no subprotocol": plain}.items():
            with self.subTest(way):
                picture.become_equal(lambda way=way: vncdo.capture(gateway.ports[way]), guest.picture)

    def test_tigervnc_sees_the_same_and_its_keys_reach_the_guest(self) -> None:
        for way, guest in {"plain": plain, "secure": secure}.items():
            with self.subTest(way), TigerVnc(screen, gateway.ports[way]) as viewer:
                viewer.shows(guest.picture)
                viewer.type_line(f"tiger {way}")
                guest.has_typed(f"tiger {way}\n")

    def test_what_vncdotool_types_reaches_the_guest(self) -> None:
        for way, guest in {"plain": plain, "secure": secure}.items():
            with self.subTest(way):
                # No signs that need Shift: vncdotool does not press it, and QEMU wants to see it.
                ended = vncdo.visit(gateway.ports[way], "type", f"typed, 42 {way}.")
                self.assertEqual(0, ended.returncode, ended.stderr)
                guest.has_typed(f"typed, 42 {way}.")


class Refusals(unittest.TestCase):
    def test_each_is_told_to_the_viewer_in_words_that_help(self) -> None:
        for way, reason in {
            "wrong password": "did not let us in: the server refused",
            "no password": "asks for a VNC password, and none is configured",
            "other subprotocol": "before the console was ready",
        }.items():
            with self.subTest(way):
                ended = vncdo.visit(gateway.ports[way], "key", "a")
                self.assertNotEqual(0, ended.returncode)
                self.assertRegex(ended.stderr, f"CRITICAL.*{reason}")
