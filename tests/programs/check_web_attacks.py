"""What attackers of the page may try: names of VMs, tokens, cookies, Hosts, requests in pieces, paths out of noVNC's folder."""

import re
import shutil
import socket
import ssl
import unittest
from html import unescape
from pathlib import Path

from browser import CONNECTED, Browser
from places import scratch
from simulator import Simulator
from waiting import DEADLINE, until
from web import DEBIANS_NOVNC, OTHER, OTHER_PASSWORD, PASSWORD, USER, Web

# Names that would be a script, an attribute, a header, or a text from right to left, where they are not escaped. They have
# no port, and so no line in the configuration.
HOSTILE = {
    "script": "<script>document.title='owned'</script>",
    "attribute": "\" onmouseover=\"document.title='owned'\" x=\"",
    "quote": "' autofocus onfocus='document.title=1' '",
    "line": "evil\r\nSet-Cookie: owned=1\r\n\r\n<b>",
    "direction": "\u202egnp.exe\u2066",
    "template": "{{ 7 * 7 }}${7*7}",
    # The id of another VM, in the form in which a console can be configured.
    "other": "moref:1",
}

# The first is open to OTHER, who may watch it.
VMS = ["desk", "plain"]

simulator: Simulator
browser: Browser
web: Web
folder: Path


def setUpModule() -> None:
    global simulator, browser, web, folder
    # --vm takes no name with an equals sign.
    vms = [f"--vm={name}" for name in VMS] + [f"--off={name}" for name in HOSTILE.values()]
    simulator = unittest.enterModuleContext(Simulator("--no-clock", *vms))
    for name in HOSTILE.values():
        simulator.switch(name, "on")
    folder = scratch("novnc") / "novnc"
    shutil.copytree(DEBIANS_NOVNC, folder, symlinks=False, ignore=shutil.ignore_patterns("*.html", "images", "sounds"))
    secret = folder.parent / "secret.js"
    secret.write_text("the secret\n")
    (folder / "core" / "link.js").symlink_to(secret)
    (folder / "core" / "up").symlink_to(folder.parent)
    (folder / "core" / "own.js").symlink_to(folder / "core" / "rfb.js")
    web = unittest.enterModuleContext(Web(simulator, VMS, folder))
    browser = unittest.enterModuleContext(Browser())


class Names(unittest.TestCase):
    def test_each_is_only_text_in_the_list_the_console_and_its_events(self) -> None:
        browser.log_in(web)
        shown = browser.run("return Object.fromEntries([...document.querySelectorAll('.vm')].map("
                            "(row) => [row.dataset.path, row.querySelector('.name').textContent]))")
        assert isinstance(shown, dict)
        self.assertEqual(len(VMS) + len(HOSTILE), len(shown))
        count = "return document.querySelectorAll('.vm :is(script, b), .vm [onmouseover], .vm [onfocus], .vm [autofocus]').length"
        self.assertEqual(0, browser.run(count))
        for kind, name in HOSTILE.items():
            with self.subTest(kind):
                (path,) = [path for path, text in shown.items() if same(text, name)]
                browser.driver.get(web.url + path)
                browser.becomes("the console", CONNECTED)
                self.assertTrue(same(str(browser.run("return document.querySelector('h1').textContent")), name))
                # An event has been shown.
                browser.becomes("its user", f"document.querySelector('.here [data-field]').textContent === '{USER}'")
                self.assertTrue(browser.driver.title.endswith("· mksgate"))
                self.assertEqual(0, browser.run("return document.querySelectorAll('header :is(script, b), [onmouseover], [onfocus]').length"))
                self.assertIsNone(browser.driver.get_cookie("owned"))

    def test_no_line_or_direction_of_a_name_reaches_a_page_or_a_header(self) -> None:
        cookie = web.log_in(USER, PASSWORD)
        body = web.ask("/", cookie, Accept="text/html")[2]
        self.assertNotRegex(body, "[\u202a-\u202e\u2066-\u2069]")
        paths = set(re.findall(r'data-path="([^"]+)"', body))
        self.assertEqual(len(VMS) + len(HOSTILE), len(paths))
        for path in map(unescape, paths):
            status, headers, body = web.ask(f"/{path}", cookie, Accept="text/html")
            self.assertEqual(200, status)
            self.assertNotIn("owned", headers.get("set-cookie", ""))
            self.assertNotRegex(body, "[\u202a-\u202e\u2066-\u2069]|<script>document|<b>|onmouseover=\"")
            # Nor by what changes the power.
            wanted = {"path": path, "action": "on", "csrf": web.form_token(cookie)}
            status, headers, body = web.ask("/power", cookie, "POST", wanted)
            self.assertIn(status, [303, 429, 502])
            self.assertNotIn("set-cookie", headers)

    def test_a_vm_named_as_the_id_of_another_opens_itself(self) -> None:
        browser.log_in(web)
        for path, name in browser.run(
            "return [...document.querySelectorAll('.vm')].map((row) => [row.dataset.path, row.querySelector('.name').textContent])"
        ):
            if name == HOSTILE["other"]:
                break
        else:
            self.fail("it is not in the list")
        ports = browser.run(f"return document.querySelector('[data-path=\"{path}\"] [data-field=ports]').textContent")
        self.assertEqual("", ports)

    def test_the_log_has_each_name_on_one_line(self) -> None:
        for line in web.stderr.rpartition("\n")[0].splitlines():
            self.assertTrue(line.startswith("{") and line.endswith("}"), line)


class Tokens(unittest.TestCase):
    def test_a_token_is_worth_nothing_to_others_or_twice_or_with_another_origin(self) -> None:
        ours, others = web.log_in(USER, PASSWORD), web.log_in(OTHER, OTHER_PASSWORD)
        path = web.mint(ours, "desk")
        for cookie in [others, "", "__Host-mksgate=" + "A" * 43, others.replace("__Host-", "")]:
            self.assertEqual(404, web.upgrade(path, cookie))
        for origin in ["https://evil.example", "null", "", web.url.replace("https", "http").rstrip("/") + "0"]:
            self.assertEqual(403, web.upgrade(path, ours, Origin=origin))
        self.assertEqual(403, web.upgrade(path, ours, Sec_Fetch_Site="cross-site"))
        self.assertEqual(101, web.upgrade(path, ours))
        for cookie in [ours, others]:
            self.assertIn(web.upgrade(path, cookie), [404, 410])
        self.assertEqual(404, web.upgrade("/console/" + "A" * 43 + "/ws", ours))
        # Its page does not open it again either.
        self.assertEqual(410, web.ask(path.removesuffix("/ws"), ours, Accept="text/html")[0])

    def test_a_user_gets_no_token_for_a_vm_of_others(self) -> None:
        others = web.log_in(OTHER, OTHER_PASSWORD)
        wanted = {"path": web.path("plain")}
        self.assertEqual(404, web.ask("/consoles", others, "POST", wanted, X_CSRF_Token=web.form_token(others))[0])
        self.assertEqual(403, web.ask("/consoles", others, "POST", wanted, X_CSRF_Token=web.form_token(web.log_in(USER, PASSWORD)))[0])

    def test_a_stale_cookie_opens_nothing(self) -> None:
        cookie = web.log_in(USER, PASSWORD)
        path = web.mint(cookie, "desk")
        status, _, _ = web.ask("/logout", cookie, "POST", {"csrf": web.form_token(cookie)})
        self.assertEqual(303, status)
        self.assertEqual(401, web.ask("/events", cookie)[0])
        self.assertEqual(404, web.upgrade(path, cookie))
        self.assertEqual(401, web.ask("/consoles", cookie, "POST", {"path": web.path("desk")})[0])


class Requests(unittest.TestCase):
    """Requests as no browser sends them."""

    def test_a_smuggled_host_is_refused(self) -> None:
        own = f"127.0.0.1:{web.port}"
        for name, head, statuses in [
            ("two", f"GET /login HTTP/1.1\r\nHost: {own}\r\nHost: evil.example\r\n", [400, 421]),
            ("two, the own one last", f"GET /login HTTP/1.1\r\nHost: evil.example\r\nHost: {own}\r\n", [400, 421]),
            ("none", "GET /login HTTP/1.1\r\n", [400, 421]),
            ("two in one", f"GET /login HTTP/1.1\r\nHost: {own}, evil.example\r\n", [400, 421]),
            ("a user before it", f"GET /login HTTP/1.1\r\nHost: {own}@evil.example\r\n", [400, 421]),
            ("absolute form", f"GET https://evil.example/login HTTP/1.1\r\nHost: {own}\r\n", [400, 421]),
            ("absolute form, Host of another", f"GET https://{own}/login HTTP/1.1\r\nHost: evil.example\r\n", [400, 421]),
            ("a blank before the colon", f"GET /login HTTP/1.1\r\nHost : {own}\r\n", [400, 421]),
            ("a folded line", f"GET /login HTTP/1.1\r\nHost: {own}\r\n evil.example\r\n", [400, 421]),
            ("its own", f"GET /login HTTP/1.1\r\nHost: {own}\r\n", [200]),
        ]:
            with self.subTest(name):
                status, answer = raw(f"{head}Connection: close\r\n\r\n")
                self.assertIn(status, statuses, answer[:300])

    def test_what_a_client_says_of_itself_is_not_believed(self) -> None:
        own = f"127.0.0.1:{web.port}"
        headers = ["X-Forwarded-Host: evil.example", "X-Forwarded-Proto: http", "Forwarded: host=evil.example;proto=http",
                   "X-Forwarded-User: ada", "X-Original-URL: /consoles", "X-HTTP-Method-Override: POST"]
        status, answer = raw(f"GET / HTTP/1.1\r\nHost: {own}\r\n" + "".join(f"{line}\r\n" for line in headers) + "Accept: text/html\r\nConnection: close\r\n\r\n")
        self.assertEqual(303, status)
        self.assertNotIn("evil.example", answer)
        self.assertIn("location: ./login", answer)

    def test_a_second_request_cannot_hide_in_a_body(self) -> None:
        own = f"127.0.0.1:{web.port}"
        hidden = f"GET /hidden HTTP/1.1\r\nHost: {own}\r\n\r\n"
        for name, lines in [
            ("both lengths", [f"Content-Length: {len(hidden) + 5}", "Transfer-Encoding: chunked"]),
            ("two lengths", ["Content-Length: 0", f"Content-Length: {len(hidden) + 5}"]),
            ("two lengths in one", [f"Content-Length: 0, {len(hidden) + 5}"]),
            ("an unknown coding", ["Transfer-Encoding: xchunked"]),
            ("chunked is not last", ["Transfer-Encoding: chunked, identity"]),
            ("a sign", [f"Content-Length: +{len(hidden) + 5}"]),
            ("a blank before the colon", ["Transfer-Encoding : chunked", f"Content-Length: {len(hidden) + 5}"]),
            ("a vertical tab", ["Transfer-Encoding: \x0bchunked", f"Content-Length: {len(hidden) + 5}"]),
        ]:
            with self.subTest(name):
                head = f"POST /login HTTP/1.1\r\nHost: {own}\r\n" + "".join(f"{line}\r\n" for line in lines)
                status, answer = raw(f"{head}Content-Type: application/x-www-form-urlencoded\r\n\r\n0\r\n\r\n{hidden}")
                # Refused, or one answer after which the connection is closed; never a second one to what was hidden.
                self.assertLessEqual(answer.count("HTTP/1.1 "), 1, answer)
                self.assertNotEqual(404, status)

    def test_a_head_without_end_is_cut_off(self) -> None:
        own = f"127.0.0.1:{web.port}"
        long = f"GET /login HTTP/1.1\r\nHost: {own}\r\n" + "".join(f"X-{n}: {'a' * 1000}\r\n" for n in range(1000))
        status, _ = raw(f"{long}\r\n")
        self.assertIn(status, [400, 431, None])
        status, _ = raw(f"GET /{'a' * 200_000} HTTP/1.1\r\nHost: {own}\r\n\r\n")
        self.assertIn(status, [400, 404, 414, 431, None])
        self.assertEqual(200, web.ask("/login")[0])

    def test_a_body_without_end_is_not_collected(self) -> None:
        cookie = web.log_in(USER, PASSWORD)
        form = {"path": "a" * 4_000_000}
        try:
            status, _, _ = web.ask("/consoles", cookie, "POST", form, X_CSRF_Token=web.form_token(cookie))
            self.assertEqual(413, status)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            # It closes after its answer, which a client that is still sending may not see.
            pass
        self.assertEqual(200, web.ask("/login")[0])


class Folder(unittest.TestCase):
    def test_no_path_leads_out_of_it(self) -> None:
        self.assertEqual(200, web.ask("/novnc/core/rfb.js")[0])
        for path in [
            *["../secret.js", "core/../../secret.js", "..%2fsecret.js", "..%2Fsecret.js", "%2e%2e/secret.js", "%2E%2E%2Fsecret.js"],
            *["..%252fsecret.js", "%252e%252e%252fsecret.js", "..%c0%afsecret.js", "..%u2215secret.js", "..%5csecret.js"],
            *["core/..%2f..%2fsecret.js", "core//../../secret.js", "/secret.js", "%2fetc%2fpasswd", "%2Fsecret.js"],
            *["core/rfb.js%00.png", "%00/../secret.js", "....//secret.js", "..;/secret.js", "core/./../../secret.js", "~/secret.js"],
            # Links out of the folder.
            *["core/link.js", "core/up/secret.js"],
        ]:
            with self.subTest(path):
                status, _, body = web.ask(f"/novnc/{path}")
                self.assertIn(status, [400, 404])
                self.assertNotIn("the secret", body)

    def test_a_link_within_it_is_followed(self) -> None:
        self.assertEqual(200, web.ask("/novnc/core/own.js")[0])


def same(shown: str, name: str) -> bool:
    """Whether a shown text is a name, apart from characters that cannot be printed."""

    def letters(text: str) -> str:
        return re.sub(r"\\u\{[0-9a-f]+\}|\\[rn]|[^\x20-\x7e]|\s", "", text)

    return letters(shown) == letters(name)


def raw(request: str) -> tuple[int | None, str]:
    """Sends bytes over TLS; returns the first status, and all that is received before the connection ends or is silent."""
    plain = socket.create_connection(("127.0.0.1", web.port), timeout=DEADLINE)
    received = b""
    with ssl._create_unverified_context().wrap_socket(plain) as connection:
        try:
            connection.sendall(request.encode("latin-1"))
            connection.settimeout(2)
            while part := connection.recv(65536):
                received += part
        except (ConnectionError, TimeoutError, ssl.SSLError):
            pass
    text = received.decode(errors="replace")
    found = re.match(r"HTTP/1\.1 (\d+)", text)
    return (int(found[1]) if found else None), text
