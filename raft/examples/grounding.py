"""Questions tied to the passages that hold their evidence, and what search finds for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from corpora.records import Chunk, Question
from corpora.splits import splits_of
from corpora.store.corpus_store import CorpusStore
from corpora.store.evidence_location import NO_CHUNKS, EvidenceLocator, NotLocated
from corpora.text.quote_location import locate
from raft.abstention import AbstentionCase
from raft.examples.options import ExampleOptions
from raft.records import Quote
from retrieval.records import SearchResult
from retrieval.search.retriever import Searcher


@dataclass(frozen=True)
class GroundedQuestion:
    """A question with its evidence found in the store: the oracle chunks and verified quotes.

    Both are in the order of its evidence.
    """

    question: Question
    oracles: tuple[Chunk, ...]
    quotes: tuple[Quote, ...]
    split: str


@dataclass
class Grounding:
    """Questions that are grounded, `dropped`: (question id, reason) for the rest, and the split of every document."""

    questions: list[GroundedQuestion] = field(default_factory=list)
    splits: dict[str, str] = field(default_factory=dict)
    dropped: list[tuple[str, str]] = field(default_factory=list)

    def reasons(self) -> dict[str, int]:
        """How many questions were dropped for each reason."""
        return dict(sorted(Counter(reason for _, reason in self.dropped).items()))


def ground(questions: Sequence[Question], store: CorpusStore, options: ExampleOptions) -> Grounding:
    """Find every question's evidence in the store and give it the split of its documents.

    Documents that one question needs together share a split. A question whose evidence is not found verbatim is dropped
    with its reason, and so is an extractive one whose answer is not in its evidence; an unanswerable one takes the
    split of the document it was asked about.
    """
    locator = EvidenceLocator(store)
    result = Grounding()
    located: list[tuple[Question, list[Chunk], list[Quote], list[str]]] = []
    for question in questions:
        grounded = _grounded(question, locator)
        if isinstance(grounded, str):
            result.dropped.append((question.id, grounded))
        else:
            located.append((question, *grounded))
    placed = {document.id: (document.cluster, document.position) for document in locator.documents.values()}
    links = [home for *_, home in located]
    result.splits = splits_of(placed, links, options.validation_fraction, options.test_fraction)
    for question, oracles, quotes, home in located:
        result.questions.append(GroundedQuestion(question, tuple(oracles), tuple(quotes), result.splits[home[0]]))
    return result


def _grounded(question: Question, locator: EvidenceLocator) -> tuple[list[Chunk], list[Quote], list[str]] | str:
    """The oracle chunks, the quotes, and the ids of the question's documents; or why it cannot be grounded."""
    oracles: list[Chunk] = []
    quotes: list[Quote] = []
    for location in locator.locate_all(question):
        if isinstance(location, NotLocated):
            return location.value
        if not location.chunks:
            return NO_CHUNKS
        if location.holder is None:
            return "its evidence lies in more than one chunk"
        text = locator.documents[location.document_id].text[location.start : location.end]
        oracles.append(location.holder)
        quotes.append(Quote(text, location.holder.id, location.document_id, location.start, location.end))
    reason = _unsupported(question, quotes) if question.answerable else None
    home = [quote.document_id for quote in quotes] or locator.names.called(question.document)[:1]
    return reason or ((oracles, quotes, home) if home else "the document it was asked about is not in the store")


def _unsupported(question: Question, quotes: Sequence[Quote]) -> str | None:
    if not quotes:
        return "it has an answer but no evidence"
    if question.extractive and locate(question.answers[0], quotes[0].text) is None:
        return "the answer is not in its evidence"
    return None


def search_questions(grounding: Grounding, searcher: Searcher, options: ExampleOptions) -> dict[str, SearchResult]:
    """The search result of every question, by question id, deep enough to mine distractors from."""
    questions = [g.question for g in grounding.questions]
    depth = options.mining_depth * 5  # the search sees all splits; what other splits hold is taken out afterwards
    results = searcher.search([question.text for question in questions], depth)
    return {question.id: result for question, result in zip(questions, results, strict=True)}


def observations(
    grounding: Grounding, search_results: Mapping[str, SearchResult], splits: Sequence[str], k: int
) -> list[AbstentionCase]:
    """Abstention cases of the questions of `splits`, by question id.

    A case is supported when the first `k` hits hold all of the question's oracles.
    """
    rows = []
    for g in sorted(grounding.questions, key=lambda g: g.question.id):
        if g.split in splits:
            result = search_results[g.question.id]
            supported = bool(g.oracles) and {c.id for c in g.oracles} <= {hit.chunk.id for hit in result.hits[:k]}
            rows.append(AbstentionCase(g.question.text, result, supported))
    return rows
