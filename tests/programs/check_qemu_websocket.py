"""A real QEMU's own WebSocket behind mksgate: without TLS, and with TLS (tls-creds-x509) and a password."""

import unittest

import picture
import vncdo
from at_url import ConnectUrl, probe, secret_file
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
authority: Authority


def setUpModule() -> None:
    global plain, secure, screen, gateway, authority
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
            "wrong password": "refused the VNC login: the server refused",
            "no password": "asks for a VNC password, and none is configured",
            "other subprotocol": "before the console was ready",
        }.items():
            with self.subTest(way):
                ended = vncdo.visit(gateway.ports[way], "key", "a")
                self.assertNotEqual(0, ended.returncode)
                self.assertRegex(ended.stderr, f"CRITICAL.*{reason}")


class InOneCommand(unittest.TestCase):
    def setUp(self) -> None:
        self.plain = [f"ws://127.0.0.1:{plain.websocket}/"]
        self.secure = [f"wss://127.0.0.1:{secure.websocket}/", "--trust", f"file:{authority.pem}"]
        self.password = ["--password-file", secret_file("password", PASSWORD)]

    def test_connect_serves_one_viewer_after_another(self) -> None:
        for way, options, guest in [("plain", self.plain, plain), ("secure", [*self.secure, *self.password], secure)]:
            with self.subTest(way), ConnectUrl("--url", *options) as connect:
                for _ in range(2):
                    picture.become_equal(lambda: vncdo.capture(connect.port, connect.password), guest.picture)
                ended = vncdo.visit(connect.port, "type", f"at once, {way}.", password=connect.password)
                self.assertEqual(0, ended.returncode, ended.stderr)
                guest.has_typed(f"at once, {way}.")
                self.assertEqual(0, connect.end())

    def test_probe_finds_the_guest_step_by_step(self) -> None:
        for options, guest, security in [
            (self.plain, plain, "None"),
            ([*self.secure, *self.password], secure, "VNC password"),
        ]:
            with self.subTest(security):
                code, answer, said = probe("--against", *options)
                self.assertEqual(0, code, said)
                steps = {step["step"]: step for step in answer["steps"]}
                self.assertEqual([security], steps["rfb"]["security_types"])
                self.assertEqual(guest.picture().size, (steps["screen"]["width"], steps["screen"]["height"]))
                self.assertRegex(steps["screen"]["name"], "QEMU")

    def test_probe_says_what_is_missing(self) -> None:
        wrong = ["--password-file", secret_file("wrong", "Qemu-78?")]
        untrusted = self.secure[:1]
        for step, options, reason in [
            ("rfb", self.secure, "asks for a VNC password, and none is configured: add --password-file$"),
            ("rfb", [*self.secure, *wrong], "refused the VNC login: the server refused"),
            ("tls", [*untrusted, *self.password], "not trusted .* add --trust sha256:[0-9a-f]{64}$"),
        ]:
            with self.subTest(reason):
                code, answer, said = probe("--against", *options)
                self.assertEqual(1, code, said)
                last = answer["steps"][-1]
                self.assertEqual((step, False), (last["step"], last["ok"]), said)
                self.assertRegex(last["error"], reason)
                if step == "tls":
                    # What it advises does it.
                    pinned = [*untrusted, "--trust", last["thumbprint"], *self.password]
                    self.assertEqual(0, probe("--against", *pinned)[0])
