"""The process around the application: a socket on this machine, uvicorn, and a graceful end. Knows no routes."""

from __future__ import annotations

import errno
import ipaddress
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from fastapi import FastAPI

from corpora.errors import RaftsmithError
from serving.http.admission import Admission
from serving.http.request_guard import is_loopback

GRACE_S = 30.0
MAX_CONNECTIONS = 512


def serve(app: FastAPI, host: str, port: int) -> None:
    """Serve `app` on a loopback address until SIGTERM or SIGINT, then return; port 0 takes a free one.

    Raises RaftsmithError for any other address and when the port is taken.
    """
    serve_on(bind(host, port), app)


def serve_on(listener: socket.socket, app: FastAPI) -> None:
    """Serve `app` on a socket that `bind` gave, and close it.

    After the first signal /ready fails at once, new questions get 503, and those inside have 30 s; a second one ends
    them.
    """
    try:
        ApiServer(app, listener).run(sockets=[listener])
    finally:
        listener.close()


@contextmanager
def at_hang_up(reload: Callable[[], None]) -> Iterator[None]:
    """Meanwhile SIGHUP calls `reload`, which has to return at once.

    When the terminal that was stdin is gone, it is a SIGTERM instead.
    """
    terminal = os.isatty(0)

    def hang_up(sig: int, frame: FrameType | None) -> None:
        if terminal and not os.isatty(0):
            signal.raise_signal(signal.SIGTERM)
        else:
            reload()

    before = signal.signal(signal.SIGHUP, hang_up)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


def bind(host: str, port: int) -> socket.socket:
    """A socket bound to a loopback address. Raises RaftsmithError, saying what to do, when that cannot be."""
    if not is_loopback(host):
        raise RaftsmithError(
            f"the host is {host!r}; only loopback addresses (127.0.0.1, ::1, localhost) are accepted, as the API has no keys "
            "and whoever reaches it reads your documents; keep 127.0.0.1 and reach it through an SSH tunnel"
        )
    address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host.strip("[]"))
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    # asyncio turns Nagle's algorithm off only where the protocol is named; without that each small answer waits 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((str(address), port))
        listener.listen(128)
    except (OSError, OverflowError) as error:
        listener.close()
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            raise RaftsmithError(
                f"port {port} of {host} is taken by another program; stop that, or choose another port (0 takes a free one)"
            ) from error
        raise RaftsmithError(f"cannot listen on {host} port {port}: {error}; choose another address or port") from error
    return listener


def url_of(listener: socket.socket) -> str:
    """The address that clients use: "http://127.0.0.1:8321"."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class ApiServer(uvicorn.Server):
    """uvicorn that says when it is ready and that drains before it closes its socket, so that /ready can tell."""

    def __init__(self, app: FastAPI, listener: socket.socket) -> None:
        """Logging is left as the command line has set it up; forwarded headers are not believed."""
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            proxy_headers=False,
            server_header=False,
            limit_concurrency=MAX_CONNECTIONS,
            timeout_graceful_shutdown=1,
        )
        super().__init__(config)
        self._admission: Admission = app.state.admission
        self._url = url_of(listener)
        self._deadline = float("inf")

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and print the one line that scripts wait for."""
        await super().startup(sockets)
        if self.started:
            print(f"raftsmith serves {self._url}", file=sys.stderr, flush=True)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain at the first signal, end at the second."""
        if self._admission.stopping:
            self.should_exit = self.force_exit = True
            return
        self._admission.stop()
        self._deadline = time.monotonic() + GRACE_S

    async def on_tick(self, counter: int) -> bool:
        """End once nobody is inside, or the grace time is over."""
        if self._admission.stopping and (not self._admission.inside or time.monotonic() >= self._deadline):
            self.should_exit = True
        return await super().on_tick(counter)
