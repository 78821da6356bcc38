"""VMware's own console client, WMKS, in Chromium, directly on the simulator, without mksgate.

It shows that the simulator speaks RFB as VMware's client expects, with and without acknowledgements of updates, as pyVmomi
shows it for vim25.
"""

import time
import unittest
from collections.abc import Iterator
from contextlib import contextmanager

from selenium.webdriver import ActionChains
from selenium.webdriver.common.keys import Keys

import picture
import wmks
from chromium import Chromium
from simulator import Simulator
from waiting import until
from wmks import Page, Wmks

# The quirks of each VM: its capabilities, and whether it needs acknowledgements.
VMS = {"plain": "plain-caps", "real": "", "acks": "acks", "masks": "acks,cursor-masks"}
# It announces no capabilities.
NO_CAPS = "no-caps"
ACKNOWLEDGED = ["real", "acks", "masks"]

TEXT = r"""Zap "yes" {x_y}: 42% @ ~`\|<a>; =+-_? (Q)^&*![#]$ ./'"""

# Characters that need Shift on a US keyboard.
SHIFTED = set("""~!@#$%^&*()_+{}|:"<>?""")

CTRL, ALT, DELETE = 0x1D, 0x38, 0x153
MODIFIERS = [0x1D, 0x11D, 0x2A, 0x36, 0x38, 0x138, 0x15B, 0x15C]
LEFT, MIDDLE, RIGHT = 1, 2, 4

# Notches to the right and down, as a page scrolls; the vertical and horizontal steps that the guest receives.
WHEEL = {(0, -1): (1, 0), (0, 1): (-1, 0), (1, 0): (0, 1), (-1, 0): (0, -1)}

SIZE, LARGER, GUESTS_OWN = (800, 600), (1024, 700), (640, 400)

# The position of the console in the page.
PLACE = (20, 20)

REQUESTS = EVERYTHING, CHANGES, ACKS = "whole_requests", "incremental_requests", "acknowledgements"

# Seconds in which no request must come.
IDLE = 2.0

simulator: Simulator
chromium: Chromium
page: Page


def setUpModule() -> None:
    global simulator, chromium, page
    every = {**VMS, NO_CAPS: "no-caps"}
    vms = [option for vm, quirks in every.items() for option in ("--vm", f"{vm}={quirks}")]
    simulator = unittest.enterModuleContext(Simulator("--no-clock", "--size", "720x500", *vms))
    page = unittest.enterModuleContext(Page(wmks.install()))
    chromium = unittest.enterModuleContext(Chromium())


class VMwaresClient(unittest.TestCase):
    def test_it_shows_each_pixel_for_pixel_in_the_size_that_it_asks_for(self) -> None:
        for vm in VMS:
            with self.subTest(vm), client(vm) as viewer:
                self.assertGreater(picture.colours(viewer.picture()), picture.MANY)
                shot = chromium.screenshot(f"{vm}.png").crop((*PLACE, PLACE[0] + SIZE[0], PLACE[1] + SIZE[1]))
                self.assertEqual("", picture.difference(shot, simulator.picture(vm)))
                self.assertTrue(viewer.is_well())

    def test_it_types_each_character_of_a_keyboard(self) -> None:
        self.assertEqual(53, len(TEXT))
        for vm in VMS:
            with self.subTest(vm), client(vm) as viewer:
                viewer.take_focus()
                actions = viewer.actions()
                for character in TEXT:
                    with_shift(actions, character) if needs_shift(character) else actions.send_keys(character)
                actions.send_keys(Keys.ENTER).perform()
                simulator.has_typed(vm, f"{TEXT}\n")
                viewer.shows()
                self.assertTrue(viewer.is_well())

    def test_it_presses_ctrl_alt_del(self) -> None:
        for vm in VMS:
            with self.subTest(vm), client(vm):
                before = len(simulator.keys(vm))
                chromium.run("client.sendCAD()")
                down = [(key, True) for key in (CTRL, ALT, DELETE)]
                up = [(key, False) for key in (DELETE, ALT, CTRL)]
                until("three keys, down and up", lambda: len(simulator.keys(vm)) >= before + 6)
                seen = [(key["scan_code"], key["down"]) for key in simulator.keys(vm)[before:]]
                self.assertEqual(down, seen[:3])
                self.assertEqual(sorted(up), sorted(seen[3:]))

    def test_it_first_releases_eight_modifiers_whatever_is_announced(self) -> None:
        for vm in [*VMS, NO_CAPS]:
            with self.subTest(vm):
                before = len(simulator.keys(vm))
                with Wmks(chromium, page, simulator, vm, SIZE) as viewer:
                    until("eight keys", lambda: len(simulator.keys(vm)) >= before + 8)
                    viewer.shows()
                    self.assertTrue(viewer.is_well())
                seen = [(key["scan_code"], key["down"]) for key in simulator.keys(vm)[before:]]
                self.assertEqual(sorted((code, False) for code in MODIFIERS), sorted(seen[:8]))

    def test_it_moves_the_pointer_and_presses_each_button(self) -> None:
        for vm in VMS:
            with self.subTest(vm), client(vm) as viewer:
                for number, bit in enumerate([LEFT, MIDDLE, RIGHT]):
                    place = {"x": 100 + 10 * number, "y": 200}
                    viewer.point(place["x"], place["y"])
                    viewer.press(number)
                    until("the button", lambda: points(vm, buttons=bit, **place))
                    viewer.release(number)
                    until("no button", lambda: points(vm, buttons=0, **place))
                viewer.shows()
                self.assertTrue(viewer.is_well())

    def test_it_turns_the_wheel_and_releases_no_button(self) -> None:
        for vm in VMS:
            with self.subTest(vm), client(vm) as viewer:
                viewer.point(300, 200)
                viewer.press(0)
                until("the button", lambda: points(vm, buttons=LEFT))
                for (right, down), steps in WHEEL.items():
                    before = simulator.pointer(vm)["wheel"]
                    expected = [before + step for before, step in zip(before, steps)]
                    viewer.turn_wheel(300, 200, right, down)
                    until(f"{expected} of the wheel", lambda: simulator.pointer(vm)["wheel"] == expected)
                    self.assertTrue(points(vm, buttons=LEFT))
                viewer.release(0)
                until("no button", lambda: points(vm, buttons=0))

    def test_it_takes_a_new_size_of_its_own_and_of_the_guest(self) -> None:
        for vm in VMS:
            with self.subTest(vm), client(vm) as viewer:
                viewer.resize(*LARGER)
                until("its new size", lambda: simulator.picture(vm).size == LARGER)
                viewer.shows()
                simulator.resize(vm, *GUESTS_OWN)
                viewer.shows()
                self.assertEqual(GUESTS_OWN, viewer.picture().size)
                self.assertTrue(viewer.is_well())

    def test_it_requests_the_whole_screen_once_and_an_idle_screen_never(self) -> None:
        for vm in VMS:
            with self.subTest(vm):
                before = simulator.counts()
                with client(vm) as viewer:
                    viewer.take_focus()
                    viewer.actions().send_keys("idle").perform()
                    simulator.has_typed(vm, "idle")
                    viewer.shows()
                    busy = until("an end of its requests", lambda: settled(simulator))
                    asked = {kind: busy[kind] - before[kind] for kind in REQUESTS}
                    self.assertEqual(1, asked[EVERYTHING])
                    # It requests changes by acknowledgements or by incremental requests, never both.
                    used, unused = (ACKS, CHANGES) if vm in ACKNOWLEDGED else (CHANGES, ACKS)
                    self.assertGreater(asked[used], 0)
                    self.assertEqual(0, asked[unused])
                    time.sleep(IDLE)
                    self.assertEqual(busy, simulator.counts())

    def test_a_cursor_of_masks_is_transparent_at_its_corners(self) -> None:
        with client("masks") as viewer:
            cursor = viewer.cursor()
        clear, red, white = (0, 0, 0, 0), (255, 0, 0, 255), (255, 255, 255, 255)
        self.assertEqual((8, 8), cursor.size)
        self.assertEqual([clear, red, white], [cursor.getpixel(at) for at in [(0, 0), (1, 0), (1, 1)]])


def settled(simulator: Simulator) -> dict[str, int] | None:
    """The counters, once they have not changed for a moment."""
    counts = simulator.counts()
    time.sleep(IDLE / 4)
    return counts if counts == simulator.counts() else None


@contextmanager
def client(vm: str) -> Iterator[Wmks]:
    """A client that has resized the guest to its place in the page, and shows it."""
    with Wmks(chromium, page, simulator, vm, SIZE) as viewer:
        until("the size of its place", lambda: simulator.picture(vm).size == SIZE)
        viewer.shows()
        yield viewer


def needs_shift(character: str) -> bool:
    return character.isupper() or character in SHIFTED


def with_shift(actions: ActionChains, character: str) -> None:
    actions.key_down(Keys.SHIFT).send_keys(character).key_up(Keys.SHIFT)


def points(vm: str, **expected: int) -> bool:
    return expected.items() <= simulator.pointer(vm).items()
