"""RAFT examples from questions, an index and a seed. Every draw is seeded by item, so order and workers change nothing.

Questions over the same documents are put together into one context (see `RaftExample.context`): the prompt's documents
are most of its tokens, and training encodes those of a context once. Knows no files.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from corpora.records import Chunk, content_id
from corpora.splits import SPLITS
from raft.examples.distractors import answers_question, screened
from raft.examples.grounding import GroundedQuestion, Grounding
from raft.examples.options import ExampleOptions
from raft.prompts.format import ABSTENTION, render_abstention, render_completion
from raft.records import Passage, RaftExample
from retrieval.records import SearchResult


@dataclass
class _Context:
    passages: list[Chunk]
    questions: list[tuple[GroundedQuestion, str]]


def build_examples(
    grounding: Grounding, search_results: Mapping[str, SearchResult], options: ExampleOptions
) -> list[RaftExample]:
    """Examples of all splits, sorted by split and context; the same arguments give the same bytes.

    `search_results` is what `search_questions` gives. Distractors come only from documents of the example's own split,
    so that no test document is ever seen in training.
    """
    examples: list[RaftExample] = []
    for split in SPLITS:
        members = sorted((g for g in grounding.questions if g.split == split), key=lambda g: g.question.id)
        pool = {document for document, document_split in grounding.splits.items() if document_split == split}
        examples += _split_examples(members, pool, search_results, options)
    return examples


def _split_examples(
    members: Sequence[GroundedQuestion], pool: set[str], search_results: Mapping[str, SearchResult], options: ExampleOptions
) -> list[RaftExample]:
    if not members:
        return []
    results = [search_results[g.question.id] for g in members]
    mined = {
        g.question.id: screened(
            [hit.chunk for hit in result.hits if hit.chunk.document_id in pool], g.question, {c.id for c in g.oracles}
        )
        for g, result in zip(members, results, strict=True)
    }
    ranks = {g.question.id: {hit.chunk.id: hit.rank for hit in result.hits} for g, result in zip(members, results, strict=True)}
    everything = sorted({chunk.id: chunk for chunks in mined.values() for chunk in chunks}.values(), key=lambda c: c.id)
    policies = {g.question.id: _policy(g, options) for g in members}
    # Questions to abstain from open contexts first, as theirs must be the hardest: what live retrieval would bring.
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
    # Of equally good distractors, oracles of questions still waiting come first: one context, more questions.
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
        question_ranks = ranks[g.question.id]
        order = sorted(numbers, key=lambda chunk_id: (question_ranks.get(chunk_id, len(question_ranks) + 1), chunk_id))
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
