"""Behind HAProxy: the viewer's address is that of the PROXY header, where the sender is in `proxy_from`."""

import unittest
from typing import Any

import picture
import vncdo
from gateway import DEBUG, VNC_PASSWORD, Gateway
from haproxy import VERSIONS, HaProxy
from rfb import RawViewer
from simulator import Simulator
from waiting import until

# The allow list has the first two.
ALLOWED, ALSO_ALLOWED, NOT_ALLOWED = "127.0.0.2", "127.0.0.1", "127.0.0.3"

GATEWAY = """
proxy_protocol = true
proxy_from = ["127.0.0.1/32"]
"""

CONSOLE = f'allow = ["{ALLOWED}/32", "{ALSO_ALLOWED}/32"]'

# Enough health checks of both versions to see an effect that accumulates.
CHECKS = 10

gateway: Gateway
simulator: Simulator


def setUpModule() -> None:
    global simulator, gateway
    simulator = unittest.enterModuleContext(Simulator("--vm", "vm08", "--no-clock"))
    consoles = [("vm08", "none"), ("vm08", "vnc-password")]
    gateway = unittest.enterModuleContext(Gateway(simulator, consoles, GATEWAY, CONSOLE, env=DEBUG))


class BehindHaProxy(unittest.TestCase):
    def test_the_log_has_the_viewers_own_address_in_either_version(self) -> None:
        with HaProxy(gateway.ports["vm08", "none"]) as balancer:
            for version in VERSIONS:
                known = len(gateway.ends())
                with self.subTest(version), RawViewer(balancer.ports[version], ALLOWED) as viewer:
                    self.assertEqual((800, 600), viewer.see_screen())
                    viewer.socket.close()
                    self._ended(viewer.address, known, "viewer left")

    def test_the_allow_list_is_for_the_viewers_own_address(self) -> None:
        with HaProxy(gateway.ports["vm08", "none"]) as balancer:
            for version in VERSIONS:
                known = len(gateway.ends())
                with self.subTest(version), RawViewer(balancer.ports[version], NOT_ALLOWED) as viewer:
                    self.assertEqual([], viewer.offered())
                    self.assertIn(b"your address may not use this console", viewer.rest())
                    self._ended(viewer.address, known, f"{NOT_ALLOWED} may not use this console")

    def test_a_real_viewer_logs_in_through_the_balancer(self) -> None:
        with HaProxy(gateway.ports["vm08", "vnc-password"]) as balancer:
            for version in VERSIONS:
                with self.subTest(version):
                    seen = vncdo.capture(balancer.ports[version], VNC_PASSWORD)
                    self.assertEqual(picture.SIZE, seen.size)

    def test_a_connection_without_a_header_is_closed_before_a_byte_is_sent(self) -> None:
        for first in [b"RFB 003.008\n", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"]:
            known = len(gateway.ends())
            with self.subTest(repr(first)), RawViewer(gateway.ports["vm08", "none"]) as viewer:
                viewer.send(first)
                self.assertEqual(b"", viewer.rest())
                self._ended(viewer.address, known, "no valid PROXY header")

    def test_a_header_from_another_address_is_refused(self) -> None:
        known = len(gateway.ends())
        with RawViewer(gateway.ports["vm08", "none"], NOT_ALLOWED) as viewer:
            viewer.send(f"PROXY TCP4 {ALLOWED} 127.0.0.1 4000 5900\r\n".encode())
            self.assertEqual(b"", viewer.rest())
            self._ended(viewer.address, known, "the address is not in proxy_from")

    def test_health_checks_succeed_and_log_no_warnings(self) -> None:
        before = len(gateway.ends())
        warnings = _warnings()
        with HaProxy(gateway.ports["vm08", "vnc-password"]) as balancer:
            until(f"{CHECKS} health checks", lambda: len(gateway.ends()) >= before + CHECKS)
            for server in balancer.servers().values():
                self.assertEqual(("UP", "L4OK", "0"), (server["status"], server["check_status"], server["chkfail"]))
            for version in VERSIONS:
                seen = vncdo.capture(balancer.ports[version], VNC_PASSWORD)
                self.assertEqual(picture.SIZE, seen.size)
            # A health check is not worth a warning.
            checks = [end for end in gateway.ends()[before:] if end["to_viewer"] == 0]
            self.assertEqual({"negotiate"}, {end["stage"] for end in checks})
            self.assertEqual({"DEBUG"}, {end["level"] for end in checks})
            self.assertEqual(warnings, _warnings())

    def _ended(self, address: str, known: int, why: str) -> None:
        """After the `known` sessions, the log has one of this address, which ended for this reason."""
        self.assertRegex(gateway.end_of(address, known)["message"], why)


def _warnings() -> list[dict[str, Any]]:
    return [event for event in gateway.events() if event["level"] in ("WARN", "ERROR")]
