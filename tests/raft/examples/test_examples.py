"""RAFT examples: the oracle, the distractors, the quotes, the splits, the seed (issue points 7; promise R12's neighbours)."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests_collection import Collection

from corpora.chunking.chunker import ChunkOptions, chunk_document
from corpora.durable_files import sha256_file
from corpora.errors import DatasetError
from corpora.ingest.documents import documents_of
from corpora.ingest.file_discovery import find_files
from corpora.questions import read_questions
from corpora.records import Evidence, Question
from corpora.store.changes import NewDocument, Segment
from corpora.store.corpus_store import CorpusStore
from corpora.workspace.workspace import create_workspace, open_workspace
from raft.commands.generate import generate
from raft.examples.assembly import build_examples
from raft.examples.dataset import leaks, read_dataset, write_dataset
from raft.examples.distractors import answers_question
from raft.examples.generate import generate_dataset
from raft.examples.grounding import Grounding, ground, search_questions
from raft.examples.options import ExampleOptions
from raft.prompts.format import ABSTENTION, parse_completion
from raft.records import RaftExample
from retrieval.encoders.hashing import HashingEncoder
from retrieval.indexing.add_files import add_files
from retrieval.inspection.split_leakage import leaks_of

OPTIONS = ExampleOptions()


@pytest.fixture(scope="module")
def grounding(collection: Collection) -> Grounding:
    return ground(collection.questions, collection.store, OPTIONS)


@pytest.fixture(scope="module")
def examples(collection: Collection, grounding: Grounding) -> list[RaftExample]:
    return build_examples(grounding, search_questions(grounding, collection.retriever, OPTIONS), OPTIONS)


def test_every_question_becomes_one_example_or_a_counted_drop(
    collection: Collection, grounding: Grounding, examples: list[RaftExample]
) -> None:
    assert len(grounding.questions) + len(grounding.dropped) == len(collection.questions)
    assert sorted(e.question_id for e in examples) == sorted(g.question.id for g in grounding.questions)
    # Questions over two documents lose their second one when it is not among the 25; nothing else is dropped.
    assert len(grounding.dropped) <= len(collection.questions) * 0.15


def test_an_example_has_one_context_size_and_its_oracle_exactly_when_it_answers(examples: list[RaftExample]) -> None:
    for example in examples:
        shown = [passage.chunk_id for passage in example.passages]
        assert len(shown) == len(set(shown)) == OPTIONS.distractors + 1
        if example.policy == "answer":
            assert set(example.oracles) <= set(shown)
        else:
            assert not set(example.oracles) & set(shown)
            assert example.answer == ABSTENTION and not example.quotes


def test_no_distractor_answers_the_question(collection: Collection, grounding: Grounding, examples: list[RaftExample]) -> None:
    by_id = {g.question.id: g for g in grounding.questions}
    chunks = {chunk.id: chunk for chunk in collection.store.chunks()}
    for example in examples:
        g = by_id[example.question_id]
        oracles = {chunk.id for chunk in g.oracles}
        for passage in example.passages:
            if passage.chunk_id not in oracles:
                assert not answers_question(chunks[passage.chunk_id], g.question, oracles)


def test_quotes_are_verbatim_with_offsets_and_hold_the_answer(collection: Collection, examples: list[RaftExample]) -> None:
    texts = {document.id: document.text for document in collection.store.documents()}
    answered = [example for example in examples if example.policy == "answer"]
    assert answered
    for example in answered:
        for quote in example.quotes:
            assert texts[quote.document_id][quote.start : quote.end] == quote.text
        assert example.answer in example.quotes[0].text
        parsed = parse_completion(example.completion)
        assert parsed.well_formed and not parsed.abstained
        assert parsed.answer == example.answer and [text for _, text in parsed.quotes] == [
            quote.text for quote in example.quotes
        ]


def test_p_is_the_share_of_answerable_questions_that_see_their_oracle(grounding: Grounding, collection: Collection) -> None:
    for p in (0.0, 0.5, 1.0):
        made = build_examples(
            grounding, search_questions(grounding, collection.retriever, OPTIONS), replace(OPTIONS, oracle_fraction=p)
        )
        policies = Counter(example.policy for example in made)
        share = policies["answer"] / (policies["answer"] + policies["abstain-absent"])
        assert abs(share - p) < 0.1


def test_the_oracle_stands_in_every_place(examples: list[RaftExample]) -> None:
    places = Counter(
        next(i for i, p in enumerate(e.passages) if p.chunk_id in e.oracles) for e in examples if e.policy == "answer"
    )
    expected = sum(places.values()) / (OPTIONS.distractors + 1)
    assert set(places) == set(range(OPTIONS.distractors + 1))
    assert all(0.6 * expected < count < 1.4 * expected for count in places.values()), places


def test_splits_are_by_document_and_two_document_questions_hold_theirs_together(
    grounding: Grounding, examples: list[RaftExample]
) -> None:
    assert not leaks(examples)
    assert {example.split for example in examples} == {"train", "validation", "test"}
    for g in grounding.questions:
        assert {grounding.splits[chunk.document_id] for chunk in g.oracles} <= {g.split}


def test_a_planted_leak_stops_the_dataset(
    collection: Collection, grounding: Grounding, examples: list[RaftExample], tmp_path: Path
) -> None:
    train = next(e for e in examples if e.split == "train")
    test = next(e for e in examples if e.split == "test")
    leaky = [*examples, replace(test, passages=train.passages)]
    with pytest.raises(DatasetError, match="more than one split"):
        write_dataset(tmp_path / "d", "d", grounding, [], leaky, OPTIONS, 1, [])
    assert not (tmp_path / "d").exists()


def test_near_duplicates_in_two_splits_are_a_leak(grounding: Grounding, examples: list[RaftExample], tmp_path: Path) -> None:
    ours, theirs = (next(e for e in examples if e.split == split).passages[0].document_id for split in ("train", "test"))
    clusters = {ours: "one", theirs: "one"}
    assert leaks(examples, clusters) == sorted((ours, theirs))
    assert leaks(examples, {ours: "one", theirs: "other"}) == leaks(examples, {}) == []
    with pytest.raises(DatasetError, match="near-duplicates of them, occur in prompts of more than one split"):
        write_dataset(tmp_path / "d", "d", grounding, [], examples, OPTIONS, 1, [], cluster_of=clusters)
    assert not (tmp_path / "d").exists()
    shown = [(example.split, [passage.document_id for passage in example.passages]) for example in examples]
    assert leaks_of(shown, clusters) == ([], sorted((ours, theirs)))  # what `inspect` reports is what stops here


def test_a_second_run_is_byte_identical_and_another_seed_is_not(collection: Collection, tmp_path: Path) -> None:
    def build(folder: Path, options: ExampleOptions) -> bytes:
        grounded = ground(collection.questions, collection.store, options)
        made = build_examples(grounded, search_questions(grounded, collection.retriever, options), options)
        write_dataset(folder, "d", grounded, [], made, options, 1, ["questions.json"])
        return b"".join(path.read_bytes() for path in sorted(folder.iterdir()))

    first = build(tmp_path / "a", OPTIONS)
    assert build(tmp_path / "b", OPTIONS) == first
    assert build(tmp_path / "c", replace(OPTIONS, seed=1)) != first
    loaded = read_dataset(tmp_path / "a")
    assert loaded.manifest["counts"]["examples"] == len(loaded.examples)


def test_a_changed_dataset_file_is_refused(
    collection: Collection, grounding: Grounding, examples: list[RaftExample], tmp_path: Path
) -> None:
    write_dataset(tmp_path / "d", "d", grounding, [], examples, OPTIONS, 1, [])
    path = tmp_path / "d" / "examples.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace("the", "teh", 1), encoding="utf-8")
    with pytest.raises(DatasetError, match="not as its manifest says"):
        read_dataset(tmp_path / "d")


def test_questions_that_cannot_be_grounded_are_dropped_with_their_reason(collection: Collection) -> None:
    missing = Question("q1", "What is that?", ("x",), (Evidence("nowhere", "This sentence is in no document."),), "nowhere")
    orphan = Question("q2", "Who knows?", (), (), "nowhere")
    result = ground([missing, orphan], collection.store, OPTIONS)
    assert result.reasons() == {
        "its evidence is not in any document of the store": 1,
        "the document it was asked about is not in the store": 1,
    }


def test_an_answer_that_is_no_part_of_its_evidence_needs_a_question_that_says_so(collection: Collection) -> None:
    known = next(q for q in collection.questions if q.answerable)
    verdict = replace(known, id="verdict", answers=("maybe",), extractive=False)
    wrong = replace(known, id="wrong", answers=("maybe",))
    bare = replace(known, id="bare", evidence=())
    result = ground([verdict, wrong, bare], collection.store, OPTIONS)
    assert [g.question for g in result.questions] == [verdict]
    assert result.dropped == [("wrong", "the answer is not in its evidence"), ("bare", "it has an answer but no evidence")]


def test_a_set_that_brings_its_documents_is_grounded_in_them(tmp_path: Path) -> None:
    rows = [
        {"id": 1, "question": "Rent?", "answer": "900 euros", "context": "The term is five years. The rent is 900 euros."},
        {"id": 2, "question": "Are pets allowed?", "answer": "no", "context": "Pets are not allowed. The rent is 900 euros."},
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    found = read_questions(path)
    store = CorpusStore(tmp_path / "corpus.db")
    held = [
        (document, chunk_document(document, b, ChunkOptions(45))) for document, b in documents_of(found.documents, "f", "c")
    ]
    segment = Segment("s", "none", 1, sum(len(chunks) for _, chunks in held))
    for row, (document, chunks) in enumerate(held):  # one chunk each
        store.commit(added=[NewDocument(document, chunks, "0" * 64, "x", segment.name, row, "f")], segment=segment)
    result = ground(found.questions, store, OPTIONS)
    assert [g.question.id for g in result.questions] == ["1", "2"] and not result.dropped
    titles = {document.id: document.title for document in store.documents()}
    assert [titles[g.quotes[0].document_id] for g in result.questions] == [q.document for q in found.questions]
    store.close()


@pytest.mark.parametrize("pairs", [["question"], ["=a"], ["question="], ["title=a"], ["id=a", "id=b"]])
def test_a_column_is_mapped_as_field_and_column_once(pairs: list[str]) -> None:
    arguments = [argument for pair in pairs for argument in ("--map", pair)]
    result = CliRunner().invoke(generate, ["--from-qa", "x.csv", *arguments])
    assert result.exit_code == 2 and "--map" in result.output


def test_a_dataset_of_before_questions_could_be_free_is_read(
    grounding: Grounding, examples: list[RaftExample], tmp_path: Path
) -> None:
    write_dataset(tmp_path / "d", "d", grounding, [], examples, OPTIONS, 1, [])
    path, manifest = tmp_path / "d" / "questions.jsonl", tmp_path / "d" / "manifest.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"extractive": true, ', ""), encoding="utf-8")
    value = json.loads(manifest.read_text(encoding="utf-8"))
    value["files"]["questions.jsonl"] = sha256_file(path)
    manifest.write_text(json.dumps(value), encoding="utf-8")
    assert "extractive" not in path.read_text(encoding="utf-8")
    assert all(held.question.extractive for held in read_dataset(tmp_path / "d").questions)


@pytest.mark.parametrize("wrong", [{"oracle_fraction": 1.2}, {"distractors": 0}, {"test_fraction": 0.95}])
def test_options_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"must|Input should"):
        ExampleOptions(**wrong)  # type: ignore[arg-type]


def test_a_dataset_is_made_from_python_and_says_nothing_by_itself(
    collection: Collection, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    create_workspace(tmp_path / "w").write_text('[models]\nencoder = "hashing-128"\n')
    workspace = open_workspace(tmp_path / "w")
    store = CorpusStore(workspace.database)
    files = sorted({Path(document.source) for document in collection.store.documents()})[:12]
    add_files(store, workspace.root, HashingEncoder(128), files, "medical", ChunkOptions(45))
    store.close()
    lines: list[str] = []
    manifest = generate_dataset(workspace, (collection.squad,), "d", say=lines.append)
    assert manifest["counts"]["examples"] == len(read_dataset(workspace.dataset("d")).examples) > 0
    assert any(line.startswith("questions.json: ") for line in lines) and any("mining distractors" in line for line in lines)
    assert manifest["counts"]["dropped"].keys() <= {
        "its evidence is not in any document of the store",
        "the document it was asked about is not in the store",
        "its evidence lies in more than one chunk",
    }
    generate_dataset(workspace, (collection.squad,), "quiet")
    assert capfd.readouterr() == ("", "")


def test_the_sample_documents_have_the_shares_that_were_asked_for(tmp_path: Path) -> None:
    """Half of the samples' questions about two documents once left 4 % of them for the test."""
    samples = Path(__file__).resolve().parents[3] / "corpora" / "samples"
    store = CorpusStore(tmp_path / "corpus.db")
    for name in ("medical", "legal"):
        add_files(store, tmp_path, HashingEncoder(), find_files([samples / name]), name, ChunkOptions(20))
    questions = [q for name in ("medical", "legal") for q in read_questions(samples / "questions" / f"{name}.json").questions]
    splits = Counter(ground(questions, store, ExampleOptions()).splits.values())
    store.close()
    for split, share in (("train", 0.7), ("validation", 0.1), ("test", 0.2)):
        assert abs(splits[split] / sum(splits.values()) - share) < 0.08, splits
