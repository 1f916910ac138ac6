"""The guard around an application: who may speak to it, how much they may send, what happens when they leave.

A page in the user's browser can reach a port of this machine. So the Host header must name this machine (against DNS
rebinding) and an Origin must be this server's own (promise S20). A body is bounded while it streams in. When the client
disconnects, the request is cancelled wherever it stands (promise R14). No error leaves as a traceback.
"""

from __future__ import annotations

import ipaddress
import re

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.http.errors import ApiError, error_response, internal, log_failure

MAX_BODY_BYTES = 1 << 20
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?")


class RequestGuard:
    """ASGI middleware that checks headers, bounds bodies and cancels what its client leaves; no websockets."""

    def __init__(self, app: ASGIApp) -> None:
        """`app` is what the guard protects."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check, read the body, and run the application for as long as the client stays."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            try:
                check_headers(scope)
                body = await _read_body(scope, receive)
            except ApiError as error:
                await error_response(error)(scope, receive, send)
                return
            if body is not None:
                await self._run(scope, receive, send, body)

    async def _run(self, scope: Scope, receive: Receive, send: Send, body: bytes) -> None:
        disconnected = anyio.Event()
        unread = [body]

        async def replay() -> Message:
            if unread:
                return {"type": "http.request", "body": unread.pop(), "more_body": False}
            await disconnected.wait()
            return {"type": "http.disconnect"}

        async with anyio.create_task_group() as group:

            async def watch() -> None:
                while (await receive())["type"] != "http.disconnect":
                    pass
                disconnected.set()
                group.cancel_scope.cancel()

            group.start_soon(watch)
            await self._answer(scope, replay, send)
            group.cancel_scope.cancel()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            log_failure(error)
            if not started:
                await error_response(internal())(scope, receive, send)


def check_headers(scope: Scope) -> None:
    """Raise ApiError 400 or 403 unless Host names this machine and Origin, if any, is this server's own."""
    hosts = [value.decode("latin-1").lower() for name, value in scope["headers"] if name == b"host"]
    origins = [value.decode("latin-1").lower() for name, value in scope["headers"] if name == b"origin"]
    host = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
    if host is None:
        raise ApiError(400, "the request must have one valid Host header", code="invalid_host")
    if not is_loopback(host[1]):
        raise ApiError(403, "the Host header does not name this machine; use localhost or 127.0.0.1", code="forbidden_host")
    scheme = scope.get("scheme", "http")
    for origin in origins:
        origin_host = _HOST.fullmatch(origin.removeprefix(f"{scheme}://")) if origin.startswith(f"{scheme}://") else None
        if origin_host is None or (origin_host[1], origin_host[2] or "80") != (host[1], host[2] or "80"):
            raise ApiError(403, "requests from pages of other origins are refused", code="forbidden_origin")


def is_loopback(name: str) -> bool:
    """True for "localhost" and for loopback addresses, an IPv6 one in brackets or not."""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False


async def _read_body(scope: Scope, receive: Receive) -> bytes | None:
    """The body, or None when the client left before its end.

    Raises ApiError 413 as soon as it is known to be too large.
    """
    too_large = ApiError(413, f"the body is larger than {MAX_BODY_BYTES} bytes", code="body_too_large")
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value[:20]) > MAX_BODY_BYTES:
            raise too_large
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            raise too_large
        if not message.get("more_body", False):
            return bytes(body)
