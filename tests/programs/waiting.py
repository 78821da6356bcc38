"""Waits for a condition by polling it, instead of sleeping for a time that may be too short."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# Seconds between two polls.
INTERVAL = 0.05

# Far longer than any wait on two busy cores, so that only a fault reaches it.
DEADLINE = 30.0


class NotYet(Exception):
    """Raised by a poll that should be repeated; its message is in the error when the time is up."""


def until(what: str, look: Callable[[], T], seconds: float = DEADLINE) -> T:
    """Polls `look` until it returns a true value, and returns that; `what` names it in the error when the time is up."""
    end = time.monotonic() + seconds
    while True:
        reason = ""
        try:
            if seen := look():
                return seen
        except NotYet as early:
            reason = f" ({early})"
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds:g} s{reason}")
        time.sleep(INTERVAL)
