"""One question file has the same passages in `generate`, `evaluate-retrieval`, annotation and `documents --quote`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from corpora.chunking.chunker import ChunkOptions
from corpora.ingest.file_discovery import find_files
from corpora.questions import read_questions
from corpora.records import Document
from corpora.store.corpus_store import CorpusStore
from corpora.workspace.workspace import create_workspace, open_workspace
from raft.examples.grounding import ground
from raft.examples.options import ExampleOptions
from retrieval.commands.documents import documents
from retrieval.encoders.hashing import HashingEncoder
from retrieval.evaluation.judged_queries import from_questions
from retrieval.indexing.add_files import add_files
from serving.annotate.import_export import import_file
from serving.annotate.session import open_session

TWICE = "Rent falls due on Monday mornings. Late rent bears interest of five."
BOILERPLATE = "Notice is given in writing."
TEXTS = {
    "first.md": (
        "# Lease of Mill Lane\n\n## Rent\n\nA tenant has many lasting duties. Rent falls due on Monday mornings. "
        "Late rent bears interest of five. The landlord sends nobody a reminder.\n\n"
        f"## Summary\n\n{TWICE}\n\n## Pets\n\nPets are allowed here.\n\nBirds are allowed too.\n\n## End\n\n{BOILERPLATE}\n"
    ),
    "second.md": f"# Rules of the House\n\n## Quiet\n\nNobody plays music after ten.\n\n## End\n\n{BOILERPLATE}\n",
    "third.md": "# Rules\n\n## Bins\n\nBins are emptied on Fridays.\n",
    "fourth.md": "# Rules\n\n## Bikes\n\nBikes are kept in the yard.\n",
}
MISSING = "Nobody ever wrote this sentence."
# name of the question: (what its evidence calls the document, its evidence, its answer, file that holds it)
CASES = {
    "by title": ("Rules of the House", "Nobody plays music after ten.", "ten", "second.md"),
    "by title in other case": ("RULES OF THE HOUSE", BOILERPLATE, "writing", "second.md"),
    "by a title that two have": ("Rules", "Bikes are kept in the yard.", "the yard", "fourth.md"),
    "by file name": ("third.md", "Bins are emptied on Fridays.", "Fridays", "third.md"),
    "by file name without ending": ("second", BOILERPLATE, "writing", "second.md"),
    "by id": ("<id>", BOILERPLATE, "writing", "second.md"),
    "by nothing": ("", "Bikes are kept in the yard.", "the yard", "fourth.md"),
    "by a stranger's name": ("The Deed", "Bins are emptied on Fridays.", "Fridays", "third.md"),
    "other white space": ("first.md", "Pets are  allowed here.\nBirds are allowed too.", "Birds", "first.md"),
    "twice, first over two chunks": ("Lease of Mill Lane", TWICE, "five", "first.md"),
    "nowhere": ("", MISSING, "wrote", None),
    "not where it says": ("third.md", BOILERPLATE, "writing", None),
    "in none of two": ("Rules", BOILERPLATE, "writing", None),
}
REASONS = {
    "nowhere": "its evidence is not in any document of the store",
    "not where it says": "its evidence is not in the document it names",
    "in none of two": "its evidence is in none of the documents that its name means, which are several",
}


@dataclass(frozen=True)
class Place:
    root: Path
    store: CorpusStore
    by_file: dict[str, Document]
    questions: Path


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    folder, root = tmp_path / "files", tmp_path / "workspace"
    folder.mkdir()
    for name, text in TEXTS.items():
        (folder / name).write_text(text)
    create_workspace(root)
    store = CorpusStore(open_workspace(root).database)
    assert not add_files(store, root, HashingEncoder(), find_files([folder]), "default", ChunkOptions(12)).failed
    by_file = {Path(document.source).name: document for document in store.documents()}
    articles = []
    for name, (called, evidence, answer, _) in CASES.items():
        named = {"document": by_file["second.md"].id if called == "<id>" else called, "text": evidence}
        answers = [{"text": answer, "answer_start": evidence.index(answer)}]
        asked = {"id": name, "question": f"What of {name}?", "answers": answers, "evidence": [named]}
        articles.append({"title": "A set", "paragraphs": [{"context": evidence, "qas": [asked]}]})
    path = tmp_path / "questions.json"
    path.write_text(json.dumps({"version": "v2.0", "data": articles}))
    yield Place(root, store, by_file, path)
    store.close()


def expected(place: Place) -> dict[str, tuple[str, int, int]]:
    """Question → (document id, start, end), by hand: of several places in a document the last one."""
    found = {}
    for name, (_, evidence, _, file) in CASES.items():
        if file:
            document = place.by_file[file]
            stands = evidence if name != "other white space" else "Pets are allowed here.\n\nBirds are allowed too."
            start = document.text.rindex(stands)
            found[name] = (document.id, start, start + len(stands))
    return found


def test_the_same_questions_have_the_same_passages_everywhere(place: Place) -> None:
    lease = place.by_file["first.md"]
    chunks = place.store.chunks()
    first, last = lease.text.index(TWICE), lease.text.rindex(TWICE)
    assert first < last and not any(
        c.start <= first and first + len(TWICE) <= c.end for c in chunks if c.document_id == lease.id
    )
    known = expected(place)
    holding = {
        name: [c.id for c in chunks if c.document_id == document and c.start <= start and end <= c.end]
        for name, (document, start, end) in known.items()
    }
    questions = read_questions(place.questions).questions
    assert [question.id for question in questions] == list(CASES)

    grounding = ground(questions, place.store, ExampleOptions())
    grounded = {g.question.id: (g.quotes[0].document_id, g.quotes[0].start, g.quotes[0].end) for g in grounding.questions}
    assert grounded == known and dict(grounding.dropped) == REASONS
    assert {g.question.id: [chunk.id for chunk in g.oracles] for g in grounding.questions} == holding

    judged = from_questions("questions", questions, place.store)
    assert {query.id: list(query.relevant) for query in judged.queries} == holding and dict(judged.dropped) == REASONS
    by_document = from_questions("questions", questions, place.store, "document")
    assert {query.id: list(query.relevant) for query in by_document.queries} == {name: [at[0]] for name, at in known.items()}
    splits = {query.id: query.split for query in judged.queries}
    assert splits == {g.question.id: g.split for g in grounding.questions}

    session = open_session(open_workspace(place.root), "taken in", None, None)
    report = import_file(session, place.questions, "squad")
    annotated = {
        q.id: (q.document_id, q.evidence[0].start, q.evidence[0].end) for q in session.annotations.questions("taken in")
    }
    assert annotated == known and sorted(dropped["reason"] for dropped in report["dropped"]) == sorted(REASONS.values())
    for question in session.annotations.questions("taken in"):
        assert question.answers[0].text == CASES[question.id][2]
        assert question.evidence[0].start <= question.answers[0].start and question.answers[0].end <= question.evidence[0].end
    session.annotations.close()

    quoted = {}
    for question in questions:
        named = question.evidence[0].document
        if question.id in known and named not in ("", "The Deed", "Rules"):
            found = quote(place, named, CASES[question.id][1])
            quoted[question.id] = (found["document_id"], found["start"], found["end"])
    assert len(quoted) == 7 and quoted == {name: known[name] for name in quoted}


def quote(place: Place, name: str, text: str) -> dict[str, Any]:
    result = CliRunner().invoke(documents, [name, "--quote", text, "--workspace", str(place.root), "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_quote_that_cannot_be_placed_says_why(place: Place) -> None:
    for name, text, reason in (
        ("first", "Rent falls due on Tuesdays.", "does not stand in Lease of Mill Lane word for word"),
        ("first", "Summary", "it is in a heading"),
        ("Rules", "Bins are emptied on Fridays.", "2 documents are called 'Rules'"),
        ("The Deed", "Bins are emptied on Fridays.", "no document is called 'The Deed'"),
    ):
        result = CliRunner().invoke(documents, [name, "--quote", text, "--workspace", str(place.root)])
        assert result.exit_code == 1 and reason in str(result.exception)


def test_a_context_with_other_line_breaks_is_taken_in_with_the_offsets_of_the_document(place: Place) -> None:
    context = "Pets  are allowed here.\nBirds are\tallowed too."
    answers = [{"text": "Birds are\tallowed", "answer_start": context.index("Birds")}]
    asked = {"id": "q", "question": "Which?", "answers": answers}
    path = place.questions.with_name("plain.json")
    path.write_text(
        json.dumps({"data": [{"title": "Lease of Mill Lane", "paragraphs": [{"context": context, "qas": [asked]}]}]})
    )
    session = open_session(open_workspace(place.root), "taken in", None, None)
    assert import_file(session, path, "squad")["dropped"] == []
    (question,) = session.annotations.questions("taken in")
    session.annotations.close()
    assert question.answers[0].text == "Birds are allowed" and question.evidence[0].text == "Birds are allowed too."
