"""Blocks to one cleaned text, and that text to chunks along its structure. Knows no files and no store."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from corpora.clauses import clause_spans, word_spans
from corpora.records import Block, Chunk, Document, content_id
from corpora.sentences import sentence_spans
from corpora.windows import best_windows


def join_blocks(blocks: Sequence[Block]) -> tuple[str, list[tuple[int, int]]]:
    """The document text (blocks joined by an empty line) and each block's `(start, end)` in it."""
    parts: list[str] = []
    spans: list[tuple[int, int]] = []
    position = 0
    for block in blocks:
        parts.append(block.text)
        spans.append((position, position + len(block.text)))
        position += len(block.text) + 2
    return "\n\n".join(parts), spans


# Headings over lists of literature: their lines name what a question is about and never answer it.
REFERENCE_SECTIONS = ("Sources", "References", "Bibliography", "Works cited", "Literature", "Further reading")
WITHIN_PARAGRAPH, WITHIN_LIST, AFTER_LEAD_IN, WITHIN_SENTENCE = 1.0, 0.1, 1.0, 1.5
"""What it costs to cut there, against the squared room (0–1) that a window leaves; at a paragraph's end it costs nothing."""
_LEAD_IN = re.compile(r"[:—–-]$")
_ITEM = re.compile(r"[“\"‘']?\(?(?:\d{1,3}|[a-z]{1,2}|[ivx]+|[A-Z])[.)]\s")


class TokenMeasure(Protocol):
    """What the chunker wants to know of an encoder."""

    @property
    def max_tokens(self) -> int | None:
        """How many tokens of a text it reads; None: all."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each of `texts`."""
        ...


@dataclass(frozen=True)
class ChunkOptions:
    """How documents are cut.

    `max_words` words a chunk at most, or, when `max_tokens` is above 0, so many tokens of the encoder. `overlap` sentences
    of a window are repeated at the start of the next one of its section. Sections under `skip_sections` (headings, in any
    case) are kept in the document and not chunked.
    """

    max_words: int
    skip_sections: tuple[str, ...] = REFERENCE_SECTIONS
    max_tokens: int = 0
    overlap: int = 0

    @property
    def name(self) -> str:
        """A name that is equal for equal options; the store keeps it, to see which documents are cut in another way."""
        skipped = sorted({heading.casefold() for heading in self.skip_sections})
        return f"windows-{self.max_words}-{content_id(str(self.max_tokens), str(self.overlap), *skipped)[:8]}"

    def skips(self, heading: str) -> bool:
        """True when `heading` opens a section that is not chunked; a number before it ("7. Sources") does not matter."""
        bare = heading.casefold().lstrip("0123456789. ").rstrip(": ")
        return any(bare == skipped.casefold() for skipped in self.skip_sections)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A sentence of the document text, or a part of one that is too long: its sizes, and what cutting after it costs."""

    start: int
    end: int
    page: int | None
    paragraph: int
    cut_cost: float = 0.0
    words: int = 0
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class _Section:
    """The text between two headings."""

    path: str
    pieces: list[_Piece]


def chunk_document(
    document: Document, blocks: Sequence[Block], options: ChunkOptions, encoder: TokenMeasure | None = None
) -> list[Chunk]:
    """Chunks in reading order. Windows hold whole sentences of one section, up to the size that `options` gives.

    A heading closes a window and is carried as the chunk's section path, not as its text. A single sentence longer than
    the limit is a window of its own: a quote needs the whole sentence. Only what `encoder` could not read to its end, title and
    path included, is cut further, at a clause. Of the ways to cut, the one with even windows that end at the ends of paragraphs
    and keep a list with what leads to it. Without overlap every visible character outside headings and skipped sections is in
    exactly one chunk. A document that is nothing but skipped sections is chunked as if none were.
    """
    sections = list(_sections(document, blocks, options))
    if not any(section.pieces for section in sections) and options.skip_sections:
        return chunk_document(document, blocks, replace(options, skip_sections=()), encoder)
    chunks = []
    for section, room in _measured(document, sections, options, encoder):
        for first, end in _windows(section.pieces, options, room):
            chunks.append(_chunk(document, section.path, section.pieces[first:end]))
    return chunks


def _sections(document: Document, blocks: Sequence[Block], options: ChunkOptions) -> Iterator[_Section]:
    _, spans = join_blocks(blocks)
    headings: list[tuple[int, str, bool]] = []
    section = _Section("", [])
    for number, (block, (start, _)) in enumerate(zip(blocks, spans, strict=True), start=1):
        if block.kind == "heading":
            yield section
            headings = [heading for heading in headings if heading[0] < block.level]
            headings.append((block.level, block.text, options.skips(block.text)))
            section = _Section(" › ".join(text for _, text, _ in headings if text != document.title), [])
        elif not any(skipped for *_, skipped in headings):
            _add_block(section.pieces, block, start, number)
    yield section


def _add_block(pieces: list[_Piece], block: Block, start: int, number: int) -> None:
    """Append the sentences of `block`, and say of what came before it what a cut between the two costs."""
    item = block.kind == "item" or _ITEM.match(block.text) is not None
    spans = sentence_spans(block.text)
    if pieces and spans and item:
        pieces[-1] = replace(pieces[-1], cut_cost=max(WITHIN_LIST, pieces[-1].cut_cost))
    for position, (left, right) in enumerate(spans, start=1):
        page = block.page and block.page + sum(offset <= left for offset in block.breaks)
        last = position == len(spans)
        lead_in = last and _LEAD_IN.search(block.text) is not None
        cost = AFTER_LEAD_IN if lead_in else 0.0 if last else WITHIN_PARAGRAPH
        pieces.append(_Piece(start + left, start + right, page, number, cost))


def _measured(
    document: Document, sections: Sequence[_Section], options: ChunkOptions, encoder: TokenMeasure | None
) -> Iterator[tuple[_Section, int | None]]:
    """Every section with its pieces measured, and with the tokens that the encoder can read of its text."""
    text = document.text
    words = [replace(s, pieces=[replace(p, words=len(text[p.start : p.end].split())) for p in s.pieces]) for s in sections]
    if encoder is None or not (options.max_tokens or encoder.max_tokens):
        yield from ((section, None) for section in words)
        return
    counts = iter(encoder.count_tokens([text[p.start : p.end] for s in words for p in s.pieces]))
    heads = encoder.count_tokens([f"{document.title}. {section.path}\n" for section in words])
    for section, head in zip(words, heads, strict=True):
        # A path of headings that takes more than half of what the encoder reads is not given more.
        room = encoder.max_tokens and max(encoder.max_tokens - head, encoder.max_tokens // 2)
        pieces = [replace(piece, tokens=next(counts)) for piece in section.pieces]
        yield replace(section, pieces=list(_short(pieces, text, room, encoder)) if room else pieces), room


def _short(pieces: Sequence[_Piece], text: str, room: int, encoder: TokenMeasure) -> Iterator[_Piece]:
    """`pieces`, those of more than `room` tokens cut at clauses, or between words where a clause is too long: few, even parts."""
    for piece in pieces:
        if piece.tokens <= room:
            yield piece
            continue
        parts = []
        for clause in _parts(piece, text, clause_spans, encoder):
            parts += _parts(clause, text, word_spans, encoder) if clause.tokens > room else [clause]
        for first, end in best_windows([[part.tokens for part in parts]], [room], [part.cut_cost for part in parts]):
            words, tokens = (sum(sizes) for sizes in zip(*((p.words, p.tokens) for p in parts[first:end]), strict=True))
            cost = WITHIN_SENTENCE if end < len(parts) else piece.cut_cost
            yield replace(parts[first], end=parts[end - 1].end, words=words, tokens=tokens, cut_cost=cost)


def _parts(
    piece: _Piece, text: str, spans_of: Callable[[str], list[tuple[int, int, float]]], encoder: TokenMeasure
) -> list[_Piece]:
    """`piece` in parts, each with what cutting after it costs; the last has what cutting after the piece does."""
    whole = text[piece.start : piece.end]
    spans = spans_of(whole)
    counts = encoder.count_tokens([whole[left:right] for left, right, _ in spans])
    parts = [
        replace(
            piece,
            start=piece.start + left,
            end=piece.start + right,
            cut_cost=cost,
            words=len(whole[left:right].split()),
            tokens=count,
        )
        for (left, right, cost), count in zip(spans, counts, strict=True)
    ]
    return [*parts[:-1], replace(parts[-1], cut_cost=piece.cut_cost)]


def _windows(pieces: Sequence[_Piece], options: ChunkOptions, room: int | None) -> list[tuple[int, int]]:
    tokens = [piece.tokens for piece in pieces]
    costs = [piece.cut_cost for piece in pieces]
    if options.max_tokens and any(tokens):
        return best_windows([tokens], [min(options.max_tokens, room or options.max_tokens)], costs, options.overlap)
    words = [piece.words for piece in pieces]
    if room:
        return best_windows([words, tokens], [options.max_words, room], costs, options.overlap)
    return best_windows([words], [options.max_tokens or options.max_words], costs, options.overlap)


def _chunk(document: Document, section: str, window: Sequence[_Piece]) -> Chunk:
    start, end = window[0].start, window[-1].end
    return Chunk(
        id=content_id("chunk", document.id, str(start), str(end)),
        document_id=document.id,
        start=start,
        end=end,
        text=document.text[start:end],
        title=document.title,
        section=section,
        source=document.source,
        collection=document.collection,
        page=window[0].page,
        paragraph=window[0].paragraph,
    )
