"""A recipe of docs/recipes: its files and commands, taken out of its text and used as they stand there.

A block whose first line names a file besides its language is that file; an `sh` block without one is commands; `text` is
only read.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from places import MKSGATE, ROOT, scratch
from program import Program
from waiting import DEADLINE

FOLDER = ROOT / "docs" / "recipes"

BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Recipe:
    """In a folder of its own, with what is another one here (`instead`: an address, a port) put in place."""

    def __init__(self, name: str, env: dict[str, str], instead: dict[str, str] | None = None) -> None:
        self.folder = scratch(f"recipe-{name}")
        programs = os.pathsep.join([str(self.folder), str(MKSGATE.parent), str(Path(sys.executable).parent)])
        self.env = env | {"PATH": f"{programs}{os.pathsep}{env['PATH']}"}
        self.commands: list[str] = []
        text = (FOLDER / f"{name}.md").read_text()
        for before, after in (instead or {}).items():
            if before not in text:
                raise AssertionError(f"{name}.md does not say {before!r} any more")
            text = text.replace(before, after)
        for language, file, block in BLOCK.findall(text):
            if file:
                (self.folder / file).write_text(block)
            elif language == "sh":
                self.commands.append(block)

    def run(self, number: int, **env: str) -> subprocess.CompletedProcess[str]:
        """Runs that one of its blocks of commands; each command must go well."""
        ended = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self.commands[number]],
            cwd=self.folder,
            env=self.env | env,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=6 * DEADLINE,
        )
        if ended.returncode != 0:
            raise AssertionError(f"{self.commands[number]}ended with {ended.returncode}: {ended.stdout}{ended.stderr}")
        return ended

    def begin(self, number: int) -> Program:
        """That one of its blocks of commands, which does not end by itself."""
        program = Program("recipe", ["bash", "-c", f"cd {self.folder} && {self.commands[number]}"])
        program.env = self.env
        return program

    def secret(self, name: str, text: str) -> None:
        """A file that the recipe takes for granted."""
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(text + "\n")
