"""Names of documents, and the places of evidence in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from corpora.records import Chunk, Document, Evidence, content_id
from corpora.store.changes import NewDocument, Segment
from corpora.store.corpus_store import CorpusStore
from corpora.store.evidence_location import (
    DocumentNames,
    EvidenceLocator,
    EvidencePlace,
    NotLocated,
    best_place,
    document_names,
)
from corpora.text.quote_location import locate, occurrences


def document(name: str, text: str, title: str = "", cluster: str = "") -> Document:
    return Document(content_id(name), "c", title or name, "text/plain", text, f"/in/{name}.txt", cluster or name)


def chunk(document: Document, start: int, end: int) -> Chunk:
    return Chunk(
        f"{document.title}-{start}", document.id, start, end, document.text[start:end], document.title, "", document.source, "c"
    )


LEASE = document("lease", "The rent is due. Notice is in writing.")
DEED = document("deed", "The house is sold. Notice is in writing.")
COPY = document("copy", "The rent is  due. Notice is in writing. Signed.", "Lease as signed", cluster="lease")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CorpusStore]:
    """Two documents of two chunks each, and a copy of the first that is not indexed."""
    opened = CorpusStore(tmp_path / "corpus.db")
    new = []
    for row, owner in enumerate((LEASE, DEED)):
        middle = owner.text.index(" Notice")
        chunks = [chunk(owner, 0, middle), chunk(owner, middle + 1, len(owner.text))]
        new.append(NewDocument(owner, chunks, "0" * 64, "x", "s", 2 * row))
    opened.commit(added=new, segment=Segment("s", "none", 1, 4))
    opened.commit(added=[NewDocument(COPY, [], "1" * 64, "x", "", 0, duplicate_of=LEASE.id, similarity=0.95)])
    yield opened
    opened.close()


def test_every_place_of_a_quote_those_with_its_own_white_space_first() -> None:
    text = "a  b, a b, a\nb"
    assert list(occurrences("a b", text)) == [(6, 9), (0, 4), (11, 14)] and locate("a b", text) == (6, 9)
    assert list(occurrences("\n a  b", text)) == [(0, 4), (6, 9), (11, 14)]
    assert list(occurrences("b", text)) == [(3, 4), (8, 9), (13, 14)] and not list(occurrences(" \n", text))


def test_an_id_wins_over_a_source_a_part_a_title_and_a_file_name() -> None:
    names = DocumentNames(
        [
            ("11111111aa", "Deed", ["/in/will.txt"]),
            ("11111111bb", "lease", ["/in/rows.csv#7"]),
            ("22222222cc", "Will", ["/in/lease.txt"]),
            ("33333333dd", "11111111aa", ["/in/7.txt", "/in/rows.csv#8"]),
        ]
    )
    assert names.called("11111111aa") == ["11111111aa", "33333333dd"] and names.meant("11111111aa") == ["11111111aa"]
    assert names.called("7") == ["11111111bb", "33333333dd"] and names.of("7") == {"11111111bb"}
    assert names.called("lease") == ["11111111bb", "22222222cc"] and names.meant("lease") == ["11111111bb"]
    assert names.of("lease") == set() and names.called("LEASE") == names.called("lease")
    assert names.called("Will") == ["22222222cc"] and names.called("will") == ["11111111aa"]
    assert names.called("rows.csv") == names.meant("/in/rows.csv") == ["11111111bb", "33333333dd"]
    assert names.meant("22222222") == ["22222222cc"] and not names.called("2222222") and not names.called("")
    assert names.labels["33333333dd"] == ("7.txt", "8")


def test_a_question_file_calls_a_document_by_what_is_its_alone(store: CorpusStore) -> None:
    names = document_names(store)
    assert names.name_of(LEASE) == "lease" and names.name_of(COPY) == "Lease as signed"
    twice = DocumentNames([(LEASE.id, "lease", ["/a/lease.txt"]), (DEED.id, "lease", ["/b/lease.txt"])])
    assert twice.name_of(LEASE) == LEASE.id


def test_evidence_is_placed_in_the_document_it_names_alone_and_else_in_the_first(store: CorpusStore) -> None:
    locator = EvidenceLocator(store)
    notice, ids = "Notice is in writing.", sorted((LEASE.id, DEED.id))
    for name, home in ((DEED.id, DEED.id), ("lease.txt", LEASE.id), ("", ids[0]), ("a stranger", ids[0])):
        location = locator.locate(Evidence(name, notice))
        assert isinstance(location, EvidencePlace) and location.document_id == home
        assert [part.text for part in location.chunks] == [notice]
    assert locator.locate(Evidence("deed", "The rent is due.")) is NotLocated.NOT_IN_NAMED
    assert locator.locate(Evidence("", "The rent was due.")) is NotLocated.NOWHERE
    assert locator.locate(Evidence("deed", " ")) is NotLocated.NOT_IN_NAMED


def test_a_near_duplicate_that_is_not_indexed_stands_for_its_like(store: CorpusStore) -> None:
    locator = EvidenceLocator(store)
    location = locator.locate(Evidence("Lease as signed", "Notice is in writing."))
    assert isinstance(location, EvidencePlace) and location.document_id == LEASE.id
    assert locator.locate(Evidence("Lease as signed", "Notice is in writing. Signed.")) is NotLocated.NOT_INDEXED
    elsewhere = locator.locate(Evidence("Lease as signed", "The house is sold."))
    assert isinstance(elsewhere, EvidencePlace) and elsewhere.document_id == DEED.id
    assert [location.document_id for location in locator.every_place(Evidence("copy.txt", "Signed."))] == [COPY.id]


def test_a_place_has_the_chunks_that_hold_half_of_it_or_else_all_that_it_touches() -> None:
    owner = document("n", "aaaa bbbb cccc dddd eeee")
    cut = [chunk(owner, start, start + 5) for start in range(0, 20, 5)]
    words = best_place("bbbb cccc dddd", owner, cut)
    assert words is not None and words.chunks == tuple(cut[1:4]) and words.holder is None
    wide = [chunk(owner, 0, 10), chunk(owner, 10, 24)]
    uneven = best_place("bb cccc dddd", owner, wide)
    assert uneven is not None and uneven.chunks == (wide[1],)
    thirds = [chunk(owner, 0, 9), chunk(owner, 9, 13), chunk(owner, 13, 24)]
    spread = best_place("bbb cccc ddd", owner, [thirds[0], thirds[2]])
    assert spread is not None and spread.chunks == (thirds[0], thirds[2])
    outside = best_place("eeee", owner, cut)
    assert outside is not None and not outside.chunks
