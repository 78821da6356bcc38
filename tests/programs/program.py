"""A program that runs during a check: in its own process group, with its output in files; it ends with the check."""

import os
import re
import signal
import socket
import subprocess
from pathlib import Path
from typing import Self

from places import scratch
from waiting import DEADLINE, until

# Between SIGTERM and SIGKILL, for programs that have nothing left to do.
GRACE = 5.0


class Program:
    """Runs from `__enter__` to `__exit__`; `stdout` and `stderr` are what it has written so far."""

    def __init__(self, name: str, argv: list[str | Path], env: dict[str, str] | None = None) -> None:
        self.name = name
        self.argv = [str(word) for word in argv]
        self.env = {**os.environ, "LC_ALL": "C.UTF-8", **(env or {})}
        self.folder = scratch(name)

    def __enter__(self) -> Self:
        with self._log("stdout").open("wb") as out, self._log("stderr").open("wb") as err:
            self.process = subprocess.Popen(
                self.argv,
                env=self.env,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        try:
            self.wait_until_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def wait_until_ready(self) -> None:
        """What `__enter__` waits for before it returns; the program is ended if this raises. May be overridden."""

    def __exit__(self, *_: object) -> None:
        # A program that is paused does not handle SIGTERM.
        self.resume()
        # Other processes of the group may still run when the first has ended.
        self._signal_group(signal.SIGTERM)
        try:
            self.process.wait(GRACE)
        except subprocess.TimeoutExpired:
            pass
        self._signal_group(signal.SIGKILL)
        self.process.wait()
        # Processes with another parent end a moment later; only then are their windows and ports gone.
        try:
            until(f"the end of all of {self.name}", lambda: not self.processes(), GRACE)
        except TimeoutError:
            pass

    def processes(self) -> list[Path]:
        """The folders in /proc of the processes of its group that still run."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if os.getpgid(int(process.name)) == self.process.pid and (process / "cmdline").read_bytes():
                    found.append(process)
            except OSError:
                # It has just ended.
                continue
        return found

    @property
    def stdout(self) -> str:
        return self._log("stdout").read_text(errors="replace")

    @property
    def stderr(self) -> str:
        return self._log("stderr").read_text(errors="replace")

    def line(self, pattern: str) -> re.Match[str]:
        """The first complete line of stdout in which `pattern` is found; waits for it while the program runs."""

        def look() -> re.Match[str] | None:
            running = self.process.poll() is None
            complete = self.stdout.rpartition("\n")[0]
            found = re.search(pattern, complete, re.MULTILINE)
            if found is None and not running:
                self.must_run()
            return found

        return until(f"a line like {pattern!r} from {self.name}", look)

    def must_run(self) -> None:
        """Raises an error if the program has ended."""
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name} ended with {self.process.returncode}: {self.stderr[-2000:] or self.stdout}")

    def wait_for_port(self, port: int) -> None:
        """Waits until a loopback port accepts a connection, which is then closed."""

        def accepts() -> bool:
            self.must_run()
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
            except OSError:
                return False
            return True

        until(f"port {port} of {self.name}", accepts)

    def pause(self) -> None:
        """Stops the program until `resume`; the kernel still accepts connections and bytes for it."""
        self._signal_group(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal_group(signal.SIGCONT)

    def end(self) -> int:
        """Asks the program to end, as a service manager does, and returns its exit code."""
        self.process.terminate()
        return self.ended()

    def ended(self, seconds: float = DEADLINE) -> int:
        """Waits until the program has ended by itself; its exit code."""
        until(f"the end of {self.name}", lambda: self.process.poll() is not None, seconds)
        return self.process.returncode

    def _log(self, stream: str) -> Path:
        return self.folder / f"{stream}.log"

    def _signal_group(self, number: signal.Signals) -> None:
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass

