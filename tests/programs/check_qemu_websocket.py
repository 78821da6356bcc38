"""A real QEMU's own WebSocket behind mksgate: without TLS, and with TLS (tls-creds-x509) and a password."""

import unittest

import picture
import vncdo
from at_url import ConnectUrl, failed_step, probe, secret_file
from authority import Authority
from qemu import Qemu
from screen import ViewerScreen
from tigervnc import TigerVnc
from gateway import UrlGateway

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
        for name, guest in {"plain": plain, "secure": secure, "no subprotocol": plain}.items():
            with self.subTest(name):
                picture.become_equal(lambda name=name: vncdo.capture(gateway.ports[name]), guest.picture)

    def test_tigervnc_sees_the_same_and_its_keys_reach_the_guest(self) -> None:
        for name, guest in {"plain": plain, "secure": secure}.items():
            with self.subTest(name), TigerVnc(screen, gateway.ports[name]) as viewer:
                viewer.shows(guest.picture)
                viewer.type_line(f"tiger {name}")
                guest.has_typed(f"tiger {name}\n")

    def test_what_vncdotool_types_reaches_the_guest(self) -> None:
        for name, guest in {"plain": plain, "secure": secure}.items():
            with self.subTest(name):
                # No characters that need Shift: vncdotool does not press it, and QEMU needs it.
                ended = vncdo.visit(gateway.ports[name], "type", f"typed, 42 {name}.")
                self.assertEqual(0, ended.returncode, ended.stderr)
                guest.has_typed(f"typed, 42 {name}.")


class Refusals(unittest.TestCase):
    def test_the_viewer_gets_the_reason(self) -> None:
        refused = "refused the VNC login: ask the administrator"
        for name, reason, logged in [
            ("wrong password", refused, "refused the VNC login: the server refused"),
            ("no password", refused, "asks for a VNC password, and none is configured"),
            ("other subprotocol", "closed the connection: connect again", "before the console was ready"),
        ]:
            with self.subTest(name):
                gateway.check_refusal(vncdo.refusal(gateway.ports[name]), reason, logged)


class InOneCommand(unittest.TestCase):
    def setUp(self) -> None:
        self.plain = [f"ws://127.0.0.1:{plain.websocket}/"]
        self.secure = [f"wss://127.0.0.1:{secure.websocket}/", "--trust", f"file:{authority.pem}"]
        self.password = ["--password-file", secret_file("password", PASSWORD)]

    def test_connect_serves_one_viewer_after_another(self) -> None:
        for name, options, guest in [("plain", self.plain, plain), ("secure", [*self.secure, *self.password], secure)]:
            with self.subTest(name), ConnectUrl("--url", *options) as connect:
                for _ in range(2):
                    picture.become_equal(lambda: vncdo.capture(connect.port, connect.password), guest.picture)
                ended = vncdo.visit(connect.port, "type", f"at once, {name}.", password=connect.password)
                self.assertEqual(0, ended.returncode, ended.stderr)
                guest.has_typed(f"at once, {name}.")
                self.assertEqual(0, connect.end())

    def test_probe_finds_the_guest_step_by_step(self) -> None:
        for options, guest, security in [
            (self.plain, plain, "None"),
            ([*self.secure, *self.password], secure, "VNC password"),
        ]:
            with self.subTest(security):
                code, answer, output = probe("--against", *options)
                self.assertEqual(0, code, output)
                steps = {step["step"]: step for step in answer["steps"]}
                self.assertEqual([security], steps["rfb"]["security_types"])
                self.assertEqual(guest.picture().size, (steps["screen"]["width"], steps["screen"]["height"]))
                self.assertRegex(steps["screen"]["name"], "QEMU")

    def test_probe_says_what_is_missing(self) -> None:
        wrong = ["--password-file", secret_file("wrong", "Qemu-78?")]
        untrusted = self.secure[:1]
        for code, step, options, reason in [
            (3, "rfb", self.secure, "asks for a VNC password, and none is configured: add --password-file$"),
            (3, "rfb", [*self.secure, *wrong], "refused the VNC login: the server refused"),
            (7, "tls", [*untrusted, *self.password], "not trusted .* add --trust sha256:[0-9a-f]{64}$"),
        ]:
            with self.subTest(reason):
                last, output = failed_step(code, "--against", *options)
                self.assertEqual(step, last["step"], output)
                self.assertRegex(last["error"], reason)
                if step == "tls":
                    # The advice of the error works.
                    pinned = [*untrusted, "--trust", last["thumbprint"], *self.password]
                    self.assertEqual(0, probe("--against", *pinned)[0])
