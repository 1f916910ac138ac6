"""Quotes in the passages they name: the same clause may stand in several documents."""

from __future__ import annotations

from corpora.records import Chunk
from raft.quotes.verification import cite

CLAUSE = "The tenant pays the costs."
CHUNKS = [
    Chunk(f"c{i}", f"d{i}", 100 * i, 100 * i + len(text), text, f"Lease {i}", "", "", "")
    for i, text in enumerate((f"{CLAUSE} A.", f"B. {CLAUSE}", "Nothing of it."), start=1)
]


def test_a_quote_is_of_the_passage_it_names_and_else_of_the_first_that_has_it() -> None:
    numbers = (2, 1, None, 3, 0, 9)
    citations = cite([(number, CLAUSE) for number in numbers], CHUNKS)
    assert [citation.document_id for citation in citations] == ["d2", "d1", "d1", "d1", "d1", "d1"]
    assert citations[0].start == 203 and all(citation.verified for citation in citations)


def test_a_quote_of_no_passage_proves_nothing_whatever_it_names() -> None:
    (citation,) = cite([(1, "The landlord pays.")], CHUNKS)
    assert not citation.verified and citation.document_id == ""
