"""The annotation page's server: what it gives and takes, its bounds, and two people at once."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from annotation_samples import TOKEN, document_with, entered, make_session, span_of

from raft.examples.reviews import FILE as REVIEWS
from raft.examples.reviews import read_reviews
from raft.prompts.format import ABSTENTION
from serving.annotate.app import create_annotate_app
from serving.annotate.records import Annotations
from serving.annotate.session import AnnotationSession

DEPOSIT = "The tenant pays a deposit of nine hundred pounds."


@pytest.fixture
def session(collection, tmp_path: Path) -> Iterator[AnnotationSession]:
    made = make_session(collection.store, tmp_path / "w")
    yield made
    made.annotations.close()


def test_the_server_answers_and_writes(session: AnnotationSession, served) -> None:
    lease = document_with(session.store, "deposit")
    answer = span_of(lease, "nine hundred pounds")
    with served(create_annotate_app(session, TOKEN)) as url, entered(url) as client:
        page = client.get("/")
        assert "raftsmith" in page.text and page.headers["content-type"].startswith("text/html")
        assert client.get("/static/annotate.js").headers["content-type"].startswith("text/javascript")
        assert client.get("/api/state").json() == {"set": "default", "collection": None, "dataset": "d", "classes": []}
        shown = client.get(f"/api/documents/{lease.id}").json()
        assert shown["text"] == lease.text and shown["chunks"] and shown["found"] == []
        span = {"start": answer.start, "end": answer.end, "text": answer.text}
        question = {"document_id": lease.id, "text": "How much?", "answers": [span]}
        made = client.post("/api/questions", json=question)
        assert made.status_code == 201
        assert made.json()["evidence"][0]["text"] == DEPOSIT
        path = f"/api/questions/{made.json()['id']}"
        changed = client.put(path, json={**question, "text": "What?", "seen": made.json()["version"]}).json()
        assert changed["text"] == "What?"
        assert client.get(f"/api/documents/{lease.id}/questions").json() == {"questions": [changed]}
        assert client.put("/api/questions/none", json=question).status_code == 404
        assert client.delete(path, params={"seen": changed["version"]}).json() == {"deleted": True}
        assert client.post("/api/classes", json={"name": "duty"}).json() == {"classes": ["duty"]}
        place = {"document_id": lease.id, "start": answer.start, "end": answer.end}
        labels = [{"start": answer.start, "end": answer.end, "name": "duty"}]
        assert client.put("/api/labels", json={**place, "name": "duty"}).json() == {"labels": labels}
        assert client.get(f"/api/documents/{lease.id}/labels").json() == {"classes": ["duty"], "labels": labels}
        assert client.post("/api/labels/remove", json={**place, "seen": "duty"}).json() == {"labels": []}
        assert client.post("/api/classes/remove", json={"name": "duty"}).json() == {"classes": []}


def test_an_edit_is_held_to_the_passages_and_reviews_are_written_for_training(session: AnnotationSession, served) -> None:
    first, second, _ = list(session.examples)
    with served(create_annotate_app(session, TOKEN)) as url, entered(url) as client:
        kept = client.put(f"/api/reviews/{first}", json={"verdict": "accept"}).json()
        assert kept["verdict"] == "accept" and kept["counts"] == {"all": 3, "reviewed": 1, "accept": 1, "edit": 0, "reject": 0}
        edit = {"verdict": "edit", "quotes": ["The landlord returns it\n in ten days."], "answer": "ten"}
        assert client.put(f"/api/reviews/{second}", json=edit).json()["quotes"] == ["The landlord returns it in ten days."]
        abstains = client.put(f"/api/reviews/{first}", json={"verdict": "edit", "seen": kept["version"]}).json()
        assert abstains["answer"] == ABSTENTION and abstains["abstained"]
        assert client.delete(f"/api/reviews/{first}", params={"seen": abstains["version"]}).json()["verdict"] == "open"
        until = time.monotonic() + 10
        while session.unwritten() and time.monotonic() < until:
            time.sleep(0.05)
        assert [review.example_id for review in read_reviews(session.dataset_folder).reviews] == [second]
        listed = client.get("/api/examples", params={"show": "open", "limit": 1}).json()
        assert [row["id"] for row in listed["rows"]] == [first] and listed["more"]


def test_reviews_that_cannot_be_written_for_training_are_saved_and_said(session: AnnotationSession, served) -> None:
    first, second, _ = list(session.examples)
    in_the_way = session.dataset_folder / REVIEWS
    in_the_way.mkdir()
    with served(create_annotate_app(session, TOKEN)) as url, entered(url) as client:
        client.put(f"/api/reviews/{first}", json={"verdict": "accept"})
        until, problem = time.monotonic() + 10, ""
        while not problem and time.monotonic() < until:
            problem = client.get(f"/api/examples/{second}").json()["problem"]
        assert "not yet where `train` reads it" in problem
        assert session.annotations.verdicts("d") == {first: "accept"}
        in_the_way.rmdir()
        client.put(f"/api/reviews/{second}", json={"verdict": "reject"})
        while problem and time.monotonic() < until:
            problem = client.get(f"/api/examples/{second}").json()["problem"]
        assert not problem and not session.unwritten()


def test_lists_go_on_from_where_they_were_while_their_entries_leave_them(session: AnnotationSession, served) -> None:
    """What somebody reviews or asks about leaves a list of what is to do; nothing that is to do is skipped by that."""
    names = list(session.examples)
    documents = [entry["document_id"] for entry in session.overview()]
    with served(create_annotate_app(session, TOKEN)) as url, entered(url) as client:

        def listed(path: str, **wanted: object) -> list[str]:
            return [row["id"] for row in client.get(path, params=wanted).json()["rows"]]

        assert listed("/api/examples", show="open", limit=2) == names[:2]
        client.put(f"/api/reviews/{names[0]}", json={"verdict": "accept"})
        client.put(f"/api/reviews/{names[1]}", json={"verdict": "reject"})
        assert listed("/api/examples", show="open", limit=2, after=names[1]) == names[2:]
        assert listed("/api/examples", show="reject") == [names[1]]
        assert listed("/api/examples", query="RETURNED") == [names[1]]
        assert listed("/api/documents", show="todo", limit=1) == documents[:1]
        question = {"document_id": documents[0], "text": "Who?", "answerable": False}
        assert client.post("/api/questions", json=question).status_code == 201
        found = client.get("/api/documents", params={"show": "todo", "after": documents[0]}).json()
        assert [row["id"] for row in found["rows"]] == documents[1:] and found["counts"] == {"all": 3, "done": 1}
        assert listed("/api/documents", show="done") == documents[:1]
        assert listed("/api/documents", task="labels", show="done") == []
        assert client.get("/api/documents", params={"after": "gone"}).status_code == 404


def test_documents_are_found_by_their_names_and_by_what_they_say(session: AnnotationSession, served) -> None:
    lease = document_with(session.store, "deposit")
    with served(create_annotate_app(session, TOKEN)) as url, entered(url) as client:
        for query in ("LEASE", "lease.txt", "deposits pay", "landlord"):
            assert [row["id"] for row in client.get("/api/documents", params={"query": query}).json()["rows"]] == [lease.id], (
                query
            )
        for query in ("deposit tablets", '"', "* OR", "NEAR(", "text:", "\u0000", "\U0001f48a", "'; DROP TABLE"):
            assert client.get("/api/documents", params={"query": query}).json()["rows"] == [], query
        found = client.get(f"/api/documents/{lease.id}", params={"query": "deposit"}).json()["found"]
        assert len(found) == 1 and DEPOSIT in lease.text[found[0]["start"] : found[0]["end"]]


def test_of_two_annotators_the_second_is_told_and_nothing_is_lost(session: AnnotationSession, served) -> None:
    lease = document_with(session.store, "deposit")
    place = {"document_id": lease.id, "start": 0, "end": 5}
    question = {"document_id": lease.id, "text": "Who?", "answerable": False}
    first = next(iter(session.examples))
    with served(create_annotate_app(session, TOKEN)) as url, entered(url) as one, entered(url) as two:
        seen = one.post("/api/questions", json=question).json()
        path = f"/api/questions/{seen['id']}"
        theirs = two.put(path, json={**question, "text": "Whose?", "seen": seen["version"]}).json()
        for late in (
            one.put(path, json={**question, "text": "Whom?", "seen": seen["version"]}),
            one.delete(path, params={"seen": seen["version"]}),
        ):
            assert late.status_code == 409 and late.json()["error"]["code"] == "conflict"
        assert one.get(f"/api/documents/{lease.id}/questions").json()["questions"] == [theirs]
        one.post("/api/classes", json={"name": "duty"})
        two.post("/api/classes", json={"name": "right"})
        assert two.put("/api/labels", json={**place, "name": "duty"}).status_code == 200
        assert one.put("/api/labels", json={**place, "name": "right"}).status_code == 409
        assert one.post("/api/labels/remove", json=place).status_code == 409
        assert two.put(f"/api/reviews/{first}", json={"verdict": "reject"}).status_code == 200
        assert one.put(f"/api/reviews/{first}", json={"verdict": "accept"}).status_code == 409
        assert one.get(f"/api/examples/{first}").json()["verdict"] == "reject"


BAD = [
    ("POST", "/api/questions", {"document_id": "x"}, 400, "Field required"),
    ("POST", "/api/questions", {"document_id": "LEASE", "text": "?" * 2001, "answerable": False}, 400, "at most 2000"),
    ("POST", "/api/questions", {"document_id": "LEASE", "text": "What?"}, 400, "select the answer"),
    ("POST", "/api/questions", {"document_id": "LEASE", "text": "What?", "answer": []}, 400, "accepted: document_id, text"),
    ("POST", "/api/questions", {"document_id": "gone", "text": "What?", "answerable": False}, 404, "GET /api/documents"),
    (
        "POST",
        "/api/questions",
        {"document_id": "LEASE", "text": "What?", "answers": [{"start": 0, "end": 4, "text": "deposit"}]},
        400,
        "another text at 0–4",
    ),
    ("PUT", "/api/labels", {"document_id": "LEASE", "start": 0, "end": 5, "name": "x"}, 400, "accepted: none yet"),
    ("PUT", "/api/labels", {"document_id": "LEASE", "start": -1, "end": 5, "name": "x"}, 400, "greater than or equal to 0"),
    ("POST", "/api/classes", {"name": "x" * 101}, 400, "at most 100"),
    ("POST", "/api/classes", {"name": " "}, 400, "1 to 100 characters"),
    ("POST", "/api/questions", {"document_id": "LEASE", "text": "\ud800", "answerable": False}, 400, "text"),
    ("PUT", "/api/reviews/id-ten-days", {"verdict": "maybe"}, 400, "'accept', 'edit' or 'reject'"),
    ("PUT", "/api/reviews/none", {"verdict": "accept"}, 404, "GET /api/examples"),
    ("PUT", "/api/reviews/id-ten-days", {"verdict": "accept", "judged": "other"}, 409, "made again"),
    ("PUT", "/api/reviews/id-ten-days", {"verdict": "edit", "quotes": ["Nobody says so."], "answer": "x"}, 400, "quote 1"),
    ("PUT", "/api/reviews/id-ten-days", {"verdict": "edit", "quotes": ["##x"], "answer": "x"}, 400, "'##' marks"),
    ("PUT", "/api/reviews/id-ten-days", {"verdict": "edit", "answer": "x"}, 400, "without a quote"),
    ("GET", "/api/documents?limit=501", None, 400, "less than or equal to 500"),
    ("GET", f"/api/documents?query={'x' * 201}", None, 400, "at most 200"),
    ("GET", "/api/examples?after=none", None, 404, "from its start"),
    ("DELETE", f"/api/questions/x?seen={'x' * 201}", None, 400, "at most 200"),
    ("GET", "/api/examples?show=some", None, 400, "'all', 'open'"),
    ("GET", f"/api/documents/{'x' * 101}", None, 400, "at most 100"),
    ("GET", "/static/..%2fapi.py", None, 404, ""),
    ("GET", "/static/nothing.js", None, 404, "no such file"),
    ("GET", "/openapi.json", None, 404, ""),
]


def test_every_bound_is_refused_with_what_is_accepted_and_without_text_of_documents(session: AnnotationSession, served) -> None:
    lease = document_with(session.store, "deposit")
    with served(create_annotate_app(session, TOKEN)) as url, entered(url) as client:
        for method, path, body, status, message in BAD:
            sent = {**body, "document_id": lease.id} if body and body.get("document_id") == "LEASE" else body
            content = json.dumps(sent) if sent is not None else None  # httpx itself cannot send a lone surrogate
            answer = client.request(method, path, content=content, headers={"Content-Type": "application/json"})
            assert answer.status_code == status and message in answer.json()["error"]["message"], (path, body, answer.text)
            assert "tenant" not in answer.text and "content-security-policy" in answer.headers
        assert client.post("/api/questions", content=b"x" * (2**20 + 1)).status_code == 413
        assert client.post("/api/questions", content=b"{").status_code == 400
        for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Origin": "null"}):
            assert client.get("/api/documents", headers=headers).status_code == 403
            assert client.post("/api/classes", json={"name": "x"}, headers=headers).status_code == 403
        assert session.annotations.everything("default", "d") == Annotations()


def test_a_session_of_one_collection_without_a_dataset_shows_nothing_else(collection, tmp_path: Path, served) -> None:
    session = make_session(collection.store, tmp_path / "w", with_dataset=False)
    lease = document_with(session.store, "deposit")
    with served(create_annotate_app(replace(session, collection="other"), TOKEN)) as url, entered(url) as client:
        assert client.get("/api/documents").json()["rows"] == [] == client.get("/api/documents?query=deposit").json()["rows"]
        assert client.get(f"/api/documents/{lease.id}").status_code == 404
        assert client.get("/api/examples").json()["rows"] == []
        assert "--dataset" in client.put("/api/reviews/x", json={"verdict": "accept"}).json()["error"]["message"]
    session.annotations.close()
