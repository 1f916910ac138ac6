"""Sentences of a document, measured in words and tokens and cut where an encoder could not read them whole.

Knows no blocks and no chunks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from corpora.chunking.clauses import character_spans, clause_spans, word_spans
from corpora.chunking.windows import best_windows

WITHIN_SENTENCE = 1.5
"""What cutting within a sentence costs, against the squared room (0–1) that a window leaves."""


class TokenMeasure(Protocol):
    """What chunking needs of an encoder: how many tokens it reads, and how many a text has."""

    @property
    def max_tokens(self) -> int | None:
        """The most tokens of a text that the encoder reads; None where it reads all."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each of `texts`."""
        ...


@dataclass(frozen=True, slots=True)
class Piece:
    """A sentence of the document text, or a part of one that is too long.

    It has its sizes in words and tokens, and what cutting after it costs.
    """

    start: int
    end: int
    page: int | None
    paragraph: int
    cut_cost: float = 0.0
    words: int = 0
    tokens: int = 0


def in_words(pieces: Sequence[Piece], text: str) -> list[Piece]:
    """`pieces` of `text` with their numbers of words."""
    return [replace(piece, words=len(text[piece.start : piece.end].split())) for piece in pieces]


def in_tokens(sections: Sequence[Sequence[Piece]], text: str, encoder: TokenMeasure) -> list[list[Piece]]:
    """The pieces of every section with their numbers of tokens; the encoder is asked once for all."""
    counts = iter(encoder.count_tokens([text[piece.start : piece.end] for pieces in sections for piece in pieces]))
    return [[replace(piece, tokens=next(counts)) for piece in pieces] for pieces in sections]


def shortened(pieces: Sequence[Piece], text: str, limit: int, encoder: TokenMeasure) -> list[Piece]:
    """The pieces, with those of more than `limit` tokens cut into few, even parts.

    They are cut at clauses, between words where a clause is too long, and between characters where a word is.
    """
    return [part for piece in pieces for part in (_divided(piece, text, limit, encoder) if piece.tokens > limit else [piece])]


def _divided(piece: Piece, text: str, limit: int, encoder: TokenMeasure) -> Iterator[Piece]:
    parts = [piece]
    for spans_of in (clause_spans, word_spans, character_spans):
        parts = [p for part in parts for p in (_parts(part, text, spans_of, encoder) if part.tokens > limit else [part])]
    for first, end in best_windows([[part.tokens for part in parts]], [limit], [part.cut_cost for part in parts]):
        yield replace(
            parts[first],
            end=parts[end - 1].end,
            words=sum(part.words for part in parts[first:end]),
            tokens=sum(part.tokens for part in parts[first:end]),
            cut_cost=WITHIN_SENTENCE if end < len(parts) else piece.cut_cost,
        )


def _parts(
    piece: Piece, text: str, spans_of: Callable[[str], list[tuple[int, int, float]]], encoder: TokenMeasure
) -> list[Piece]:
    """`piece` in parts, each with what cutting after it costs; the last has what cutting after the piece does."""
    whole = text[piece.start : piece.end]
    spans = spans_of(whole)
    counts = encoder.count_tokens([whole[first:end] for first, end, _ in spans])
    parts = [
        replace(piece, start=piece.start + first, end=piece.start + end, cut_cost=cost, tokens=count)
        for (first, end, cost), count in zip(spans, counts, strict=True)
    ]
    return [*in_words(parts[:-1], text), replace(in_words(parts[-1:], text)[0], cut_cost=piece.cut_cost)]
