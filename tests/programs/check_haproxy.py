"""Behind HAProxy: who the viewer is is what the PROXY header says, and only where it may."""

import unittest
from typing import Any

import picture
import vncdo
from door import DEBUG, VNC_PASSWORD, Door
from haproxy import VERSIONS, HaProxy
from rfb import RawViewer
from simulator import Simulator
from waiting import until

# Of those who come through the balancer, the first two may in.
ALLOWED, ALSO_ALLOWED, NOT_ALLOWED = "127.0.0.2", "127.0.0.1", "127.0.0.3"

GATEWAY = """
proxy_protocol = true
proxy_from = ["127.0.0.1/32"]
"""

CONSOLE = f'allow = ["{ALLOWED}/32", "{ALSO_ALLOWED}/32"]'

# Enough health checks of both versions to be sure that nothing adds up.
CHECKS = 10

door: Door
simulator: Simulator


def setUpModule() -> None:
    global simulator, door
    simulator = unittest.enterModuleContext(Simulator("--vm", "vm08", "--no-clock"))
    consoles = [("vm08", "none"), ("vm08", "vnc-password")]
    door = unittest.enterModuleContext(Door(simulator, consoles, GATEWAY, CONSOLE, env=DEBUG))


class BehindHaProxy(unittest.TestCase):
    def test_the_log_has_the_viewers_own_address_in_either_version(self) -> None:
        with HaProxy(door.ports["vm08", "none"]) as balancer:
            for version in VERSIONS:
                known = len(door.ends())
                with self.subTest(version), RawViewer(balancer.ports[version], ALLOWED) as viewer:
                    self.assertEqual((800, 600), viewer.see_screen())
                    viewer.socket.close()
                    self._ended(viewer.address, known, "the viewer closed")

    def test_the_allow_list_is_for_the_viewers_own_address(self) -> None:
        with HaProxy(door.ports["vm08", "none"]) as balancer:
            for version in VERSIONS:
                known = len(door.ends())
                with self.subTest(version), RawViewer(balancer.ports[version], NOT_ALLOWED) as viewer:
                    self.assertEqual(b"", viewer.rest())
                    self._ended(viewer.address, known, f"{NOT_ALLOWED} may not use this console")

    def test_a_real_viewer_gets_in_through_the_balancer(self) -> None:
        with HaProxy(door.ports["vm08", "vnc-password"]) as balancer:
            for version in VERSIONS:
                with self.subTest(version):
                    seen = vncdo.capture(balancer.ports[version], VNC_PASSWORD)
                    self.assertEqual(picture.SIZE, seen.size)

    def test_a_connection_without_a_header_is_closed_before_a_byte_is_sent(self) -> None:
        for first in [b"RFB 003.008\n", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"]:
            known = len(door.ends())
            with self.subTest(repr(first)), RawViewer(door.ports["vm08", "none"]) as viewer:
                viewer.send(first)
                self.assertEqual(b"", viewer.rest())
                self._ended(viewer.address, known, "no valid PROXY header")

    def test_a_header_from_anybody_else_is_not_believed(self) -> None:
        known = len(door.ends())
        with RawViewer(door.ports["vm08", "none"], NOT_ALLOWED) as viewer:
            viewer.send(f"PROXY TCP4 {ALLOWED} 127.0.0.1 4000 5900\r\n".encode())
            self.assertEqual(b"", viewer.rest())
            self._ended(viewer.address, known, "the address is not in proxy_from")

    def test_health_checks_do_no_harm(self) -> None:
        before = len(door.ends())
        warnings = _warnings()
        with HaProxy(door.ports["vm08", "vnc-password"]) as balancer:
            until(f"{CHECKS} health checks", lambda: len(door.ends()) >= before + CHECKS)
            for server in balancer.servers().values():
                self.assertEqual(("UP", "L4OK", "0"), (server["status"], server["check_status"], server["chkfail"]))
            for version in VERSIONS:
                seen = vncdo.capture(balancer.ports[version], VNC_PASSWORD)
                self.assertEqual(picture.SIZE, seen.size)
            # Their headers were good, and nothing is wrong with a balancer that leaves.
            checks = [end for end in door.ends()[before:] if end["to_viewer"] == 0]
            self.assertEqual({"negotiate"}, {end["stage"] for end in checks})
            self.assertEqual({"DEBUG"}, {end["level"] for end in checks})
            self.assertEqual(warnings, _warnings())

    def _ended(self, address: str, known: int, why: str) -> None:
        """The log has a session of this address, after the `known` ones, which ended for this reason."""
        self.assertRegex(door.end_of(address, known)["message"], why)


def _warnings() -> list[dict[str, Any]]:
    return [event for event in door.events() if event["level"] in ("WARN", "ERROR")]
