"""A viewer on libvncclient (Debian's, on GnuTLS) through each kind of front door."""

import unittest

import picture
from authority import Authority
from door import DISTRUSTED, USER, USER_PASSWORD, VNC_PASSWORD, WRONG_USER_PASSWORD, WRONG_VNC_PASSWORD
from door_chain import DoorChain
from libvnc import NONE, VENCRYPT, VNC, LibVnc

chain: DoorChain
viewer: LibVnc


def setUpModule() -> None:
    global chain, viewer
    chain = unittest.enterModuleContext(DoorChain())
    viewer = LibVnc()


class LibVncClient(unittest.TestCase):
    def test_without_a_password_it_sees_the_desktop_pixel_for_pixel(self) -> None:
        self.assertGreater(picture.colours(chain.desktop.picture()), picture.MANY)
        self._sees("none", NONE)

    def test_with_a_vnc_password_it_sees_the_desktop_pixel_for_pixel(self) -> None:
        self._sees("vnc-password", VNC, password=VNC_PASSWORD)

    def test_through_x509_none_it_sees_the_desktop_pixel_for_pixel(self) -> None:
        self._sees("x509-none", VENCRYPT)

    def test_through_x509_vnc_it_sees_the_desktop_pixel_for_pixel(self) -> None:
        self._sees("x509-vnc", VENCRYPT, password=VNC_PASSWORD)

    def test_through_x509_plain_it_sees_the_desktop_pixel_for_pixel(self) -> None:
        self._sees("x509-plain", VENCRYPT, user=USER, password=USER_PASSWORD)

    def test_a_wrong_vnc_password_is_refused_with_a_reason(self) -> None:
        self._is_refused("vnc-password", VNC, "wrong password", password=WRONG_VNC_PASSWORD)
        self._is_refused("x509-vnc", VENCRYPT, "wrong password", password=WRONG_VNC_PASSWORD)

    def test_a_wrong_user_or_password_is_refused_with_one_and_the_same_reason(self) -> None:
        for user, password in [(USER, WRONG_USER_PASSWORD), ("eve", USER_PASSWORD)]:
            self._is_refused("x509-plain", VENCRYPT, "wrong user name or password", user=user, password=password)

    def test_it_does_not_believe_an_unknown_authority_and_the_log_says_that_it_was_the_viewer(self) -> None:
        known = len(chain.door.ends())
        stranger = Authority("somebody else").pem
        visit = viewer.visit(chain.port("x509-plain"), VENCRYPT, stranger, USER, USER_PASSWORD)
        self.assertEqual(1, visit.code)
        self.assertRegex(visit.log, "(?i)certificate")
        end = chain.door.end_after(known, DISTRUSTED)
        self.assertIn("viewer", [end["ended_by"], end.get("blame")], end)
        self.assertEqual("negotiate", end["stage"])

    def _sees(self, way: str, code: int, user: str = "", password: str = "") -> None:
        authority = chain.door.authority.pem if code == VENCRYPT else None
        picture.become_equal(
            lambda: viewer.visit(chain.port(way), code, authority, user, password).picture(), chain.desktop.picture
        )

    def _is_refused(self, way: str, code: int, reason: str, user: str = "", password: str = "") -> None:
        visit = viewer.visit(chain.port(way), code, chain.door.authority.pem, user, password)
        self.assertEqual(1, visit.code, visit.log)
        self.assertRegex(visit.log, reason)
