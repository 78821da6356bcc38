"""TigerVNC's viewer through encrypted front doors, with the authority in a file."""

import unittest

import picture
from authority import Authority
from door import DISTRUSTED, USER, USER_PASSWORD, VNC_PASSWORD, WRONG_USER_PASSWORD
from door_chain import DoorChain
from screen import ViewerScreen
from tigervnc_x509 import EncryptedTigerVnc

chain: DoorChain
screen: ViewerScreen


def setUpModule() -> None:
    global chain, screen
    chain = unittest.enterModuleContext(DoorChain())
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

    def test_without_the_authority_it_asks_and_a_no_ends_it_by_the_viewers_doing(self) -> None:
        known = len(chain.door.ends())
        port = chain.port("x509-plain")
        with EncryptedTigerVnc(screen, port, "X509Plain", None, USER, USER_PASSWORD) as viewer:
            viewer.is_told_no()
            viewer.ended()
            self.assertRegex(viewer.stderr, "Unknown certificate issuer")
        self._the_viewer_is_blamed(known)

    def test_with_the_file_of_another_authority_it_asks_too(self) -> None:
        known = len(chain.door.ends())
        stranger = Authority("somebody else").pem
        port = chain.port("x509-plain")
        with EncryptedTigerVnc(screen, port, "X509Plain", stranger, USER, USER_PASSWORD) as viewer:
            viewer.is_told_no()
            viewer.ended()
            self.assertRegex(viewer.stderr, "Unknown certificate issuer")
        self._the_viewer_is_blamed(known)

    def test_a_viewer_that_only_knows_another_kind_is_not_let_in(self) -> None:
        with EncryptedTigerVnc(screen, chain.port("vnc-password"), "X509Plain", None, USER, USER_PASSWORD) as viewer:
            viewer.ended()
            self.assertRegex(viewer.stderr, "No matching security types")

    def _viewer(self, way: str, user: str = "", password: str = "") -> EncryptedTigerVnc:
        port = chain.port({"X509Plain": "x509-plain", "X509Vnc": "x509-vnc", "X509None": "x509-none"}[way])
        return EncryptedTigerVnc(screen, port, way, chain.door.authority.pem, user, password)

    def _shows_and_types(self, viewer: EncryptedTigerVnc, text: str) -> None:
        viewer.shows(chain.desktop.picture)
        self.assertGreater(picture.colours(screen.picture()), picture.MANY)
        viewer.type_line(text)
        chain.desktop.has_read(text)
        viewer.shows(chain.desktop.picture)

    def _the_viewer_is_blamed(self, known: int) -> None:
        end = chain.door.end_after(known, DISTRUSTED)
        self.assertIn("viewer", [end["ended_by"], end.get("blame")], end)
        self.assertNotIn("user", end)
