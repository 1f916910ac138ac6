"""Blocks to one cleaned text, and that text to chunks along its structure. Knows no files and no store."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass as section_dataclass

from corpora.chunking.sentence_pieces import Piece, TokenMeasure, in_tokens, in_words, shortened
from corpora.chunking.windows import best_windows
from corpora.records import Block, Chunk, Document, content_id
from corpora.text.sentences import sentence_spans


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
WITHIN_PARAGRAPH, WITHIN_LIST, AFTER_LEAD_IN = 1.0, 0.1, 1.0
"""What it costs to cut there, against the squared room (0–1) that a window leaves; at a paragraph's end it costs
nothing."""
_LEAD_IN = re.compile(r"[:—–-]$")
_ITEM = re.compile(r"[“\"‘']?\(?(?:\d{1,3}|[a-z]{1,2}|[ivx]+|[A-Z])[.)]\s")


@section_dataclass(frozen=True, config={"extra": "forbid"})
class ChunkOptions:
    """How documents are cut. After a change, `raftsmith add` re-indexes what it is given."""

    SECTION: ClassVar[str] = "chunks"
    PARTIAL: ClassVar[bool] = False

    max_words: int = Field(
        default=20,
        ge=1,
        le=2000,
        description="Words a chunk at most, never more than the encoder reads: 20 (a sentence) for the packaged model, 150-300 for 7B.",
    )
    skip_sections: tuple[str, ...] = Field(
        default=REFERENCE_SECTIONS,
        description="Sections under these headings are kept in the document but neither found nor quoted.",
    )
    max_tokens: int = Field(
        default=0, ge=0, le=8192, description="Tokens of the encoder a chunk at most; 0 counts words instead."
    )
    overlap_sentences: int = Field(default=0, ge=0, le=20, description="Sentences of a chunk that the next one repeats.")

    @property
    def name(self) -> str:
        """A name that is equal for equal options; the store keeps it, to see which documents are cut in another way."""
        skipped = sorted({heading.casefold() for heading in self.skip_sections})
        return f"windows-{self.max_words}-{content_id(str(self.max_tokens), str(self.overlap_sentences), *skipped)[:8]}"

    def skips(self, heading: str) -> bool:
        """True when `heading` opens a section that is not chunked.

        A number before it ("7. Sources") does not matter.
        """
        bare = heading.casefold().lstrip("0123456789. ").rstrip(": ")
        return any(bare == skipped.casefold() for skipped in self.skip_sections)


@dataclass(frozen=True, slots=True)
class _Section:
    """The text between two headings, and how many words and tokens a window of it may hold; None: any number."""

    path: str
    pieces: list[Piece]
    max_words: int | None = None
    max_tokens: int | None = None


def chunk_document(
    document: Document, blocks: Sequence[Block], options: ChunkOptions, encoder: TokenMeasure | None = None
) -> list[Chunk]:
    """Chunks in reading order. Windows hold whole sentences of one section, up to the size that `options` gives.

    A heading closes a window and is carried as the chunk's section path, not as its text. A single sentence longer than
    the limit is a window of its own: a quote needs the whole sentence. Only what `encoder` could not read to its end,
    title and path included, is cut further, at a clause. Of the ways to cut, the one with even windows that end at the
    ends of paragraphs and keep a list with what leads to it. Without overlap every visible character outside headings
    and skipped sections is in exactly one chunk. A document that is nothing but skipped sections is chunked as if none
    were.
    """
    sections = list(_sections(document, blocks, options))
    if not any(section.pieces for section in sections) and options.skip_sections:
        return chunk_document(document, blocks, replace(options, skip_sections=()), encoder)
    return [
        _chunk(document, section.path, section.pieces[first:end])
        for section in _measured(document, sections, options, encoder)
        for first, end in _windows(section, options.overlap_sentences)
    ]


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


def _add_block(pieces: list[Piece], block: Block, start: int, number: int) -> None:
    """Append the sentences of `block`, and say of what came before it what a cut between the two costs."""
    item = block.kind == "item" or _ITEM.match(block.text) is not None
    spans = sentence_spans(block.text)
    if pieces and spans and item:
        pieces[-1] = replace(pieces[-1], cut_cost=max(WITHIN_LIST, pieces[-1].cut_cost))
    for position, (sentence_start, sentence_end) in enumerate(spans, start=1):
        page = block.page and block.page + sum(offset <= sentence_start for offset in block.breaks)
        last = position == len(spans)
        lead_in = last and _LEAD_IN.search(block.text) is not None
        cost = AFTER_LEAD_IN if lead_in else 0.0 if last else WITHIN_PARAGRAPH
        pieces.append(Piece(start + sentence_start, start + sentence_end, page, number, cost))


def _measured(
    document: Document, sections: Sequence[_Section], options: ChunkOptions, encoder: TokenMeasure | None
) -> Iterator[_Section]:
    """Every section with its pieces measured, and with its limits."""
    text = document.text
    words = [in_words(section.pieces, text) for section in sections]
    if encoder is None or not (options.max_tokens or encoder.max_tokens):
        for section, pieces in zip(sections, words, strict=True):
            yield replace(section, pieces=pieces, max_words=options.max_tokens or options.max_words)
        return
    heads = encoder.count_tokens([f"{document.title}. {section.path}\n" for section in sections])
    for section, pieces, head in zip(sections, in_tokens(words, text, encoder), heads, strict=True):
        room = options.max_tokens
        if encoder.max_tokens:
            # A path of headings that takes more than half of what the encoder reads is not given more.
            reads = max(encoder.max_tokens - head, encoder.max_tokens // 2)
            pieces = shortened(pieces, text, reads, encoder)
            room = min(room or reads, reads)
        yield replace(section, pieces=pieces, max_words=None if options.max_tokens else options.max_words, max_tokens=room)


def _windows(section: _Section, overlap: int) -> list[tuple[int, int]]:
    measured = (
        ([piece.words for piece in section.pieces], section.max_words),
        ([piece.tokens for piece in section.pieces], section.max_tokens),
    )
    limited = [(sizes, limit) for sizes, limit in measured if limit is not None]
    costs = [piece.cut_cost for piece in section.pieces]
    return best_windows([sizes for sizes, _ in limited], [limit for _, limit in limited], costs, overlap)


def _chunk(document: Document, section: str, window: Sequence[Piece]) -> Chunk:
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
