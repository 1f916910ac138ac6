"""Label Studio itself: our tasks into a project with our interface, annotated through its API, and its export back to us."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from annotated import DOCUMENTS, EXAMPLES, SOURCES, annotations, lost, span

from raft.prompts.format import render_completion
from serving.annotate.formats.exchange import Incoming
from serving.annotate.formats.jsonl_and_squad import read, written
from serving.annotate.records import Annotations, Label, checked

TOKEN = "0123456789abcdef0123456789abcdef01234567"
QUIET = {
    "COLLECT_ANALYTICS": "False",
    "LATEST_VERSION_CHECK": "False",
    "SENTRY_DSN": "",
    "FRONTEND_SENTRY_DSN": "",
    "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
}


@pytest.fixture
def studio(peer, answers, free_port: int, tmp_path: Path) -> Iterator[httpx.Client]:
    """Label Studio on a loopback port with SQLite, and a client that may do everything there."""
    command = [str(peer("RAFTSMITH_LABEL_STUDIO")), "start", "--no-browser", "--internal-host", "127.0.0.1"]
    command += ["--port", str(free_port), "--data-dir", str(tmp_path / "studio"), "--log-level", "ERROR"]
    command += ["--username", "a@example.org", "--password", "only-for-this-test", "--user-token", TOKEN]
    url, headers = f"http://127.0.0.1:{free_port}", {"Authorization": f"Token {TOKEN}"}
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **QUIET})
        try:
            with httpx.Client(base_url=url, headers=headers, timeout=120) as client:
                answers(client, "/api/projects", 400)
                yield client
        finally:
            process.terminate()
            process.wait(timeout=30)


def taken(incoming: Incoming) -> Annotations:
    questions = tuple(checked(q, SOURCES.documents[q.document_id]) for q in incoming.questions)
    return Annotations(tuple(incoming.classes), questions, tuple(incoming.labels), tuple(incoming.reviews))


@pytest.mark.timeout(900)
def test_what_goes_through_label_studio_comes_back_whole(studio: httpx.Client, record) -> None:
    everything = annotations()
    files, left_out = written(everything, "label-studio", SOURCES)
    assert left_out == []
    made = studio.post("/api/projects", json={"title": "round trip", "label_config": files[".interface.xml"]})
    assert made.status_code == 201, made.text
    project = made.json()["id"]
    json_type = {"Content-Type": "application/json"}
    path = f"/api/projects/{project}"
    loaded = studio.post(f"{path}/import?commit_to_project=true", content=files[""].encode(), headers=json_type)
    assert loaded.status_code == 201, loaded.text
    counts = {key: loaded.json()[key] for key in ("task_count", "annotation_count", "prediction_count")}
    assert counts == {"task_count": 9, "annotation_count": 8, "prediction_count": len(EXAMPLES)}

    def export(kind: str = "JSON") -> str:
        answer = studio.get(f"{path}/export", params={"exportType": kind, "download_all_tasks": "true"})
        assert answer.status_code == 200, (kind, answer.text[:500])
        return answer.text

    incoming = read(export(), "label-studio", SOURCES)
    assert lost(everything, taken(incoming)) == []
    assert [reason for _, reason in incoming.dropped] == ["it has no annotation; predictions are not read"]
    converted = {kind: len(export(kind)) for kind in ("JSON_MIN", "CSV", "TSV", "CONLL2003")}  # its own converters take it too

    # As annotators do it: the open example is edited, a document that is new to the project asked about and labelled, a question
    # annotated a second time, and one skipped.
    lease, dosage = DOCUMENTS
    new = studio.post(f"{path}/import?commit_to_project=true", json=[{"text": dosage.text}])
    assert new.status_code == 201
    tasks = json.loads(export())
    part, answer = span(dosage, "\U0001f48a notes"), span(dosage, "ten\u00a0mg")

    def annotate(task: dict, *results: dict, **more: object) -> None:
        body = {"result": [{"to_name": "text", **result} for result in results], **more}
        answer = studio.post(f"/api/tasks/{task['id']}/annotations/", json=body)
        assert answer.status_code == 201, answer.text

    def text(name: str, value: str) -> dict:
        return {"from_name": name, "type": "textarea", "value": {"text": [value]}}

    def labelled(name: str, place, label: str) -> dict:
        value = {"start": place.start, "end": place.end, "text": place.text, "labels": [label]}
        return {"from_name": name, "type": "labels", "value": value}

    by_key = {task["data"].get("question_id") or task["data"].get("example_id"): task for task in tasks}
    verdict = {"from_name": "verdict", "type": "choices", "value": {"choices": ["edit"]}}
    completion = render_completion([(1, "Pets are not allowed.")], "none")
    annotate(by_key["open"], verdict, text("completion", completion))
    annotate(tasks[-1], text("question", "How much?"), labelled("span", answer, "answer"), labelled("part", part, "never used"))
    annotate(by_key["q2"], text("question", "Is there any garden?"))
    annotate(by_key["q3"], was_cancelled=True)
    incoming = read(export(), "label-studio", SOURCES)
    found = taken(incoming)
    asked = {question.id: question for question in found.questions}
    assert asked["q2"].text == "Is there any garden?"  # the annotation that was changed last
    assert asked["q3"] in everything.questions
    (mine,) = [question for question in found.questions if question.text == "How much?" and question.document_id == dosage.id]
    assert mine.answers == (answer,)
    assert Label(dosage.id, part, "never used") in found.labels and len(found.labels) == len(everything.labels) + 1
    assert {review.example_id: review.completion for review in found.reviews}["open"] == completion
    assert [reason for _, reason in incoming.dropped] == ["1 more annotations; one is taken, see the documentation"]
    version = studio.get("/api/version").json()
    record(
        "label_studio",
        {
            "peer": {"label-studio": version["label-studio-os-package"]["version"]},
            "tasks": counts,
            "lost": 0,
            "converted_bytes": converted,
            "annotated_through_its_api": 4,
            "documents": {"characters": [len(lease.text), len(dosage.text)]},
        },
    )
