"""A viewer on libvncclient (Debian's, on GnuTLS) with each login method."""

import unittest

import picture
from authority import Authority
from chain import Chain
from gateway import DISTRUSTED, USER, USER_PASSWORD, VNC_PASSWORD, WRONG_USER_PASSWORD, WRONG_VNC_PASSWORD
from libvnc import NONE, VENCRYPT, VNC, LibVnc

chain: Chain
viewer: LibVnc


def setUpModule() -> None:
    global chain, viewer
    chain = unittest.enterModuleContext(Chain())
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

    def test_it_does_not_trust_an_unknown_authority_and_the_log_blames_the_viewer(self) -> None:
        known = len(chain.gateway.ends())
        unknown = Authority("somebody else").pem
        visit = viewer.visit(chain.port("x509-plain"), VENCRYPT, unknown, USER, USER_PASSWORD)
        self.assertEqual(1, visit.code)
        self.assertRegex(visit.said, "(?i)certificate")
        end = chain.gateway.end_after(known, DISTRUSTED)
        self.assertIn("viewer", [end["ended_by"], end.get("blame")], end)
        self.assertEqual("negotiate", end["stage"])

    def _sees(self, method: str, security_type: int, user: str = "", password: str = "") -> None:
        authority = chain.gateway.authority.pem if security_type == VENCRYPT else None
        picture.become_equal(
            lambda: viewer.visit(chain.port(method), security_type, authority, user, password).picture(), chain.desktop.picture
        )

    def _is_refused(self, method: str, security_type: int, reason: str, user: str = "", password: str = "") -> None:
        visit = viewer.visit(chain.port(method), security_type, chain.gateway.authority.pem, user, password)
        self.assertEqual(1, visit.code, visit.said)
        self.assertRegex(visit.said, reason)
