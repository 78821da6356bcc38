"""A recipe of docs/recipes for consoles at URLs: its files, taken out of its text, and mksgate with its configuration.

A block whose first line names a file besides its language is that file, or a part of it.
"""

import re
import shlex
import subprocess

from places import MKSGATE, ROOT, free_ports
from program import Program
from waiting import DEADLINE

BLOCK = re.compile(r"^```\w+ (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class UrlRecipe(Program):
    """`ports` has the port that is listened on for each that the recipe names.

    What is another one here than in the text (an address, a password) is put in place by `instead`; `files` are those that
    the recipe takes for granted.
    """

    def __init__(self, name: str, instead: dict[str, str], files: dict[str, str | bytes]) -> None:
        super().__init__(f"recipe-{name}", [])
        text = (ROOT / "docs" / "recipes" / f"{name}.md").read_text()
        for before, after in instead.items():
            if before not in text:
                raise AssertionError(f"{name}.md does not say {before!r} any more")
            text = text.replace(before, after)
        self.text = text
        made: dict[str, str | bytes] = dict(files)
        for file, block in BLOCK.findall(text):
            made[file] = str(made.get(file, "")) + block
        named = [int(port) for port in re.findall(r"^port = (\d+)$", str(made["gateway.toml"]), re.MULTILINE)]
        first = free_ports(len(named))
        self.ports = {port: first + n for n, port in enumerate(named)}
        for port, free in self.ports.items():
            made["gateway.toml"] = str(made["gateway.toml"]).replace(f"port = {port}\n", f"port = {free}\n")
        for file, content in made.items():
            path = self.folder / file
            path.touch(mode=0o700 if str(content).startswith("#!") else 0o600)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        self.env |= {"MKSGATE_LOG": "trace", "PATH": f"{self.folder}:{self.env['PATH']}"}
        self.argv = [str(MKSGATE), "--config", str(self.folder / "gateway.toml"), "serve"]

    def __enter__(self) -> "UrlRecipe":
        super().__enter__()
        try:
            for port in self.ports.values():
                self.line(rf":{port} ")
        except BaseException:
            self.__exit__()
            raise
        return self

    def probe(self) -> subprocess.CompletedProcess[str]:
        """The one probe that the recipe names, as it stands there."""
        (line,) = re.findall(r"^mksgate (probe .*)$", self.text, re.MULTILINE)
        argv = [str(MKSGATE), *shlex.split(line)]
        env = {name: value for name, value in self.env.items() if name != "MKSGATE_LOG"}
        return subprocess.run(argv, env=env, cwd=self.folder, capture_output=True, text=True, timeout=DEADLINE)
