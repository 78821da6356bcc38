"""Many viewers at once, on two consoles, that connect and disconnect."""

import io
import unittest
from concurrent.futures import ThreadPoolExecutor

from PIL import Image
from vncdotool import api

import picture
from chain import Chain
from waiting import until

# In turn on two consoles.
VIEWERS = 10

# For one picture while nine others are drawn, on two busy cores.
SECONDS = 60

chain: Chain


def setUpModule() -> None:
    global chain
    chain = unittest.enterModuleContext(Chain())
    unittest.addModuleCleanup(api.shutdown)


class ManyViewers(unittest.TestCase):
    def setUp(self) -> None:
        self.consoles = [chain.port(), chain.port(vm="vm09")]
        self.present: list[api.ThreadedVNCClientProxy] = []
        self.addCleanup(until, "the end of all sessions", _all_have_ended)
        self.addCleanup(self._leave, VIEWERS)
        self._arrive(VIEWERS)

    def test_ten_at_once_all_see_the_desktop_pixel_for_pixel(self) -> None:
        self._all_see_the_desktop()
        # None has disconnected: all ten were connected at the same time.
        self._all_see_the_desktop()

    def test_the_others_go_on_when_some_disconnect_and_connect(self) -> None:
        self._all_see_the_desktop()
        self._leave(4)
        self._all_see_the_desktop()
        self._arrive(4)
        self._all_see_the_desktop()

    def test_all_see_what_one_types(self) -> None:
        for key in [*"seen by all", "enter"]:
            self.present[0].keyPress("space" if key == " " else key)
        chain.desktop.has_read("seen by all")
        self._all_see_the_desktop()

    def _arrive(self, count: int) -> None:
        for number in range(count):
            port = self.consoles[number % len(self.consoles)]
            viewer = api.connect(f"127.0.0.1::{port}", timeout=SECONDS)
            viewer.factory.nocursor = True
            self.present.append(viewer)

    def _leave(self, count: int) -> None:
        """Disconnects those that were connected first."""
        for viewer in self.present[:count]:
            # Disconnecting a viewer that has no connection would wait for ever.
            if viewer.protocol and viewer.protocol.transport.connected:
                viewer.disconnect()
        del self.present[:count]

    def _all_see_the_desktop(self) -> None:
        self.assertGreater(picture.colours(chain.desktop.picture()), picture.MANY)
        with ThreadPoolExecutor(len(self.present)) as pool:
            sights = [pool.submit(_sees_the_desktop, viewer) for viewer in self.present]
        for sight in sights:
            sight.result()


def _all_have_ended() -> bool:
    """Whether all sessions have ended, so that the next check can open as many as the gateway allows."""
    log = chain.gateway.stderr
    return log.count("session closed") >= log.count("session opened")


def _sees_the_desktop(viewer: api.ThreadedVNCClientProxy) -> None:
    picture.become_equal(lambda: _capture(viewer), chain.desktop.picture)


def _capture(viewer: api.ThreadedVNCClientProxy) -> Image.Image:
    seen = io.BytesIO()
    # Twice, for the reason that `vncdo.capture` gives.
    viewer.captureScreen(io.BytesIO(), format="png")
    viewer.captureScreen(seen, format="png")
    return Image.open(seen).convert("RGB")
