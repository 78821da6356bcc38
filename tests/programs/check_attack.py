"""Thousands at the door who mean no good, while a real viewer logs in and works."""

import resource
import unittest
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from PIL import Image

import picture
import vncdo
from attack import Attackers, Siege, Strike, answer_wrongly, outcome, source
from door import USER, USER_PASSWORD, VNC_PASSWORD, Door
from libvnc import VENCRYPT, LibVnc
from rfb import GREETING, VNC, RawViewer
from simulator import Simulator
from waiting import until

STRIKES = 2_000

# Each costs both sides a TLS handshake and the gateway some 20 MiB and as many milliseconds.
LOGINS = 300

# Fewer than would push each other out of the crowd.
FEW = 30

# Of the gateway, whatever happens before its door. Idle it has some 20.
MEBIBYTES = 150

# What most systems give a program unless somebody asks for more.
DESCRIPTORS = 1024

# The API's connections that the gateway keeps open for the next call.
API_CONNECTIONS = 4

# A newcomer may be pushed out of the crowd by chance, and tries again, as whoever sits before it would.
TRIES = 4

simulator: Simulator


def setUpModule() -> None:
    global simulator
    # The attackers hold one for each strike, and this one process is all of them.
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    unittest.addModuleCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, limits)
    resource.setrlimit(resource.RLIMIT_NOFILE, (2 * STRIKES, limits[1]))
    simulator = unittest.enterModuleContext(Simulator("--vm", "vm08", "--no-clock"))


class Attack(unittest.TestCase):
    def test_2000_that_say_nothing_keep_nobody_out(self) -> None:
        with self._besieged() as (door, attackers):
            outcomes = self._withstands(door, "vnc-password", attackers.say_nothing, STRIKES)
            self.assertEqual({"connected": STRIKES}, outcomes)
            self.assertGreater(door.counted('mksgate_refused_total{limit="max_unauthenticated"}'), STRIKES // 2)

    def test_2000_that_begin_tls_and_say_no_more_keep_nobody_out(self) -> None:
        with self._besieged("x509-none") as (door, attackers):
            outcomes = self._withstands(door, "vnc-password", attackers.begin_tls_and_say_no_more, STRIKES)
            self.assertGreater(outcomes["began TLS"], STRIKES // 2)
            # As many as may wait in the crowd, those that have just been told to go, and what it needs for itself.
            until("most of them to be pushed out", lambda: door.descriptors() < STRIKES // 10, 10)

    def test_2000_wrong_passwords_from_as_many_addresses_keep_nobody_out(self) -> None:
        with self._besieged() as (door, attackers):
            outcomes = self._withstands(door, "vnc-password", attackers.give_a_wrong_vnc_password, STRIKES)
            wrong = _began(outcomes, "wrong password")
            self.assertGreater(wrong, STRIKES * 9 // 10)
            self.assertEqual(wrong, door.counted("mksgate_auth_failures_total"))

    def test_2000_wrong_passwords_from_one_address_are_few_guesses(self) -> None:
        with self._besieged() as (door, attackers):
            strike = attackers.give_a_wrong_vnc_password_from_one_address
            outcomes = self._withstands(door, "vnc-password", strike, STRIKES)
            self.assertGreater(_began(outcomes, "too many failed logins"), STRIKES * 9 // 10)
            # Five, and as many more as were already on their way.
            self.assertLess(door.counted("mksgate_auth_failures_total"), 10)

    def test_many_passwords_at_the_same_moment_are_no_more_guesses_than_one_after_the_other(self) -> None:
        with self._besieged() as (door, attackers):
            for _ in range(FEW):
                viewer = RawViewer(attackers.port, source(0))
                attackers.held.append(viewer)
                viewer.offered()
                viewer.send(bytes([VNC]))
            told = [outcome(lambda viewer=viewer: answer_wrongly(viewer)) for viewer in attackers.held]
            self.assertLessEqual(len([reason for reason in told if reason.startswith("wrong password")]), 5, told)

    def test_wrong_names_and_passwords_from_many_addresses_keep_nobody_out(self) -> None:
        with self._besieged("x509-plain") as (door, attackers):
            outcomes = self._withstands(door, "x509-plain", attackers.give_a_wrong_user_password, LOGINS)
            self.assertGreater(outcomes["wrong user name or password: try again"], LOGINS * 9 // 10)

    def test_one_byte_now_and_then_ends_with_the_login_timeout(self) -> None:
        with self._besieged(gateway='login_timeout = "5s"') as (door, attackers):
            for number in range(FEW):
                attackers.say_nothing(number)
            for byte in GREETING[:-1]:
                for viewer in attackers.held:
                    outcome(lambda viewer=viewer: viewer.send(bytes([byte])) or "sent")
                # The pauses between the bytes: about a second.
                self._sees(door, "vnc-password")
            slow = until(f"the end of all {FEW}", lambda: _slow_ends(door, FEW))
            # The timeout, as long as one may take to hang up, and what a busy machine adds.
            self.assertLess(max(end["seconds"] for end in slow), 5 + 3 + 7)
            self.assertEqual(FEW, door.counted('mksgate_refused_total{limit="login_timeout"}'))

    @contextmanager
    def _besieged(self, against: str = "vnc-password", gateway: str = "") -> Iterator[tuple[Door, Attackers]]:
        """A door of its own, attackers of one of its ports; afterwards it must be as if nothing had been."""
        consoles = [("vm08", way) for way in ["vnc-password", "x509-none", "x509-plain"]]
        door = Door(simulator, consoles, gateway)
        # The soft limit only: who raises it for himself may.
        door.argv = ["prlimit", f"--nofile={DESCRIPTORS}:", *door.argv]
        with door:
            self.viewer = LibVnc()
            self.expected = self._see(door, "vnc-password")
            until("rest", lambda: len(door.ends()) == 1)
            idle = door.descriptors() + API_CONNECTIONS
            attackers = Attackers(door.ports["vm08", against])
            try:
                yield door, attackers
            finally:
                attackers.leave()
            until(f"at most {idle} descriptors again", lambda: door.descriptors() <= idle)
            self.assertLess(door.memory(), MEBIBYTES)
            self._sees(door, "vnc-password")
            self.assertNotIn("panicked", door.stderr)
            self.assertEqual(0, door.end())

    def _withstands(self, door: Door, way: str, strike: Strike, strikes: int) -> dict[str, int]:
        """Strikes, and has a real viewer come again and again meanwhile; what became of the strikes."""
        visits = 0
        with Siege(strikes, strike) as siege:
            while siege.lasts() or visits < 3:
                self._sees(door, way)
                visits += 1
            return siege.outcomes()

    def _sees(self, door: Door, way: str) -> None:
        """A real viewer gets in and sees what there is to see."""
        reasons = []
        for _ in range(TRIES):
            try:
                self.assertEqual("", picture.difference(self._see(door, way), self.expected))
                return
            except AssertionError as error:
                reasons.append(str(error))
        self.fail(f"a real viewer was kept out: {reasons}")

    def _see(self, door: Door, way: str) -> Image.Image:
        port = door.ports["vm08", way]
        if way == "x509-plain":
            return self.viewer.visit(port, VENCRYPT, door.authority.pem, USER, USER_PASSWORD).picture()
        return vncdo.capture(port, VNC_PASSWORD)


def _began(outcomes: dict[str, int], words: str) -> int:
    return sum(count for reason, count in outcomes.items() if reason.startswith(words))


def _slow_ends(door: Door, count: int) -> list[dict[str, Any]]:
    """The log's lines on those who did not log in in time, once there are so many."""
    slow = [end for end in door.ends() if "did not log in within" in end["message"]]
    return slow if len(slow) >= count else []
