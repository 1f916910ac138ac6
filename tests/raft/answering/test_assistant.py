"""What an assistant makes of a completion: abstentions, and the passages that quotes are of."""

from __future__ import annotations

import pytest

from corpora.records import Chunk
from raft.answering.assistant import Assistant
from raft.answering.engine import Completion
from raft.prompts.format import render_abstention, render_completion
from raft.records import Answer
from retrieval.records import Hit, SearchResult

CLAUSE = "The document does not state a rent."
HITS = tuple(
    Hit(i, 1.0, Chunk(f"c{i}", f"d{i}", 0, len(CLAUSE) + 2, f"{i} {CLAUSE}", "Lease", "", "", "")) for i in range(1, 4)
)


def interpreted(text: str) -> Answer:
    assistant = Assistant(None, None, None)  # type: ignore[arg-type]
    return assistant.interpret("Why?", SearchResult(HITS, 1), Completion(text, 1, 1, finished=True))


@pytest.mark.parametrize(
    ("text", "abstained", "documents"),
    [
        (render_completion([(2, CLAUSE)], "it does not state a rent"), False, ["d2"]),
        (render_completion([(3, CLAUSE), (1, CLAUSE)], CLAUSE), False, ["d3", "d1"]),
        (render_abstention(), True, []),
        (CLAUSE, True, []),
        (f"{CLAUSE} ##begin_quote## {CLAUSE} ##end_quote##", False, ["d1"]),
        (f"{CLAUSE} ##begin_quote## Made up. ##end_quote##", True, []),
        (f"<think>{render_completion([(1, CLAUSE)], 'no')}", True, []),
    ],
)
def test_an_answer_abstains_in_the_form_or_in_free_text_that_proves_nothing(
    text: str, abstained: bool, documents: list[str]
) -> None:
    answer = interpreted(text)
    assert answer.abstained is abstained
    assert [citation.document_id for citation in answer.citations] == documents
