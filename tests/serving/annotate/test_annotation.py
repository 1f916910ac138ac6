"""The annotation store, its formats, and the command's files."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from annotation_samples import document_with, make_desk, span_of
from click.testing import CliRunner

from corpora.errors import AnnotationError, CorruptStore, StoreError
from corpora.questions import read_questions
from corpora.workspace.workspace import create_workspace, open_workspace
from raft.examples.grounding import ground
from raft.examples.options import ExampleOptions
from raft.examples.reviews import judge, read_reviews
from raft.prompts.format import render_completion
from serving.annotate.desk import Desk
from serving.annotate.formats.exchange import Incoming, Sources, offsets
from serving.annotate.formats.jsonl_and_squad import FORMATS, read, written
from serving.annotate.import_export import take_in
from serving.annotate.records import AnnotatedQuestion, Annotations, Conflict, Label, Span, version
from serving.annotate.store import FILE, AnnotationStore
from serving.commands.annotate import annotate
from serving.purge import purge_files

DEPOSIT = "The tenant pays a deposit of nine hundred pounds."


@pytest.fixture
def desk(collection, tmp_path: Path) -> Iterator[Desk]:
    made = make_desk(collection.store, tmp_path / "w")
    yield made
    made.annotations.close()


def fill(desk: Desk) -> None:
    """Two questions, one without an answer; a label of a whole document and of a part; two reviews."""
    lease = document_with(desk.store, "deposit")
    store = desk.annotations
    answer, evidence = span_of(lease, "nine hundred pounds"), span_of(lease, DEPOSIT)
    store.save_question("default", AnnotatedQuestion("q1", lease.id, "How much?", (answer,), (evidence,)))
    store.save_question("default", AnnotatedQuestion("q2", lease.id, "Are pets allowed?", (), ()))
    store.add_classes("default", ["lease", "duty", "unused"])
    store.save_label("default", Label(lease.id, Span(0, len(lease.text), lease.text), "lease"))
    store.save_label("default", Label(lease.id, evidence, "duty"))
    first, second, _ = desk.examples.values()
    edit = render_completion([(1, "Do not exceed four tablets a day.")], "four")
    store.save_review("d", judge(first, "edit", edit, desk.shown(first)))
    store.save_review("d", judge(second, "reject", "", []))


def test_a_question_is_kept_with_its_exact_offsets_and_changed_in_place(desk: Desk) -> None:
    lease = document_with(desk.store, "deposit")
    answer = span_of(lease, "nine hundred pounds")
    wide = Span(answer.start - 1, answer.end, " nine hundred pounds")
    kept = desk.annotations.save_question("s", AnnotatedQuestion("q", lease.id, "  How\nmuch? ", (wide,), ()))
    assert kept == AnnotatedQuestion("q", lease.id, "How much?", (answer,), (span_of(lease, DEPOSIT),))
    assert desk.annotations.questions("s") == [kept] == desk.annotations.questions("s", lease.id)
    changed = desk.annotations.save_question("s", replace(kept, text="What is paid?"))
    assert desk.annotations.questions("s") == [changed] and desk.annotations.questions("other") == []
    with pytest.raises(AnnotationError, match="another set"):
        desk.annotations.save_question("other", kept)
    assert desk.annotations.questions("s") == [changed]
    assert desk.annotations.delete_question("s", "q") and not desk.annotations.delete_question("s", "q")
    assert desk.annotations.questions("s") == []


def test_the_evidence_of_the_first_answer_comes_first(desk: Desk) -> None:
    lease = document_with(desk.store, "deposit")
    other, own = span_of(lease, "The landlord returns it in ten days."), span_of(lease, DEPOSIT)
    question = AnnotatedQuestion("q", lease.id, "How much?", (span_of(lease, "nine hundred pounds"),), (other, own))
    assert desk.annotations.save_question("s", question).evidence == (own, other)


def test_what_contradicts_the_document_or_itself_is_refused_and_not_quoted(desk: Desk) -> None:
    lease = document_with(desk.store, "deposit")
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
            desk.annotations.save_question("s", bad)
        assert "deposit" not in str(caught.value)
    with pytest.raises(AnnotationError, match="accepted: none yet"):
        desk.annotations.save_label("s", Label(lease.id, answer, "duty"))
    with pytest.raises(AnnotationError, match="up to 100 classes"):
        desk.annotations.add_classes("s", ["a", " "])
    assert desk.annotations.everything("s", "d").questions == ()


def test_a_label_replaces_the_one_before_and_its_class_cannot_go(desk: Desk) -> None:
    lease = document_with(desk.store, "deposit")
    span = span_of(lease, DEPOSIT)
    desk.annotations.add_classes("s", ["duty", "right", "duty"])
    for name in ("duty", "right"):
        desk.annotations.save_label("s", Label(lease.id, span, name))
    assert desk.annotations.labels("s") == [Label(lease.id, span, "right")]
    with pytest.raises(AnnotationError, match="'right' is in use"):
        desk.annotations.remove_class("s", "right")
    assert desk.annotations.remove_class("s", "duty") == ["right"] == desk.annotations.classes("s")
    assert desk.annotations.add_classes("s", ["right", "power"]) == ["right", "power"]
    assert desk.annotations.delete_label("s", lease.id, span.start, span.end) and desk.annotations.labels("s") == []


def test_who_says_what_they_saw_writes_over_nothing_newer(desk: Desk, tmp_path: Path) -> None:
    """Two processes, each with its own connection: whoever comes second is told, and nothing is changed."""
    lease = document_with(desk.store, "deposit")
    mine, theirs = desk.annotations, AnnotationStore(desk.annotations.path, desk.store.document)
    answer, part = span_of(lease, "nine hundred pounds"), span_of(lease, DEPOSIT)
    first = mine.save_question("s", AnnotatedQuestion("q", lease.id, "How much?", (answer,), ()), seen="")
    with pytest.raises(Conflict):
        theirs.save_question("s", replace(first, text="What?"), seen="")
    second = theirs.save_question("s", replace(first, text="What is paid?"), seen=version(first))
    for late in (
        lambda: mine.save_question("s", first, seen=version(first)),
        lambda: mine.delete_question("s", "q", version(first)),
    ):
        with pytest.raises(Conflict, match="somebody else"):
            late()
    assert mine.questions("s") == [second] == [mine.question("s", "q")]
    assert mine.delete_question("s", "q", version(second)) and not theirs.delete_question("s", "q", version(second))

    assert (mine.add_classes("s", ["duty"]), theirs.add_classes("s", ["right"])) == (["duty"], ["duty", "right"])
    mine.save_label("s", Label(lease.id, part, "duty"), seen="")
    with pytest.raises(Conflict):
        theirs.save_label("s", Label(lease.id, part, "right"), seen="")
    with pytest.raises(Conflict):
        theirs.delete_label("s", lease.id, part.start, part.end, seen="right")
    theirs.save_label("s", Label(lease.id, part, "right"), seen="duty")
    assert mine.labels("s") == [Label(lease.id, part, "right")]

    example = next(iter(desk.examples.values()))
    accepted = judge(example, "accept", "", [])
    mine.save_review("d", accepted, seen="")
    with pytest.raises(Conflict):
        theirs.save_review("d", judge(example, "reject", "", []), seen="")
    with pytest.raises(Conflict):
        theirs.delete_review("d", example.id, seen="")
    assert theirs.reviews("d") == [accepted] == [mine.review("d", example.id)]
    assert theirs.verdicts("d") == {example.id: "accept"}
    assert theirs.delete_review("d", example.id, version(accepted)) and mine.reviews("d") == []
    theirs.close()


def test_the_file_is_the_users_alone_durable_and_of_a_known_format(desk: Desk, tmp_path: Path) -> None:
    path = desk.annotations.path
    assert path.stat().st_mode & 0o777 == 0o600
    assert desk.annotations._db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert desk.annotations._db.execute("PRAGMA synchronous").fetchone()[0] == 2
    fill(desk)
    everything = desk.annotations.everything("default", "d")
    again = AnnotationStore(path, desk.store.document)
    assert again.everything("default", "d") == everything and len(everything.reviews) == 2
    again.close()
    (tmp_path / "no.db").write_bytes(b"not a database" * 100)
    with pytest.raises(CorruptStore):
        AnnotationStore(tmp_path / "no.db", desk.store.document)
    with sqlite3.connect(tmp_path / "new.db") as newer:
        newer.executescript("CREATE TABLE meta (key, value); INSERT INTO meta VALUES ('format', '9')")
    with pytest.raises(StoreError, match="newer raftsmith"):
        AnnotationStore(tmp_path / "new.db", desk.store.document)


@pytest.mark.parametrize("form", ["jsonl", "label-studio", "argilla"])
def test_what_is_written_is_read_back_the_same(desk: Desk, form: str) -> None:
    fill(desk)
    everything = desk.annotations.everything("default", "d")
    sources = Sources(desk.store.documents(), desk.examples.values())
    files, left_out = written(everything, form, sources)
    assert left_out == []
    incoming = Incoming()
    for ending, text in files.items():
        if "settings" not in ending and "interface" not in ending:
            found = read(text, form, sources)
            for name in ("classes", "questions", "labels", "reviews", "dropped"):
                getattr(incoming, name).extend(getattr(found, name))
    fresh = replace(desk, set_name="fresh")
    desk.annotations.delete_question("default", "q1")  # an id belongs to one set
    desk.annotations.delete_question("default", "q2")
    for review in everything.reviews:
        desk.annotations.delete_review("d", review.example_id)
    assert take_in(fresh, incoming) == {"questions": 2, "labels": 2, "reviews": 2}
    unreviewed = (
        [] if form == "jsonl" else [row for row in incoming.dropped if "no annotation" in row[1] or "no response" in row[1]]
    )
    assert incoming.dropped == unreviewed and len(unreviewed) == (0 if form == "jsonl" else 1)
    again = desk.annotations.everything("fresh", "d")
    assert (again.questions, again.labels, again.reviews) == (everything.questions, everything.labels, everything.reviews)
    assert again.classes == everything.classes == ("lease", "duty", "unused")
    assert read_reviews(desk.dataset_folder).reviews == everything.reviews


def test_squad_goes_into_generate_and_comes_back(desk: Desk, tmp_path: Path) -> None:
    fill(desk)
    everything = desk.annotations.everything("default", "d")
    sources = Sources(desk.store.documents())
    files, left_out = written(everything, "squad", Sources(desk.store.documents(), desk.examples.values()))
    text = files[""]
    assert len(left_out) == 4
    path = tmp_path / "questions.json"
    path.write_text(text)
    found = read_questions(path)
    assert found.format == "squad" and not found.dropped and not found.documents
    grounding = ground(found.questions, desk.store, ExampleOptions())
    assert not grounding.dropped and [g.question.id for g in grounding.questions] == ["q1", "q2"]
    quote, evidence = grounding.questions[0].quotes[0], everything.questions[0].evidence[0]
    assert (quote.start, quote.end, quote.text) == (evidence.start, evidence.end, evidence.text)
    incoming = read(text, "squad", sources)
    assert tuple(incoming.questions) == everything.questions and not incoming.dropped


def test_squad_of_others_is_placed_by_its_text(desk: Desk) -> None:
    qas = [
        {"id": 7, "question": "How much?", "answers": [{"text": "nine hundred pounds", "answer_start": 29}]},
        {"question": "When?", "answers": []},
        {"question": "Who?", "is_impossible": True, "answers": []},
    ]
    value = {"data": [{"paragraphs": [{"context": DEPOSIT, "qas": qas}, {"context": "Unknown.", "qas": qas}]}]}
    incoming = read(json.dumps(value), "squad", Sources(desk.store.documents()))
    lease = document_with(desk.store, "deposit")
    assert incoming.questions[0].id == "7" and len(incoming.questions) == 2
    assert incoming.questions[0].answers == (span_of(lease, "nine hundred pounds"),)
    assert [reason for _, reason in incoming.dropped] == [
        "it has no answer and does not say is_impossible",
        "its text is in no document of the collection; add the documents first",
    ]


def test_label_studio_of_others_in_utf_16_and_with_other_names(desk: Desk) -> None:
    text = "\U0001f600 deposit"
    assert offsets(text, 2, 9, "deposit") == (2, 9) == offsets(text, 3, 10, "deposit") == offsets(text, 2, 9, None)
    with pytest.raises(AnnotationError, match="not at 4–11"):
        offsets(text, 4, 11, "deposit")
    lease = document_with(desk.store, "deposit")
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
    incoming = read(json.dumps(tasks), "label-studio", Sources(desk.store.documents()))
    assert incoming.labels == [Label(lease.id, part, "Money")] and len(incoming.dropped) == 3
    take_in(desk, incoming)
    assert desk.annotations.classes("default") == ["Money"]


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_of_another_format_is_refused_or_dropped(desk: Desk, form: str) -> None:
    for text in ("no json", '{"a": 1}', "[1, 2]", '{"data": [{}]}'):
        try:
            incoming = read(text, form, Sources(desk.store.documents()))
        except AnnotationError as error:
            assert "expected" in str(error)
        else:
            assert incoming.dropped and not incoming.questions


def test_the_command_writes_and_reads_files(collection, tmp_path: Path) -> None:
    desk = make_desk(collection.store, tmp_path / "w")
    fill(desk)
    desk.annotations.close()
    create_workspace(tmp_path / "w")

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


def test_the_examples_of_the_help_run(desk: Desk, tmp_path: Path, monkeypatch) -> None:
    fill(desk)
    create_workspace(tmp_path / "w")
    (desk.dataset_folder.parent / "first").symlink_to(desk.dataset_folder)
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


def test_a_purge_takes_what_was_annotated_too(desk: Desk, tmp_path: Path) -> None:
    fill(desk)
    desk.write_reviews()
    assert "deposit of nine" in desk.annotations.path.with_name(f"{FILE}-wal").read_bytes().decode("utf-8", "replace")
    desk.annotations.close()
    create_workspace(tmp_path / "w")
    lease = document_with(desk.store, "deposit")
    report = purge_files(open_workspace(tmp_path / "w"), desk.store, desk.store.files_of(lease.id))
    assert report.documents == [lease.id] and report.annotations and report.datasets == ["d"]
    assert b"deposit" not in b"".join(path.read_bytes() for path in (tmp_path / "w").glob(f"{FILE}*"))
    assert read_reviews(tmp_path / "w" / "datasets" / "d").reviews == ()
    again = AnnotationStore(desk.annotations.path, desk.store.document)
    assert again.everything("default", "d") == Annotations(classes=("lease", "duty", "unused"))
    again.close()
