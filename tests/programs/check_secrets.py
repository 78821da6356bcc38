"""The log at level trace contains no password, ticket or cookie."""

import base64
import os
import unittest
from urllib.parse import quote

import vncdo
from gateway import USER, USER_PASSWORD, VNC_PASSWORD, WRONG_USER_PASSWORD, WRONG_VNC_PASSWORD, Gateway
from recording_proxy import RecordingProxy
from libvnc import VENCRYPT, LibVnc
from rfb import VNC, RawViewer
from simulator import Simulator
from waiting import until

CONSOLES = [("vm08", method) for method in ["vnc-password", "x509-vnc", "x509-plain"]]

# All log messages of the program and its libraries, in both formats.
ALL = {"MKSGATE_LOG": "trace"}
FORMS = {"text": ("--log", "text"), "json": ("--log", "json")}

# The number of sessions that are opened.
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
            with self.subTest(name), RecordingProxy(simulator) as proxy:
                with Gateway(proxy, CONSOLES, options=before, env=ALL) as gateway:
                    challenge, response = self._log_in_by_all_methods(gateway)
                    self.assertEqual(0, gateway.end())
                said = gateway.stdout + gateway.stderr
                self._has_all_levels(said)
                secrets = {f"ticket {n}": ticket for n, ticket in enumerate(sorted(proxy.tickets()))}
                self.assertGreaterEqual(len(secrets), OPENED)
                self.assertGreaterEqual(len(proxy.cookies()), 1)
                secrets |= {f"cookie {n}": cookie for n, cookie in enumerate(sorted(proxy.cookies()))}
                *_, salt, digest = gateway.user.split("$")
                secrets |= {"salt": salt, "hash": digest, "vSphere's password": simulator.password}
                secrets |= {"user's password": USER_PASSWORD, "VNC password": VNC_PASSWORD}
                secrets |= {"wrong user's password": WRONG_USER_PASSWORD, "wrong VNC password": WRONG_VNC_PASSWORD}
                # With both, the password could be guessed offline.
                secrets |= {"challenge": challenge, "response": response}
                found = {name for name, secret in secrets.items() if is_in(said, secret)}
                self.assertEqual(set(), found)

    def test_a_password_that_vsphere_refuses_is_not_in_it(self) -> None:
        wrong = "not-the-password-of-vsphere"
        with RecordingProxy(simulator) as proxy:
            proxy.password = wrong
            with Gateway(proxy, CONSOLES, env=ALL) as gateway:
                visit = vncdo.visit(gateway.ports["vm08", "vnc-password"], "key", "a", password=VNC_PASSWORD)
                self.assertNotEqual(0, visit.returncode)
                until("the failed login in the log", lambda: "session closed" in gateway.stderr)
            self._has_all_levels(gateway.stderr)
            self.assertFalse(is_in(gateway.stdout + gateway.stderr + visit.stderr, wrong))

    def test_the_search_finds_a_secret_in_any_of_its_forms(self) -> None:
        for secret in ["it's <a> \"secret\"", os.urandom(16)]:
            for form in forms(secret):
                self.assertTrue(is_in(f"before {form} after", secret), form)
            self.assertFalse(is_in("before and after", secret))

    def _log_in_by_all_methods(self, gateway: Gateway) -> tuple[bytes, bytes]:
        """Logs in with each method, with right and wrong passwords; returns a challenge and its wrong response."""
        authority = gateway.authority.pem
        port = {method: port for (_, method), port in gateway.ports.items()}
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
        until("the last of seven sessions", lambda: gateway.stderr.count("session closed") == 7)
        return challenge, response

    def _has_all_levels(self, said: str) -> None:
        """The log has messages of the lowest levels, and those on sessions."""
        self.assertRegex(said, "TRACE")
        self.assertRegex(said, "DEBUG")
        self.assertIn("session closed", said)
        self.assertTrue(is_in(said, "vm08"))


def is_in(said: str, secret: str | bytes) -> bool:
    return any(form in said for form in forms(secret))


def forms(secret: str | bytes) -> set[str]:
    """The forms in which a log may contain these bytes: literally, escaped, in hexadecimal, as a list, …"""
    data = secret.encode() if isinstance(secret, str) else secret
    written = {data.hex(), data.hex().upper(), data.hex(":"), base64.b64encode(data).decode().rstrip("=")}
    written |= {", ".join(str(byte) for byte in data), ",".join(str(byte) for byte in data)}
    written |= {", ".join(f"{byte:02x}" for byte in data), quote(data, safe="")}
    written |= {"".join(chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}" for byte in data)}
    if isinstance(secret, str):
        xml = secret.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
        written |= {secret, xml, secret.replace("\\", "\\\\").replace('"', '\\"')}
    return written
