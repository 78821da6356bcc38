"""Thousands of hostile connections, while a real viewer logs in and works."""

import resource
import unittest
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from PIL import Image

import picture
import vncdo
from attack import Attackers, ParallelAttempts, Attempt, answer_wrongly, outcome, source
from gateway import USER, USER_PASSWORD, VNC_PASSWORD, Gateway
from libvnc import VENCRYPT, LibVnc
from rfb import GREETING, VNC, RawViewer
from simulator import Simulator
from waiting import until

ATTEMPTS = 2_000

# Fewer: each needs a TLS handshake, and an argon2 hash of some 20 MiB and 20 ms.
LOGINS = 300

# Fewer than max_unauthenticated, so that none is closed for another.
FEW = 30

# The limit of the gateway's memory; idle it uses some 20.
MEBIBYTES = 150

# The usual soft limit.
DESCRIPTORS = 1024

# Connections to the API that the gateway keeps open for the next call.
API_CONNECTIONS = 4

# A connection that has not logged in may be closed for another by chance; a person at a viewer would try again.
TRIES = 4

simulator: Simulator


def setUpModule() -> None:
    global simulator
    # This process holds a connection for each attempt.
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    unittest.addModuleCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, limits)
    resource.setrlimit(resource.RLIMIT_NOFILE, (2 * ATTEMPTS, limits[1]))
    simulator = unittest.enterModuleContext(Simulator("--vm", "vm08", "--no-clock"))


class Attack(unittest.TestCase):
    def test_a_viewer_logs_in_beside_2000_silent_connections(self) -> None:
        with self._attacked() as (gateway, attackers):
            outcomes = self._stays_usable(gateway, "vnc-password", attackers.send_nothing, ATTEMPTS)
            self.assertEqual({"connected": ATTEMPTS}, outcomes)
            self.assertGreater(gateway.counted('mksgate_refused_total{limit="max_unauthenticated"}'), ATTEMPTS // 2)

    def test_a_viewer_logs_in_beside_2000_connections_that_stop_before_tls(self) -> None:
        with self._attacked("x509-none") as (gateway, attackers):
            outcomes = self._stays_usable(gateway, "vnc-password", attackers.begin_tls_and_stop, ATTEMPTS)
            self.assertGreater(outcomes["began TLS"], ATTEMPTS // 2)
            # Those that may wait for their login, those that are being closed, and what the gateway needs itself.
            until("most of them to be closed", lambda: gateway.descriptors() < ATTEMPTS // 10, 10)

    def test_a_viewer_logs_in_during_2000_wrong_passwords_from_as_many_addresses(self) -> None:
        with self._attacked() as (gateway, attackers):
            outcomes = self._stays_usable(gateway, "vnc-password", attackers.give_a_wrong_vnc_password, ATTEMPTS)
            wrong = _count_of(outcomes, "wrong password")
            self.assertGreater(wrong, ATTEMPTS * 9 // 10)
            self.assertEqual(wrong, gateway.counted("mksgate_auth_failures_total"))

    def test_of_2000_wrong_passwords_from_one_address_few_are_judged(self) -> None:
        with self._attacked() as (gateway, attackers):
            attempt = attackers.give_a_wrong_vnc_password_from_one_address
            outcomes = self._stays_usable(gateway, "vnc-password", attempt, ATTEMPTS)
            self.assertGreater(_count_of(outcomes, "too many failed logins"), ATTEMPTS * 9 // 10)
            # Five, and those that were already being judged.
            self.assertLess(gateway.counted("mksgate_auth_failures_total"), 10)

    def test_of_many_wrong_passwords_at_the_same_time_few_are_judged(self) -> None:
        with self._attacked() as (gateway, attackers):
            for _ in range(FEW):
                viewer = RawViewer(attackers.port, source(0))
                attackers.held.append(viewer)
                viewer.offered()
                viewer.send(bytes([VNC]))
            reasons = [outcome(lambda viewer=viewer: answer_wrongly(viewer)) for viewer in attackers.held]
            self.assertLessEqual(len([reason for reason in reasons if reason.startswith("wrong password")]), 5, reasons)

    def test_a_viewer_logs_in_during_wrong_user_passwords_from_many_addresses(self) -> None:
        with self._attacked("x509-plain") as (gateway, attackers):
            outcomes = self._stays_usable(gateway, "x509-plain", attackers.give_a_wrong_user_password, LOGINS)
            self.assertGreater(_count_of(outcomes, "wrong user name or password"), LOGINS * 9 // 10)

    def test_connections_that_send_single_bytes_end_at_the_login_timeout(self) -> None:
        with self._attacked(gateway_keys='login_timeout = "5s"') as (gateway, attackers):
            for number in range(FEW):
                attackers.send_nothing(number)
            for byte in GREETING[:-1]:
                for viewer in attackers.held:
                    outcome(lambda viewer=viewer: viewer.send(bytes([byte])) or "sent")
                # This is the pause between the bytes: about a second.
                self._sees(gateway, "vnc-password")
            slow = until(f"the end of all {FEW}", lambda: _slow_ends(gateway, FEW))
            # The timeout, 3 s for closing, and a margin for a busy machine.
            self.assertLess(max(end["seconds"] for end in slow), 5 + 3 + 7)
            self.assertEqual(FEW, gateway.counted('mksgate_refused_total{limit="login_timeout"}'))

    @contextmanager
    def _attacked(self, against: str = "vnc-password", gateway_keys: str = "") -> Iterator[tuple[Gateway, Attackers]]:
        """A gateway and attackers of one of its ports; afterwards the gateway must be as before the attack."""
        consoles = [("vm08", method) for method in ["vnc-password", "x509-none", "x509-plain"]]
        gateway = Gateway(simulator, consoles, gateway_keys)
        # The soft limit only, which the gateway may raise.
        gateway.argv = ["prlimit", f"--nofile={DESCRIPTORS}:", *gateway.argv]
        with gateway:
            self.viewer = LibVnc()
            self.expected = self._see(gateway, "vnc-password")
            until("the end of the first session", lambda: len(gateway.ends()) == 1)
            idle = gateway.descriptors() + API_CONNECTIONS
            attackers = Attackers(gateway.ports["vm08", against])
            try:
                yield gateway, attackers
            finally:
                attackers.leave()
            until(f"at most {idle} descriptors again", lambda: gateway.descriptors() <= idle)
            self.assertLess(gateway.memory(), MEBIBYTES)
            self._sees(gateway, "vnc-password")
            self.assertNotIn("panicked", gateway.stderr)
            self.assertEqual(0, gateway.end())

    def _stays_usable(self, gateway: Gateway, method: str, attempt: Attempt, count: int) -> dict[str, int]:
        """Makes the attempts while a real viewer connects again and again; how many attempts had each outcome."""
        visits = 0
        with ParallelAttempts(count, attempt) as attempts:
            while attempts.are_running() or visits < 3:
                self._sees(gateway, method)
                visits += 1
            return attempts.outcomes()

    def _sees(self, gateway: Gateway, method: str) -> None:
        """A real viewer logs in and sees the expected picture."""
        reasons = []
        for _ in range(TRIES):
            try:
                self.assertEqual("", picture.difference(self._see(gateway, method), self.expected))
                return
            except AssertionError as error:
                reasons.append(str(error))
        self.fail(f"a real viewer was kept out: {reasons}")

    def _see(self, gateway: Gateway, method: str) -> Image.Image:
        port = gateway.ports["vm08", method]
        if method == "x509-plain":
            return self.viewer.visit(port, VENCRYPT, gateway.authority.pem, USER, USER_PASSWORD).picture()
        return vncdo.capture(port, VNC_PASSWORD)


def _count_of(outcomes: dict[str, int], words: str) -> int:
    return sum(count for reason, count in outcomes.items() if reason.startswith(words))


def _slow_ends(gateway: Gateway, count: int) -> list[dict[str, Any]]:
    """The log lines on viewers that did not log in in time, once there are `count`."""
    slow = [end for end in gateway.ends() if "did not log in within" in end["message"]]
    return slow if len(slow) >= count else []
