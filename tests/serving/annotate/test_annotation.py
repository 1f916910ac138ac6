"""The annotation store, its formats, and the command's files."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from annotation_samples import document_with, make_session, span_of
from click.testing import CliRunner

from corpora.errors import AnnotationError, CorruptStore, StoreError
from corpora.questions import read_questions
from corpora.store.evidence_location import EvidenceLocator
from corpora.workspace.workspace import create_workspace, open_workspace
from raft.examples.grounding import ground
from raft.examples.options import ExampleOptions
from raft.examples.reviews import judge, read_reviews
from raft.prompts.format import render_completion
from serving.annotate.formats.exchange import Incoming, Sources, offsets
from serving.annotate.formats.jsonl_and_squad import FORMATS, read, written
from serving.annotate.import_export import take_in
from serving.annotate.records import AnnotatedQuestion, Annotations, Conflict, Label, Span, version
from serving.annotate.session import AnnotationSession
from serving.annotate.store import AnnotationStore
from serving.commands.annotate import annotate
from serving.configuration import SECTIONS
from serving.purge import purge_files

DEPOSIT = "The tenant pays a deposit of nine hundred pounds."


@pytest.fixture
def session(collection, tmp_path: Path) -> Iterator[AnnotationSession]:
    made = make_session(collection.store, tmp_path / "w")
    yield made
    made.annotations.close()


def fill(session: AnnotationSession) -> None:
    """Two questions, one without an answer; a label of a whole document and of a part; two reviews."""
    lease = document_with(session.store, "deposit")
    store = session.annotations
    answer, evidence = span_of(lease, "nine hundred pounds"), span_of(lease, DEPOSIT)
    store.save_question("default", AnnotatedQuestion("q1", lease.id, "How much?", (answer,), (evidence,)))
    store.save_question("default", AnnotatedQuestion("q2", lease.id, "Are pets allowed?", (), ()))
    store.add_classes("default", ["lease", "duty", "unused"])
    store.save_label("default", Label(lease.id, Span(0, len(lease.text), lease.text), "lease"))
    store.save_label("default", Label(lease.id, evidence, "duty"))
    first, second, _ = session.examples.values()
    edit = render_completion([(1, "Do not exceed four tablets a day.")], "four")
    store.save_review("d", judge(first, "edit", edit, session.passage_chunks(first)))
    store.save_review("d", judge(second, "reject", "", []))


def test_a_question_is_kept_with_its_exact_offsets_and_changed_in_place(session: AnnotationSession) -> None:
    lease = document_with(session.store, "deposit")
    answer = span_of(lease, "nine hundred pounds")
    wide = Span(answer.start - 1, answer.end, " nine hundred pounds")
    kept = session.annotations.save_question("s", AnnotatedQuestion("q", lease.id, "  How\nmuch? ", (wide,), ()))
    assert kept == AnnotatedQuestion("q", lease.id, "How much?", (answer,), (span_of(lease, DEPOSIT),))
    assert session.annotations.questions("s") == [kept] == session.annotations.questions("s", lease.id)
    changed = session.annotations.save_question("s", replace(kept, text="What is paid?"))
    assert session.annotations.questions("s") == [changed] and session.annotations.questions("other") == []
    with pytest.raises(AnnotationError, match="another set"):
        session.annotations.save_question("other", kept)
    assert session.annotations.questions("s") == [changed]
    assert session.annotations.delete_question("s", "q") and not session.annotations.delete_question("s", "q")
    assert session.annotations.questions("s") == []


def test_the_evidence_of_the_first_answer_comes_first(session: AnnotationSession) -> None:
    lease = document_with(session.store, "deposit")
    other, own = span_of(lease, "The landlord returns it in ten days."), span_of(lease, DEPOSIT)
    question = AnnotatedQuestion("q", lease.id, "How much?", (span_of(lease, "nine hundred pounds"),), (other, own))
    assert session.annotations.save_question("s", question).evidence == (own, other)


def test_what_contradicts_the_document_or_itself_is_refused_and_not_quoted(session: AnnotationSession) -> None:
    lease = document_with(session.store, "deposit")
    answer, evidence = span_of(lease, "ten days"), span_of(lease, DEPOSIT)
    question = AnnotatedQuestion("q", lease.id, "How much?", (answer,), ())
    wrong = {
        "another text": replace(question, answers=(replace(answer, start=answer.start + 1, end=answer.end + 1),)),
        "no part": replace(question, answers=(Span(5, 10_000, "x"),)),
        "lies in no evidence": replace(question, evidence=(evidence,)),
        "no answer": replace(question, answers=(), evidence=(evidence,)),
        "accepted: 1 to 2000": replace(question, text="?" * 2001),
        "up to 50": replace(question, answers=(answer,) * 51),
        "not in the collection": replace(question, document_id="gone"),
    }
    for reason, bad in wrong.items():
        with pytest.raises(AnnotationError, match=reason) as caught:
            session.annotations.save_question("s", bad)
        assert "deposit" not in str(caught.value)
    with pytest.raises(AnnotationError, match="accepted: none yet"):
        session.annotations.save_label("s", Label(lease.id, answer, "duty"))
    with pytest.raises(AnnotationError, match="up to 100 classes"):
        session.annotations.add_classes("s", ["a", " "])
    assert session.annotations.everything("s", "d").questions == ()


def test_a_label_replaces_the_one_before_and_its_class_cannot_go(session: AnnotationSession) -> None:
    lease = document_with(session.store, "deposit")
    span = span_of(lease, DEPOSIT)
    session.annotations.add_classes("s", ["duty", "right", "duty"])
    for name in ("duty", "right"):
        session.annotations.save_label("s", Label(lease.id, span, name))
    assert session.annotations.labels("s") == [Label(lease.id, span, "right")]
    with pytest.raises(AnnotationError, match="'right' is in use"):
        session.annotations.remove_class("s", "right")
    assert session.annotations.remove_class("s", "duty") == ["right"] == session.annotations.classes("s")
    assert session.annotations.add_classes("s", ["right", "power"]) == ["right", "power"]
    assert session.annotations.delete_label("s", lease.id, span.start, span.end) and session.annotations.labels("s") == []


def test_who_says_what_they_saw_writes_over_nothing_newer(session: AnnotationSession, tmp_path: Path) -> None:
    """Two processes, each with its own connection: whoever comes second is told, and nothing is changed."""
    lease = document_with(session.store, "deposit")
    mine, theirs = session.annotations, AnnotationStore(session.annotations.path, session.store.document)
    answer, part = span_of(lease, "nine hundred pounds"), span_of(lease, DEPOSIT)
    first = mine.save_question("s", AnnotatedQuestion("q", lease.id, "How much?", (answer,), ()), expected_version="")
    with pytest.raises(Conflict):
        theirs.save_question("s", replace(first, text="What?"), expected_version="")
    second = theirs.save_question("s", replace(first, text="What is paid?"), expected_version=version(first))
    for late in (
        lambda: mine.save_question("s", first, expected_version=version(first)),
        lambda: mine.delete_question("s", "q", version(first)),
    ):
        with pytest.raises(Conflict, match="somebody else"):
            late()
    assert mine.questions("s") == [second] == [mine.question("s", "q")]
    assert mine.delete_question("s", "q", version(second)) and not theirs.delete_question("s", "q", version(second))

    assert (mine.add_classes("s", ["duty"]), theirs.add_classes("s", ["right"])) == (["duty"], ["duty", "right"])
    mine.save_label("s", Label(lease.id, part, "duty"), expected_class="")
    with pytest.raises(Conflict):
        theirs.save_label("s", Label(lease.id, part, "right"), expected_class="")
    with pytest.raises(Conflict):
        theirs.delete_label("s", lease.id, part.start, part.end, expected_class="right")
    theirs.save_label("s", Label(lease.id, part, "right"), expected_class="duty")
    assert mine.labels("s") == [Label(lease.id, part, "right")]

    example = next(iter(session.examples.values()))
    accepted = judge(example, "accept", "", [])
    mine.save_review("d", accepted, expected_version="")
    with pytest.raises(Conflict):
        theirs.save_review("d", judge(example, "reject", "", []), expected_version="")
    with pytest.raises(Conflict):
        theirs.delete_review("d", example.id, expected_version="")
    assert theirs.reviews("d") == [accepted] == [mine.review("d", example.id)]
    assert theirs.verdicts("d") == {example.id: "accept"}
    assert theirs.delete_review("d", example.id, version(accepted)) and mine.reviews("d") == []
    theirs.close()


def test_the_file_is_the_users_alone_durable_and_of_a_known_format(session: AnnotationSession, tmp_path: Path) -> None:
    path = session.annotations.path
    assert path.stat().st_mode & 0o777 == 0o600
    assert session.annotations._db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert session.annotations._db.execute("PRAGMA synchronous").fetchone()[0] == 2
    fill(session)
    everything = session.annotations.everything("default", "d")
    again = AnnotationStore(path, session.store.document)
    assert again.everything("default", "d") == everything and len(everything.reviews) == 2
    again.close()
    (tmp_path / "no.db").write_bytes(b"not a database" * 100)
    with pytest.raises(CorruptStore):
        AnnotationStore(tmp_path / "no.db", session.store.document)
    with sqlite3.connect(tmp_path / "new.db") as newer:
        newer.executescript("CREATE TABLE meta (key, value); INSERT INTO meta VALUES ('format', '9')")
    with pytest.raises(StoreError, match="newer raftsmith"):
        AnnotationStore(tmp_path / "new.db", session.store.document)


@pytest.mark.parametrize("form", ["jsonl", "label-studio"])
def test_what_is_written_is_read_back_the_same(session: AnnotationSession, form: str) -> None:
    fill(session)
    everything = session.annotations.everything("default", "d")
    sources = Sources(EvidenceLocator(session.store), session.examples.values())
    files, left_out = written(everything, form, sources)
    assert left_out == []
    incoming = Incoming()
    for ending, text in files.items():
        if "interface" not in ending:
            found = read(text, form, sources)
            for name in ("classes", "questions", "labels", "reviews", "dropped"):
                getattr(incoming, name).extend(getattr(found, name))
    fresh = replace(session, set_name="fresh")
    session.annotations.delete_question("default", "q1")  # an id belongs to one set
    session.annotations.delete_question("default", "q2")
    for review in everything.reviews:
        session.annotations.delete_review("d", review.example_id)
    assert take_in(fresh, incoming) == {"questions": 2, "labels": 2, "reviews": 2}
    unreviewed = [] if form == "jsonl" else [row for row in incoming.dropped if "no annotation" in row[1]]
    assert incoming.dropped == unreviewed and len(unreviewed) == (0 if form == "jsonl" else 1)
    again = session.annotations.everything("fresh", "d")
    assert (again.questions, again.labels, again.reviews) == (everything.questions, everything.labels, everything.reviews)
    assert again.classes == everything.classes == ("lease", "duty", "unused")
    assert read_reviews(session.dataset_folder).reviews == everything.reviews


def test_squad_goes_into_generate_and_comes_back(session: AnnotationSession, tmp_path: Path) -> None:
    fill(session)
    everything = session.annotations.everything("default", "d")
    sources = Sources(EvidenceLocator(session.store))
    files, left_out = written(everything, "squad", Sources(EvidenceLocator(session.store), session.examples.values()))
    text = files[""]
    assert len(left_out) == 4
    path = tmp_path / "questions.json"
    path.write_text(text)
    found = read_questions(path)
    assert found.format == "squad" and not found.dropped and not found.documents
    grounding = ground(found.questions, session.store, ExampleOptions())
    assert not grounding.dropped and [g.question.id for g in grounding.questions] == ["q1", "q2"]
    quote, evidence = grounding.questions[0].quotes[0], everything.questions[0].evidence[0]
    assert (quote.start, quote.end, quote.text) == (evidence.start, evidence.end, evidence.text)
    incoming = read(text, "squad", sources)
    assert tuple(incoming.questions) == everything.questions and not incoming.dropped


def test_squad_of_others_is_placed_by_its_text(session: AnnotationSession) -> None:
    qas = [
        {"id": 7, "question": "How much?", "answers": [{"text": "nine hundred pounds", "answer_start": 29}]},
        {"question": "When?", "answers": []},
        {"question": "Who?", "is_impossible": True, "answers": []},
    ]
    value = {"data": [{"paragraphs": [{"context": DEPOSIT, "qas": qas}, {"context": "Unknown.", "qas": qas}]}]}
    incoming = read(json.dumps(value), "squad", Sources(EvidenceLocator(session.store)))
    lease = document_with(session.store, "deposit")
    assert incoming.questions[0].id == "7" and len(incoming.questions) == 2
    assert incoming.questions[0].answers == (span_of(lease, "nine hundred pounds"),)
    assert [reason for _, reason in incoming.dropped] == [
        "it has no answer and does not say is_impossible",
        "its text is in no document of the collection; add the documents first",
    ]


def test_label_studio_of_others_in_utf_16_and_with_other_names(session: AnnotationSession) -> None:
    text = "\U0001f600 deposit"
    assert offsets(text, 2, 9, "deposit") == (2, 9) == offsets(text, 3, 10, "deposit") == offsets(text, 2, 9, None)
    with pytest.raises(AnnotationError, match="not at 4–11"):
        offsets(text, 4, 11, "deposit")
    lease = document_with(session.store, "deposit")
    part = span_of(lease, "nine hundred pounds")
    value = {"start": part.start, "end": part.end, "text": part.text, "labels": ["Money"]}
    results = [{"from_name": "ner", "to_name": "text", "type": "labels", "value": value, "score": 0.5}]
    skipped = {"was_cancelled": True, "result": []}
    tasks = [
        {"id": 1, "data": {"text": lease.text}, "annotations": [skipped, {"result": results}]},
        {"id": 2, "data": {"text": lease.text}, "predictions": [{"result": results}]},
        {"id": 3, "data": {"text": "Unknown."}, "annotations": [{"result": results}]},
        "nonsense",
    ]
    incoming = read(json.dumps(tasks), "label-studio", Sources(EvidenceLocator(session.store)))
    assert incoming.labels == [Label(lease.id, part, "Money")] and len(incoming.dropped) == 3
    take_in(session, incoming)
    assert session.annotations.classes("default") == ["Money"]


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_of_another_format_is_refused_or_dropped(session: AnnotationSession, form: str) -> None:
    for text in ("no json", '{"a": 1}', "[1, 2]", '{"data": [{}]}'):
        try:
            incoming = read(text, form, Sources(EvidenceLocator(session.store)))
        except AnnotationError as error:
            assert "expected" in str(error)
        else:
            assert incoming.dropped and not incoming.questions


def test_the_command_writes_and_reads_files(collection, tmp_path: Path) -> None:
    session = make_session(collection.store, tmp_path / "w")
    fill(session)
    session.annotations.close()
    create_workspace(tmp_path / "w", SECTIONS)

    def run(*words: str, code: int = 0) -> dict:
        found = CliRunner().invoke(annotate, [*words, "--workspace", str(tmp_path / "w"), "--json"])
        assert found.exit_code == code, found.output
        return json.loads(found.stdout) if code == 0 else {}

    path = str(tmp_path / "out.json")
    value = run("--export", path, "--format", "label-studio", "--dataset", "d")
    assert (value["questions"], value["labels"], value["reviews"]) == (2, 2, 2)
    assert value["files"] == [path, str(tmp_path / "out.interface.xml")] and "<Labels" in Path(value["files"][1]).read_text()
    assert Path(path).stat().st_mode & 0o777 == 0o600
    assert run("--import", path, "--format", "label-studio", "--dataset", "d")["questions"] == 2
    value = run("--import", path, "--format", "label-studio")
    assert value["reviews"] == 0 and any("--dataset" in row["reason"] for row in value["dropped"])
    squad = run("--export", path, "--format", "squad", "--collection", "texts")
    assert squad["left_out"] == {"SQuAD has questions only": 2}
    run("--export", path, "--import", path, code=2)
    found = CliRunner().invoke(annotate, ["--collection", "none", "--workspace", str(tmp_path / "w")])
    assert "collections here: texts" in str(found.exception)


def test_the_examples_of_the_help_run(session: AnnotationSession, tmp_path: Path, monkeypatch) -> None:
    fill(session)
    create_workspace(tmp_path / "w", SECTIONS)
    (session.dataset_folder.parent / "first").symlink_to(session.dataset_folder)
    monkeypatch.chdir(tmp_path / "w")
    lines = [line.split()[2:] for line in (annotate.help or "").splitlines() if line.startswith("  raftsmith annotate ")]
    assert len(lines) == 4
    for words in lines:
        done = CliRunner().invoke(annotate, words)
        assert done.exit_code == 0 and "dropped" not in done.output, done.output
    assert {path.name for path in (tmp_path / "w").glob("*.*")} >= {
        "mine.jsonl",
        "mine.json",
        "studio.json",
        "studio.interface.xml",
    }


def test_a_purge_takes_what_was_annotated_too(session: AnnotationSession, tmp_path: Path) -> None:
    fill(session)
    session.write_reviews()
    assert "deposit of nine" in session.annotations.path.with_name("annotations.db-wal").read_bytes().decode("utf-8", "replace")
    session.annotations.close()
    create_workspace(tmp_path / "w", SECTIONS)
    lease = document_with(session.store, "deposit")
    report = purge_files(open_workspace(tmp_path / "w"), session.store, session.store.files_of(lease.id))
    assert report.documents == [lease.id] and report.annotations and report.datasets == ["d"]
    assert b"deposit" not in b"".join(path.read_bytes() for path in (tmp_path / "w").glob("annotations.db*"))
    assert read_reviews(tmp_path / "w" / "datasets" / "d").reviews == ()
    again = AnnotationStore(session.annotations.path, session.store.document)
    assert again.everything("default", "d") == Annotations(classes=("lease", "duty", "unused"))
    again.close()
