"""vncdotool through mksgate: pictures, keys, passwords, and the reasons when a console cannot be opened."""

import unittest

import picture
import vncdo
from chain import Chain
from gateway import VNC_PASSWORD, WRONG_VNC_PASSWORD

chain: Chain


def setUpModule() -> None:
    global chain
    chain = unittest.enterModuleContext(Chain())


class Vncdotool(unittest.TestCase):
    def test_its_capture_equals_a_direct_capture_pixel_for_pixel(self) -> None:
        direct = vncdo.capture(chain.desktop.port)
        self.assertGreater(picture.colours(direct), picture.MANY)
        picture.become_equal(lambda: vncdo.capture(chain.port()), lambda: vncdo.capture(chain.desktop.port))

    def test_its_capture_equals_what_the_desktop_shows(self) -> None:
        picture.become_equal(lambda: vncdo.capture(chain.port()), chain.desktop.picture)

    def test_typed_text_reaches_the_shell(self) -> None:
        self._type("vncdotool was here, 42 times", chain.port())

    def test_a_password_lets_it_see_and_type(self) -> None:
        port = chain.port("vnc-password")
        self._type("vncdotool with a password", port, VNC_PASSWORD)
        picture.become_equal(lambda: vncdo.capture(port, VNC_PASSWORD), chain.desktop.picture)

    def test_a_wrong_password_is_refused_with_a_reason(self) -> None:
        self._is_refused("wrong password", chain.port("vnc-password"), WRONG_VNC_PASSWORD)

    def test_a_vm_that_is_off_is_refused_with_that_reason(self) -> None:
        self._is_refused("the VM is powered off: switch it on", chain.port(vm="vm10"))

    def _type(self, text: str, port: int, password: str | None = None) -> None:
        ended = vncdo.visit(port, "type", text, "key", "enter", password=password)
        self.assertEqual(0, ended.returncode, ended.stderr)
        chain.desktop.has_read(text)

    def _is_refused(self, reason: str, port: int, password: str | None = None) -> None:
        self.assertRegex(vncdo.refusal(port, password), f"CRITICAL.*{reason}")
