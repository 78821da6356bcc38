"""TigerVNC's viewer with the x509 login methods."""

import unittest

import picture
from authority import Authority
from chain import Chain
from gateway import DISTRUSTED, USER, USER_PASSWORD, VNC_PASSWORD, WRONG_USER_PASSWORD
from screen import ViewerScreen
from tigervnc_x509 import EncryptedTigerVnc

chain: Chain
screen: ViewerScreen


def setUpModule() -> None:
    global chain, screen
    chain = unittest.enterModuleContext(Chain())
    screen = unittest.enterModuleContext(ViewerScreen())


class EncryptedViewer(unittest.TestCase):
    def test_through_x509_plain_it_shows_the_desktop_pixel_for_pixel_and_types(self) -> None:
        with self._viewer("X509Plain", USER, USER_PASSWORD) as viewer:
            self._shows_and_types(viewer, "TigerVNC with a name")

    def test_through_x509_vnc_it_shows_the_desktop_pixel_for_pixel_and_types(self) -> None:
        with self._viewer("X509Vnc", USER, VNC_PASSWORD) as viewer:
            self._shows_and_types(viewer, "TigerVNC encrypted, with a password")

    def test_through_x509_none_it_shows_the_desktop_pixel_for_pixel_and_types(self) -> None:
        with self._viewer("X509None") as viewer:
            self._shows_and_types(viewer, "TigerVNC encrypted, without a password")

    def test_a_wrong_user_or_password_is_refused_with_one_and_the_same_reason(self) -> None:
        for user, password in [(USER, WRONG_USER_PASSWORD), ("eve", USER_PASSWORD)]:
            with self._viewer("X509Plain", user, password) as viewer:
                viewer.ended()
                self.assertRegex(viewer.stderr, "Authentication failure: wrong user name or password")

    def test_without_the_authority_it_asks_and_a_no_is_logged_as_the_viewers(self) -> None:
        known = len(chain.gateway.ends())
        port = chain.port("x509-plain")
        with EncryptedTigerVnc(screen, port, "X509Plain", None, USER, USER_PASSWORD) as viewer:
            viewer.is_not_trusted()
            viewer.ended()
            self.assertRegex(viewer.stderr, "Unknown certificate issuer")
        self._the_viewer_is_blamed(known)

    def test_with_the_file_of_another_authority_it_asks_too(self) -> None:
        known = len(chain.gateway.ends())
        unknown = Authority("somebody else").pem
        port = chain.port("x509-plain")
        with EncryptedTigerVnc(screen, port, "X509Plain", unknown, USER, USER_PASSWORD) as viewer:
            viewer.is_not_trusted()
            viewer.ended()
            self.assertRegex(viewer.stderr, "Unknown certificate issuer")
        self._the_viewer_is_blamed(known)

    def test_a_viewer_without_a_common_security_type_is_refused(self) -> None:
        with EncryptedTigerVnc(screen, chain.port("vnc-password"), "X509Plain", None, USER, USER_PASSWORD) as viewer:
            viewer.ended()
            self.assertRegex(viewer.stderr, "No matching security types")

    def _viewer(self, subtype: str, user: str = "", password: str = "") -> EncryptedTigerVnc:
        port = chain.port({"X509Plain": "x509-plain", "X509Vnc": "x509-vnc", "X509None": "x509-none"}[subtype])
        return EncryptedTigerVnc(screen, port, subtype, chain.gateway.authority.pem, user, password)

    def _shows_and_types(self, viewer: EncryptedTigerVnc, text: str) -> None:
        viewer.shows(chain.desktop.picture)
        self.assertGreater(picture.colours(screen.picture()), picture.MANY)
        viewer.type_line(text)
        chain.desktop.has_read(text)
        viewer.shows(chain.desktop.picture)

    def _the_viewer_is_blamed(self, known: int) -> None:
        end = chain.gateway.end_after(known, DISTRUSTED)
        self.assertIn("viewer", [end["ended_by"], end.get("blame")], end)
        self.assertNotIn("user", end)
