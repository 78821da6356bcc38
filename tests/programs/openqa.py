"""Does what os-autoinst does: acquires a ticket, and starts dewebsockify with its arguments.

As a program it prints the URL of a fresh ticket: openqa.py ADDRESS USERNAME VM, with the password in $PASSWORD.
"""

import os
import ssl
import sys

from pyVim.connect import Disconnect, SmartConnect

from places import MKSGATE, free_ports, scratch
from program import Program
from waiting import until

# The lowest level; even there the log must contain neither ticket nor cookie.
LOG_LEVEL = "trace"


def acquire(address: str, username: str, password: str, vm: str) -> tuple[str, str]:
    """The URL of a new ticket, and the session's cookie."""
    host, _, port = address.rpartition(":")
    context = ssl._create_unverified_context()
    service = SmartConnect(host=host, port=int(port), user=username, pwd=password, sslContext=context)
    try:
        content = service.RetrieveContent()
        view = content.viewManager.CreateContainerView(content.rootFolder, None, True)
        (found,) = [seen for seen in view.view if getattr(seen, "name", None) == vm and hasattr(seen, "AcquireTicket")]
        cookie = service._stub.cookie.partition(";")[0]
        return found.AcquireTicket("webmks").url, cookie
    finally:
        # The ticket stays valid after the session.
        Disconnect(service)


class Dewebsockify(Program):
    """mksgate under the name dewebsockify, with os-autoinst's arguments in os-autoinst's order."""

    def __init__(self, url: str, cookie: str, *more: str) -> None:
        self.port = free_ports()
        name = scratch("script") / "dewebsockify"
        name.symlink_to(MKSGATE)
        argv = [name, "--listenport", self.port, "--websocketurl", url, "--cookie", f"vmware_client=VMware; {cookie}"]
        super().__init__("dewebsockify", [*argv, *more])

    def wait_until_ready(self) -> None:
        self.line(rf":{self.port} ")

    def has_logged(self, words: str) -> None:
        until(f"{words!r} in the log", lambda: words in self.stderr)


def main() -> None:
    address, username, vm = sys.argv[1:]
    print(acquire(address, username, os.environ["PASSWORD"], vm)[0])


if __name__ == "__main__":
    main()
