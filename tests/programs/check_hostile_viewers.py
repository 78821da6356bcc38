"""Viewers that violate the protocol: each gets a reason where RFB has room for one, and the log blames the viewer."""

import os
import struct
import unittest
from collections.abc import Callable
from functools import partial

import picture
import vncdo
from gateway import DEBUG, VNC_PASSWORD, Gateway
from rfb import GREETING, NONE, VENCRYPT, VNC, X509_NONE, X509_PLAIN, X509_VNC, RawViewer
from simulator import Simulator

# The limit of the gateway's memory.
MEBIBYTES = 150

# VeNCrypt subtypes that are never offered: Plain without TLS, and those that use TLS without a certificate.
PLAIN, TLS_NONE, TLS_VNC, TLS_PLAIN = 256, 257, 258, 259

# The longest field of VeNCrypt, and one byte more than the gateway accepts.
HUGE, TOO_LONG = 0xFFFF_FFFF, 256

# More than any buffer before the login.
MUCH = 1 << 20

METHODS = ["vnc-password", "x509-none", "x509-plain", "x509-plain+x509-vnc+vnc-password"]

gateway: Gateway


def setUpModule() -> None:
    global gateway
    simulator = unittest.enterModuleContext(Simulator("--vm", "vm08", "--no-clock"))
    gateway = unittest.enterModuleContext(Gateway(simulator, [("vm08", method) for method in METHODS], env=DEBUG))


class HostileViewers(unittest.TestCase):
    def test_other_protocols_are_refused(self) -> None:
        hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x00"
        others = [b"GET / HTTP/1.1\r\n\r\n", b"SSH-2.0-OpenSSH_9.2p1\r\n", hello]
        for first in [*others, bytes(12), b"RFB 999.999\n"[:11] + b"\0", os.urandom(MUCH)]:
            with self.subTest(repr(first[:20])):
                attack = partial(self._sends, data=first)
                self._is_blamed("vnc-password", attack, "this is a VNC port")

    def test_a_security_type_that_is_not_offered_is_refused_with_a_reason(self) -> None:
        cases = [("vnc-password", NONE), ("vnc-password", VENCRYPT), ("x509-plain", NONE), ("x509-plain", VNC)]
        for method, choice in [*cases, ("vnc-password", 0), ("vnc-password", 255)]:
            with self.subTest(f"{choice} at {method}"):
                self._is_blamed(method, partial(self._chooses, choice=choice), "this is a VNC port")

    def test_a_vencrypt_subtype_that_is_not_offered_is_refused(self) -> None:
        strong = "x509-plain+x509-vnc+vnc-password"
        cases = [("x509-plain", kind) for kind in [X509_NONE, X509_VNC, PLAIN, TLS_NONE, TLS_VNC, TLS_PLAIN, 0, HUGE]]
        for method, kind in [*cases, (strong, X509_NONE), (strong, TLS_PLAIN), ("x509-none", X509_PLAIN)]:
            with self.subTest(f"{kind} at {method}"):
                self._is_blamed(method, partial(self._chooses_kind, kind=kind), "this is a VNC port")

    def test_the_configured_methods_are_offered_the_strongest_first(self) -> None:
        offers = {}
        for method in METHODS:
            with self._at(method) as viewer:
                types = viewer.offered()
                offers[method] = types, viewer.kinds() if VENCRYPT in types else []
        expected = {
            "vnc-password": ([VNC], []),
            "x509-none": ([VENCRYPT], [X509_NONE]),
            "x509-plain": ([VENCRYPT], [X509_PLAIN]),
            "x509-plain+x509-vnc+vnc-password": ([VENCRYPT, VNC], [X509_PLAIN, X509_VNC]),
        }
        self.assertEqual(expected, offers)

    def test_rfb_3_3_is_refused_with_a_reason_where_encryption_is_required(self) -> None:
        def attack(viewer: RawViewer) -> None:
            viewer.read(len(GREETING))
            viewer.send(b"RFB 003.003\n")
            self.assertEqual(bytes(4), viewer.read(4))
            self.assertRegex(viewer.text(), r"this console needs an encrypted login: .* \(session [0-9]+\)")

        self._is_blamed("x509-plain", attack, "wants an encrypted login")

    def test_another_version_of_vencrypt_is_refused(self) -> None:
        for version in [b"\x00\x01", b"\x00\x00", b"\xff\xff"]:
            with self.subTest(repr(version)):

                def attack(viewer: RawViewer, version: bytes = version) -> None:
                    viewer.offered()
                    viewer.send(bytes([VENCRYPT]) + version)
                    self.assertEqual(b"\x00\x02", viewer.read(2))
                    self.assertNotEqual(b"\x00", viewer.read(1))

                self._is_blamed("x509-plain", attack, "VeNCrypt")

    def test_garbage_in_place_of_tls_ends_the_connection(self) -> None:
        short = [b"\x16\x03\x01\xff\xff" + bytes(1000), b"GET / HTTP/1.1\r\n\r\n"]
        for garbage in [*short, os.urandom(MUCH), bytes(MUCH)]:
            with self.subTest(repr(garbage[:20])):

                def attack(viewer: RawViewer, garbage: bytes = garbage) -> None:
                    viewer.begin_tls(X509_NONE)
                    self._sends(viewer, garbage)

                self._is_blamed("x509-none", attack, "TLS with the viewer failed|the viewer closed|connection failed")

    def test_bytes_before_the_tls_handshake_are_not_taken_as_encrypted(self) -> None:
        def attack(viewer: RawViewer) -> None:
            viewer.offered()
            viewer.kinds()
            # In one segment with the choice of the subtype: a name and a password, not encrypted.
            login = struct.pack(">II", 3, 3) + b"adaada"
            self._sends(viewer, struct.pack(">I", X509_PLAIN) + login)

        self._is_blamed("x509-plain", attack, "TLS with the viewer failed")

    def test_a_name_or_password_that_is_too_long_is_refused_before_it_is_read(self) -> None:
        for user, password in [(HUGE, HUGE), (TOO_LONG, 8), (8, TOO_LONG), (0x8000_0000, 0), (3, HUGE)]:
            with self.subTest(f"{user}, {password}"):

                def attack(viewer: RawViewer, user: int = user, password: int = password) -> None:
                    viewer.begin_tls(X509_PLAIN)
                    viewer.start_tls()
                    viewer.send(struct.pack(">II", user, password))
                    self.assertRegex(viewer.reason(), "this is a VNC port")

                self._is_blamed("x509-plain", attack, "this is a VNC port")

    def test_a_viewer_may_close_at_any_step(self) -> None:
        steps: list[Callable[[RawViewer], object]] = [
            lambda viewer: None,
            lambda viewer: viewer.send(GREETING[:5]),
            lambda viewer: viewer.offered(),
            lambda viewer: (viewer.offered(), viewer.kinds()),
            lambda viewer: viewer.begin_tls(X509_PLAIN),
            lambda viewer: (viewer.begin_tls(X509_PLAIN), viewer.start_tls()),
            lambda viewer: (viewer.begin_tls(X509_PLAIN), viewer.start_tls(), viewer.send(struct.pack(">II", 8, 8))),
        ]
        for number, step in enumerate(steps):
            with self.subTest(f"after step {number}"):
                known = len(gateway.ends())
                with self._at("x509-plain") as viewer:
                    step(viewer)
                end = gateway.end_of(viewer.address, known)
                self.assertIn("viewer", [end["ended_by"], end.get("blame")], end)

    def tearDown(self) -> None:
        """A real viewer still logs in, and the gateway's memory is bounded."""
        self.assertEqual(picture.SIZE, vncdo.capture(gateway.ports["vm08", "vnc-password"], VNC_PASSWORD).size)
        self.assertLess(gateway.memory(), MEBIBYTES)
        self.assertNotIn("panicked", gateway.stderr)

    def _at(self, method: str) -> RawViewer:
        return RawViewer(gateway.ports["vm08", method])

    def _is_blamed(self, method: str, attack: Callable[[RawViewer], None], words: str) -> None:
        """Runs the attack until the gateway closes; the log blames the viewer and matches `words`."""
        known = len(gateway.ends())
        with self._at(method) as viewer:
            attack(viewer)
            viewer.rest()
        end = gateway.end_of(viewer.address, known)
        self.assertEqual("viewer", end.get("blame") or end["ended_by"], end)
        self.assertEqual("negotiate", end["stage"], end)
        self.assertRegex(end["message"], words)

    def _sends(self, viewer: RawViewer, data: bytes) -> None:
        """Sends all of it, or as much as the gateway reads."""
        try:
            viewer.send(data)
        except ConnectionError:
            pass

    def _chooses(self, viewer: RawViewer, choice: int) -> None:
        self.assertNotIn(choice, viewer.offered())
        viewer.send(bytes([choice]))
        self.assertRegex(viewer.reason(), "this is a VNC port")

    def _chooses_kind(self, viewer: RawViewer, kind: int) -> None:
        self.assertIn(VENCRYPT, viewer.offered())
        self.assertNotIn(kind, viewer.kinds())
        viewer.send(struct.pack(">I", kind))
        self.assertEqual(b"\x00", viewer.read(1))
