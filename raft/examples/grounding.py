"""Questions tied to the passages that hold their evidence, and what search finds for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

from corpora.records import Chunk, Document, Question
from corpora.splits import splits_of
from corpora.store.corpus_store import CorpusStore
from corpora.text.quote_location import locate
from raft.abstention import AbstentionCase
from raft.examples.options import ExampleOptions
from raft.records import Quote
from retrieval.records import SearchResult
from retrieval.search.retriever import Searcher


@dataclass(frozen=True)
class GroundedQuestion:
    """A question with its evidence found in the store: the oracle chunks and verified quotes, in the order of its evidence."""

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

    Documents that one question needs together share a split. A question whose evidence is not found verbatim is dropped with
    its reason, and so is an extractive one whose answer is not in its evidence; an unanswerable one takes the split of the
    document it was asked about.
    """
    documents = store.documents()
    chunks: dict[str, list[Chunk]] = {}
    for chunk in store.chunks():
        chunks.setdefault(chunk.document_id, []).append(chunk)
    result = Grounding()
    found: list[tuple[Question, list[Chunk], list[Quote], list[str]]] = []
    flat = {document.id: document.text for document in documents}
    names = _names(documents)
    for question in questions:
        oracles: list[Chunk] = []
        quotes: list[Quote] = []
        reason = None
        for evidence in question.evidence:
            likely = [names[evidence.document]] if evidence.document in names else []
            place = _find(evidence.text, [*likely, *flat], flat, chunks)
            if isinstance(place, str):
                reason = place
                break
            oracles.append(place[0])
            quotes.append(place[1])
        if reason is None and question.answerable:
            reason = _unsupported(question, quotes)
        home = [quote.document_id for quote in quotes]
        if not home and question.document in names:
            home = [names[question.document]]
        if reason is None and not home:
            reason = "the document it was asked about is not in the store"
        if reason:
            result.dropped.append((question.id, reason))
        else:
            found.append((question, oracles, quotes, home))
    placed = {document.id: (document.cluster, document.position) for document in documents}
    links = [home for *_, home in found]
    result.splits = splits_of(placed, links, options.validation_fraction, options.test_fraction)
    for question, oracles, quotes, home in found:
        result.questions.append(GroundedQuestion(question, tuple(oracles), tuple(quotes), result.splits[home[0]]))
    return result


def _unsupported(question: Question, quotes: Sequence[Quote]) -> str | None:
    if not quotes:
        return "it has an answer but no evidence"
    if question.extractive and locate(question.answers[0], quotes[0].text) is None:
        return "the answer is not in its evidence"
    return None


def _names(documents: Sequence[Document]) -> dict[str, str]:
    """Document ids by what a question may call them: the part of a file that holds several, the title, the file's name."""
    names: dict[str, str] = {}
    for document in documents:
        part = document.source.rpartition("#")[2] if "#" in document.source else document.title
        for name in (part, document.title, PurePath(document.source).stem):
            names.setdefault(name, document.id)
    return names


def _find(
    evidence: str, order: Sequence[str], texts: Mapping[str, str], chunks: Mapping[str, Sequence[Chunk]]
) -> tuple[Chunk, Quote] | str:
    for document_id in dict.fromkeys(order):
        place = locate(evidence, texts[document_id])
        if place is None or not chunks.get(document_id):  # a near-duplicate is not indexed: its twin may hold the evidence
            continue
        start, end = place
        for chunk in chunks.get(document_id, ()):
            if chunk.start <= start and end <= chunk.end:
                return chunk, Quote(texts[document_id][start:end], chunk.id, document_id, start, end)
        return "its evidence lies in more than one chunk"
    return "its evidence is not in any document of the store"


def search_questions(grounding: Grounding, searcher: Searcher, options: ExampleOptions) -> dict[str, SearchResult]:
    """What search finds for every question, by question id, deep enough to mine distractors from."""
    questions = [g.question for g in grounding.questions]
    depth = options.mining_depth * 5  # the search sees all splits; what other splits hold is taken out afterwards
    results = searcher.search([question.text for question in questions], depth)
    return {question.id: result for question, result in zip(questions, results, strict=True)}


def observations(
    grounding: Grounding, found: Mapping[str, SearchResult], splits: Sequence[str], k: int
) -> list[AbstentionCase]:
    """The questions of `splits` with what search found: supported when the first `k` hits hold all of a question's oracles."""
    rows = []
    for g in sorted(grounding.questions, key=lambda g: g.question.id):
        if g.split in splits:
            result = found[g.question.id]
            supported = bool(g.oracles) and {c.id for c in g.oracles} <= {hit.chunk.id for hit in result.hits[:k]}
            rows.append(AbstentionCase(g.question.text, result, supported))
    return rows
