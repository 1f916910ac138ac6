"""People's reviews of generated examples, and how they change what is trained on. Knows no store and no page.

`reviews.jsonl` in a dataset's folder holds one review a line. An edited completion counts only when each of its quotes
is found verbatim in a passage that the example shows.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from corpora.durable_files import sha256_file, sync_folder, write_atomic
from corpora.errors import DatasetError
from corpora.records import Chunk, content_id
from corpora.text.quote_location import locate
from raft.prompts.format import ABSTENTION, ANSWER, parse_completion, render_abstention, render_completion
from raft.quotes.verification import verify_quote
from raft.records import Quote, RaftExample

FILE = "reviews.jsonl"
Verdict = Literal["accept", "edit", "reject"]


@dataclass(frozen=True)
class Review:
    """A person's verdict on one example.

    `judged` is the `completion_id` of the completion that was looked at: when the example has another one by now, the
    review is not applied. An edit brings its `completion` and the `quotes` in it, with their offsets in the documents.
    """

    example_id: str
    verdict: Verdict
    judged: str
    completion: str = ""
    quotes: tuple[Quote, ...] = ()


@dataclass(frozen=True)
class ReviewFile:
    """The reviews of a dataset as written out. `digest` is the SHA-256 of the file."""

    reviews: tuple[Review, ...]
    digest: str


@dataclass(frozen=True)
class Reviewed:
    """Examples after their reviews, in order.

    `unused` are (example id, reason) of reviews that could not be applied.
    """

    examples: tuple[RaftExample, ...]
    accepted: int
    edited: int
    rejected: int
    unused: tuple[tuple[str, str], ...]


def completion_id(example: RaftExample) -> str:
    """The id of the completion that a review is about: a hash of its text."""
    return content_id("completion", example.completion)


def judge(example: RaftExample, verdict: Verdict, completion: str, chunks: Sequence[Chunk]) -> Review:
    """The review of `example`; `completion` counts for an edit only. `chunks` are its passages as the store has them.

    Raises DatasetError when the completion is not in the form of the prompts, or quotes what no passage says.
    """
    if verdict != "edit":
        return Review(example.id, verdict, completion_id(example))
    changed = edited(example, completion, chunks)
    return Review(example.id, verdict, completion_id(example), changed.completion, changed.quotes)


def edited(example: RaftExample, completion: str, chunks: Sequence[Chunk]) -> RaftExample:
    """The example with another completion, rendered anew with the documents' own words and the right numbers.

    A completion that abstains has no quotes, any other has one or more, each in one of `chunks` that the example shows.
    Raises DatasetError.
    """
    parsed = parse_completion(completion)
    if not parsed.well_formed:
        raise DatasetError(f"the completion has no {ANSWER!r}; write the reason with its quotes, then {ANSWER} and the answer")
    if parsed.abstained and parsed.quotes:
        raise DatasetError("the completion quotes and says that the documents do not answer; leave out the quotes or answer")
    if parsed.abstained:
        if example.policy == "answer":  # a person found that what was taken for evidence is none
            example = replace(example, policy="abstain-unanswerable", oracles=(), answers=())
        return replace(example, answer=ABSTENTION, quotes=(), completion=render_abstention())
    if not parsed.quotes:
        raise DatasetError(f"the completion answers without a quote; quote a passage, or answer {ABSTENTION!r}")
    numbers = {passage.chunk_id: number for number, passage in enumerate(example.passages, start=1)}
    passages = sorted((chunk for chunk in chunks if chunk.id in numbers), key=lambda chunk: numbers[chunk.id])
    quotes: list[Quote] = []
    for quote_number, (number, text) in enumerate(parsed.quotes, start=1):
        named = next((chunk for chunk in passages if numbers[chunk.id] == number), None)
        quote = verify_quote(text, passages, named)
        if quote is None:
            raise DatasetError(
                f"quote {quote_number} of the completion is in none of the example's passages; quote them word for word"
            )
        quotes.append(quote)
    return replace(
        example,
        policy="answer",
        oracles=tuple(dict.fromkeys(quote.chunk_id for quote in quotes)),
        answer=parsed.answer,
        answers=(parsed.answer,),
        quotes=tuple(quotes),
        completion=render_completion([(numbers[quote.chunk_id], quote.text) for quote in quotes], parsed.answer),
    )


def apply_reviews(examples: Sequence[RaftExample], reviews: Sequence[Review]) -> Reviewed:
    """The examples after their reviews: without the rejected ones, and with the completions of the edited ones.

    The last review of an example counts. An edit whose quotes do not verify takes its example out: a person found the
    generated completion wrong.
    """
    by_id = {review.example_id: review for review in reviews}
    example_ids = {example.id for example in examples}
    unused = [(example_id, "no example has this id") for example_id in sorted(by_id.keys() - example_ids)]
    remaining: list[RaftExample] = []
    counts: Counter[str] = Counter()
    for example in examples:
        review = by_id.get(example.id)
        if review is not None and review.judged != completion_id(example):
            unused.append((example.id, "the example has changed since it was reviewed"))
            review = None
        if review is None:
            remaining.append(example)
        elif review.verdict == "edit":
            try:
                remaining.append(edited(example, review.completion, _passage_chunks(example, review.quotes)))
                counts["edit"] += 1
            except DatasetError as error:
                unused.append((example.id, f"left out, as the edit does not verify: {error}"))
        else:
            counts[review.verdict] += 1
            if review.verdict == "accept":
                remaining.append(example)
    return Reviewed(tuple(remaining), counts["accept"], counts["edit"], counts["reject"], tuple(unused))


def as_text(reviewed: Reviewed) -> str:
    """The counts of the reviews in one line, and a line for each reason why some were not applied."""
    first = (
        f"reviews: {reviewed.accepted} accepted, {reviewed.edited} edited, {reviewed.rejected} rejected and left out; "
        f"{len(reviewed.examples)} examples remain"
    )
    reasons = Counter(reason for _, reason in reviewed.unused)
    return "\n".join([first, *(f"{count} reviews not applied: {reason}" for reason, count in sorted(reasons.items()))])


def read_reviews(folder: Path) -> ReviewFile | None:
    """The reviews in a dataset's folder; None where there are none.

    Raises DatasetError naming the line that cannot be read.
    """
    path = folder / FILE
    if not path.exists():
        return None
    adapter = TypeAdapter(Review)
    reviews: list[Review] = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            reviews.append(adapter.validate_json(line))
        except ValidationError as error:
            raise DatasetError(
                f"line {number} of {path} is no review ({error.errors()[0]['msg']}); write the reviews again with "
                "`raftsmith annotate`, or delete the file"
            ) from error
    return ReviewFile(tuple(reviews), sha256_file(path))


def write_reviews(folder: Path, reviews: Sequence[Review]) -> None:
    """Write `reviews.jsonl`, by example id; without reviews there is no file. Raises OSError."""
    path = folder / FILE
    if reviews:
        write_atomic(path, as_lines(reviews))
    elif path.exists():
        path.unlink()
        sync_folder(folder)


def as_lines(reviews: Sequence[Review]) -> bytes:
    """The content of `reviews.jsonl`: equal reviews give equal bytes."""
    ordered = sorted(reviews, key=lambda review: review.example_id)
    return "".join(json.dumps(asdict(r), ensure_ascii=False, sort_keys=True) + "\n" for r in ordered).encode()


def _passage_chunks(example: RaftExample, quotes: Sequence[Quote]) -> list[Chunk]:
    """The passages as chunks, as far as verified quotes tell where in their documents they lie."""
    passages = {passage.chunk_id: passage for passage in example.passages}
    chunks: dict[str, Chunk] = {}
    for quote in (*example.quotes, *quotes):
        passage = passages.get(quote.chunk_id)
        span = locate(quote.text, passage.text) if passage else None
        if passage and span:
            start = quote.start - span[0]
            chunks[passage.chunk_id] = Chunk(
                passage.chunk_id,
                passage.document_id,
                start,
                start + len(passage.text),
                passage.text,
                passage.title,
                passage.section,
                "",
                "",
            )
    return list(chunks.values())
