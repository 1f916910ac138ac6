"""Who may use the annotation page, through real sockets: promises S2, S4, S20 and S21."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from annotation_samples import TOKEN, document_with, entered, key_in, make_session
from fastapi.routing import APIRoute

from corpora.workspace.workspace import create_workspace
from serving.annotate.access import MAX_SESSIONS, new_secret
from serving.annotate.app import create_annotate_app
from serving.annotate.session import AnnotationSession
from serving.configuration import SECTIONS

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def session(collection, tmp_path: Path) -> Iterator[AnnotationSession]:
    made = make_session(collection.store, tmp_path / "w")
    yield made
    made.annotations.close()


def test_a_secret_has_256_bits_and_is_never_the_same() -> None:
    assert {len(new_secret()) for _ in range(100)} == {43}  # 32 bytes in base64 without padding
    assert len({new_secret() for _ in range(100)}) == 100


def test_the_address_gives_a_session_that_other_ports_and_scripts_cannot_take(session: AnnotationSession, served) -> None:
    with served(create_annotate_app(session, TOKEN)) as url, httpx.Client(base_url=url) as client:
        answer = client.get("/", params={"token": TOKEN})
        cookie = answer.headers["set-cookie"]
        name, _, rest = cookie.partition("=")
        assert name == f"raftsmith-annotate-{urlsplit(url).port}"
        assert {"HttpOnly", "SameSite=strict", "Path=/"} <= {part.strip() for part in rest.split(";")}
        key = key_in(answer)
        assert key not in cookie and TOKEN not in answer.text + cookie
        assert client.get("/").status_code == 200  # the page itself holds neither half
        assert key not in client.get("/").text
        assert client.get("/api/state").status_code == 401  # the cookie alone, as a page on another port would have it
        assert client.get("/api/state", headers={"X-Raftsmith-Key": key}).status_code == 200
        again = client.get("/", params={"token": TOKEN})
        assert again.headers["set-cookie"] != cookie  # a session of its own for each browser


def test_every_route_wants_a_session_and_says_so_before_it_looks_at_the_body(session: AnnotationSession, served) -> None:
    app = create_annotate_app(session, TOKEN)
    routes = [(method, route.path) for route in app.routes if isinstance(route, APIRoute) for method in route.methods]
    assert len(routes) == len(app.routes) and len(routes) > 15  # nothing is mounted or added in another way
    with served(app) as url, entered(url) as client, entered(url) as other, httpx.Client(base_url=url) as anonymous:
        cookie, key = next(iter(client.cookies.items())), client.headers["X-Raftsmith-Key"]
        half = [
            {},
            {"X-Raftsmith-Key": key},
            {"Cookie": f"{cookie[0]}={new_secret()}", "X-Raftsmith-Key": key},
            {"Cookie": f"{cookie[0]}=", "X-Raftsmith-Key": ""},
            {"Cookie": f"{cookie[0]}={cookie[1]}", "X-Raftsmith-Key": new_secret()},
            {"Cookie": f"{cookie[0]}={cookie[1]}", "X-Raftsmith-Key": other.headers["X-Raftsmith-Key"]},
            {"Authorization": f"Bearer {TOKEN}"},
        ]
        for method, template in routes:
            path = re.sub(r"{\w+}", "x", template)
            for headers in half if path.startswith("/api/") else half[:3]:
                answer = anonymous.request(method, path, content=b"{not json", headers=headers)
                assert answer.status_code == 401 and answer.headers["www-authenticate"], (method, path, headers)
                assert "content-security-policy" in answer.headers and "set-cookie" not in answer.headers
        for path in (
            "/?token=wrong",
            "/?token=",
            f"/api/state?token={TOKEN}",
            f"/static/annotate.js?token={TOKEN}",
            "/api/none",
        ):
            assert anonymous.get(path).status_code == 401
        assert "raftsmith annotate" in anonymous.get("/").text  # what to do, for a person
        assert client.get("/api/state").status_code == 200
    assert session.annotations.questions("default") == []


def test_a_stranger_is_refused_without_waiting_for_the_body(session: AnnotationSession, served) -> None:
    with served(create_annotate_app(session, TOKEN)) as url:
        address = urlsplit(url)
        with socket.create_connection((address.hostname, address.port), timeout=10) as line:
            head = f"POST /api/questions HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Type: application/json\r\n"
            line.sendall(f"{head}Content-Length: 1000000\r\n\r\n".encode())  # and no body
            assert line.recv(100).startswith(b"HTTP/1.1 401 ")


def test_the_token_opens_nothing_under_a_foreign_name(session: AnnotationSession, served) -> None:
    """DNS rebinding, and pages of other origins, with the right token and with the right session."""
    with served(create_annotate_app(session, TOKEN)) as url, entered(url) as client:
        port = urlsplit(url).port
        wrong = [
            {"Host": "evil.example"},
            {"Host": f"evil.example:{port}"},
            {"Host": "127.0.0.1.evil.example"},
            {"Origin": "http://evil.example"},
            {"Origin": "null"},
            {"Origin": f"http://127.0.0.1:{port + 1}"},
            {"Origin": f"https://127.0.0.1:{port}"},
        ]
        for headers in wrong:
            for path in (f"/?token={TOKEN}", "/api/state", "/"):
                answer = client.get(path, headers=headers)
                assert answer.status_code == 403 and "set-cookie" not in answer.headers, (headers, path)
                assert not any(name.startswith("access-control") for name in answer.headers)
        assert client.get("/api/state", headers={"Origin": url}).status_code == 200
        assert client.options("/api/state", headers={"Origin": url}).status_code == 405  # no preflight is ever answered


def test_sessions_are_bounded_and_the_oldest_ends_first(session: AnnotationSession, served) -> None:
    with served(create_annotate_app(session, TOKEN)) as url, httpx.Client(base_url=url) as client:
        sessions = []
        for _ in range(MAX_SESSIONS + 1):
            answer = client.get("/", params={"token": TOKEN})
            sessions.append({"Cookie": answer.headers["set-cookie"].split(";")[0], "X-Raftsmith-Key": key_in(answer)})
            client.cookies.clear()
        states = [client.get("/api/state", headers=session).status_code for session in sessions]
        assert states == [401] + [200] * MAX_SESSIONS


def test_what_a_page_may_load_is_named_on_every_answer(session: AnnotationSession, served) -> None:
    """Promise S12: nothing from elsewhere, no inline script, no frame, no form; a browser test tries it."""
    with served(create_annotate_app(session, TOKEN)) as url, entered(url) as client, httpx.Client(base_url=url) as anonymous:
        answers = [client.get(path) for path in ("/", "/api/state", "/static/annotate.css", "/static/none", "/api/none")]
        answers += [anonymous.get("/"), anonymous.get("/", params={"token": TOKEN}), anonymous.get("/", headers={"Host": "x"})]
        for answer in answers:
            policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["content-security-policy"].split(";"))
            assert policy["default-src"] == "'none'" == policy["frame-ancestors"] == policy["form-action"] == policy["base-uri"]
            assert {policy[f"{kind}-src"] for kind in ("script", "style", "connect", "img")} == {"'self'"}
            assert policy["require-trusted-types-for"] == "'script'" and policy["trusted-types"] == "'none'"
            assert answer.headers["referrer-policy"] == "no-referrer" and answer.headers["cache-control"] == "no-store"
            assert answer.headers["x-content-type-options"] == "nosniff"
        assert not re.search(r"<script>|<style|\son\w+=|\sstyle=|https?://", answers[0].text)


def test_the_process_prints_its_address_once_and_its_secret_is_nowhere_else(session: AnnotationSession, tmp_path: Path) -> None:
    """Promise S21: not in the arguments or the environment of the process, its log, or any file of the workspace."""
    workspace = tmp_path / "w"
    lease = document_with(session.store, "deposit")
    create_workspace(workspace, SECTIONS)
    command = [sys.executable, "-m", "serving.main", "annotate", "--dataset", "d", "--port", "0", "--json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    process = subprocess.Popen(
        [*command, "--workspace", str(workspace)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment,
    )
    try:
        assert select.select([process.stdout], [], [], 60)[0]
        value = json.loads(process.stdout.readline())
        address = urlsplit(value["url"])
        (token,) = parse_qs(address.query)["token"]
        assert len(token) == 43 and (value["set"], value["dataset"]) == ("default", "d")
        base = f"{address.scheme}://{address.netloc}"
        with httpx.Client(base_url=base) as stranger, httpx.Client(base_url=base) as client:
            assert stranger.get(f"/api/documents/{lease.id}").status_code == 401
            key = key_in(client.get(value["url"]))
            cookie = next(iter(client.cookies.values()))
            client.headers["X-Raftsmith-Key"] = key
            assert client.get(f"/api/documents/{lease.id}").json()["text"] == lease.text
            example = next(iter(session.examples))
            assert client.put(f"/api/reviews/{example}", json={"verdict": "accept"}).status_code == 200
            assert client.put(f"/api/reviews/{example}", json={"verdict": "accept"}).status_code == 409
        secrets = [secret.encode() for secret in (token, key, cookie)]
        told = Path(f"/proc/{process.pid}/cmdline").read_bytes() + Path(f"/proc/{process.pid}/environ").read_bytes()
        assert not any(secret in told for secret in secrets)
        with pytest.raises(httpx.HTTPError):  # no other address of this machine
            httpx.get(f"http://{_other_address()}:{address.port}/", timeout=2)
    finally:
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0 and out == ""
    files = b"".join(path.read_bytes() for path in workspace.rglob("*") if path.is_file())
    assert not any(secret in files or secret in err.encode() for secret in secrets)
    assert "deposit" not in err and "accept" in (workspace / "datasets" / "d" / "reviews.jsonl").read_text()


def _other_address() -> str:
    """An address of this machine that is not 127.0.0.1; another loopback address where there is no network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # a datagram socket: nothing is sent
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.2"


def test_a_session_ends_with_the_process_that_gave_it(session: AnnotationSession, served) -> None:
    with served(create_annotate_app(session, TOKEN)) as url, entered(url) as client:
        (secret,), key = client.cookies.values(), client.headers["X-Raftsmith-Key"]
        assert client.get("/api/state").status_code == 200
    with served(create_annotate_app(session, new_secret())) as url, httpx.Client(base_url=url) as client:
        headers = {"Cookie": f"raftsmith-annotate-{urlsplit(url).port}={secret}", "X-Raftsmith-Key": key}
        assert client.get("/api/state", headers=headers).status_code == 401
        assert client.get("/", params={"token": TOKEN}).status_code == 401
