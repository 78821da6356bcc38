"""Runs programs on a pseudo-terminal and answers their prompts."""

import fcntl
import os
import pty
import select
import subprocess
import termios
import time
from collections.abc import Callable
from pathlib import Path

from places import scratch
from waiting import DEADLINE, INTERVAL

# The index of the local flags, ECHO among them, in the result of `tcgetattr`.
LOCAL_FLAGS = 3


def converse(argv: list[str], answers: dict[str, str], env: dict[str, str], columns: int = 80) -> tuple[int, str]:
    """Runs a program to its end, and gives each answer once, when the output ends with its prompt.

    A prompt for a password is answered when the terminal's echo is off, because earlier input is discarded. Returns the
    exit code and the whole output.
    """
    return _run(argv, _Answers(list(answers.items()), in_turn=False), env, columns)


def converse_in_turn(argv: list[str], answers: list[tuple[str, str]], env: dict[str, str]) -> tuple[int, str]:
    """Likewise, with prompts in this order; a prompt may occur more than once."""
    return _run(argv, _Answers(list(answers), in_turn=True), env)


def answering(
    argv: list[str], typed: str, passwords: tuple[str, ...], env: dict[str, str], folder: Path
) -> tuple[int, str]:
    """Runs a program to its end in this folder; types `typed` at once, and each of `passwords` at a prompt for one.

    Such a prompt ends with a colon and a space, and the terminal's echo is off.
    """
    left, answered = list(passwords), 0

    def reply(terminal: int, said: str) -> None:
        nonlocal typed, answered
        os.write(terminal, typed.encode())
        typed = ""
        if left and said[answered:].endswith(": ") and not _echoes(terminal):
            answered = len(said)
            os.write(terminal, left.pop(0).encode() + b"\n")

    return _run(argv, reply, env, folder=folder)


def when_seen(argv: list[str], text: str, do: Callable[[], None], env: dict[str, str]) -> tuple[int, str]:
    """Runs a program to its end likewise, and calls `do` once, when this text is in the output."""
    done = False

    def reply(_terminal: int, said: str) -> None:
        nonlocal done
        if not done and text in said:
            done = True
            do()

    return _run(argv, reply, env)


def broken_off(argv: list[str], question: str, end: Callable[[int, int], None], env: dict[str, str]) -> tuple[int, bool]:
    """Runs a program until it prompts for a password, and calls `end` with the terminal and the process id.

    Returns the exit code, and whether the terminal has its usual mode again: echo, lines, and signals by Ctrl-C.
    """
    ours, theirs = pty.openpty()
    try:
        streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
        where = {"env": env, "cwd": scratch("terminal"), "start_new_session": True, "preexec_fn": take_control}
        with subprocess.Popen(argv, **streams, **where) as program:
            try:
                said = ""
                until = time.monotonic() + DEADLINE
                while not said.endswith(question) or _echoes(theirs):
                    if time.monotonic() > until:
                        raise TimeoutError(f"no prompt within {DEADLINE:g} s: {said}")
                    if select.select([ours], [], [], INTERVAL)[0]:
                        said += os.read(ours, 4096).decode(errors="replace")
                end(ours, program.pid)
                code = program.wait(DEADLINE)
                usual = termios.ECHO | termios.ICANON | termios.ISIG
                return code, termios.tcgetattr(theirs)[LOCAL_FLAGS] & usual == usual
            finally:
                program.kill()
    finally:
        os.close(ours)
        os.close(theirs)


class _Answers:
    """Gives each answer once, when the output ends with its prompt."""

    def __init__(self, answers: list[tuple[str, str]], in_turn: bool) -> None:
        self.answers, self.in_turn, self.answered = answers, in_turn, 0

    def __call__(self, terminal: int, said: str) -> None:
        for question, answer in self.answers[:1] if self.in_turn else list(self.answers):
            # A prompt that was answered does not count again.
            if not said[self.answered :].endswith(question):
                continue
            if "assword" in question and _echoes(terminal):
                continue
            self.answered = len(said)
            self.answers.remove((question, answer))
            os.write(terminal, answer.encode() + b"\n")


def _run(
    argv: list[str], reply: Callable[[int, str], None], env: dict[str, str], columns: int = 80, folder: Path | None = None
) -> tuple[int, str]:
    """Runs a program to its end; `reply` is called again and again with the terminal and the output so far."""
    ours, theirs = pty.openpty()
    try:
        termios.tcsetwinsize(theirs, (24, columns))
        streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
        # In a folder of its own unless told otherwise, so that it finds no configuration.
        where = {"env": env, "cwd": folder or scratch("terminal"), "start_new_session": True, "preexec_fn": take_control}
        with subprocess.Popen(argv, **streams, **where) as program:
            os.close(theirs)
            try:
                said = _converse(ours, reply)
                return program.wait(DEADLINE), said
            finally:
                program.kill()
    finally:
        os.close(ours)


def take_control() -> None:
    """Makes standard input the controlling terminal of this process."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _converse(terminal: int, reply: Callable[[int, str], None]) -> str:
    end = time.monotonic() + DEADLINE
    said = ""
    while time.monotonic() < end:
        if select.select([terminal], [], [], INTERVAL)[0]:
            try:
                said += os.read(terminal, 4096).decode(errors="replace")
            except OSError:
                # All processes have closed the terminal.
                return said
        reply(terminal, said)
    raise TimeoutError(f"not within {DEADLINE:g} s to its end: {said}")


def _echoes(terminal: int) -> bool:
    return bool(termios.tcgetattr(terminal)[LOCAL_FLAGS] & termios.ECHO)
