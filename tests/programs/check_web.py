"""The page in Chromium, with noVNC of Debian and of npm, in front of simulated desktops; and what must not be possible."""

import base64
import io
import re
import unittest
from pathlib import Path

from PIL import Image
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

import picture
from chromium import Chromium
from simulator import Simulator
from waiting import until
from web import OTHER, OTHER_PASSWORD, PASSWORD, USER, Web, npm_packages

# A name that is a script where it is not escaped, in a page, in JSON or in a header.
HOSTILE = '<b id><script>document.title(1)"&lt;'
VMS = ["desk", "plain", HOSTILE]

# Characters of a US keyboard with and without Shift.
TEXT = 'Zap "yes" {x_y}: 42% @ ~`|<a>; =+-?'

SHIFTED = set("""~!@#$%^&*()_+{}|:"<>?""")

WIDTHS = {"wide": (1280, 800), "phone": (390, 780)}
SCHEMES = ["light", "dark"]

simulator: Simulator
chromium: Chromium
packages: Path
web: Web
npms: Web


def setUpModule() -> None:
    global simulator, chromium, packages, web, npms
    packages = npm_packages()
    vms = [option for vm in VMS for option in ("--vm", vm)]
    simulator = unittest.enterModuleContext(Simulator("--no-clock", *vms))
    web = unittest.enterModuleContext(Web(simulator, VMS))
    npms = unittest.enterModuleContext(Web(simulator, VMS, packages / "@novnc" / "novnc"))
    chromium = unittest.enterModuleContext(Chromium())


class Login(unittest.TestCase):
    def test_a_wrong_password_is_told_and_the_right_one_leads_to_the_page_that_was_asked_for(self) -> None:
        forget()
        path = web.path("desk")
        chromium.driver.get(web.url + path)
        enter(USER, "wrong")
        chromium.becomes("the reason", "document.querySelector('[role=alert]')?.textContent.includes('Wrong user name')")
        enter(USER, PASSWORD)
        chromium.becomes("the console", "document.body.classList.contains('console')")
        self.assertTrue(chromium.driver.current_url.endswith(path))
        (cookie,) = [cookie for cookie in chromium.driver.get_cookies() if cookie["name"] == "__Host-mksgate"]
        self.assertTrue(cookie["httpOnly"] and cookie["secure"] and cookie["sameSite"] == "Strict")

    def test_logging_out_makes_the_cookie_stale(self) -> None:
        cookie = log_in(web)
        self.assertEqual(200, web.ask("/", cookie, Accept="text/html")[0])
        chromium.driver.find_element(By.CSS_SELECTOR, "header form button").click()
        chromium.becomes("the login page", "document.getElementById('password') !== null")
        self.assertEqual(303, web.ask("/", cookie, Accept="text/html")[0])
        self.assertEqual(401, web.ask("/events", cookie)[0])


class List(unittest.TestCase):
    def test_it_has_the_vms_that_the_user_may_open(self) -> None:
        log_in(web)
        self.assertEqual(sorted(VMS), sorted(names()))
        log_in(web, OTHER, OTHER_PASSWORD)
        self.assertEqual(["desk"], names())
        forbidden = web.path("plain")
        chromium.driver.get(web.url + forbidden)
        self.assertIn("Not found", chromium.run("return document.title"))

    def test_a_hostile_name_is_only_text(self) -> None:
        log_in(web)
        self.assertIn(HOSTILE, names())
        chromium.driver.get(web.url + web.path(HOSTILE))
        chromium.becomes("the console", connected())
        self.assertEqual(HOSTILE, chromium.driver.find_element(By.CSS_SELECTOR, "h1").text)
        self.assertEqual(f"{HOSTILE} · mksgate", chromium.driver.title)
        self.assertEqual(0, chromium.run("return document.querySelectorAll('h1 *, title *').length"))

    def test_a_search_finds_while_typing_and_without_a_script(self) -> None:
        cookie = log_in(web)
        box = chromium.driver.find_element(By.ID, "q")
        box.send_keys("DES")
        until("one VM", lambda: names() == ["desk"])
        self.assertTrue(chromium.driver.current_url.endswith("?q=DES"))
        box.send_keys("xyz")
        until("no VM", lambda: names() == [])
        body = web.ask("/?q=des", cookie, Accept="text/html")[2]
        self.assertIn(">desk</a>", body)
        self.assertNotIn(">plain</a>", body)

    def test_who_is_on_a_console_appears_by_itself(self) -> None:
        log_in(web)
        chromium.driver.get(web.url + web.path("plain"))
        chromium.becomes("the console", connected())
        chromium.becomes("its user", f"document.querySelector('[data-field=viewers]').textContent === '{USER}'")
        chromium.driver.switch_to.new_window("tab")
        try:
            chromium.driver.get(web.url)
            viewers = f"document.querySelector('[data-path=\"{web.path('plain')}\"] [data-field=viewers]')"
            chromium.becomes("the user in the list", f"{viewers}.textContent === '{USER}'")
            chromium.run("return fetch('.')")
            first, second = chromium.driver.window_handles
            chromium.driver.switch_to.window(first)
            chromium.driver.get("about:blank")
            chromium.driver.switch_to.window(second)
            chromium.becomes("the end", f"{viewers}.textContent === ''")
        finally:
            chromium.driver.close()
            chromium.driver.switch_to.window(chromium.driver.window_handles[0])


class Console(unittest.TestCase):
    def test_it_shows_each_pixel_and_types_each_character_with_both_versions_of_novnc(self) -> None:
        for version, page in [("Debian", web), ("npm", npms)]:
            with self.subTest(version):
                log_in(page)
                open_console(page, "desk")
                picture.become_equal(canvas, lambda: simulator.picture("desk"))
                self.assertGreater(picture.colours(canvas()), 8)
                chromium.driver.find_element(By.CSS_SELECTOR, "#screen canvas").click()
                type_as_a_person(TEXT)
                simulator.has_typed("desk", f"{TEXT}\n")
                picture.become_equal(canvas, lambda: simulator.picture("desk"))

    def test_text_is_pasted_as_keys(self) -> None:
        log_in(web)
        open_console(web, "desk")
        chromium.driver.find_element(By.ID, "paste").click()
        chromium.driver.find_element(By.ID, "text").send_keys(f"{TEXT}\nnext")
        chromium.driver.find_element(By.CSS_SELECTOR, "#dialog .primary").click()
        simulator.has_typed("desk", f"{TEXT}\nnext")

    def test_key_combinations_are_pressed_and_released(self) -> None:
        log_in(web)
        open_console(web, "desk")
        for button, keys in [("#cad", [0x1D, 0x38, 0x153]), ("[data-function='2']", [0x1D, 0x38, 0x3C])]:
            before = len(simulator.keys("desk"))
            if button != "#cad":
                chromium.driver.find_element(By.CSS_SELECTOR, "#keys summary").click()
            chromium.driver.find_element(By.CSS_SELECTOR, button).click()
            until("three keys, down and up", lambda: len(simulator.keys("desk")) >= before + 6)
            seen = [(key["scan_code"], key["down"]) for key in simulator.keys("desk")[before:]]
            self.assertEqual([(key, True) for key in keys], seen[:3])
            self.assertEqual(sorted((key, False) for key in keys), sorted(seen[3:]))

    def test_who_may_only_watch_sends_nothing(self) -> None:
        log_in(web, OTHER, OTHER_PASSWORD)
        open_console(web, "desk")
        before = len(simulator.keys("desk"))
        # The page's own switch is turned off: the gateway must drop the keys.
        chromium.run("document.getElementById('watch').disabled = false; document.getElementById('watch').click()")
        chromium.driver.find_element(By.CSS_SELECTOR, "#screen canvas").click()
        ActionChains(chromium.driver).send_keys("no").perform()
        picture.become_equal(canvas, lambda: simulator.picture("desk"))
        self.assertEqual(before, len(simulator.keys("desk")))

    def test_the_power_is_changed_from_the_console_and_shown_in_its_page(self) -> None:
        log_in(web)
        open_console(web, "plain")
        state = "document.querySelector('.state').textContent"
        for action, shown in [("suspend", "Suspended"), ("on", "On")]:
            chromium.driver.find_element(By.CSS_SELECTOR, "#power-menu summary").click()
            chromium.driver.find_element(By.CSS_SELECTOR, f"#power-menu [value={action}]").click()
            chromium.becomes(shown, f"document.body.classList.contains('console') && {state} === '{shown}'")
        wanted = {"path": web.path("desk"), "action": "off"}
        cookie, bobs = web.log_in(USER, PASSWORD), web.log_in(OTHER, OTHER_PASSWORD)
        self.assertEqual(403, web.ask("/power", cookie, "POST", wanted)[0])
        self.assertEqual(403, web.ask("/power", bobs, "POST", wanted | {"csrf": web.form_token(bobs)})[0])
        self.assertEqual(200, web.ask("/?q=desk&power=on", cookie, Accept="text/html")[0])
        self.assertIn(">desk</a>", web.ask("/?q=desk&power=on", cookie, Accept="text/html")[2])

    def test_a_page_without_novnc_says_how_to_get_it(self) -> None:
        log_in(web)
        with Web(simulator, ["desk"], Path("/nonexistent")) as without:
            log_in(without)
            chromium.driver.get(without.url + without.path("desk"))
            self.assertIn("apt install novnc", chromium.driver.find_element(By.TAG_NAME, "main").text)


class Tokens(unittest.TestCase):
    def test_a_token_opens_its_console_once_and_for_its_user(self) -> None:
        cookie = web.log_in(USER, PASSWORD)
        bobs = web.log_in(OTHER, OTHER_PASSWORD)
        path = web.mint(cookie, "desk")
        self.assertEqual(404, web.upgrade(path, bobs))
        self.assertEqual(404, web.upgrade(path))
        self.assertEqual(403, web.upgrade(path, cookie, Origin="https://evil.example"))
        self.assertEqual(403, web.upgrade(path, cookie, Origin="null"))
        self.assertEqual(421, web.upgrade(path, cookie, Host="evil.example"))
        self.assertEqual(101, web.upgrade(path, cookie, Origin=web.url.rstrip("/")))
        self.assertEqual(410, web.upgrade(path, cookie))

    def test_a_token_needs_the_form_token_and_the_right_to_the_vm(self) -> None:
        cookie = web.log_in(USER, PASSWORD)
        wanted = {"path": web.path("desk")}
        self.assertEqual(403, web.ask("/consoles", cookie, "POST", wanted)[0])
        self.assertEqual(403, web.ask("/consoles", cookie, "POST", wanted, X_CSRF_Token="x" * 43)[0])
        bobs = web.log_in(OTHER, OTHER_PASSWORD)
        wanted = {"path": web.path("plain")}
        token = web.form_token(bobs)
        self.assertEqual(404, web.ask("/consoles", bobs, "POST", wanted, X_CSRF_Token=token)[0])

    def test_no_token_and_no_cookie_is_in_the_log(self) -> None:
        cookie = web.log_in(USER, PASSWORD)
        path = web.mint(cookie, "desk")
        self.assertEqual(101, web.upgrade(path, cookie))
        until("the session", lambda: "session closed" in web.stderr)
        for secret in [path.split("/")[2], cookie.split("=")[1], PASSWORD, web.form_token(cookie)]:
            self.assertNotIn(secret, web.stderr + web.stdout)


class Attacks(unittest.TestCase):
    def test_no_path_leads_out_of_novncs_folder(self) -> None:
        self.assertEqual(200, web.ask("/novnc/core/rfb.js")[0])
        for path in [
            *["../../../etc/passwd", "..%2f..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd", "core/../../../etc/passwd"],
            *["%2fetc%2fpasswd", "/etc/passwd", "..\\..\\etc\\passwd", "core/rfb.js%00", "core/", "", ".", "vnc.html"],
        ]:
            with self.subTest(path):
                self.assertEqual(404, web.ask(f"/novnc/{path}")[0])

    def test_another_host_is_not_answered(self) -> None:
        for host in ["evil.example", f"evil.example:{web.port}", "127.0.0.1.evil.example", ""]:
            self.assertIn(web.ask("/", Host=host)[0], [400, 421])

    def test_every_page_has_its_headers_and_no_script_of_its_own(self) -> None:
        cookie = web.log_in(USER, PASSWORD)
        for path in ["/", "/login", f"/{web.path('desk')}", "/nothing", "/assets/list.js"]:
            _, headers, body = web.ask(path, cookie, Accept="text/html")
            self.assertIn("default-src 'none'", headers["content-security-policy"])
            self.assertNotIn("unsafe", headers["content-security-policy"])
            self.assertEqual("max-age=31536000", headers["strict-transport-security"])
            self.assertEqual("no-referrer", headers["referrer-policy"])
            self.assertEqual("nosniff", headers["x-content-type-options"])
            self.assertIsNone(re.search(r"<script(?! type=\"module\" src=)|<style|\son[a-z]+=", body))


class Looks(unittest.TestCase):
    """Screenshots of each page are kept with the logs."""

    def test_axe_finds_nothing_on_any_page_wide_narrow_light_or_dark(self) -> None:
        axe = (packages / "axe-core" / "axe.min.js").read_text()
        for scheme in SCHEMES:
            for width, size in WIDTHS.items():
                show_as(scheme, *size)
                pages = {"list": web.url, "viewer": f"{web.url}viewer/{web.path('desk')}", "folders": f"{web.url}?group=folder", "console": web.url + web.path("desk")}
                forget()
                chromium.driver.get(f"{web.url}login")
                self._judge(axe, f"login-{scheme}-{width}")
                log_in(web)
                for name, url in pages.items():
                    chromium.driver.get(url)
                    if name == "console":
                        chromium.becomes("the console", connected())
                    self._judge(axe, f"{name}-{scheme}-{width}")

    def _judge(self, axe: str, name: str) -> None:
        chromium.screenshot(f"{name}.png")
        self.assertEqual([], chromium.axe(axe), name)
        wider = chromium.run("return document.documentElement.scrollWidth > document.documentElement.clientWidth")
        self.assertFalse(wider, f"{name} is wider than its window")


def show_as(scheme: str, width: int, height: int) -> None:
    """The colours that the system wishes, and the size of the window."""
    command = chromium.driver.execute_cdp_cmd
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    command("Emulation.setDeviceMetricsOverride", metrics)
    command("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})


def forget() -> None:
    chromium.driver.get(f"{web.url}login")
    chromium.driver.delete_all_cookies()


def enter(user: str, password: str) -> None:
    for name, text in [("user", user), ("password", password)]:
        field = chromium.driver.find_element(By.ID, name)
        field.clear()
        field.send_keys(text)
    chromium.driver.find_element(By.CSS_SELECTOR, "form button").click()


def log_in(page: Web, user: str = USER, password: str = PASSWORD) -> str:
    """Logs in, which leads to the list; returns the cookie as a program sends it."""
    chromium.driver.get(f"{page.url}login")
    chromium.driver.delete_all_cookies()
    chromium.driver.get(page.url)
    enter(user, password)
    chromium.becomes("the list", "document.getElementById('list') !== null")
    (cookie,) = [cookie for cookie in chromium.driver.get_cookies() if cookie["name"] == "__Host-mksgate"]
    return f"{cookie['name']}={cookie['value']}"


def names() -> list[str]:
    return [str(name) for name in chromium.run("return [...document.querySelectorAll('.vm .name')].map((a) => a.textContent)")]


def connected() -> str:
    return "document.getElementById('state').textContent.startsWith('Connected')"


def open_console(page: Web, vm: str) -> None:
    """Opens a console from the list, at its own size."""
    for link in chromium.driver.find_elements(By.CSS_SELECTOR, ".vm .name"):
        if link.text == vm:
            link.click()
            break
    chromium.becomes("the console", connected())
    chromium.driver.find_element(By.ID, "fit").click()


def type_as_a_person(text: str) -> None:
    """Types a line on a US keyboard, whose Shift the driver does not press by itself."""
    actions = ActionChains(chromium.driver)
    for character in text:
        if character.isupper() or character in SHIFTED:
            actions.key_down(Keys.SHIFT).send_keys(character).key_up(Keys.SHIFT)
        else:
            actions.send_keys(character)
    actions.send_keys(Keys.ENTER).perform()


def canvas() -> Image.Image:
    """The picture that noVNC has drawn."""
    url = str(chromium.run("return document.querySelector('#screen canvas').toDataURL()"))
    return Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGB")
