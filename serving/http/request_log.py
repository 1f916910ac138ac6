"""One log line a request: method, route, status, milliseconds.

Knows no body, no query and no path but the route's own pattern.
"""

from __future__ import annotations

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("raftsmith.requests")


class RequestLog:
    """ASGI middleware, the outermost.

    A request whose client left before the answer began has status 499, as nginx writes it.
    """

    def __init__(self, app: ASGIApp) -> None:
        """`app` is what is logged."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application, then write the line."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.monotonic(), 499

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            route = getattr(scope.get("route"), "path", "-")  # the pattern: a path may hold what a client typed
            method, milliseconds = _method(scope), round(1000 * (time.monotonic() - started))
            fields = {"method": method, "route": route, "status": status, "ms": milliseconds}
            log.info("%s %s %d %d ms", method, route, status, milliseconds, extra=fields)


def _method(scope: Scope) -> str:
    """The method when it is one of HTTP's: anything else is what a client typed."""
    method = str(scope["method"])
    return method if method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT") else "-"
