"""The sample collections hold what the docs say: enough documents in every format, and questions whose evidence is real."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from corpora.chunking.chunker import join_blocks
from corpora.questions import read_questions
from corpora.readers import read_bytes
from corpora.records import Question
from corpora.samples.build import FORMATS, HERE, build, read_source
from corpora.text.quote_location import locate

COLLECTIONS = ("medical", "legal")
by_collection = pytest.mark.parametrize("collection", COLLECTIONS)


def sources(collection: str) -> list[Path]:
    return sorted((HERE / "sources" / collection).glob("*.md"))


def built(collection: str) -> list[Path]:
    return sorted(path for path in (HERE / collection).iterdir() if not path.name.startswith("."))


@cache
def texts(collection: str) -> dict[str, str]:
    """File stem → the text that its reader gives."""
    return {
        path.stem: join_blocks(read_bytes(path.read_bytes(), path.name).readings[0].blocks)[0] for path in built(collection)
    }


@cache
def questions(collection: str) -> tuple[Question, ...]:
    question_set = read_questions(HERE / "questions" / f"{collection}.json")
    assert not question_set.dropped, question_set.dropped[:5]
    return tuple(question_set.questions)


def documents_of(question: Question) -> set[str]:
    return {evidence.document for evidence in question.evidence}


@by_collection
def test_there_are_fifty_documents_in_five_formats(collection: str) -> None:
    assert len(sources(collection)) >= 50
    assert {path.stem for path in built(collection)} == {path.stem for path in sources(collection)}
    endings = Counter(path.suffix[1:] for path in built(collection))
    assert set(endings) == set(FORMATS)
    assert min(endings.values()) >= 10


@by_collection
def test_sources_are_long_enough_and_name_their_sources(collection: str) -> None:
    wrong = []
    for path in sources(collection):
        source = read_source(path)
        body = path.read_text(encoding="utf-8").split("\n---\n", 1)[1]
        words = len(body.split())
        if not 400 <= words <= 900 or len(set(source.sources)) < 2:
            wrong.append(f"{path.name}: {words} words, {len(set(source.sources))} sources")
        if not all(text for _, text in source.blocks):
            wrong.append(f"{path.name}: an empty block")
    assert not wrong, "\n".join(wrong)


@by_collection
def test_every_document_has_six_questions(collection: str) -> None:
    stems = Counter(question.id.split("/")[1] for question in questions(collection))
    assert all(question.id.startswith(f"{collection}/") for question in questions(collection))
    short = {path.stem: stems[path.stem] for path in sources(collection) if stems[path.stem] < 6}
    assert not short
    assert set(stems) <= {path.stem for path in sources(collection)}


@by_collection
def test_shares_of_unanswerable_and_two_document_questions(collection: str) -> None:
    sample_questions = questions(collection)
    unanswerable = sum(not question.answerable for question in sample_questions) / len(sample_questions)
    two = sum(len(documents_of(question)) >= 2 for question in sample_questions) / len(sample_questions)
    assert 0.08 <= unanswerable <= 0.15
    assert 0.08 <= two <= 0.15
    repeated = [text for text, count in Counter(question.text for question in sample_questions).items() if count > 1]
    assert not repeated


@by_collection
def test_every_evidence_sentence_is_in_what_the_reader_gives(collection: str) -> None:
    wrong = []
    for question in questions(collection):
        for evidence in question.evidence:
            text = texts(collection).get(evidence.document)
            if text is None or locate(evidence.text, text) is None:
                wrong.append(f"{question.id}: {evidence.document}: {evidence.text}")
        if question.answerable and not question.evidence:
            wrong.append(f"{question.id}: no evidence")
    assert not wrong, f"{len(wrong)}\n" + "\n".join(wrong[:10])


@by_collection
def test_no_character_was_lost_in_a_format(collection: str) -> None:
    lost = [stem for stem, text in texts(collection).items() if re.search("[■\ufffd]", text)]
    assert not lost


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("samples")
    for collection in COLLECTIONS:
        build(collection, folder / collection)
    yield folder


@by_collection
def test_the_build_reproduces_the_committed_bytes(collection: str, rebuilt: Path) -> None:
    again = {path.name: path.read_bytes() for path in (rebuilt / collection).iterdir()}
    committed = {path.name: path.read_bytes() for path in built(collection)}
    assert sorted(again) == sorted(committed)
    different = [name for name in again if again[name] != committed[name]]
    assert not different, f"{different[:10]}: run python corpora/samples/build.py"
