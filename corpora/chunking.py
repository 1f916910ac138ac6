"""Blocks to one cleaned text, and that text to chunks along its structure. Knows no files and no store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from corpora.records import Block, Chunk, Document, content_id
from corpora.sentences import sentence_spans


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


@dataclass(frozen=True)
class ChunkOptions:
    """How documents are cut: words a chunk at most, and the headings (in any case) whose sections are kept but not chunked."""

    max_words: int
    skip_sections: tuple[str, ...] = REFERENCE_SECTIONS

    @property
    def name(self) -> str:
        """A name that is equal for equal options; the store keeps it, to see which documents are cut in another way."""
        skipped = sorted({heading.casefold() for heading in self.skip_sections})
        return f"sentences-{self.max_words}-{content_id(*skipped)[:8]}"

    def skips(self, heading: str) -> bool:
        """True when `heading` opens a section that is not chunked; a number before it ("7. Sources") does not matter."""
        bare = heading.casefold().lstrip("0123456789. ").rstrip(": ")
        return any(bare == skipped.casefold() for skipped in self.skip_sections)


def chunk_document(document: Document, blocks: Sequence[Block], options: ChunkOptions) -> list[Chunk]:
    """Chunks in reading order. Windows hold whole sentences of one section, at most `max_words` words each.

    A heading closes a window and is carried as the chunk's section path, not as its text. A single sentence longer than
    `max_words` is a window of its own: a quote needs the whole sentence. Every visible character outside headings and skipped
    sections is in exactly one chunk. A document that is nothing but skipped sections is chunked as if none were.
    """
    chunks = _chunks(document, blocks, options)
    return chunks or _chunks(document, blocks, ChunkOptions(options.max_words, ()))


def _chunks(document: Document, blocks: Sequence[Block], options: ChunkOptions) -> list[Chunk]:
    _, spans = join_blocks(blocks)
    chunks: list[Chunk] = []
    headings: list[tuple[int, str]] = []
    window: list[tuple[int, int]] = []
    began: tuple[int | None, int] = (None, 0)
    words = 0

    def close() -> None:
        nonlocal words
        if window:
            start, end = window[0][0], window[-1][1]
            section = " › ".join(text for _, text in headings if text != document.title)
            chunks.append(
                Chunk(
                    id=content_id("chunk", document.id, str(start), str(end)),
                    document_id=document.id,
                    start=start,
                    end=end,
                    text=document.text[start:end],
                    title=document.title,
                    section=section,
                    source=document.source,
                    collection=document.collection,
                    page=began[0],
                    paragraph=began[1],
                )
            )
        window.clear()
        words = 0

    for number, (block, (start, _)) in enumerate(zip(blocks, spans, strict=True), start=1):
        if block.kind == "heading":
            close()
            headings = [(level, text) for level, text in headings if level < block.level]
            headings.append((block.level, block.text))
            continue
        if any(options.skips(text) for _, text in headings):
            continue
        for left, right in sentence_spans(block.text):
            count = len(block.text[left:right].split())
            if words and words + count > options.max_words:
                close()
            if not window:
                page = block.page and block.page + sum(offset <= left for offset in block.breaks)
                began = (page, number)
            window.append((start + left, start + right))
            words += count
    close()
    return chunks
