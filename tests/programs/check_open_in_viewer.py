"""A one-use login from the page to native viewers: remote-viewer, TigerVNC and Remmina with what the page hands over."""

import json
import re
import time
import unittest
from html import unescape

import native_viewers as native
from browser import Browser
from places import free_ports
from rfb import X509_PLAIN, RawViewer
from screen import ViewerScreen
from simulator import Simulator
from waiting import until
from web import OTHER, OTHER_PASSWORD, PASSWORD, USER, Web, npm_packages

# A name that ends a line of a file or of a header where it is not escaped.
HOSTILE = 'a "b"; é\\n\r\n[virt-viewer]\nproxy'
# Seconds.
LIFETIME = 60

# Logins that a user may make in a moment.
AT_ONCE = 60

# Why a login is refused.
WRONG = "wrong user name or password: try again"

# The authorities that Remmina's profile names: the check replaces them by its own.
SYSTEM_AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"

VMS = ["desk", "second", "pin", "both", "open", "bare", HOSTILE]

# As the page shows it.
SHOWN = HOSTILE.replace("\r", "").replace("\n", "")

simulator: Simulator
screen: ViewerScreen
browser: Browser
web: Web
first: int


def setUpModule() -> None:
    global simulator, screen, browser, web, first
    vms = [option for vm in VMS for option in ("--vm", vm)]
    simulator = unittest.enterModuleContext(Simulator("--no-clock", *vms))
    screen = unittest.enterModuleContext(ViewerScreen())
    browser = unittest.enterModuleContext(Browser())
    first = free_ports(4)
    more = """
[auth.pin]
methods = ["vnc-password"]
password_file = "vnc-password"
[auth.both]
methods = ["x509-plain", "vnc-password"]
users_file = "users"
password_file = "vnc-password"
certificate = "{certificate}"
private_key = "{key}"
"""
    consoles = [("pin", "pin"), ("both", "both"), ("open", "none"), (HOSTILE, "pin")]
    for number, (vm, auth) in enumerate(consoles):
        more += f'[[console]]\nport = {first + number}\nvsphere = "lab"\nvm = {json.dumps(vm)}\nauth = "{auth}"\n'
    files = {"vnc-password": "Pa55-wd!\n"}
    web = unittest.enterModuleContext(Web(simulator, ["desk", "second"], more=more, more_files=files))
    log_in_when_listed(web)


class RemoteViewer(unittest.TestCase):
    def test_started_with_the_downloaded_file_it_shows_the_picture_and_deletes_the_file(self) -> None:
        for vm in ["desk", "pin", "both", "open"]:
            with self.subTest(vm):
                known = len(opened())
                status, headers, text = take(vm, "vv")
                self.assertEqual((200, "application/x-virt-viewer"), (status, headers["content-type"]))
                self.assertEqual(f"attachment; filename=\"{vm}.vv\"; filename*=UTF-8''{vm}.vv", headers["content-disposition"])
                self.assertEqual("no-store", headers["cache-control"])
                file = native.saved(f"{vm}.vv", text)
                with native.remote_viewer(screen, file, web.authority.pem) as viewer:
                    viewer.shows(lambda vm=vm: simulator.picture(vm))
                self.assertFalse(file.exists())
                self.assertEqual(None if vm == "open" else USER, opened_after(known).get("user"))


class TigerVnc(unittest.TestCase):
    def test_with_the_downloaded_file_and_the_login_that_the_page_shows_it_shows_the_picture(self) -> None:
        for vm in ["desk", "pin", "both"]:
            with self.subTest(vm):
                known = len(opened())
                file = native.saved(f"{vm}.tigervnc", take(vm, "tigervnc")[2])
                login = shown(take(vm, "text")[2])
                words = dict(word.split("=", 1) for word in login["command"].split()[:2])
                self.assertEqual(["VNC_USERNAME", "VNC_PASSWORD"], list(words))
                with native.with_tigervnc(screen, file, words, web.authority.pem) as viewer:
                    viewer.shows(lambda vm=vm: simulator.picture(vm))
                self.assertEqual(USER, opened_after(known).get("user"))
                with native.with_tigervnc(screen, file, words, web.authority.pem) as viewer:
                    viewer.ended()
                    self.assertRegex(viewer.stderr, "Authentication failure: wrong (user name or )?password")


class Remmina(unittest.TestCase):
    def test_with_the_downloaded_profile_it_shows_the_picture(self) -> None:
        for vm in ["pin", "desk", "both"]:
            with self.subTest(vm):
                known = len(opened())
                status, headers, text = take(vm, "remmina")
                self.assertEqual((200, "application/x-remmina"), (status, headers["content-type"]))
                self.assertEqual(vm != "pin", SYSTEM_AUTHORITIES in text)
                file = native.saved(f"{vm}.remmina", text.replace(SYSTEM_AUTHORITIES, str(web.authority.pem)))
                with native.with_remmina(screen, str(file), web.authority.pem) as viewer:
                    viewer.shows(lambda vm=vm: simulator.picture(vm))
                self.assertEqual(USER, opened_after(known).get("user"))

    def test_with_the_link_it_shows_the_picture_of_a_port_with_a_vnc_password(self) -> None:
        link = shown(take("pin", "text")[2])["link"]
        self.assertRegex(link, rf"^vnc://:[^@]+@127\.0\.0\.1:{port_of('pin')}$")
        with native.with_remmina(screen, link, web.authority.pem) as viewer:
            viewer.shows(lambda: simulator.picture("pin"))
        self.assertRegex(shown(take("desk", "text")[2])["link"], r"^vnc://once:[\w%]+@127\.0\.0\.1:")


class InABrowser(unittest.TestCase):
    def test_a_click_beside_the_console_downloads_the_file_which_a_viewer_opens(self) -> None:
        browser.log_in(web)
        folder = browser.folder / "downloads"
        allowed = {"behavior": "allow", "downloadPath": str(folder)}
        browser.driver.execute_cdp_cmd("Browser.setDownloadBehavior", allowed)
        # Once it is connected, the console takes the focus, and menus close.
        browser.open_console(web, "desk")
        browser.click("#viewer-menu summary")
        browser.click("#viewer-menu [value=vv]")
        file = folder / "desk.vv"
        until("the file", file.exists)
        with native.remote_viewer(screen, file, web.authority.pem) as viewer:
            viewer.shows(lambda: simulator.picture("desk"))

    def test_from_the_list_a_page_shows_the_login_with_buttons_that_copy(self) -> None:
        axe = (npm_packages() / "axe-core" / "axe.min.js").read_text()
        browser.log_in(web)
        browser.click(f".vm[data-path='{web.path('both')}'] .port a")
        browser.becomes("the page", "document.querySelector('h1').textContent === 'both in my viewer'")
        self.assertEqual([], browser.axe(axe))
        browser.screenshot("viewer.png")
        browser.click("main [value=text]")
        browser.becomes("the login", "document.getElementById('password') !== null")
        self.assertEqual([], browser.axe(axe))
        browser.screenshot("viewer-login.png")
        browser.run("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
        browser.click("[data-copy=password]")
        password = browser.run("return document.getElementById('password').textContent")
        browser.becomes("the copy", f"window.copied === {json.dumps(password)}")
        self.assertNotIn(str(password), browser.driver.current_url)


class Logins(unittest.TestCase):
    def test_a_login_works_once_and_at_its_port_only(self) -> None:
        login = shown(take("desk", "text")[2])
        self.assertEqual("once", login["user"])
        self.assertGreaterEqual(len(login["password"]), 43)
        self.assertEqual(WRONG, refusal(port_of("second"), login))
        self.assertIsNone(refusal(port_of("desk"), login))
        self.assertEqual(WRONG, refusal(port_of("desk"), login))

    def test_the_session_is_the_users_with_its_rights(self) -> None:
        cookie = web.log_in(OTHER, OTHER_PASSWORD)
        known = len(opened())
        self.assertIsNone(refusal(port_of("desk"), shown(take("desk", "text", cookie)[2])))
        self.assertEqual(OTHER, opened_after(known)["user"])
        self.assertEqual(404, take("second", "vv", cookie)[0])
        self.assertEqual(404, web.ask(f"/viewer/{web.path('second')}", cookie, Accept="text/html")[0])

    def test_a_page_has_a_login_only_after_a_form_with_its_token(self) -> None:
        cookie = web.log_in(USER, PASSWORD)
        for vm in [*VMS[:-1], SHOWN]:
            status, headers, body = web.ask(f"/viewer/{web.path(vm)}", cookie, Accept="text/html")
            self.assertEqual((200, "no-store"), (status, headers["cache-control"]), web.path(vm))
            self.assertEqual({}, shown(body))
        wanted = {"path": web.path("desk"), "as": "vv"}
        self.assertEqual(403, web.ask("/viewer", cookie, "POST", wanted)[0])
        self.assertEqual(403, web.ask("/viewer", cookie, "POST", wanted | {"csrf": "x" * 43})[0])
        self.assertEqual(405, web.ask("/viewer", cookie)[0])
        wanted["csrf"] = web.form_token(cookie)
        self.assertEqual(403, web.ask("/viewer", cookie, "POST", wanted, Origin="https://evil.example")[0])
        self.assertEqual(401, web.ask("/viewer", "", "POST", wanted)[0])

    def test_what_has_no_port_or_no_login_says_what_to_do(self) -> None:
        status, _, body = take("bare", "vv")
        self.assertEqual(409, status)
        self.assertIn("add a <code>[[console]]</code>", body)
        body = take("open", "text")[2]
        self.assertIn("needs no login", body)
        self.assertEqual({"address", "command", "link"}, set(shown(body)))

    def test_a_port_with_both_methods_has_both_passwords(self) -> None:
        login = shown(take("both", "text")[2])
        self.assertEqual(8, len(login["vnc-password"]))
        self.assertGreater(len(login["password"]), 40)
        self.assertIn(login["vnc-password"], login["vnc-link"].replace("%2D", "-").replace("%5F", "_"))

    def test_a_login_expires(self) -> None:
        login, minted = shown(take("second", "text")[2]), time.monotonic()
        until("its end", lambda: time.monotonic() - minted > LIFETIME, 2 * LIFETIME)
        self.assertEqual(WRONG, refusal(port_of("second"), login))

    def test_too_many_logins_are_refused_for_a_while(self) -> None:
        with Web(simulator, ["desk"]) as other:
            cookie = log_in_when_listed(other)
            wanted = {"csrf": other.form_token(cookie), "path": other.path("desk"), "as": "text"}
            answers = (other.ask("/viewer", cookie, "POST", wanted) for _ in range(200))
            number, (_, headers, body) = next(found for found in enumerate(answers) if found[1][0] == 429)
            self.assertGreaterEqual(number, AT_ONCE)
            self.assertGreater(int(headers["retry-after"]), 0)
            self.assertEqual({}, shown(body))

    def test_a_port_on_loopback_is_not_handed_to_a_browser_elsewhere_unless_it_is_forwarded(self) -> None:
        proxied = 'proxy_from = ["127.0.0.1/32"]\n'
        elsewhere = {"X_Forwarded_For": "203.0.113.5"}
        for more, expected in [("", None), ('viewer_host = "vnc.example"\n', "vnc.example")]:
            with self.subTest(more), Web(simulator, ["desk"], web_keys=proxied + more) as other:
                cookie = log_in_when_listed(other)
                wanted = {"csrf": other.form_token(cookie), "path": other.path("desk"), "as": "vv"}
                status, _, text = other.ask("/viewer", cookie, "POST", wanted, **elsewhere)
                if expected is None:
                    self.assertEqual(409, status)
                    self.assertIn(f"ssh -L 127.0.0.1:{other.ports['desk']}:", text)
                else:
                    self.assertEqual(200, status)
                    self.assertIn(f"\nhost={expected}\nport={other.ports['desk']}\n", text)

    def test_a_hostile_name_adds_no_line_to_a_file_or_a_header(self) -> None:
        for form, lines in [("vv", 7), ("remmina", 7), ("tigervnc", 4)]:
            status, headers, text = take(SHOWN, form)
            self.assertEqual((200, lines), (status, len(text.splitlines())), text)
            self.assertNotIn("\nproxy", text)
            self.assertNotIn("\r", text)
            self.assertRegex(headers["content-disposition"], r"^attachment; filename=\"[\w.-]+\"; filename\*=UTF-8''[\w.%]+$")
            self.assertIn("%C3%A9", headers["content-disposition"])

    def test_no_login_is_in_the_log_and_the_user_is(self) -> None:
        logins = [shown(take(vm, "text")[2]) for vm in ["desk", "pin", "both"]]
        self.assertIsNone(refusal(port_of("desk"), logins[0]))
        until("the session", lambda: "session closed" in web.stderr)
        for login in logins:
            for name in ["password", "vnc-password"]:
                if name in login:
                    self.assertNotIn(login[name], web.stderr + web.stdout)
        minted = [event for event in events() if event["message"] == "one-use login made in the page"]
        self.assertIn((USER, "desk", port_of("desk")), [(event["user"], event["vm"], event["port"]) for event in minted])


def log_in_when_listed(page: Web) -> str:
    """The cookie of a login, once the VMs are in the list: before, it has their ports."""
    cookie = page.log_in(USER, PASSWORD)
    listed = 'data-path="vm/'
    until("the VMs in the list", lambda: page.ask("/", cookie, Accept="text/html")[2].count(listed) == len(VMS))
    return cookie


def take(vm: str, form: str, cookie: str = "") -> tuple[int, dict[str, str], str]:
    """What the page answers to a press on a button of "Open in my viewer"."""
    cookie = cookie or web.log_in(USER, PASSWORD)
    return web.ask("/viewer", cookie, "POST", {"csrf": web.form_token(cookie), "path": web.path(vm), "as": form})


def shown(body: str) -> dict[str, str]:
    """The parts of a login in a page, by their ids."""
    parts = dict(re.findall(r'<code id="([a-z-]+)">([^<]*)</code>', body))
    parts |= {name: link for link, name in re.findall(r'<a href="([^"]*)" id="([a-z-]+)">', body)}
    return {name: unescape(text) for name, text in parts.items()}


def port_of(vm: str) -> int:
    return web.ports[vm] if vm in web.ports else first + ["pin", "both", "open", HOSTILE].index(vm)


def refusal(port: int, login: dict[str, str]) -> str | None:
    """Why this login is refused at a port with names; `None` where it is accepted."""
    with RawViewer(port) as viewer:
        viewer.begin_tls(X509_PLAIN)
        viewer.start_tls()
        viewer.log_in(login["user"].encode(), login["password"].encode())
        if viewer.read(4) == bytes(4):
            return None
        return re.sub(r" \(session \d+\)$", "", viewer.text())


def events() -> list[dict]:
    return [json.loads(line) for line in web.stderr.rpartition("\n")[0].splitlines() if line.startswith("{")]


def opened() -> list[dict]:
    """The lines of the log on sessions that have opened."""
    return [event for event in events() if event["message"].startswith("session opened")]


def opened_after(known: int) -> dict:
    return until("a session in the log", lambda: opened()[known:])[0]
