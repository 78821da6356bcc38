"""The page behind nginx and Caddy, with the configurations of packaging/: at the root of a name, and under a path."""

import socket
import ssl
import unittest
from collections.abc import Callable
from http.client import HTTPResponse
from http.cookies import SimpleCookie
from json import loads
from re import search
from urllib.parse import urlencode, urljoin

from api import make_key
from authority import Authority
from gateway import USER, USER_PASSWORD, Serve, user_line
from places import free_ports
from reverse_proxy import NAME, Caddy, Nginx, ReverseProxy
from rfb import GREETING, NONE
from simulator import Simulator
from waiting import DEADLINE, until

# Not the proxy's.
BROWSER = "127.0.0.2"

# A WebSocket's key, and what a server answers to it (RFC 6455 section 1.3).
KEY, ACCEPT = "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

# ClientInit.
SHARED = 1

simulator: Simulator
page: "Page"
authority: Authority
certificate: tuple


def setUpModule() -> None:
    global simulator, page, authority, certificate
    authority = Authority()
    certificate = authority.certificate(NAME)
    simulator = unittest.enterModuleContext(Simulator("--vm", "vm08", "--no-clock"))
    page = unittest.enterModuleContext(Page())


class Page(Serve):
    """The page over plain HTTP, for reverse proxies."""

    def __init__(self) -> None:
        self.port = free_ports(2)
        self.key, line = make_key("portal")
        files = {"users": user_line(USER, USER_PASSWORD) + "\n", "api.keys": f"{line}\n", "host-password": f"{simulator.password}\n"}
        configuration = f"""
[web]
listen = "127.0.0.1:{self.port}"
auth = "staff"
hosts = ["{NAME}"]
api_keys_file = "api.keys"
proxy_from = ["127.0.0.1/32"]
[auth.staff]
methods = ["x509-plain"]
users_file = "users"
certificate = "{certificate[0]}"
private_key = "{certificate[1]}"
[vsphere.lab]
address = "{simulator.address}"
username = "{simulator.username}"
password_file = "host-password"
trust = "sha256:{simulator.sha256}"
[[console]]
port = {self.port + 1}
vsphere = "lab"
vm = "vm08"
auth = "staff"
"""
        super().__init__(configuration, [self.port + 1], files)


class Browser:
    """A client of the page at `base` behind a proxy: its cookies are those that it was given."""

    def __init__(self, proxy: ReverseProxy) -> None:
        self.proxy, self.base, self.cookies = proxy, f"https://{NAME}{proxy.path}", SimpleCookie()

    def ask(self, method: str, url: str, body: str = "", headers: dict[str, str] | None = None) -> HTTPResponse:
        """The response, whose body is not read; `url` is relative to `base`."""
        path = urljoin(self.base, url).removeprefix(f"https://{NAME}")
        connection = socket.create_connection(("127.0.0.1", self.proxy.port), DEADLINE, (BROWSER, 0))
        context = ssl.create_default_context(cafile=str(authority.pem))
        connection = context.wrap_socket(connection, server_hostname=NAME)
        lines = {"Host": NAME, "Accept": "text/html", "Origin": f"https://{NAME}", "Content-Length": str(len(body)), **(headers or {})}
        if self.cookies:
            lines["Cookie"] = "; ".join(f"{name}={morsel.value}" for name, morsel in self.cookies.items())
        if body:
            lines.setdefault("Content-Type", "application/x-www-form-urlencoded")
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        connection.sendall(f"{method} {path} HTTP/1.1\r\n{head}\r\n{body}".encode())
        response = HTTPResponse(connection, method=method)
        response.begin()
        for cookie in response.headers.get_all("Set-Cookie", []):
            self.cookies.load(cookie)
        response.connection = connection
        return response

    def log_in(self) -> HTTPResponse:
        form = self.ask("GET", "login").read().decode()
        token = search(r'name="form" value="([^"]+)"', form)[1]
        return self.ask("POST", "login", urlencode({"user": USER, "password": USER_PASSWORD, "form": token}))

    def mint(self) -> str:
        """The address of a WebSocket to vm08's console."""
        path = until("vm08 in the list", self._path_of_vm)
        console = self.ask("GET", path).read().decode()
        csrf = search(r'data-csrf="([^"]+)"', console)[1]
        minted = self.ask("POST", "consoles", urlencode({"path": path}), {"X-CSRF-Token": csrf})
        return loads(minted.read())["websocket"]

    def _path_of_vm(self) -> str | None:
        found = search(r'href="[./]*(vm/[^"]+)"', self.ask("GET", "").read().decode())
        return found and found[1]

    def upgrade(self, url: str, origin: str) -> HTTPResponse:
        headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
        headers |= {"Sec-WebSocket-Key": KEY, "Sec-WebSocket-Protocol": "binary", "Origin": origin}
        return self.ask("GET", url, headers=headers)


class BehindAReverseProxy(unittest.TestCase):
    def test_a_user_logs_in_lists_the_vms_and_opens_a_console(self) -> None:
        for kind in KINDS:
            for path in ["/", "/consoles/"]:
                with self.subTest(kind.__name__, path=path), kind(page.port, certificate, path) as proxy:
                    self._use(Browser(proxy))

    def _use(self, browser: Browser) -> None:
        refused = browser.ask("GET", "")
        self.assertEqual(303, refused.status)
        self.assertEqual(f"{browser.base}login", urljoin(browser.base, refused.headers["Location"]).split("?")[0])
        known = page.stderr.count(BROWSER) + page.stdout.count(BROWSER)
        entered = browser.log_in()
        self.assertEqual((303, browser.base), (entered.status, urljoin(f"{browser.base}login", entered.headers["Location"])))
        self.assertGreater(page.stderr.count(BROWSER) + page.stdout.count(BROWSER), known)
        (session,) = [name for name in browser.cookies if name.startswith("__Host-")][:1]
        self.assertTrue(browser.cookies[session]["secure"])
        self.assertIn("vm08", browser.ask("GET", "").read().decode())
        console = browser.mint()
        events = browser.ask("GET", "events")
        self.assertEqual("text/event-stream", events.headers["Content-Type"])
        foreign = browser.upgrade(console, "https://elsewhere.example")
        self.assertEqual(403, foreign.status)
        opened = browser.upgrade(console, f"https://{NAME}")
        self.assertEqual((101, ACCEPT), (opened.status, opened.headers["Sec-WebSocket-Accept"]))
        frame = opened.fp.read(2 + len(GREETING))
        self.assertEqual(bytes([0x82, len(GREETING)]) + GREETING, frame)
        for message in [GREETING, bytes([NONE]), bytes([SHARED])]:
            opened.connection.sendall(masked(message))
        # That the user is on the console is an event, which arrives though the response has not ended.
        until("the user in an event", lambda: f'"viewers":"{USER}"' in events.fp.readline().decode())
        again = browser.upgrade(console, f"https://{NAME}")
        self.assertEqual(410, again.status)
        self._use_api(browser)
        opened.fp.close()
        opened.connection.close()
        until("the end of the console in an event", lambda: '"viewers":""' in events.fp.readline().decode())


    def _use_api(self, browser: Browser) -> None:
        """Links of the API lead through the proxy."""
        headers = {"Authorization": f"Bearer {page.key}", "Content-Type": "application/json"}
        made = loads(browser.ask("POST", "api/consoles", '{"vm": "vm08"}', headers).read())
        self.assertTrue(made["page"].startswith(f"{browser.base}console/"), made["page"])
        self.assertEqual(200, browser.ask("GET", made["page"]).status)
        self.assertEqual(made["page"].replace("https", "wss") + "/ws", made["websocket"])


def masked(payload: bytes) -> bytes:
    """A binary message as a client sends it, with a mask that changes nothing (RFC 6455 section 5.2)."""
    return bytes([0x82, 0x80 | len(payload), 0, 0, 0, 0]) + payload


KINDS: list[Callable[..., ReverseProxy]] = [Nginx, Caddy]
