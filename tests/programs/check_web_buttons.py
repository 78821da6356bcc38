"""Every button of a console in the page, in Chromium in front of simulated desktops; pages of a long list; reloads; frames."""

import os
import signal
import unittest
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from PIL import Image
from selenium.webdriver import ActionChains
from selenium.webdriver.common.alert import Alert
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import alert_is_present
from selenium.webdriver.support.wait import WebDriverWait

import picture
from browser import CONNECTED, Browser
from gateway import user_line
from simulator import Simulator
from waiting import DEADLINE, until
from web import OTHER, OTHER_PASSWORD, PASSWORD, USER, Web

# OTHER may watch the first. The account lacks a privilege on "locked"; VMware Tools run in "power".
VMS = ["desk", "power", "locked"]
LACKS = "VirtualMachine.Interact.PowerOff"
WITHOUT_A_PORT = [f"more-{number:03}" for number in range(230)]
ON_A_PAGE = 200

CTRL, ALT, DELETE, F1, F11 = 0x1D, 0x38, 0x153, 0x3B, 0x57

STATE = "document.querySelector('.state .power').textContent"

simulator: Simulator
browser: Browser
web: Web
portal: "Portal"


def setUpModule() -> None:
    global simulator, browser, web, portal
    vms = [option for vm in [*VMS, *WITHOUT_A_PORT] for option in ("--vm", vm)]
    more = ["--deny", f"locked={LACKS}", "--guest", "power=guest.example"]
    simulator = unittest.enterModuleContext(Simulator("--no-clock", *vms, *more))
    web = unittest.enterModuleContext(Web(simulator, VMS))
    portal = unittest.enterModuleContext(Portal())
    browser = unittest.enterModuleContext(Browser())
    downloads = {"behavior": "allow", "downloadPath": str(browser.folder)}
    browser.driver.execute_cdp_cmd("Browser.setDownloadBehavior", downloads)


class Keyboard(unittest.TestCase):
    def setUp(self) -> None:
        open_console("desk")

    def test_ctrl_alt_del_is_pressed_and_released(self) -> None:
        self.assertEqual(chord(DELETE), pressed_by(lambda: browser.click("#cad")))

    def test_ctrl_alt_f1_to_f12_are_pressed_and_released(self) -> None:
        for number in range(1, 13):
            with self.subTest(f"F{number}"):
                code = F1 + number - 1 if number <= 10 else F11 + number - 11

                def choose(number: int = number) -> None:
                    browser.click("#keys summary")
                    browser.click(f"[data-function='{number}']")

                self.assertEqual(chord(code), pressed_by(choose))

    def test_what_is_pasted_is_typed_as_keys_and_can_be_cancelled(self) -> None:
        text = "First \"line\" {of} <two>\nsecond_line @ 42%"
        browser.click("#paste")
        browser.driver.find_element(By.ID, "text").send_keys(text)
        browser.click("#dialog .primary")
        simulator.has_typed("desk", text)
        known = simulator.typed("desk")
        browser.click("#paste")
        self.assertEqual("", browser.run("return document.getElementById('text').value"))
        browser.driver.find_element(By.ID, "text").send_keys("not this")
        browser.click("#dialog [value=cancel]")
        browser.click("#screen canvas")
        ActionChains(browser.driver).send_keys("!").perform()
        until("the next key", lambda: simulator.typed("desk") != known)
        self.assertEqual(1, len(simulator.typed("desk")) - len(known))

    def test_watch_only_sends_nothing_until_it_is_released(self) -> None:
        browser.click("#watch")
        self.assertEqual("Connected, watching", browser.text("#state"))
        for selector in ["#cad", "#paste"]:
            self.assertFalse(browser.driver.find_element(By.CSS_SELECTOR, selector).is_enabled())
        known = len(simulator.keys("desk"))
        browser.click("#screen canvas")
        ActionChains(browser.driver).send_keys("no").perform()
        browser.click("#watch")
        browser.click("#screen canvas")
        ActionChains(browser.driver).send_keys("y").perform()
        simulator.has_typed("desk", "y")
        self.assertEqual(2, len(simulator.keys("desk")) - known)


class Picture(unittest.TestCase):
    def setUp(self) -> None:
        open_console("desk")

    def test_scaling_fits_the_picture_into_the_window_and_back(self) -> None:
        simulator.resize("desk", 1600, 1200)
        picture.become_equal(browser.canvas, lambda: simulator.picture("desk"))
        self.assertEqual([1600, 1200], canvas_size())
        self.assertTrue(scrolls(), "at its own size it is larger than the window")
        browser.click("#fit")
        until("a smaller picture", lambda: canvas_size()[0] < 1600 and not scrolls())
        width, height = canvas_size()
        self.assertAlmostEqual(4 / 3, width / height, delta=0.01)
        browser.click("#fit")
        until("its own size", lambda: canvas_size() == [1600, 1200])
        simulator.resize("desk", 800, 600)
        until("the guest's size", lambda: canvas_size() == [800, 600])

    def test_full_screen_and_back(self) -> None:
        browser.click("#full")
        browser.becomes("full screen", "document.fullscreenElement?.id === 'screen'")
        picture.become_equal(browser.canvas, lambda: simulator.picture("desk"))
        browser.run("return document.exitFullscreen()")
        browser.becomes("no full screen", "document.fullscreenElement === null")

    def test_a_screenshot_is_a_png_with_each_pixel(self) -> None:
        picture.become_equal(browser.canvas, lambda: simulator.picture("desk"))
        browser.click("#shot")
        file = browser.folder / "desk.png"
        until("the file", file.exists)
        try:
            with Image.open(file) as shot:
                self.assertEqual("PNG", shot.format)
                self.assertEqual("", picture.difference(shot.convert("RGB"), simulator.picture("desk")))
        finally:
            file.unlink()


class Power(unittest.TestCase):
    def test_each_button_does_what_it_says(self) -> None:
        open_console("power")
        for action, shown, asks in [
            ("suspend", "Suspended", False),
            ("on", "On", False),
            ("off", "Off", True),
            ("on", "On", False),
            ("shutdown", "Off", False),
            ("on", "On", False),
        ]:
            with self.subTest(action):
                choose_power(action, asks)
                browser.becomes(shown, f"{STATE} === '{shown}'")

    def test_the_setup_of_the_firmware_is_entered_once(self) -> None:
        open_console("power")
        self.assertFalse(simulator.entered_firmware("power"))
        choose_power("firmware", False)
        for expected in [True, False]:
            choose_power("reset", True)
            until(f"a start, {expected}", lambda: simulator.entered_firmware("power") == expected)
            browser.becomes("the power", f"{STATE} === 'On'")

    def test_a_question_that_is_denied_changes_nothing(self) -> None:
        open_console("desk")
        browser.click("#power-menu summary")
        browser.click("#power-menu [value=off]")
        alert().dismiss()
        self.assertIn("Connected", browser.text("#state"))
        self.assertEqual("On", browser.run(f"return {STATE}"))

    def test_what_the_account_lacks_is_said_and_cannot_be_pressed(self) -> None:
        open_console("locked")
        browser.click("#power-menu summary")
        enabled = browser.run("return [...document.querySelectorAll('#power-menu button:enabled')].map((one) => one.value)")
        self.assertEqual(["on", "suspend", "firmware", "reset"], enabled)
        for action in ["off", "shutdown"]:
            described = browser.run(
                f"return document.getElementById(document.querySelector('#power-menu [value={action}]')"
                ".getAttribute('aria-describedby')).textContent"
            )
            self.assertIn(LACKS, str(described))
        browser.screenshot("privileges.png")
        # The server decides.
        cookie = web.log_in(USER, PASSWORD)
        wanted = {"path": web.path("locked"), "action": "off", "csrf": web.form_token(cookie)}
        status, _, body = web.ask("/power", cookie, "POST", wanted)
        self.assertEqual(502, status)
        self.assertIn("the gateway lacks a privilege on this VM", body)
        self.assertIn(LACKS, web.stderr)

    def test_one_who_may_only_watch_has_no_such_buttons(self) -> None:
        browser.log_in(web, OTHER, OTHER_PASSWORD)
        browser.open_console(web, "desk")
        self.assertEqual(0, browser.run("return document.querySelectorAll('#power-menu').length"))


class Here(unittest.TestCase):
    def test_who_else_is_here_comes_and_goes(self) -> None:
        open_console("desk")
        viewers = "document.querySelector('.here [data-field=viewers]').textContent"
        browser.becomes("its user", f"{viewers} === '{USER}'")
        with Visitor(OTHER, OTHER_PASSWORD):
            browser.becomes("both", f"{viewers} === '{USER}, {OTHER} (watching)'")
        browser.becomes("one", f"{viewers} === '{USER}'")

    def test_a_console_that_was_closed_is_opened_again_by_its_button(self) -> None:
        open_console("desk")
        simulator.close("desk")
        browser.becomes("the reason", "document.getElementById('over').checkVisibility()")
        self.assertNotEqual("", browser.text("#reason"))
        browser.click("#again")
        browser.becomes("the console", CONNECTED)
        picture.become_equal(browser.canvas, lambda: simulator.picture("desk"))


class List(unittest.TestCase):
    def test_rows_past_the_first_page_are_on_the_next(self) -> None:
        browser.log_in(web)
        total = len(VMS) + len(WITHOUT_A_PORT)
        everything = sorted([*VMS, *WITHOUT_A_PORT])
        until("the first page", lambda: names() == everything[:ON_A_PAGE])
        self.assertIn(f"1–{ON_A_PAGE} of {total}", browser.text(".count"))
        browser.click("[rel=next]")
        browser.becomes("the next page", "location.search === '?page=2'")
        self.assertEqual(everything[ON_A_PAGE:], names())
        self.assertIn(f"{ON_A_PAGE + 1}–{total} of {total}", browser.text(".count"))
        # A change is shown on it.
        last = WITHOUT_A_PORT[-1]
        simulator.switch(last, "suspend")
        shown = f"document.querySelector('[data-path=\"{web.path(last)}\"] .power').textContent"
        browser.becomes("the change", f"{shown} === 'Suspended'")
        self.assertEqual(everything[ON_A_PAGE:], names())
        browser.click("[rel=prev]")
        browser.becomes("the first page", "location.search === '?page=1'")
        self.assertEqual(everything[:ON_A_PAGE], names())
        # A page that is not there is the last.
        browser.driver.get(f"{web.url}?page=99")
        self.assertEqual(everything[ON_A_PAGE:], names())


class Reload(unittest.TestCase):
    """The configuration is read again by SIGHUP."""

    def test_the_session_of_a_removed_user_ends_and_rights_change_at_once(self) -> None:
        ours, others = web.log_in(USER, PASSWORD), web.log_in(OTHER, OTHER_PASSWORD)
        self.assertEqual(200, web.ask("/", others, Accept="text/html")[0])
        with changed_file("users", lambda _: f"{user_line(USER, PASSWORD)}:desk\n"):
            until("the removal", lambda: web.ask("/events", others)[0] == 401)
            body = web.ask("/", ours, Accept="text/html")[2]
            self.assertIn(">desk<", body)
            self.assertNotIn(">locked<", body)
        until("its return", lambda: ">locked<" in web.ask("/", ours, Accept="text/html")[2])
        # A session that has ended stays ended.
        self.assertEqual(401, web.ask("/events", others)[0])

    def test_hosts_are_those_of_the_present_configuration(self) -> None:
        self.assertEqual(421, web.ask("/login", Host="consoles.example")[0])
        with changed_page('hosts = ["consoles.example"]'):
            until("the name", lambda: web.ask("/login", Host="consoles.example")[0] == 200)
        until("no name", lambda: web.ask("/login", Host="consoles.example")[0] == 421)

    def test_without_auth_in_its_section_the_old_configuration_stays(self) -> None:
        with changed_file("gateway.toml", lambda text: text.replace('auth = "staff"\nnovnc', 'auth = "nobody"\nnovnc')):
            until("the refusal", lambda: "[auth.nobody]" in web.stderr)
            self.assertEqual(200, web.ask("/login")[0])
            self.assertEqual(303, web.ask("/", Accept="text/html")[0])

    def test_a_frame_of_a_portal_is_shown_only_while_frame_ancestors_has_it(self) -> None:
        self.assertFalse(portal.shows(f"{web.url}login"))
        with changed_page(f'frame_ancestors = ["{portal.origin}"]'):
            until("the header", lambda: portal.origin in web.ask("/login")[1]["content-security-policy"])
            self.assertTrue(portal.shows(f"{web.url}login"))
            self.assertNotIn("x-frame-options", web.ask("/login")[1])
        until("no header", lambda: portal.origin not in web.ask("/login")[1]["content-security-policy"])
        self.assertFalse(portal.shows(f"{web.url}login"))


class Portal:
    """A page of another origin that shows a page in a frame."""

    def __init__(self) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(b"<!doctype html><title>Portal</title><iframe width=600 height=500></iframe>")

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> "Portal":
        Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def shows(self, url: str) -> bool:
        """Whether the frame has the page, and not the browser's error."""
        driver = browser.driver
        driver.get(self.origin)
        driver.execute_async_script(
            "const frame = document.querySelector('iframe'); frame.onload = arguments[1]; frame.src = arguments[0];", url
        )
        driver.switch_to.frame(0)
        try:
            return bool(driver.find_elements(By.ID, "password"))
        finally:
            driver.switch_to.default_content()


class changed_file:
    """A file beside the configuration, changed and read again for as long as the `with` block runs."""

    def __init__(self, name: str, change: Callable[[str], str]) -> None:
        self.path: Path = web.folder / name
        self.change = change

    def __enter__(self) -> None:
        self.before = self.path.read_text()
        self._write(self.change(self.before))

    def __exit__(self, *_: object) -> None:
        self._write(self.before)

    def _write(self, text: str) -> None:
        self.path.write_text(text)
        os.kill(web.process.pid, signal.SIGHUP)


class changed_page(changed_file):
    """A key that is added to `[web]`."""

    def __init__(self, key: str) -> None:
        super().__init__("gateway.toml", lambda text: text.replace("\n[web]\n", f"\n[web]\n{key}\n"))


class Visitor:
    """A second browser window in which another user has opened a console."""

    def __init__(self, user: str, password: str) -> None:
        self.chromium, self.user, self.password = Browser(), user, password

    def __enter__(self) -> "Visitor":
        self.chromium.__enter__()
        self.chromium.log_in(web, self.user, self.password)
        self.chromium.open_console(web, "desk")
        return self

    def __exit__(self, *_: object) -> None:
        self.chromium.driver.get("about:blank")
        self.chromium.__exit__()


def open_console(vm: str) -> None:
    if not browser.driver.current_url.startswith(web.url) or USER not in browser.driver.page_source:
        browser.log_in(web)
    browser.open_console(web, vm)


def chord(code: int) -> list[tuple[int, bool]]:
    """Ctrl, Alt and a key, pressed in this order and released in the reverse one."""
    keys = [CTRL, ALT, code]
    return [(key, True) for key in keys] + [(key, False) for key in reversed(keys)]


def pressed_by(act: Callable[[], None]) -> list[tuple[int, bool]]:
    """The key events of the guest that follow from it: six."""
    known = len(simulator.keys("desk"))
    act()
    until("six key events", lambda: len(simulator.keys("desk")) >= known + 6)
    return [(key["scan_code"], key["down"]) for key in simulator.keys("desk")[known:]]


def choose_power(action: str, asks: bool) -> None:
    """Chooses from the menu, which leads to the console's page again."""
    browser.run("window.isOld = true")
    browser.click("#power-menu summary")
    browser.click(f"#power-menu [value={action}]")
    if asks:
        alert().accept()
    # Its script asks the questions.
    is_ready = "document.getElementById('state')?.textContent.includes('onnected')"
    browser.becomes("the page", f"!window.isOld && document.body?.classList.contains('console') && {is_ready}")


def alert() -> Alert:
    return WebDriverWait(browser.driver, DEADLINE).until(alert_is_present())


def canvas_size() -> list[int]:
    """The size at which the picture is shown."""
    rect = browser.run(
        "const { width, height } = document.querySelector('#screen canvas').getBoundingClientRect();"
        "return [Math.round(width), Math.round(height)]"
    )
    return list(rect)


def scrolls() -> bool:
    return bool(
        browser.run(
            "const inner = document.querySelector('#screen > div'), outer = document.getElementById('screen');"
            "return [inner, outer].some((one) => one.scrollWidth > one.clientWidth || one.scrollHeight > one.clientHeight)"
        )
    )


def names() -> list[str]:
    return [str(name) for name in browser.run("return [...document.querySelectorAll('.vm .name')].map((a) => a.textContent)")]
