"""The API for portals: what each key may, one-use links and logins, a console in a portal's frame, and what is refused."""

import json
import os
import signal
import subprocess
import unittest
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

import picture
from api import Answer, Api, make_key
from browser import Browser
from page import DOCS, Page
from places import MKSGATE, free_ports, private_file
from rfb import X509_PLAIN, RawViewer
from simulator import Simulator
from waiting import DEADLINE, until
from web import PASSWORD, USER, Web

VMS = ["desk", "second", "off", "bare"]

simulator: Simulator
browser: Browser
portal: "Portal"
web: Web
keys: dict[str, str]
api: Api


def setUpModule() -> None:
    global simulator, browser, portal, web, keys, api
    vms = [option for vm in VMS for option in ("--vm", vm)]
    simulator = unittest.enterModuleContext(Simulator("--no-clock", *vms))
    simulator.switch("off", "off")
    portal = unittest.enterModuleContext(Portal())
    made = {name: make_key(name) for name in ["site", "narrow", "revoked"]}
    keys = {name: key for name, (key, _) in made.items()}
    lines = {name: line for name, (_, line) in made.items()}
    lines["narrow"] += ":lab:desk,lab:off,view-only"
    web_keys = f'api_keys_file = "api.keys"\nframe_ancestors = ["{portal.origin}"]\n'
    files = {"api.keys": "\n".join(lines.values()) + "\n"}
    web = unittest.enterModuleContext(Web(simulator, VMS[:-1], web_keys=web_keys, more_files=files))
    browser = unittest.enterModuleContext(Browser())
    api = Api(web, keys["site"])
    until("all VMs", lambda: len(api.vms().body) == len(VMS))


class Portal:
    """A page on another site, with a console in a frame."""

    def __init__(self) -> None:
        self.port = free_ports()
        self.origin = f"http://localhost:{self.port}"
        self.console = ""

    def __enter__(self) -> "Portal":
        portal = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = f'<!doctype html><iframe src="{portal.console}" width="1000" height="800"></iframe>'
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class Vms(unittest.TestCase):
    def test_it_lists_what_the_command_lists(self) -> None:
        argv = [MKSGATE, "--config", web.folder / "gateway.toml", "vms", "--json"]
        listed = subprocess.run(argv, capture_output=True, check=True, timeout=DEADLINE, stdin=subprocess.DEVNULL)
        self.assertEqual(json.loads(listed.stdout), api.vms().body)

    def test_a_key_sees_what_it_has_a_right_to(self) -> None:
        narrow = Api(web, keys["narrow"])
        self.assertEqual(["desk", "off"], [vm["name"] for vm in narrow.vms().body])


class Consoles(unittest.TestCase):
    def test_a_link_opens_the_console_once_for_whoever_has_it(self) -> None:
        before = datetime.now(UTC)
        made = self._console(vm="desk", user="carol")
        left = datetime.fromisoformat(made["expires"]) - before
        self.assertTrue(58 <= left.total_seconds() <= 61, left)
        self.assertEqual((f"127.0.0.1:{web.port}", "https"), (urlsplit(made["page"]).netloc, urlsplit(made["page"]).scheme))
        page, websocket = urlsplit(made["page"]).path, urlsplit(made["websocket"]).path
        self.assertEqual(("wss", f"{page}/ws"), (urlsplit(made["websocket"]).scheme, websocket))
        # Its page is shown twice, as by a scanner of links, and by a user who has logged in.
        for cookie in ["", web.log_in(USER, PASSWORD)]:
            status, headers, body = web.ask(page, cookie, Accept="text/html")
            self.assertEqual((200, "no-store"), (status, headers["cache-control"]))
            self.assertIn(websocket.lstrip("/"), body)
        self.assertEqual(403, web.upgrade(websocket, Origin="https://evil.example"))
        self.assertEqual(101, web.upgrade(websocket))
        self.assertEqual(410, web.upgrade(websocket))
        status, _, body = web.ask(page, Accept="text/html")
        self.assertEqual(410, status)
        self.assertIn("each opens a console once", body)
        for path in [page, websocket]:
            wanted = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Version": "13"}
            wanted |= {"Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==", "Accept": "application/json"}
            status, _, body = web.ask(path, **wanted)
            self.assertEqual((410, "token-used"), (status, json.loads(body)["error"]))
        self.assertEqual(404, web.ask(f"/console/{'x' * 43}", Accept="text/html")[0])

    def test_a_link_expires_and_says_so(self) -> None:
        made = self._console(vm="desk")
        path = urlsplit(made["page"]).path
        until("its end", lambda: web.ask(path, Accept="text/html")[0] == 410, 90)
        self.assertGreaterEqual(datetime.now(UTC), datetime.fromisoformat(made["expires"]) - timedelta(seconds=1))
        self.assertIn("valid for a minute", web.ask(path, Accept="text/html")[2])
        self.assertEqual("token-expired", json.loads(web.ask(path, Accept="application/json")[2])["error"])
        self.assertEqual(410, web.upgrade(urlsplit(made["websocket"]).path))

    def test_the_page_works_in_a_frame_of_a_portal_without_cookies_and_the_user_is_shown(self) -> None:
        made = self._console(vm="desk", user="dora")
        portal.console = made["page"]
        browser.driver.get(f"{web.url}login")
        browser.driver.delete_all_cookies()
        browser.driver.get(portal.origin)
        browser.driver.switch_to.frame(0)
        try:
            browser.becomes("the console", "document.getElementById('state')?.textContent.startsWith('Connected')")
            browser.click("#fit")
            picture.become_equal(browser.canvas, lambda: simulator.picture("desk"))
            self.assertEqual("", browser.run("return document.cookie"))
            cookie = web.log_in(USER, PASSWORD)
            until("the user", lambda: '"viewers">dora<' in web.ask("/", cookie, Accept="text/html")[2])
        finally:
            browser.driver.switch_to.default_content()
            browser.driver.get("about:blank")
        self.assertTrue(any(event.get("user") == "dora" and event["message"] == "session opened" for event in events()))

    def test_a_page_that_is_not_configured_may_not_frame_it(self) -> None:
        policy = web.ask(urlsplit(self._console(vm="desk")["page"]).path)[1]["content-security-policy"]
        self.assertTrue(policy.endswith(f"frame-ancestors 'self' {portal.origin}"), policy)

    def test_the_rights_of_the_key_hold(self) -> None:
        narrow = Api(web, keys["narrow"])
        self.assertEqual(404, narrow.console(vm="second").status)
        self.assertEqual("view-only-key", narrow.console(vm="desk", view_only=False).body["error"])
        made = narrow.console(vm="desk", user="erin").body
        self.assertIn('aria-pressed="true" disabled', web.ask(urlsplit(made["page"]).path, Accept="text/html")[2])

    def test_each_name_of_a_vm_leads_to_it(self) -> None:
        (desk,) = [vm for vm in api.vms().body if vm["name"] == "desk"]
        for name in [desk["path"], f"moref:{desk['moref']}", f"uuid:{desk['uuid']}", f"instance-uuid:{desk['instance_uuid']}"]:
            self.assertEqual(201, api.console(vm=name, vsphere="lab").status, name)
        self.assertEqual(404, api.console(vm="desk", vsphere="other").status)

    def _console(self, **wanted: str) -> dict[str, str]:
        answer = api.console(**wanted)
        self.assertEqual(201, answer.status, answer.body)
        return answer.body


class Logins(unittest.TestCase):
    def test_a_login_works_once_at_the_vms_port_and_the_session_is_the_users(self) -> None:
        login = api.login(vm="desk", user="frank").body
        self.assertEqual(("127.0.0.1", web.ports["desk"], "once"), (login["host"], login["port"], login["user"]))
        self.assertEqual(["x509-plain"], login["methods"])
        self.assertTrue(self._accepted(login))
        self.assertFalse(self._accepted(login))
        until("the session", lambda: [event for event in events() if event.get("user") == "frank" and "opened" in event["message"]])

    def test_a_vm_without_a_port_has_none(self) -> None:
        self.assertEqual((409, "no-native-port"), code(api.login(vm="bare")))

    def _accepted(self, login: dict) -> bool:
        with RawViewer(login["port"]) as viewer:
            viewer.begin_tls(X509_PLAIN)
            viewer.start_tls()
            viewer.log_in(login["user"].encode(), login["password"].encode())
            return viewer.read(4) == bytes(4)


class Refusals(unittest.TestCase):
    def test_each_has_its_status_and_code(self) -> None:
        desk = json.dumps({"vm": "desk"})
        for path in ["/consoles", "/logins"]:
            for expected, body, headers in [
                ((401, "key-required"), desk, {"Authorization": "Bearer x"}),
                ((401, "key-required"), desk, {"Authorization": f"Basic {keys['site']}"}),
                ((403, "forbidden"), desk, {"Origin": "https://evil.example"}),
                ((403, "forbidden"), desk, {"Sec_Fetch_Site": "cross-site"}),
                ((404, "no-such-vm"), json.dumps({"vm": "nothing"}), {}),
                ((409, "vm-powered-off"), json.dumps({"vm": "off"}), {}),
                ((413, "body-too-large"), json.dumps({"vm": "x" * 20_000}), {}),
                ((415, "not-json"), desk, {"Content_Type": "text/plain"}),
                ((415, "not-json"), "vm=desk", {"Content_Type": "application/x-www-form-urlencoded"}),
                ((400, "bad-request"), json.dumps({"vm": "desk", "admin": True}), {}),
                ((400, "bad-request"), json.dumps({"vm": ""}), {}),
                ((400, "bad-request"), json.dumps({"vm": "uuid:x"}), {}),
                ((400, "bad-request"), json.dumps({"vm": "desk", "user": "a\nb"}), {}),
                ((400, "bad-request"), "[" * 10_000, {}),
                ((400, "bad-request"), '{"vm": "\ud800"}'.encode(errors="replace").decode() + "}", {}),
            ]:
                with self.subTest(f"{path} {expected} {body[:40]} {headers}"):
                    self.assertEqual(expected, code(api.ask("POST", path, body, **headers)))
        self.assertEqual((401, "key-required"), code(Api(web).vms()))
        self.assertEqual((404, "no-such-path"), code(api.ask("GET", "/nothing")))
        for method, path in [("POST", "/vms"), ("GET", "/consoles"), ("DELETE", "/logins"), ("OPTIONS", "/consoles")]:
            self.assertEqual((405, "method-not-allowed"), code(method_answer(method, path)))

    def test_names_are_only_names(self) -> None:
        for name in ["../desk", "desk\r\nX: y", "desk\u0000", "*", "/", "//", "moref:", "' OR 1=1", "\u202edesk", "lab:desk"]:
            for answer in [api.console(vm=name), api.login(vm=name)]:
                self.assertIn(answer.status, [400, 404], name)

    def test_other_sites_scripts_may_not_use_it(self) -> None:
        answer = method_answer("OPTIONS", "/vms", Origin="https://evil.example", Access_Control_Request_Headers="authorization")
        self.assertFalse([name for name in answer.headers if name.startswith("access-control")])
        cookie = web.log_in(USER, PASSWORD)
        self.assertEqual(401, web.ask("/api/vms", cookie)[0])
        self.assertNotIn("set-cookie", api.vms().headers)

    def test_too_many_requests_are_told_when_to_come_again(self) -> None:
        # A limit of its own: the other tests go on.
        with Web(simulator, ["desk"], web_keys='api_keys_file = "api.keys"\n', more_files={"api.keys": self._line()}) as other:
            limited = Api(other, self._key)
            answers = (limited.vms() for _ in range(400))
            answer = next(answer for answer in answers if answer.status == 429)
            self.assertEqual("rate-limited", answer.body["error"])
            self.assertGreater(int(answer.headers["retry-after"]), 0)

    def _line(self) -> str:
        self._key, line = make_key("fast")
        return f"{line}\n"


class Keys(unittest.TestCase):
    def test_a_revoked_key_is_refused_after_a_reload(self) -> None:
        revoked = Api(web, keys["revoked"])
        self.assertEqual(200, revoked.vms().status)
        file = web.folder / "api.keys"
        private_file(file, "".join(line for line in file.read_text().splitlines(True) if not line.startswith("revoked")))
        os.kill(web.process.pid, signal.SIGHUP)
        until("the refusal", lambda: revoked.vms().status == 401)
        self.assertEqual(200, api.vms().status)

    def test_no_key_token_or_password_is_in_the_log(self) -> None:
        console, login = api.console(vm="desk").body, api.login(vm="desk").body
        self.assertEqual(101, web.upgrade(urlsplit(console["websocket"]).path))
        Api(web, "wrong-but-secret").vms()
        secrets = [*keys.values(), urlsplit(console["page"]).path.split("/")[2], login["password"], "wrong-but-secret"]
        until("the end of the session", lambda: "session closed" in web.stderr)
        for secret in secrets:
            self.assertNotIn(secret, web.stderr + web.stdout)
        made = [event for event in events() if event["message"] == "console token made by the API"]
        self.assertIn(("site", "site", "desk"), [(event["key"], event["user"], event["vm"]) for event in made])


class Documentation(unittest.TestCase):
    def test_the_commands_of_the_page_work(self) -> None:
        env = {**os.environ, "LC_ALL": "C.UTF-8"}
        instead = {"https://consoles.example:8443": web.url.rstrip("/"), '"vm08"': '"desk"'}
        page = Page(DOCS / "web.md", env, instead, "API for portals")
        page.run(0)
        file = web.folder / "api.keys"
        private_file(file, file.read_text() + (page.folder / "api.keys").read_text())
        os.kill(web.process.pid, signal.SIGHUP)
        key = (page.folder / "portal.key").read_text().splitlines()[-1]
        until("the new key", lambda: Api(web, key).vms().status == 200)
        said = page.run(1, CURL_CA_BUNDLE=str(web.authority.pem)).stdout
        for words in ['"name":"desk"', '"websocket":"wss://', '"user":"once"']:
            self.assertIn(words, said)


def method_answer(method: str, path: str, **headers: str) -> Answer:
    """The answer to a method that a path may not have; its body is an error."""
    status, given, text = web.ask(f"/api{path}", "", method, text="", **headers)
    return Answer(status, given, json.loads(text))


def code(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.body["error"]


def events() -> list[dict]:
    return [json.loads(line) for line in web.stderr.rpartition("\n")[0].splitlines() if line.startswith("{")]
