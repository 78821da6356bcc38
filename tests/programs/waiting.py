"""Waits for a condition by looking again and again, never by hoping that a pause was long enough."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# Between two looks: short beside anything that is waited for, long enough to leave the two cores to others.
INTERVAL = 0.05

# Far above what any wait here took on two busy cores, so that only a real fault reaches it.
DEADLINE = 30.0


def until(what: str, look: Callable[[], T], seconds: float = DEADLINE) -> T:
    """The first truthy value that `look` returns; `what` names it in the error when none comes in time."""
    end = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(INTERVAL)
