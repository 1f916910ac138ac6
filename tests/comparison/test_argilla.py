"""Argilla itself: our records into datasets with our settings on its server, answered through its API, and back as its client writes
them. The server is the real one but for its search engine, see `argilla_without_search.py`; it needs redis-server.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from annotated import SOURCES, annotations, lost, span

from serving.annotate.formats.exchange import Incoming
from serving.annotate.formats.jsonl_and_squad import read, written
from serving.annotate.records import Annotations, checked

HERE = Path(__file__).resolve().parent
KEY = "only.for.this.test"


@pytest.fixture
def server(peer, answers, free_port: int, tmp_path: Path) -> Iterator[str]:
    """The URL of Argilla's server with SQLite, with one user."""
    python = str(peer("RAFTSMITH_ARGILLA_SERVER"))
    redis = shutil.which("redis-server")
    if redis is None:
        pytest.skip("Argilla's server needs redis-server, which is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        redis_port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "ARGILLA_HOME_PATH": str(tmp_path),
        "ARGILLA_DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/argilla.db",
        "ARGILLA_REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
        "USERNAME": "argilla",
        "HF_HUB_OFFLINE": "1",
    }
    with (tmp_path / "log").open("w") as log:
        options = {"stdout": log, "stderr": log, "env": environment}
        manage = [python, "-m", "argilla_server", "database"]
        subprocess.run([*manage, "migrate"], check=True, **options)
        subprocess.run(
            [*manage, "users", "create_default", "--api-key", KEY, "--password", "only-for-this"], check=True, **options
        )
        started = [
            subprocess.Popen(
                [redis, "--port", str(redis_port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)], **options
            ),
            subprocess.Popen([python, str(HERE / "argilla_without_search.py"), str(free_port)], **options),
        ]
        try:
            url = f"http://127.0.0.1:{free_port}"
            with httpx.Client(base_url=url, headers={"X-Argilla-Api-Key": KEY}) as client:
                answers(client, "/api/v1/me", 200)
            yield url
        finally:
            for process in reversed(started):
                process.terminate()
                process.wait(timeout=30)


@pytest.mark.timeout(900)
def test_what_goes_through_argilla_comes_back_whole(server: str, peer, tmp_path: Path, record) -> None:
    python = str(peer("RAFTSMITH_ARGILLA"))
    everything = annotations()
    files, left_out = written(everything, "argilla", SOURCES)
    assert left_out == []
    folder = tmp_path / "trip"
    folder.mkdir()
    for ending, text in files.items():
        (folder / f"mine{ending}").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [python, str(HERE / "argilla_trip.py"), server, KEY, str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    incoming = Incoming()
    for kind in ("questions", "labels", "reviews"):
        found = read((folder / f"back-{kind}.json").read_text(encoding="utf-8"), "argilla", SOURCES)
        for name in ("classes", "questions", "labels", "reviews", "dropped"):
            getattr(incoming, name).extend(getattr(found, name))
    assert [reason for _, reason in incoming.dropped] == [
        "it has no submitted response; drafts and discarded ones are not read"
    ]
    questions = tuple(checked(q, SOURCES.documents[q.document_id]) for q in incoming.questions)
    (answered,) = [question for question in questions if question.id == "q2"]  # by an annotator, over what we sent
    lease = SOURCES.documents[answered.document_id]
    assert (answered.text, answered.answers) == ("When?", (span(lease, "ten days"),))
    ours = next(question for question in everything.questions if question.id == "q2")
    back = tuple(ours if question is answered else question for question in questions)
    assert lost(everything, Annotations(tuple(incoming.classes), back, tuple(incoming.labels), tuple(incoming.reviews))) == []
    version = "import importlib.metadata as m; print(m.version('{}'))"
    client, service = (
        subprocess.run([program, "-c", version.format(package)], capture_output=True, text=True, check=True).stdout.strip()
        for program, package in ((python, "argilla"), (str(peer("RAFTSMITH_ARGILLA_SERVER")), "argilla-server"))
    )
    found = dict(line.split(" ")[:2] for line in done.stdout.splitlines() if line.endswith("records"))
    record(
        "argilla",
        {
            "peer": {"argilla": client, "argilla-server": service, "search engine": "none; SQLite and Redis are real"},
            "records": {kind: int(count) for kind, count in found.items()},
            "lost": 0,
            "answered_through_its_api": 1,
        },
    )
