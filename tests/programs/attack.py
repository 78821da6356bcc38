"""Clients that attack a port in parallel, from many addresses of the loopback network."""

import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from rfb import VNC, X509_NONE, X509_PLAIN, RawViewer

# Threads: enough to keep the gateway busy, few enough to leave time for a real viewer on two cores.
THREADS = 4

# Makes the attempt of this number; returns its outcome.
Attempt = Callable[[int], str]


class ParallelAttempts:
    """Starts `count` attempts in `__enter__`; those that have not begun by `__exit__` are left out."""

    def __init__(self, count: int, attempt: Attempt) -> None:
        self.count, self.attempt = count, attempt

    def __enter__(self) -> "ParallelAttempts":
        self._pool = ThreadPoolExecutor(THREADS)
        self._attempts: list[Future[str]] = [self._pool.submit(self.attempt, n) for n in range(self.count)]
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def are_running(self) -> bool:
        return not all(attempt.done() for attempt in self._attempts)

    def outcomes(self) -> Counter[str]:
        """Waits for all attempts; how many had each outcome."""
        return Counter(attempt.result() for attempt in self._attempts)


class Attackers:
    """The kinds of attempts at a port. Connections that they keep open are closed by `leave`."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.held: list[RawViewer] = []

    def send_nothing(self, number: int) -> str:
        self.held.append(RawViewer(self.port, source(number)))
        return "connected"

    def begin_tls_and_stop(self, number: int) -> str:
        viewer = RawViewer(self.port, source(number))
        self.held.append(viewer)
        return outcome(lambda: viewer.begin_tls(X509_NONE) or "began TLS")

    def give_a_wrong_vnc_password(self, number: int) -> str:
        return outcome(lambda: guess(self.port, source(number)))

    def give_a_wrong_vnc_password_from_one_address(self, _: int) -> str:
        return outcome(lambda: guess(self.port, source(0)))

    def give_a_wrong_user_password(self, number: int) -> str:
        def attempt() -> str:
            with RawViewer(self.port, source(number)) as viewer:
                viewer.begin_tls(X509_PLAIN)
                viewer.start_tls()
                viewer.log_in(b"ada", os.urandom(8).hex().encode())
                return viewer.reason()

        return outcome(attempt)

    def leave(self) -> None:
        for viewer in self.held:
            viewer.socket.close()
        self.held.clear()


def guess(port: int, address: str) -> str:
    """Sends a wrong VNC password; the reason in the answer."""
    with RawViewer(port, address) as viewer:
        if VNC not in viewer.offered():
            return viewer.text()
        viewer.send(bytes([VNC]))
        return answer_wrongly(viewer)


def answer_wrongly(viewer: RawViewer) -> str:
    viewer.read(16)
    viewer.send(os.urandom(16))
    return viewer.reason()


def source(number: int) -> str:
    """Another loopback address for each number; none is that of a real viewer."""
    return f"127.{10 + number // 40_000}.{number // 200 % 200}.{1 + number % 200}"


def outcome(attempt: Callable[[], str]) -> str:
    try:
        return attempt()
    except (EOFError, ConnectionError):
        return "was cut off"
