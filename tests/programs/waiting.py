"""Waits for a condition by looking again and again, never by hoping that a pause was long enough."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# Between two looks: short beside anything that is waited for, long enough to leave the two cores to others.
INTERVAL = 0.05

# Far above what any wait here took on two busy cores, so that only a real fault reaches it.
DEADLINE = 30.0


class NotYet(Exception):
    """What a look raises that came too early, for a reason that is worth being told if nothing comes later."""


def until(what: str, look: Callable[[], T], seconds: float = DEADLINE) -> T:
    """The first truthy value that `look` returns; `what` names it in the error when none comes in time."""
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
