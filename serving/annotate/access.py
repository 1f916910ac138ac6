"""Access to the annotation page: by its address, whose secret lives as long as the process.

A port of this machine can be reached by its other users and by pages in the browser. Opening the printed address with
its token gives a browser the two halves of a session: a cookie, which no script can read, and a key, which the page
keeps and which no other port of this machine can read (cookies do not tell ports apart). The API wants both, the page
and its files the cookie. Everything else gets 401 before its body is read (promise S2). Only digests are kept (promise
S4). Knows no routes.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from fastapi import Response
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.http.errors import ApiError, error_response
from serving.http.request_guard import check_headers

SECRET_BYTES = 32
MAX_SESSIONS = 32
KEY_HEADER = "x-raftsmith-key"
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>raftsmith annotate</title></head>
<body>
{body}
</body>
</html>
"""
_CLOSED = (
    "<h1>This page is closed</h1>\n<p>Open the whole address that <code>raftsmith annotate</code> printed when it started, with "
    "its token. Each start has a new one.</p>"
)
_ENTERED = (
    '<script src="/static/annotate-enter.js" data-key="{key}"></script>\n'
    "<p>This page needs its scripts: allow them, and open the address again.</p>"
)


def new_secret() -> str:
    """256 random bits, as text for an address or a header."""
    return secrets.token_urlsafe(SECRET_BYTES)


class Access:
    """ASGI middleware that admits only requests of a session, and opens a session for whoever has the token.

    The newest 32 sessions count: a browser that opened the address before so many others opens it again.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        """`app` is what is guarded; of `token` the digest is kept."""
        self._app = app
        self._token = _digest(token)
        self._sessions: dict[bytes, bytes] = {}  # digest of the cookie → digest of the key, oldest first

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, open a session, or run the application. A websocket is left to the application, which has none."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = HTTPConnection(scope)
        try:
            check_headers(scope)
            answer = self._check_session(request, scope["method"])
        except ApiError as error:
            answer = error_response(error)
        if answer is None:
            await self._app(scope, receive, send)
        else:
            await answer(scope, receive, send)

    def _check_session(self, request: HTTPConnection, method: str) -> Response | None:
        path = request.scope["path"]
        offered = request.query_params.get("token")
        if offered is not None and (method, path) == ("GET", "/"):
            if not hmac.compare_digest(_digest(offered), self._token):
                return _closed()
            return self._enter(_cookie_name(request))
        key = self._sessions.get(_digest(request.cookies.get(_cookie_name(request), "")))
        if path in ("/", "/favicon.ico") or path.startswith("/static/"):  # nothing of the collection is in these
            return None if key else _closed()
        if key is None or not hmac.compare_digest(_digest(request.headers.get(KEY_HEADER, "")), key):
            message = "this page is closed; open the whole address that `raftsmith annotate` printed, with its token"
            raise ApiError(401, message, code="unauthorized", headers={"WWW-Authenticate": "raftsmith-token"})
        return None

    def _enter(self, cookie_name: str) -> Response:
        cookie, key = new_secret(), new_secret()
        self._sessions[_digest(cookie)] = _digest(key)
        while len(self._sessions) > MAX_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        # No redirect: after a link on another site's page the browser would not send a strict cookie along.
        answer = Response(_PAGE.format(body=_ENTERED.format(key=key)), media_type="text/html; charset=utf-8")
        answer.set_cookie(cookie_name, cookie, path="/", httponly=True, samesite="strict")
        return answer


def _closed() -> Response:
    return Response(
        _PAGE.format(body=_CLOSED), 401, {"WWW-Authenticate": "raftsmith-token"}, media_type="text/html; charset=utf-8"
    )


def _cookie_name(request: HTTPConnection) -> str:
    """One a port: pages on two ports of this machine must not take each other's cookie away."""
    return f"raftsmith-annotate-{request.scope['server'][1]}"


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()
