"""Attackers from many addresses of the loopback network, side by side, beside whoever is a real viewer."""

import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from rfb import VNC, X509_NONE, X509_PLAIN, RawViewer

# Enough that the gateway is the one that has to keep up, few enough to leave a real viewer its share of two cores.
ATTACKERS = 4

# One strike: its number in, what became of it out.
Strike = Callable[[int], str]


class Siege:
    """So many strikes, begun in `__enter__`; what they hold open is closed in `__exit__`."""

    def __init__(self, strikes: int, strike: Strike) -> None:
        self.strikes, self.strike = strikes, strike

    def __enter__(self) -> "Siege":
        self._attackers = ThreadPoolExecutor(ATTACKERS)
        self._begun: list[Future[str]] = [self._attackers.submit(self.strike, n) for n in range(self.strikes)]
        return self

    def __exit__(self, *_: object) -> None:
        self._attackers.shutdown(cancel_futures=True)

    def lasts(self) -> bool:
        return not all(strike.done() for strike in self._begun)

    def outcomes(self) -> Counter[str]:
        """Waits for all strikes; how many had which outcome."""
        return Counter(strike.result() for strike in self._begun)


class Attackers:
    """The strikes against a port. What they keep open stays so until `leave`."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.held: list[RawViewer] = []

    def say_nothing(self, number: int) -> str:
        self.held.append(RawViewer(self.port, source(number)))
        return "connected"

    def begin_tls_and_say_no_more(self, number: int) -> str:
        viewer = RawViewer(self.port, source(number))
        self.held.append(viewer)
        return outcome(lambda: viewer.begin_tls(X509_NONE) or "began TLS")

    def give_a_wrong_vnc_password(self, number: int) -> str:
        return outcome(lambda: guess(self.port, source(number)))

    def give_a_wrong_vnc_password_from_one_address(self, _: int) -> str:
        return outcome(lambda: guess(self.port, source(0)))

    def give_a_wrong_user_password(self, number: int) -> str:
        def strike() -> str:
            with RawViewer(self.port, source(number)) as viewer:
                viewer.begin_tls(X509_PLAIN)
                viewer.start_tls()
                viewer.log_in(b"ada", os.urandom(8).hex().encode())
                return viewer.reason()

        return outcome(strike)

    def leave(self) -> None:
        for viewer in self.held:
            viewer.socket.close()
        self.held.clear()


def guess(port: int, address: str) -> str:
    """One wrong VNC password; what it is told."""
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
    """An address of its own for each number; none is that of a real viewer."""
    return f"127.{10 + number // 40_000}.{number // 200 % 200}.{1 + number % 200}"


def outcome(strike: Callable[[], str]) -> str:
    try:
        return strike()
    except (EOFError, ConnectionError):
        return "was cut off"
