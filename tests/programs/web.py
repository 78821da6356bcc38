"""The page of `mksgate serve` with two users, and requests to it as programs send them.

`npm_packages` has noVNC as npm has it, and axe-core.
"""

import json
import re
import ssl
import subprocess
from http.client import HTTPSConnection
from pathlib import Path
from urllib.parse import urlencode

from authority import Authority
from gateway import Serve, user_line
from places import ROOT, TARGET, free_ports
from simulator import Simulator
from waiting import DEADLINE

SOURCE = ROOT / "tests" / "programs" / "novnc"
INSTALLED = TARGET / "novnc"

# A download, which may be slow.
INSTALL_LIMIT = 300

DEBIANS_NOVNC = Path("/usr/share/novnc")

USER, PASSWORD = "ada", "engine of 1843, analytical"
OTHER, OTHER_PASSWORD = "bob", "an engine of another kind"

# As a browser sends it with a WebSocket; the key is that of RFC 6455.
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def npm_packages() -> Path:
    """Installs the packages of package-lock.json with npm; returns their folder."""
    INSTALLED.mkdir(exist_ok=True)
    for name in ["package.json", "package-lock.json"]:
        (INSTALLED / name).write_bytes((SOURCE / name).read_bytes())
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
    ended = subprocess.run(command, cwd=INSTALLED, capture_output=True, text=True, timeout=INSTALL_LIMIT)
    if ended.returncode != 0:
        raise RuntimeError(f"npm ended with {ended.returncode}: {ended.stderr[-2000:]}")
    return INSTALLED / "node_modules"


class Web(Serve):
    """A console port for each of `vms`, and the page at `url`; OTHER may open the first VM only, and watch it.

    `web_keys` are further lines of `[web]`, `more` further sections, `more_files` further files beside gateway.toml.
    """

    def __init__(
        self,
        simulator: Simulator,
        vms: list[str],
        novnc: Path = DEBIANS_NOVNC,
        web_keys: str = "",
        more: str = "",
        more_files: dict[str, str] | None = None,
    ) -> None:
        first = free_ports(len(vms) + 1)
        self.port, self.ports = first, {vm: first + 1 + n for n, vm in enumerate(vms)}
        self.paths: dict[str, str] = {}
        self.url = f"https://127.0.0.1:{self.port}/"
        self.authority = Authority()
        certificate, key = self.authority.certificate()
        files: dict[str, str | bytes] = {
            "users": f"{user_line(USER, PASSWORD)}\n{user_line(OTHER, OTHER_PASSWORD)}:{vms[0]},view-only\n",
            "host-password": f"{simulator.password}\n",
        } | (more_files or {})
        tls = f'certificate = "{certificate}"\nprivate_key = "{key}"\n'
        consoles = "".join(
            f'[[console]]\nport = {port}\nvsphere = "lab"\nvm = {_quoted(vm)}\nauth = "staff"\n'
            for vm, port in self.ports.items()
        )
        configuration = f"""
[vsphere.lab]
address = "{simulator.address}"
username = "{simulator.username}"
password_file = "host-password"
trust = "sha256:{simulator.sha256}"
[auth.staff]
methods = ["x509-plain"]
users_file = "users"
{tls}
[web]
listen = "127.0.0.1:{self.port}"
auth = "staff"
novnc = "{novnc}"
{tls}
{web_keys}
{consoles}
{more.format(certificate=certificate, key=key)}"""
        super().__init__(configuration, self.ports.values(), files, ("--log", "json"), {"MKSGATE_LOG": "trace"})

    def wait_until_ready(self) -> None:
        super().wait_until_ready()
        self.line(rf":{self.port}/ ")

    def ask(
        self,
        path: str,
        cookie: str = "",
        method: str = "GET",
        form: dict[str, str] | None = None,
        text: str | None = None,
        **headers: str,
    ) -> tuple[int, dict[str, str], str]:
        """Status, headers and body of an answer. The path is sent as it is; the body is a form or a text."""
        connection = HTTPSConnection("127.0.0.1", self.port, timeout=DEADLINE, context=ssl._create_unverified_context())
        try:
            connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
            body = (urlencode(form or {}) if text is None else text).encode()
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            if cookie:
                sent["Cookie"] = cookie
            if form is not None:
                sent |= {"Content-Type": "application/x-www-form-urlencoded"}
            has_body = form is not None or text is not None
            if has_body:
                sent |= {"Content-Length": str(len(body))}
            for name, value in sent.items():
                connection.putheader(name, value)
            connection.endheaders(body if has_body else None)
            answer = connection.getresponse()
            status = answer.status
            answered = "" if status == 101 else answer.read().decode(errors="replace")
            return status, _joined(answer.getheaders()), answered
        finally:
            connection.close()

    def log_in(self, user: str, password: str) -> str:
        """The cookie of a login without a browser."""
        _, headers, form = self.ask("/login")
        cookie = headers["set-cookie"].partition(";")[0]
        token = re.search('name="form" value="([^"]+)"', form)
        assert token
        given = {"user": user, "password": password, "form": token[1]}
        status, headers, _ = self.ask("/login", cookie, "POST", given)
        assert status == 303, status
        return headers["set-cookie"].partition(";")[0]

    def path(self, vm: str) -> str:
        """The path of a VM's page, as the list has it."""
        if vm not in self.paths:
            # There may be more VMs than are on one page of the list.
            search = urlencode({"q": vm})
            body = self.ask(f"/?{search}", self.log_in(USER, PASSWORD), Accept="text/html")[2]
            found = re.search(f'href="./([^"]+)" data-field="name">{re.escape(escape(vm))}<', body)
            assert found, body
            self.paths[vm] = found[1]
        return self.paths[vm]

    def form_token(self, cookie: str) -> str:
        """The token of the forms of a session."""
        found = re.search('name="csrf" value="([^"]+)"', self.ask("/", cookie, Accept="text/html")[2])
        assert found
        return found[1]

    def mint(self, cookie: str, vm: str) -> str:
        """The path of a WebSocket that a token opens."""
        wanted = {"path": self.path(vm)}
        status, _, body = self.ask("/consoles", cookie, "POST", wanted, X_CSRF_Token=self.form_token(cookie))
        assert status == 201, body
        return f"/{json.loads(body)['websocket']}"

    def upgrade(self, path: str, cookie: str = "", **headers: str) -> int:
        """The status of the answer to a WebSocket's request."""
        names = {name.replace("-", "_"): value for name, value in UPGRADE.items()}
        return self.ask(path, cookie, **(names | headers))[0]


def _joined(headers: list[tuple[str, str]]) -> dict[str, str]:
    """The headers by their names in lower case; the values of one that is there several times are lines."""
    joined: dict[str, str] = {}
    for name, value in headers:
        joined[name.lower()] = f"{joined[name.lower()]}\n{value}" if name.lower() in joined else value
    return joined


def escape(text: str) -> str:
    """As the page's templates escape a text."""
    for character in "&<>\"'":
        text = text.replace(character, f"&#{ord(character)};")
    return text


def _quoted(text: str) -> str:
    """A TOML string without escapes."""
    assert "'" not in text
    return f"'{text}'"
