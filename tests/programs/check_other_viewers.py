"""Further viewers through the front door, each by its own means: gvnccapture, vncsnapshot, TightVNC, Remmina."""

import unittest

import gvnc
import picture
import snapshot
from authority import Authority
from door import USER, USER_PASSWORD, VNC_PASSWORD, WRONG_USER_PASSWORD, WRONG_VNC_PASSWORD
from door_chain import DoorChain
from remmina import Remmina
from screen import ViewerScreen
from tightvnc import TightVnc

chain: DoorChain
screen: ViewerScreen


def setUpModule() -> None:
    global chain, screen
    chain = unittest.enterModuleContext(DoorChain())
    screen = unittest.enterModuleContext(ViewerScreen())


class GvncCapture(unittest.TestCase):
    """gtk-vnc: GNOME's viewers, virt-manager's and virt-viewer's window."""

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

    def test_it_does_not_believe_an_unknown_authority(self) -> None:
        visit = gvnc.visit(chain.port("x509-none"), authority=Authority("somebody else").pem)
        self.assertNotEqual(0, visit.code)
        self.assertRegex(visit.said, "Unable to connect")

    def _captures(self, way: str, answers: dict[str, str]) -> None:
        authority = chain.door.authority.pem if way.startswith("x509") else None
        picture.become_equal(lambda: gvnc.visit(chain.port(way), answers, authority).picture(), chain.desktop.picture)

    def _is_refused(self, way: str, answers: dict[str, str], reason: str) -> None:
        known = len(chain.door.ends())
        visit = gvnc.visit(chain.port(way), answers, chain.door.authority.pem)
        self.assertNotEqual(0, visit.code)
        self.assertEqual("judge", chain.door.end_after(known, reason)["stage"])


class VncSnapshot(unittest.TestCase):
    """RFB 3.3, as macOS and many an old viewer."""

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
        authority = chain.door.authority.pem
        with Remmina(screen, chain.port("x509-plain"), USER_PASSWORD, USER, authority) as viewer:
            viewer.shows(chain.desktop.picture)
