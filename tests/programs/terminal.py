"""A program on a terminal of its own, that asks and is answered: some viewers take a password in no other way."""

import os
import pty
import select
import subprocess
import termios
import time

from waiting import DEADLINE, INTERVAL

# Of the attributes that `tcgetattr` returns, the one that says whether what is typed is shown.
LOCAL_FLAGS = 3


def converse(argv: list[str], answers: dict[str, str], env: dict[str, str]) -> tuple[int, str]:
    """Runs it to its end, and gives each answer once, when its question is the last that was said.

    A question with a password in its name is answered when the terminal does not show any more what is typed: what
    was typed before is thrown away. Returns the exit code and everything that was on the terminal.
    """
    ours, theirs = pty.openpty()
    try:
        streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
        with subprocess.Popen(argv, env=env, start_new_session=True, **streams) as program:
            os.close(theirs)
            try:
                said = _converse(ours, dict(answers))
                return program.wait(DEADLINE), said
            finally:
                program.kill()
    finally:
        os.close(ours)


def _converse(terminal: int, answers: dict[str, str]) -> str:
    end = time.monotonic() + DEADLINE
    said = ""
    while time.monotonic() < end:
        if select.select([terminal], [], [], INTERVAL)[0]:
            try:
                said += os.read(terminal, 4096).decode(errors="replace")
            except OSError:
                # The program has closed its side.
                return said
        for question in [question for question in answers if said.endswith(question)]:
            if "assword" in question and _shows_what_is_typed(terminal):
                continue
            os.write(terminal, answers.pop(question).encode() + b"\n")
    raise TimeoutError(f"not within {DEADLINE:g} s to its end: {said}")


def _shows_what_is_typed(terminal: int) -> bool:
    return bool(termios.tcgetattr(terminal)[LOCAL_FLAGS] & termios.ECHO)
