"""Completion of VM names with Tab in real shells: the result is one word, whatever characters are in the name."""

import os
import re
import select
import subprocess
import termios
import time
import unittest
from collections.abc import Callable
from typing import Any

import terminal
from connecting import environment
from places import MKSGATE, scratch
from simulator import Simulator
from waiting import DEADLINE, INTERVAL

# A name that would be two commands and a comment; one with all characters that are special to a shell; and one with a
# control character, which is never completed.
TWO = "web01;echo broken #"
QUOTES = """it's "$HOME" `id` $(id) \\ * ? [a] {b} ~ ! & | < > : end"""
BELL = "bell\x07"

# A command `show` with our completions, which prints its arguments.
BASH = """
PS1='ready> '; PS2='unfinished> '
bind 'set enable-bracketed-paste off' 2> /dev/null
source <(mksgate completions bash)
show() { printf '<%s>' "$@"; echo; }
complete -o nospace -o bashdefault -o nosort -F _clap_complete_mksgate show
"""
ZSH = """
PS1='ready> '; PS2='unfinished> '; unsetopt zle_bracketed_paste prompt_cr prompt_sp
autoload -U compinit; compinit -u -D
source <(mksgate completions zsh)
show() { printf '<%s>' "$@"; echo; }
compdef _clap_dynamic_completer_mksgate show
"""
FISH = """
function fish_prompt; echo -n 'ready> '; end
function fish_greeting; end
mksgate completions fish | string replace -- '--command mksgate' '--command show' | source
function show; printf '<%s>' $argv; echo; end
"""

# Escape sequences by which a line editor moves the cursor and sets colours.
CONTROL = re.compile(r"\x1b\[[\d;?>=]*[A-Za-z]|\x1b[=>()][B0]?|\x1b\][^\x07]*\x07|[\r\x0f]")

simulator: Simulator


def setUpModule() -> None:
    global simulator
    simulator = unittest.enterModuleContext(Simulator("--vm", TWO, "--vm", QUOTES, "--vm", BELL))


class AtPrompt(unittest.TestCase):
    def test_bash_completes_to_one_word(self) -> None:
        self._completes_to_one_word(["bash", "--norc", "-i"], ".bashrc", BASH, "source ~/.bashrc")

    def test_zsh_completes_to_one_word(self) -> None:
        self._completes_to_one_word(["zsh", "-f", "-i"], ".rc", ZSH, "source ~/.rc")

    def test_fish_completes_to_one_word(self) -> None:
        self._completes_to_one_word(["fish", "--no-config", "-i"], "rc.fish", FISH, "source ~/rc.fish")

    def _completes_to_one_word(self, argv: list[str], name: str, rc: str, load: str) -> None:
        home = scratch("home")
        (home / name).write_text(rc)
        # A shell that completed file names would find this one.
        folder = scratch("folder")
        (folder / TWO).touch()
        env = environment(simulator) | {"HOME": str(home), "TERM": "xterm", "LC_ALL": "C.UTF-8", "HISTFILE": ""}
        env["PATH"] = f"{MKSGATE.parent}{os.pathsep}{env['PATH']}"
        for typed, vm in [
            ("show probe web", TWO),
            ("show probe 'web", TWO),
            ('show probe "web', TWO),
            ("show probe web01\\;ec", TWO),
            ("show probe it", QUOTES),
            ('show probe "it', QUOTES),
            ("show probe bell", "bell"),
        ]:
            with self.subTest(typed), Prompt(argv, env, str(folder)) as shell:
                shell.line(load)
                self.assertIn(f"<probe><{vm}>", shell.completed(typed, vm[-1]))


class Prompt:
    """A shell on a pseudo-terminal."""

    def __init__(self, argv: list[str], env: dict[str, str], folder: str) -> None:
        self.ours, theirs = os.openpty()
        # Wide enough that no line wraps.
        termios.tcsetwinsize(theirs, (24, 400))
        self.said = ""
        streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
        where = {"env": env, "cwd": folder, "start_new_session": True, "preexec_fn": terminal.take_control}
        self.shell = subprocess.Popen(argv, **streams, **where)
        os.close(theirs)

    def __enter__(self) -> "Prompt":
        return self

    def __exit__(self, *_: object) -> None:
        self.shell.kill()
        self.shell.wait()
        os.close(self.ours)

    def line(self, typed: str) -> None:
        """Types a line, and waits for the prompt after it."""
        self._type(typed + "; echo loa''ded\r")
        self._until(lambda said: re.search(r"^loaded$(.|\n)*ready> $", said, re.MULTILINE))

    def completed(self, typed: str, end: str) -> str:
        """Types a line, presses Tab, waits until its last word ends with `end`, and returns the output of the line."""
        self._type(typed)
        self._until(lambda said: said.endswith(typed))
        self._type("\t")
        # With the quote or blank that the shell adds; a bell where there is nothing to complete.
        self._until(lambda said: re.search(rf"({re.escape(end)}[\"']? ?|\x07)$", said))
        self._type("\r")
        return self._until(lambda said: re.search(r"<probe>.*\n(.|\n)*ready> $", said))

    def _type(self, text: str) -> None:
        self.said = ""
        os.write(self.ours, text.encode())

    def _until(self, is_there: Callable[[str], Any]) -> str:
        """The output since the last input, once `is_there` is true of it."""
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            if select.select([self.ours], [], [], INTERVAL)[0]:
                self.said += os.read(self.ours, 4096).decode(errors="replace")
            plain = CONTROL.sub("", self.said)
            if is_there(plain):
                return plain
        raise TimeoutError(f"not within {DEADLINE:g} s: {self.said!r}")
