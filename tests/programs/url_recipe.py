"""A recipe of docs/recipes for consoles at URLs: its files, taken out of its text, and mksgate with its configuration."""

import re
import shlex
import subprocess

from gateway import Serve
from page import BLOCK, RECIPES, text_with
from places import MKSGATE, free_ports
from waiting import DEADLINE


class UrlRecipe(Serve):
    """`ports` has the free port that is used for each port that the recipe names.

    `instead` replaces text of the recipe (an address, a password); `files` are those that the recipe expects. A file that
    comes in several blocks is made of all of them.
    """

    def __init__(self, name: str, instead: dict[str, str], files: dict[str, str | bytes]) -> None:
        self.text = text_with(RECIPES / f"{name}.md", instead)
        made: dict[str, str | bytes] = dict(files)
        for _, file, block in BLOCK.findall(self.text):
            if file:
                made[file] = str(made.get(file, "")) + block
        configuration = str(made.pop("gateway.toml"))
        named = [int(port) for port in re.findall(r"^port = (\d+)$", configuration, re.MULTILINE)]
        first = free_ports(len(named))
        self.ports = {port: first + n for n, port in enumerate(named)}
        for port, free in self.ports.items():
            configuration = configuration.replace(f"port = {port}\n", f"port = {free}\n")
        super().__init__(configuration, self.ports.values(), made, env={"MKSGATE_LOG": "trace"})
        self.env["PATH"] = f"{self.folder}:{self.env['PATH']}"

    def probe(self) -> subprocess.CompletedProcess[str]:
        """Runs the one probe that the recipe has."""
        (line,) = re.findall(r"^mksgate (probe .*)$", self.text, re.MULTILINE)
        argv = [str(MKSGATE), *shlex.split(line)]
        env = {name: value for name, value in self.env.items() if name != "MKSGATE_LOG"}
        return subprocess.run(argv, env=env, cwd=self.folder, capture_output=True, text=True, timeout=DEADLINE)
