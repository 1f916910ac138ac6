"""RAFT examples from questions, an index and a seed. Every draw is seeded by item, so order and workers change nothing.

Questions over the same documents are put together into one context (see `RaftExample.context`): the prompt's documents are
most of its tokens, and training encodes those of a context once. Knows no files.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

from corpora.records import Chunk, Document, Question, content_id
from corpora.splits import SPLITS, splits_of
from corpora.store.corpus_store import CorpusStore
from corpora.text.quote_location import locate
from raft.abstention import Observation
from raft.examples.distractors import answers_question, screened
from raft.prompts.format import ABSTENTION, render_abstention, render_completion
from raft.records import Passage, Quote, RaftExample
from retrieval.records import SearchResult
from retrieval.search.retriever import Searcher


@dataclass(frozen=True)
class ExampleOptions:
    """How examples are made. Fractions are in 0–1."""

    distractors: int = 4
    oracle_fraction: float = 0.8
    """P of the paper: the share of answerable questions whose oracle is in the prompt."""
    random_fraction: float = 0.1
    """Share of distractors drawn at random instead of mined."""
    questions_per_context: int = 4
    validation_fraction: float = 0.1
    test_fraction: float = 0.2
    seed: int = 0
    mining_depth: int = 40

    def __post_init__(self) -> None:
        """Raises ValueError for a value out of its range."""
        for name in ("oracle_fraction", "random_fraction", "validation_fraction", "test_fraction"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be in 0–1")
        if self.distractors < 1 or self.questions_per_context < 1:
            raise ValueError("distractors and questions_per_context must be at least 1")
        if self.validation_fraction + self.test_fraction >= 1:
            raise ValueError("validation_fraction + test_fraction must leave something to train on (be under 1)")


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


@dataclass
class _Context:
    passages: list[Chunk]
    questions: list[tuple[GroundedQuestion, str]]


def search_questions(grounding: Grounding, searcher: Searcher, options: ExampleOptions) -> dict[str, SearchResult]:
    """What search finds for every question, by question id, deep enough to mine distractors from."""
    questions = [g.question for g in grounding.questions]
    depth = options.mining_depth * 5  # the search sees all splits; what other splits hold is taken out afterwards
    results = searcher.search([question.text for question in questions], depth)
    return {question.id: result for question, result in zip(questions, results, strict=True)}


def observations(grounding: Grounding, found: Mapping[str, SearchResult], splits: Sequence[str], k: int) -> list[Observation]:
    """The questions of `splits` with what search found: supported when the first `k` hits hold all of a question's oracles."""
    rows = []
    for g in sorted(grounding.questions, key=lambda g: g.question.id):
        if g.split in splits:
            result = found[g.question.id]
            supported = bool(g.oracles) and {c.id for c in g.oracles} <= {hit.chunk.id for hit in result.hits[:k]}
            rows.append(Observation(g.question.text, result, supported))
    return rows


def build_examples(grounding: Grounding, found: Mapping[str, SearchResult], options: ExampleOptions) -> list[RaftExample]:
    """Examples of all splits, sorted by split and context; the same arguments give the same bytes.

    `found` is what `search_questions` gives. Distractors come only from documents of the example's own split, so that no test
    document is ever seen in training.
    """
    examples: list[RaftExample] = []
    for split in SPLITS:
        members = sorted((g for g in grounding.questions if g.split == split), key=lambda g: g.question.id)
        pool = {document for document, of in grounding.splits.items() if of == split}
        examples += _split_examples(members, pool, found, options)
    return examples


def _split_examples(
    members: Sequence[GroundedQuestion], pool: set[str], found: Mapping[str, SearchResult], options: ExampleOptions
) -> list[RaftExample]:
    if not members:
        return []
    results = [found[g.question.id] for g in members]
    mined = {
        g.question.id: screened(
            [hit.chunk for hit in result.hits if hit.chunk.document_id in pool], g.question, {c.id for c in g.oracles}
        )
        for g, result in zip(members, results, strict=True)
    }
    ranks = {g.question.id: {hit.chunk.id: hit.rank for hit in result.hits} for g, result in zip(members, results, strict=True)}
    everything = sorted({chunk.id: chunk for chunks in mined.values() for chunk in chunks}.values(), key=lambda c: c.id)
    policies = {g.question.id: _policy(g, options) for g in members}
    # Questions to abstain from open contexts first, because theirs must be the hardest: what live retrieval would bring.
    order = sorted(
        members, key=lambda g: (policies[g.question.id] == "answer", _draw(options, "order", g.question.id).random())
    )
    waiting = {g.question.id: g for g in order}
    by_oracle: dict[str, list[GroundedQuestion]] = {}
    for g in order:
        if policies[g.question.id] == "answer":
            by_oracle.setdefault(g.oracles[0].id, []).append(g)
    examples = []
    for seed in order:
        if seed.question.id not in waiting:
            continue
        context = _context(seed, policies[seed.question.id], mined[seed.question.id], everything, waiting, by_oracle, options)
        for g, _ in context.questions:
            waiting.pop(g.question.id, None)
        examples += _examples(context, ranks, options)
    return examples


def _policy(g: GroundedQuestion, options: ExampleOptions) -> str:
    if not g.question.answerable:
        return "abstain-unanswerable"
    present = _draw(options, "oracle", g.question.id).random() < options.oracle_fraction
    return "answer" if present else "abstain-absent"


def _context(
    seed: GroundedQuestion,
    policy: str,
    mined: Sequence[Chunk],
    everything: Sequence[Chunk],
    waiting: Mapping[str, GroundedQuestion],
    by_oracle: Mapping[str, Sequence[GroundedQuestion]],
    options: ExampleOptions,
) -> _Context:
    size = options.distractors + 1
    draw = _draw(options, "context", seed.question.id)
    passages = {chunk.id: chunk for chunk in seed.oracles} if policy == "answer" else {}
    questions = [(seed, policy)]
    near = mined[: options.mining_depth]
    # Among equally good distractors those come first that are oracles of questions still waiting: one context, more questions.
    useful = [c for c in near if any(g.question.id in waiting for g in by_oracle.get(c.id, ()))]
    for chunk in [*near[:1], *useful, *near]:
        if len(passages) >= size:
            break
        if draw.random() >= options.random_fraction:
            passages.setdefault(chunk.id, chunk)
    spare = list(everything)
    draw.shuffle(spare)
    oracles = {chunk.id for chunk in seed.oracles}
    while len(passages) < size and spare:
        chunk = spare.pop()
        if not answers_question(chunk, seed.question, oracles):
            passages.setdefault(chunk.id, chunk)
    shuffled = list(passages.values())
    draw.shuffle(shuffled)
    guests = [g for chunk in shuffled for g in by_oracle.get(chunk.id, ()) if g is not seed and g.question.id in waiting]
    draw.shuffle(guests)  # in the order of the passages, guests would gather on the first ones
    for guest in guests:
        if len(questions) < options.questions_per_context and _fits(guest, shuffled):
            questions.append((guest, "answer"))
    return _Context(shuffled, questions)


def _fits(guest: GroundedQuestion, passages: Sequence[Chunk]) -> bool:
    """True when all oracles of `guest` are among `passages` and none of the others answers it."""
    oracles = {chunk.id for chunk in guest.oracles}
    distractors = [chunk for chunk in passages if chunk.id not in oracles]
    return oracles <= {chunk.id for chunk in passages} and len(screened(distractors, guest.question, oracles)) == len(
        distractors
    )


def _examples(context: _Context, ranks: Mapping[str, Mapping[str, int]], options: ExampleOptions) -> list[RaftExample]:
    passages = tuple(Passage(c.id, c.document_id, c.title, c.section, c.text) for c in context.passages)
    name = content_id("context", *(passage.chunk_id for passage in passages))
    examples = []
    for g, policy in context.questions:
        answers = policy == "answer"
        numbers = {passage.chunk_id: number for number, passage in enumerate(passages, start=1)}
        found = ranks[g.question.id]
        order = sorted(numbers, key=lambda chunk_id: (found.get(chunk_id, len(found) + 1), chunk_id))
        quoted = [(numbers[quote.chunk_id], quote.text) for quote in g.quotes] if answers else []
        completion = render_completion(quoted, g.question.answers[0]) if answers else render_abstention()
        examples.append(
            RaftExample(
                id=content_id("example", name, g.question.id, str(options.seed)),
                context=name,
                question_id=g.question.id,
                question=g.question.text,
                passages=passages,
                search_order=tuple(numbers[chunk_id] for chunk_id in order),
                oracles=tuple(chunk.id for chunk in g.oracles),
                policy=policy,
                answer=g.question.answers[0] if answers else ABSTENTION,
                answers=g.question.answers,
                quotes=g.quotes if answers else (),
                completion=completion,
                split=g.split,
            )
        )
    return examples


def _draw(options: ExampleOptions, *item: str) -> random.Random:
    return random.Random(content_id(str(options.seed), *item))
