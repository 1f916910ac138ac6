"""Questions from a teacher: verified one by one, kept as they come, and never paid for twice."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests_collection import Collection

from corpora.errors import DatasetError
from corpora.text.sentences import sentence_spans
from raft.teachers.openai_endpoint import Teacher
from raft.teachers.question_writing import question_from_reply, teach


class Endpoint:
    """A chat endpoint on a real socket that quotes the first sentence of its passage; it fails from call `fails_at` on."""

    def __init__(self) -> None:
        self.calls = 0
        self.fails_at: int | None = None
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                endpoint.calls += 1
                if endpoint.fails_at is not None and endpoint.calls >= endpoint.fails_at:
                    self.send_error(500)
                    return
                passage = body["messages"][0]["content"].rpartition("Passage:\n")[2].partition("\n")[2]
                left, right = sentence_spans(passage)[0]
                quote = passage[left:right]
                reply = {"question": "What is said about the matter?", "quote": quote, "answer": quote.split()[0]}
                answer = json.dumps({"choices": [{"message": {"content": f"Here: {json.dumps(reply)}"}}]}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the library's name
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    server = Endpoint()
    yield server
    server.close()


def test_every_question_is_verified_and_a_stopped_teaching_goes_on(
    endpoint: Endpoint, collection: Collection, tmp_path: Path
) -> None:
    chunks = collection.store.chunks()[:6]
    teacher, journal = Teacher(endpoint.url, "t"), tmp_path / "journal.jsonl"
    endpoint.fails_at = 4
    with pytest.raises(DatasetError, match="run the same command again"):
        teach(teacher, chunks, journal)
    with journal.open("a") as handle:
        handle.write('{"torn')
    endpoint.fails_at = None
    with journal.open("a") as handle:
        handle.write("\n")
    questions, dropped = teach(teacher, chunks, journal)
    assert endpoint.calls == 4 + 3  # three were kept, the failed one and the rest were asked for
    assert len(questions) + len(dropped) == 6 and len(questions) >= 5
    for question in questions:
        assert question.answers[0] in question.evidence[0].text
    again, _ = teach(teacher, chunks, journal)
    assert again == questions and endpoint.calls == 7


def test_what_is_not_in_the_passage_is_dropped_with_its_reason(collection: Collection) -> None:
    chunk = collection.store.chunks()[0]
    first = chunk.text.split()[0]

    def reply(**changes: str) -> str:
        return json.dumps({"question": "What is said about it?", "quote": chunk.text, "answer": first, **changes})

    assert not isinstance(question_from_reply(reply(), chunk), str)
    assert question_from_reply(reply(quote="An invented sentence."), chunk) == "the teacher's quote is not in the passage"
    assert question_from_reply(reply(answer="elsewhere and never"), chunk) == "the teacher's answer is not in its quote"
    assert question_from_reply(reply(question="No"), chunk) == "the teacher wrote no question"
    assert question_from_reply("I cannot do that.", chunk) == "the teacher's reply is not the JSON asked for"


def test_an_unreachable_teacher_is_named(collection: Collection, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"127\.0\.0\.1:9"):
        teach(Teacher("http://127.0.0.1:9/v1", "t", timeout_s=2), collection.store.chunks()[:1], tmp_path / "j.jsonl")
