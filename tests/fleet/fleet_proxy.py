"""A wire between agents and a headend that can be cut, go silent for a while, or lose a connection for good."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

__all__ = ["Proxy"]


class Proxy:
    """Listens on a port of its own and carries what comes there to a headend, and back."""

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._passes = threading.Event()
        self._passes.set()
        self._ends = threading.Event()
        self._sockets: list[socket.socket] = []
        self._lost: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._passes.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join(5.0)

    def silence(self) -> None:
        """Hold everything back, as a network that drops packets for a while: both ends keep their connection."""
        self._passes.clear()

    def speak(self) -> None:
        """Carry on, with what was held back: TCP sends again what was dropped."""
        self._passes.set()

    def lose(self) -> None:
        """Drop all that the connections of now carry, their closing too, for ever; new ones are held back.

        That is a router which forgot its connections: either end believes that the other one is there.
        """
        self._passes.clear()
        self._lost.update(self._sockets)

    def cut(self) -> None:
        """Close all connections."""
        for one in self._sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._sockets.clear()

    def _accept(self) -> None:
        while not self._ends.is_set():
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(self._target, timeout=5.0)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            self._sockets += [near, far]
            for source, sink in ((near, far), (far, near)):
                thread = threading.Thread(target=self._forward, args=(source, sink), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _forward(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if source not in self._lost:
                    self._passes.wait()
                if self._ends.is_set():
                    return
                # Asked again: it may have been lost while it waited.
                if source not in self._lost:
                    sink.sendall(data)
        if source not in self._lost:
            with suppress(OSError):
                sink.shutdown(socket.SHUT_WR)
