"""A page of the documentation: its files and commands, taken out of its text and used as they stand there.

A block whose first line names a file besides its language is that file; an `sh` block without one is commands; `text` is
only read.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from places import MKSGATE, ROOT, private_file, scratch
from program import Program
from terminal import answering
from waiting import DEADLINE

DOCS = ROOT / "docs"
RECIPES = DOCS / "recipes"

BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def text_with(path: Path, instead: dict[str, str]) -> str:
    """A page's text with addresses, ports and secrets replaced; each that is to be replaced must be there."""
    text = path.read_text()
    for before, after in instead.items():
        if before not in text:
            raise AssertionError(f"{path.name} no longer contains {before!r}")
        text = text.replace(before, after)
    return text


def section_of(text: str, heading: str) -> str:
    """The part of a page below a heading of the second level."""
    found = re.search(rf"^## {re.escape(heading)}$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    if found is None:
        raise AssertionError(f"there is no section {heading!r}")
    return found[1]


class Page:
    """A page, or one section of it: its files are in `folder`, where its commands are run."""

    def __init__(
        self, path: Path, env: dict[str, str], instead: dict[str, str] | None = None, section: str | None = None
    ) -> None:
        self.folder = scratch(f"page-{path.stem}")
        programs = os.pathsep.join([str(self.folder), str(MKSGATE.parent), str(Path(sys.executable).parent)])
        self.env = env | {"PATH": f"{programs}{os.pathsep}{env['PATH']}"}
        self.commands: list[str] = []
        text = text_with(path, instead or {})
        if section:
            text = section_of(text, section)
        for language, file, block in BLOCK.findall(text):
            if file:
                (self.folder / file).write_text(block)
            elif language == "sh":
                self.commands.append(block)

    def run(self, number: int, **env: str) -> subprocess.CompletedProcess[str]:
        """Runs a block of commands, each of which must succeed."""
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

    def run_on_terminal(self, number: int, typed: str = "", passwords: tuple[str, ...] = ()) -> str:
        """Runs a block of commands on a terminal, as a reader does; each must succeed. Returns what the terminal showed.

        `typed` is typed first; each of `passwords` when a command asks without showing what is typed. Variables that
        the block exports are set for the blocks that are run after it.
        """
        exported = scratch("exported") / "environment"
        script = f"{self.commands[number]}\nenv --null > {exported}\n"
        argv = ["bash", "-euo", "pipefail", "-c", script]
        code, shown = answering(argv, typed, passwords, self.env, self.folder)
        if code != 0:
            raise AssertionError(f"{self.commands[number]}ended with {code}: {shown}")
        self.env = dict(line.split("=", 1) for line in exported.read_text().split("\0") if line)
        return shown

    def begin(self, number: int) -> Program:
        """A block of commands that does not end by itself."""
        program = Program("commands", ["bash", "-c", f"cd {self.folder} && {self.commands[number]}"])
        program.env = self.env
        return program

    def secret(self, name: str, text: str) -> None:
        """Writes a file that the page expects, readable by its owner only."""
        private_file(self.folder / name, text + "\n")


class Recipe(Page):
    """A page of docs/recipes."""

    def __init__(self, name: str, env: dict[str, str], instead: dict[str, str] | None = None) -> None:
        super().__init__(RECIPES / f"{name}.md", env, instead)
