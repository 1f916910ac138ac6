"""Log lines of a real server: one a request, without what was asked, answered or typed into a path (promise S18)."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from serving.logs import LOGGERS, JsonFormatter, TextFormatter, configure_logging

CANARY = "canary7391"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "lease.txt").write_text(f"The {CANARY} lease ends after two months. Rent is due in May.")
    command = [sys.executable, "-m", "serving.main"]
    for words in (["init", str(tmp_path / "w")], ["add", str(tmp_path / "lease.txt"), "--workspace", str(tmp_path / "w")]):
        subprocess.run([*command, *words], check=True, capture_output=True)
        config = tmp_path / "w" / "raftsmith.toml"
        config.write_text(config.read_text().replace('"all-MiniLM-L6-v2"', '"hashing-64"'))
    return tmp_path / "w"


def lines_of(workspace: Path, *flags: str) -> list[str]:
    """What the annotation page's server writes to stderr while it is asked for what exists and what does not."""
    words = [sys.executable, "-m", "serving.main", *flags, "annotate", "--port", "0", "--json", "--workspace", str(workspace)]
    server = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        url = json.loads(server.stdout.readline())["url"]
        base, _, _ = url.partition("/?")
        for _ in range(50):
            try:
                httpx.get(url)
                break
            except httpx.TransportError:
                time.sleep(0.1)
        httpx.get(f"{base}/{CANARY}/path?q={CANARY}")
        httpx.request("CANARY7391", f"{base}/api/state")
        httpx.post(f"{base}/api/questions", json={"question": CANARY})
    finally:
        server.terminate()
        _, errors = server.communicate(timeout=30)
    return errors.splitlines()


def test_every_request_leaves_a_line_without_content(workspace: Path) -> None:
    rows = [json.loads(line) for line in lines_of(workspace, "--log-json") if line.startswith("{")]
    requests = [row for row in rows if row["logger"] == "raftsmith.requests"]
    assert len(requests) == 4 and {"time", "level", "message", "method", "route", "status", "ms"} <= requests[0].keys()
    assert [row["method"] for row in requests] == ["GET", "GET", "-", "POST"]
    assert [row["status"] for row in requests][1:] == [401, 401, 401]
    assert CANARY not in json.dumps(rows).lower()


def test_text_lines_and_their_level(workspace: Path) -> None:
    assert sum("raftsmith.requests: GET" in line for line in lines_of(workspace)) == 2
    assert not any("raftsmith.requests" in line for line in lines_of(workspace, "--log-level", "warning"))


def test_a_logged_exception_is_named_and_not_quoted() -> None:
    try:
        raise ValueError(CANARY)
    except ValueError:
        record = logging.makeLogRecord(
            {"name": "raftsmith.x", "msg": "it failed", "exc_info": sys.exc_info(), "levelname": "ERROR"}
        )
    for formatter in (TextFormatter(), JsonFormatter()):
        line = formatter.format(record)
        assert "it failed (ValueError)" in line and CANARY not in line and "\n" not in line


@pytest.fixture
def _as_before() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [(logger.level, logger.handlers[:]) for logger in loggers]
    yield
    for logger, (level, handlers) in zip(loggers, before, strict=True):
        logger.setLevel(level)
        logger.handlers[:] = handlers


@pytest.mark.usefixtures("_as_before")
def test_set_up_twice_a_line_is_written_once(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging()
    configure_logging("warning")
    logging.getLogger("raftsmith.x").warning("once")
    logging.getLogger("raftsmith.x").info("never")
    assert capsys.readouterr().err.count("raftsmith.x: once") == 1
