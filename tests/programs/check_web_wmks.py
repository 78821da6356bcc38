"""VMware's own console client, WMKS, in Chromium, on the WebSocket of the page, in front of simulated hosts.

A portal serves the client; its origin is in `frame_ancestors`.
"""

import unittest
from collections.abc import Iterator
from contextlib import contextmanager

from selenium.webdriver import ActionChains
from selenium.webdriver.common.keys import Keys

import picture
import wmks
from authority import Authority
from browser import Browser
from check_wmks import ACKS, CHANGES, EVERYTHING, GUESTS_OWN, LARGER, LEFT, MIDDLE, RIGHT, SIZE, TEXT, WHEEL, needs_shift, with_shift
from simulator import Simulator
from waiting import until
from web import OTHER, OTHER_PASSWORD, PASSWORD, USER, Web
from wmks import Page, Wmks

# The quirks of each VM: what the host announces, and whether it needs acknowledgements. OTHER may watch the first.
VMS = {"real": "acks", "plain": "plain-caps", "pieces": "acks,cursor-masks,split", "chatty": "chatty"}
ACKNOWLEDGED = ["real", "pieces", "chatty"]

CTRL, ALT, DELETE, NUM_LOCK = 0x1D, 0x38, 0x153, 0x45

simulator: Simulator
browser: Browser
page: Page
web: Web


def setUpModule() -> None:
    global simulator, browser, page, web
    vms = [option for vm, quirks in VMS.items() for option in ("--vm", f"{vm}={quirks}")]
    simulator = unittest.enterModuleContext(Simulator("--no-clock", "--size", "720x500", *vms))
    page = unittest.enterModuleContext(Page(wmks.install(), Authority()))
    portal = f'frame_ancestors = ["{page.url.rstrip("/")}"]\n'
    web = unittest.enterModuleContext(Web(simulator, list(VMS), web_keys=portal))
    browser = unittest.enterModuleContext(Browser())
    browser.log_in(web)


class VMwaresClient(unittest.TestCase):
    def test_it_shows_each_pixel_in_the_size_that_it_asks_for(self) -> None:
        for vm in VMS:
            with self.subTest(vm), client(vm) as viewer:
                self.assertGreater(picture.colours(viewer.picture()), picture.MANY)
                browser.screenshot(f"wmks-{vm}.png")
                viewer.resize(*LARGER)
                until("its new size", lambda: simulator.picture(vm).size == LARGER)
                viewer.shows()
                simulator.resize(vm, *GUESTS_OWN)
                viewer.shows()
                self.assertTrue(viewer.is_well())

    def test_what_it_types_arrives_by_scan_codes(self) -> None:
        for vm in VMS:
            with self.subTest(vm), client(vm) as viewer:
                viewer.take_focus()
                known = len(simulator.keys(vm))
                actions = viewer.actions()
                for character in TEXT:
                    with_shift(actions, character) if needs_shift(character) else actions.send_keys(character)
                actions.send_keys(Keys.ENTER).perform()
                simulator.has_typed(vm, f"{TEXT}\n")
                self.assertTrue(all(key["scan_code"] is not None for key in simulator.keys(vm)[known:]))
                viewer.shows()
                self.assertTrue(viewer.is_well())

    def test_ctrl_alt_del_and_ctrl_alt_insert_are_the_same(self) -> None:
        with client("real") as viewer:
            viewer.take_focus()
            presses = [
                lambda: browser.run("client.sendCAD()"),
                lambda: press(viewer.actions(), Keys.CONTROL, Keys.ALT, Keys.INSERT),
            ]
            for act in presses:
                known = len(keys("real"))
                act()
                until("three keys, down and up", lambda: len(keys("real")) >= known + 6)
                seen = keys("real")[known:]
                self.assertEqual([(key, True) for key in (CTRL, ALT, DELETE)], seen[:3])
                self.assertEqual(sorted((key, False) for key in (CTRL, ALT, DELETE)), sorted(seen[3:]))

    def test_its_pointer_moves_presses_and_turns_the_wheel(self) -> None:
        for vm in VMS:
            with self.subTest(vm), client(vm) as viewer:
                for number, bit in enumerate([LEFT, MIDDLE, RIGHT]):
                    place = {"x": 100 + 10 * number, "y": 200}
                    viewer.point(place["x"], place["y"])
                    viewer.press(number)
                    until("the button", lambda: points(vm, buttons=bit, **place))
                    viewer.release(number)
                    until("no button", lambda: points(vm, buttons=0, **place))
                for (right, down), steps in WHEEL.items():
                    before = simulator.pointer(vm)["wheel"]
                    expected = [before + step for before, step in zip(before, steps)]
                    viewer.turn_wheel(300, 200, right, down)
                    until(f"{expected} of the wheel", lambda: simulator.pointer(vm)["wheel"] == expected)
                viewer.shows()
                self.assertTrue(viewer.is_well())

    def test_its_keys_and_buttons_are_released_when_it_leaves(self) -> None:
        for vm in VMS:
            with self.subTest(vm):
                with client(vm) as viewer:
                    viewer.take_focus()
                    viewer.point(300, 200)
                    viewer.press(0)
                    viewer.actions().key_down(Keys.SHIFT).key_down("a").perform()
                    until("two keys", lambda: len(simulator.keys_down(vm)) == 2)
                    self.assertTrue(points(vm, buttons=LEFT))
                # It sends nothing more when it is told to disconnect.
                until("no key and no button", lambda: not simulator.keys_down(vm) and points(vm, buttons=0))
                browser.driver.get("about:blank")
                viewer.actions().reset_actions()

    def test_it_requests_the_next_picture_as_it_does_without_a_gateway(self) -> None:
        for vm in VMS:
            with self.subTest(vm):
                before = simulator.counts()
                with client(vm) as viewer:
                    viewer.take_focus()
                    viewer.actions().send_keys("idle").perform()
                    simulator.has_typed(vm, "idle")
                    viewer.shows()
                    counts = simulator.counts()
                    asked = {kind: counts[kind] - before[kind] for kind in (EVERYTHING, CHANGES, ACKS)}
                    self.assertGreater(asked[ACKS if vm in ACKNOWLEDGED else CHANGES], 0)
                    self.assertEqual(0, asked[CHANGES if vm in ACKNOWLEDGED else ACKS])
                    self.assertLessEqual(asked[EVERYTHING], 2)

    def test_one_who_may_only_watch_sees_and_sends_nothing(self) -> None:
        browser.log_in(web, OTHER, OTHER_PASSWORD)
        try:
            with connected("real", OTHER, OTHER_PASSWORD) as viewer:
                viewer.shows()
                known, pointer = len(simulator.keys("real")), simulator.pointer("real")
                self.assertEqual((720, 500), simulator.picture("real").size)
                viewer.take_focus()
                viewer.actions().send_keys("no").perform()
                viewer.resize(*LARGER)
                viewer.point(311, 222)
                viewer.turn_wheel(311, 222, 0, 1)
                simulator.resize("real", *GUESTS_OWN)
                viewer.shows()
                self.assertTrue(viewer.is_well())
                self.assertEqual(known, len(simulator.keys("real")))
                self.assertEqual(pointer, simulator.pointer("real"))
        finally:
            browser.log_in(web)

    def test_a_page_that_is_not_the_portals_is_refused(self) -> None:
        cookie = web.log_in(USER, PASSWORD)
        path = web.mint(cookie, "real")
        for origin in ["https://127.0.0.1", page.url.replace("https", "http").rstrip("/"), "https://evil.example", page.url.replace("127.0.0.1", "localhost").rstrip("/")]:
            self.assertEqual(403, web.upgrade(path, cookie, Origin=origin))
        self.assertEqual(101, web.upgrade(path, cookie, Origin=page.url.rstrip("/")))


@contextmanager
def connected(vm: str, user: str = USER, password: str = PASSWORD) -> Iterator[Wmks]:
    """A client on the WebSocket that a new token opens; the browser is logged in as this user."""
    path = web.mint(web.log_in(user, password), vm)
    url = f"wss://127.0.0.1:{web.port}{path}"
    simulator.resize(vm, 720, 500)
    viewer = Wmks(browser, page, simulator, vm, SIZE, url)
    with viewer:
        yield viewer


@contextmanager
def client(vm: str) -> Iterator[Wmks]:
    """A client that has resized the guest to its place in the page, and shows it."""
    with connected(vm) as viewer:
        until("the size of its place", lambda: simulator.picture(vm).size == SIZE)
        viewer.shows()
        yield viewer


def press(actions: ActionChains, *keys: str) -> None:
    """Presses keys together."""
    for key in keys:
        actions.key_down(key)
    for key in reversed(keys):
        actions.key_up(key)
    actions.perform()


def keys(vm: str) -> list[tuple[int, bool]]:
    """The scan codes of the key events so far, without Num Lock: the client switches it as the browser has it."""
    seen = [(key["scan_code"], key["down"]) for key in simulator.keys(vm)]
    return [event for event in seen if event[0] != NUM_LOCK]


def points(vm: str, **expected: int) -> bool:
    return expected.items() <= simulator.pointer(vm).items()
