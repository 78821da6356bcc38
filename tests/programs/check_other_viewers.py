"""Further viewers with the login methods that they have: gvnccapture, vncsnapshot, TightVNC, Remmina."""

import unittest

import gvnc
import picture
import snapshot
from authority import Authority
from chain import Chain
from gateway import USER, USER_PASSWORD, VNC_PASSWORD, WRONG_USER_PASSWORD, WRONG_VNC_PASSWORD
from remmina import Remmina
from screen import ViewerScreen
from tightvnc import TightVnc

chain: Chain
screen: ViewerScreen


def setUpModule() -> None:
    global chain, screen
    chain = unittest.enterModuleContext(Chain())
    screen = unittest.enterModuleContext(ViewerScreen())


class GvncCapture(unittest.TestCase):
    """gtk-vnc, which GNOME's viewers, virt-manager and virt-viewer use."""

    def test_without_a_password_its_capture_equals_the_desktop(self) -> None:
        self.assertGreater(picture.colours(gvnc.visit(chain.port("none")).picture()), picture.MANY)
        self._captures("none", {})

    def test_with_a_vnc_password_its_capture_equals_the_desktop(self) -> None:
        self._captures("vnc-password", {"Password: ": VNC_PASSWORD})

    def test_through_x509_none_its_capture_equals_the_desktop(self) -> None:
        self._captures("x509-none", {})

    def test_through_x509_vnc_its_capture_equals_the_desktop(self) -> None:
        self._captures("x509-vnc", {"Password: ": VNC_PASSWORD})

    def test_through_x509_plain_its_capture_equals_the_desktop(self) -> None:
        self._captures("x509-plain", {"Username: ": USER, "Password: ": USER_PASSWORD})

    def test_a_wrong_password_is_refused_and_the_log_says_so(self) -> None:
        self._is_refused("vnc-password", {"Password: ": WRONG_VNC_PASSWORD}, "wrong password")
        login = {"Username: ": USER, "Password: ": WRONG_USER_PASSWORD}
        self._is_refused("x509-plain", login, "wrong user name or password")

    def test_it_does_not_trust_an_unknown_authority(self) -> None:
        visit = gvnc.visit(chain.port("x509-none"), authority=Authority("somebody else").pem)
        self.assertNotEqual(0, visit.code)
        self.assertRegex(visit.said, "Unable to connect")

    def _captures(self, method: str, answers: dict[str, str]) -> None:
        authority = chain.gateway.authority.pem if method.startswith("x509") else None
        picture.become_equal(lambda: gvnc.visit(chain.port(method), answers, authority).picture(), chain.desktop.picture)

    def _is_refused(self, method: str, answers: dict[str, str], reason: str) -> None:
        known = len(chain.gateway.ends())
        visit = gvnc.visit(chain.port(method), answers, chain.gateway.authority.pem)
        self.assertNotEqual(0, visit.code)
        self.assertEqual("judge", chain.gateway.end_after(known, reason)["stage"])


class VncSnapshot(unittest.TestCase):
    """It speaks RFB 3.3, as macOS and many old viewers do."""

    def test_with_a_vnc_password_it_takes_a_picture_of_the_desktop(self) -> None:
        visit = snapshot.visit(chain.port("vnc-password"), VNC_PASSWORD)
        seen = visit.picture()
        self.assertRegex(visit.said, "using protocol version 3.3")
        desktop = chain.desktop.picture()
        self.assertLess(snapshot.mean_difference(seen, desktop), snapshot.JPEG_NOISE)
        self.assertGreater(snapshot.mean_difference(seen, desktop.rotate(180)), snapshot.JPEG_NOISE)

    def test_without_a_password_it_takes_a_picture_of_the_desktop(self) -> None:
        seen = snapshot.visit(chain.port("none"), VNC_PASSWORD).picture()
        self.assertLess(snapshot.mean_difference(seen, chain.desktop.picture()), snapshot.JPEG_NOISE)

    def test_a_wrong_password_is_refused(self) -> None:
        visit = snapshot.visit(chain.port("vnc-password"), WRONG_VNC_PASSWORD)
        self.assertNotEqual(0, visit.code)
        self.assertRegex(visit.said, "VNC authentication failed")


class TightVncViewer(unittest.TestCase):
    def test_with_a_vnc_password_it_shows_the_desktop_pixel_for_pixel(self) -> None:
        with TightVnc(screen, chain.port("vnc-password"), VNC_PASSWORD) as viewer:
            viewer.shows(chain.desktop.picture)

    def test_a_wrong_password_is_refused_with_a_reason(self) -> None:
        with TightVnc(screen, chain.port("vnc-password"), WRONG_VNC_PASSWORD) as viewer:
            viewer.ended()
            self.assertRegex(viewer.stderr, "wrong password")


class RemminaViewer(unittest.TestCase):
    def test_with_a_vnc_password_it_shows_the_desktop_pixel_for_pixel(self) -> None:
        with Remmina(screen, chain.port("vnc-password"), VNC_PASSWORD) as viewer:
            viewer.shows(chain.desktop.picture)

    def test_through_x509_plain_it_shows_the_desktop_pixel_for_pixel(self) -> None:
        authority = chain.gateway.authority.pem
        with Remmina(screen, chain.port("x509-plain"), USER_PASSWORD, USER, authority) as viewer:
            viewer.shows(chain.desktop.picture)
