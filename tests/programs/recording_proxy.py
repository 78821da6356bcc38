"""A TLS proxy between mksgate and a vSphere that records all bytes, so that a check knows the tickets and cookies."""

import asyncio
import hashlib
import re
import ssl
from pathlib import Path
from threading import Lock, Thread

from authority import Authority
from simulator import Simulator
from waiting import DEADLINE


class RecordingProxy:
    """Runs from `__enter__` to `__exit__`. In a configuration it replaces the host behind it."""

    def __init__(self, simulator: Simulator, identity: tuple[Path, Path] | None = None) -> None:
        """`identity` is its certificate and key, instead of one that nobody trusts."""
        self.username, self.password = simulator.username, simulator.password
        host, _, port = simulator.address.rpartition(":")
        self._behind = host, int(port)
        certificate, key = identity or Authority().certificate()
        self._server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._server.load_cert_chain(certificate, key)
        self._client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._client.check_hostname = False
        self._client.verify_mode = ssl.CERT_NONE
        der = ssl.PEM_cert_to_DER_cert(certificate.read_text())
        self.sha256 = hashlib.sha256(der).hexdigest()
        self._recorded = bytearray()
        self._lock = Lock()
        self._writers: set[asyncio.StreamWriter] = set()

    def __enter__(self) -> "RecordingProxy":
        # One thread for all connections: a TLS connection must not be used by two threads at once.
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever)
        self._thread.start()
        started = asyncio.run_coroutine_threadsafe(self._start(), self._loop)
        self.address = "{}:{}".format(*started.result(DEADLINE))
        return self

    def __exit__(self, *_: object) -> None:
        try:
            asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(DEADLINE)
        finally:
            # In any case: a remaining thread would keep the process from ending.
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(DEADLINE)
            self._loop.close()

    def tickets(self) -> set[str]:
        """The tickets that were issued so far."""
        return self._found(rb"<ticket[^>]*>([^<]+)</ticket>")

    def cookies(self) -> set[str]:
        """The cookies of the gateway's sessions."""
        return self._found(rb'vmware_soap_session="?([^";\r]+)')

    def _found(self, pattern: bytes) -> set[str]:
        with self._lock:
            return {found.decode() for found in re.findall(pattern, bytes(self._recorded))}

    async def _start(self) -> tuple[str, int]:
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._server)
        return self._listener.sockets[0].getsockname()

    async def _stop(self) -> None:
        self._listener.close()
        serving = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        # Not cancelled: they end when their connections do. Connections that are closing are left alone, because Python
        # 3.11.2 cannot abort a TLS connection that was closed twice.
        for writer in self._writers:
            if not writer.is_closing():
                writer.transport.abort()
        await asyncio.gather(*serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        beyond, back = await asyncio.open_connection(*self._behind, ssl=self._client)
        self._writers |= {writer, back}
        try:
            await asyncio.gather(self._relay(reader, back), self._relay(beyond, writer))
        except OSError:
            # One side was reset; the other is closed below.
            pass
        finally:
            writer.close()
            back.close()

    async def _relay(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            with self._lock:
                self._recorded += data
            sink.write(data)
            await sink.drain()
        # asyncio's TLS connections cannot be half-closed: the end of one direction ends both.
        sink.close()
