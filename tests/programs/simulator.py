"""The simulated ESXi host, started as the program that it is."""

import json
import secrets

from places import SIMULATOR
from program import Program


class Simulator(Program):
    """`address` and `sha256` (of its certificate) are what a configuration needs to reach it."""

    username = "root"

    def __init__(self, *options: str) -> None:
        # Hexadecimal: it must not begin with the dash of an option.
        self.password = secrets.token_hex(12)
        login = ["--username", self.username, "--password", self.password]
        super().__init__("esxi-sim", [SIMULATOR, *login, *options])

    def __enter__(self) -> "Simulator":
        super().__enter__()
        try:
            ready = json.loads(self.line(r"^\{.*\}$")[0])
            self.address: str = ready["address"]
            self.sha256: str = ready["sha256"]
        except BaseException:
            self.__exit__()
            raise
        return self
