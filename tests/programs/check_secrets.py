"""At its most talkative the log says nothing that would let anybody in."""

import base64
import os
import unittest
from urllib.parse import quote

import vncdo
from door import USER, USER_PASSWORD, VNC_PASSWORD, WRONG_USER_PASSWORD, WRONG_VNC_PASSWORD, Door
from eavesdropper import Eavesdropper
from libvnc import VENCRYPT, LibVnc
from rfb import VNC, RawViewer
from simulator import Simulator
from waiting import until

CONSOLES = [("vm08", way) for way in ["vnc-password", "x509-vnc", "x509-plain"]]

# Everything that the program and its libraries have to say, in either form.
ALL = {"MKSGATE_LOG": "trace"}
FORMS = {"text": ("--log", "text"), "json": ("--log", "json")}

# Sessions that each check below opens.
OPENED = 3

simulator: Simulator
viewer: LibVnc


def setUpModule() -> None:
    global simulator, viewer
    simulator = unittest.enterModuleContext(Simulator("--vm", "vm08"))
    viewer = LibVnc()


class Log(unittest.TestCase):
    def test_no_password_hash_ticket_or_cookie_is_in_it(self) -> None:
        for name, before in FORMS.items():
            with self.subTest(name), Eavesdropper(simulator) as between:
                with Door(between, CONSOLES, before=before, env=ALL) as door:
                    challenge, response = self._come_and_go(door)
                    self.assertEqual(0, door.end())
                said = door.stdout + door.stderr
                self._is_talkative(said)
                secrets = {f"ticket {n}": ticket for n, ticket in enumerate(sorted(between.tickets()))}
                self.assertGreaterEqual(len(secrets), OPENED)
                self.assertGreaterEqual(len(between.cookies()), 1)
                secrets |= {f"cookie {n}": cookie for n, cookie in enumerate(sorted(between.cookies()))}
                *_, salt, digest = door.users.read_text().strip().split("$")
                secrets |= {"salt": salt, "hash": digest, "vSphere's password": simulator.password}
                secrets |= {"user's password": USER_PASSWORD, "VNC password": VNC_PASSWORD}
                secrets |= {"wrong user's password": WRONG_USER_PASSWORD, "wrong VNC password": WRONG_VNC_PASSWORD}
                # Together they are enough to find the password by trying.
                secrets |= {"challenge": challenge, "response": response}
                found = {name for name, secret in secrets.items() if is_in(said, secret)}
                self.assertEqual(set(), found)

    def test_a_password_that_vsphere_does_not_take_is_not_in_it(self) -> None:
        wrong = "not-the-password-of-vsphere"
        with Eavesdropper(simulator) as between:
            between.password = wrong
            with Door(between, CONSOLES, env=ALL) as door:
                visit = vncdo.visit(door.ports["vm08", "vnc-password"], "key", "a", password=VNC_PASSWORD)
                self.assertNotEqual(0, visit.returncode)
                until("the failed login in the log", lambda: "session closed" in door.stderr)
            self._is_talkative(door.stderr)
            self.assertFalse(is_in(door.stdout + door.stderr + visit.stderr, wrong))

    def test_a_secret_would_be_found_in_any_of_its_forms(self) -> None:
        for secret in ["it's <a> \"secret\"", os.urandom(16)]:
            for form in forms(secret):
                self.assertTrue(is_in(f"before {form} after", secret), form)
            self.assertFalse(is_in("before and after", secret))

    def _come_and_go(self, door: Door) -> tuple[bytes, bytes]:
        """By every way in, rightly and wrongly; the challenge and the response of one that was wrong."""
        authority = door.authority.pem
        port = {way: port for (_, way), port in door.ports.items()}
        vncdo.capture(port["vnc-password"], VNC_PASSWORD)
        self.assertNotEqual(0, vncdo.visit(port["vnc-password"], "key", "a", password=WRONG_VNC_PASSWORD).returncode)
        viewer.visit(port["x509-vnc"], VENCRYPT, authority, password=VNC_PASSWORD).picture()
        viewer.visit(port["x509-plain"], VENCRYPT, authority, USER, USER_PASSWORD).picture()
        for user, password in [(USER, WRONG_USER_PASSWORD), ("eve", USER_PASSWORD)]:
            self.assertEqual(1, viewer.visit(port["x509-plain"], VENCRYPT, authority, user, password).code)
        with RawViewer(port["vnc-password"]) as raw:
            raw.offered()
            raw.send(bytes([VNC]))
            challenge, response = raw.read(16), os.urandom(16)
            raw.send(response)
            self.assertRegex(raw.reason(), "wrong password")
        until("the last of seven sessions", lambda: door.stderr.count("session closed") == 7)
        return challenge, response

    def _is_talkative(self, said: str) -> None:
        """What is searched is indeed all that it can say, and who came is in it."""
        self.assertRegex(said, "TRACE")
        self.assertRegex(said, "DEBUG")
        self.assertIn("session closed", said)
        self.assertTrue(is_in(said, "vm08"))


def is_in(said: str, secret: str | bytes) -> bool:
    return any(form in said for form in forms(secret))


def forms(secret: str | bytes) -> set[str]:
    """How a program that does not mean to may write bytes: as they are, escaped, in hexadecimal, as a list..."""
    data = secret.encode() if isinstance(secret, str) else secret
    written = {data.hex(), data.hex().upper(), data.hex(":"), base64.b64encode(data).decode().rstrip("=")}
    written |= {", ".join(str(byte) for byte in data), ",".join(str(byte) for byte in data)}
    written |= {", ".join(f"{byte:02x}" for byte in data), quote(data, safe="")}
    written |= {"".join(chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}" for byte in data)}
    if isinstance(secret, str):
        xml = secret.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
        written |= {secret, xml, secret.replace("\\", "\\\\").replace('"', '\\"')}
    return written
