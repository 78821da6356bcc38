"""The program of the simulated ESXi host."""

import io
import json
import secrets
import urllib.parse
import urllib.request
from typing import Any

from PIL import Image

from places import SIMULATOR
from program import Program
from waiting import DEADLINE, until


class Simulator(Program):
    """`address` and `sha256` (of its certificate) are what a configuration needs to reach it.

    It also says what the simulated desktops show and which input they received.
    """

    username = "root"

    def __init__(self, *options: str) -> None:
        # Hexadecimal, so that it does not begin with a dash.
        self.password = secrets.token_hex(12)
        login = ["--username", self.username, "--password", self.password]
        super().__init__("esxi-sim", [SIMULATOR, *login, *options])

    def wait_until_ready(self) -> None:
        ready = json.loads(self.line(r"^\{.*\}$")[0])
        self.address: str = ready["address"]
        self.sha256: str = ready["sha256"]
        self.guests: str = ready["guests"]

    def picture(self, vm: str) -> Image.Image:
        """The VM's screen."""
        return Image.open(io.BytesIO(self._get(vm, "picture.png"))).convert("RGB")

    def typed(self, vm: str) -> str:
        """The text typed in the VM's guest so far."""
        return self._get(vm, "typed").decode()

    def has_typed(self, vm: str, text: str) -> None:
        """Waits until the typed text ends with this, and no key is down."""
        try:
            until("the text", lambda: self.typed(vm).endswith(text) and not self.keys_down(vm))
        except TimeoutError as late:
            seen, down = self.typed(vm)[-len(text) :], self.keys_down(vm)
            raise AssertionError(f"{late}: {vm} has {seen!r} instead of {text!r}, and {down} are down") from late

    def keys(self, vm: str) -> list[dict[str, Any]]:
        """The key events so far: `scan_code`, `keysym`, `down`, `repeated`."""
        return json.loads(self._get(vm, "keys"))

    def keys_down(self, vm: str) -> list[int]:
        """The scan codes of the keys that are down."""
        return json.loads(self._get(vm, "down"))

    def pointer(self, vm: str) -> dict[str, Any]:
        """`x`, `y`, `buttons`, and the steps of the `wheel` so far, vertical and horizontal."""
        return json.loads(self._get(vm, "pointer"))

    def entered_firmware(self, vm: str) -> bool:
        """Whether the VM's last boot was into the setup of its firmware."""
        return json.loads(self._get(vm, "firmware"))

    def counts(self) -> dict[str, int]:
        """Of all VMs: `whole_requests`, `incremental_requests`, `acknowledgements`, `consoles_open`.

        Of the API: `logins`, `logins_refused`, `logouts`, `sessions_open`.
        """
        return json.loads(self._ask("counts"))

    def expire_sessions(self) -> None:
        """All sessions of the API end, as those that nobody has used for long."""
        self._ask("sessions/expire", b"")

    def resize(self, vm: str, width: int, height: int) -> None:
        """Changes the resolution of the VM's guest."""
        self._ask(f"{_quoted(vm)}/size/{width}x{height}", b"")

    def switch(self, vm: str, to: str) -> None:
        """The VM's power: "on", "off" or "suspend". Its consoles are closed unless it is on."""
        self._ask(f"{_quoted(vm)}/{to}", b"")

    def close(self, vm: str) -> None:
        """Closes the open consoles of a VM, which stays as it is."""
        self._ask(f"{_quoted(vm)}/close", b"")

    def _get(self, vm: str, what: str) -> bytes:
        return self._ask(f"{_quoted(vm)}/{what}")

    def _ask(self, path: str, body: bytes | None = None) -> bytes:
        with _direct.open(f"http://{self.guests}/{path}", body, timeout=DEADLINE) as answer:
            return answer.read()


def _quoted(vm: str) -> str:
    return urllib.parse.quote(vm, safe="")


# Without the proxies of the environment, since the simulator is on loopback.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
