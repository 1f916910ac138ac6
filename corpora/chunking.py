"""Blocks to one cleaned text, and that text to chunks along its structure. Knows no files and no store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

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
        return f"sentences-{self.max_words}-{content_id(str(self.max_tokens), str(self.overlap), *skipped)[:8]}"

    def skips(self, heading: str) -> bool:
        """True when `heading` opens a section that is not chunked; a number before it ("7. Sources") does not matter."""
        bare = heading.casefold().lstrip("0123456789. ").rstrip(": ")
        return any(bare == skipped.casefold() for skipped in self.skip_sections)


@dataclass(frozen=True)
class _Sentence:
    """A sentence of the document text, with its size in what windows are measured in, and its place in the source."""

    start: int
    end: int
    size: int
    page: int | None
    paragraph: int


def chunk_document(
    document: Document, blocks: Sequence[Block], options: ChunkOptions, count_tokens: Callable[[str], int] | None = None
) -> list[Chunk]:
    """Chunks in reading order. Windows hold whole sentences of one section, up to the size that `options` gives.

    A heading closes a window and is carried as the chunk's section path, not as its text. A single sentence longer than
    the limit is a window of its own: a quote needs the whole sentence. Without overlap every visible character outside
    headings and skipped sections is in exactly one chunk. A document that is nothing but skipped sections is chunked as if
    none were. `count_tokens` is the encoder's; without it tokens are words.
    """
    count = count_tokens if options.max_tokens and count_tokens else _count_words
    limit = options.max_tokens or options.max_words
    chunks = [
        _chunk(document, section, window)
        for section, sentences in _sections(document, blocks, options, count)
        for window in _windows(sentences, limit, options.overlap)
    ]
    if chunks or not options.skip_sections:
        return chunks
    return chunk_document(document, blocks, replace(options, skip_sections=()), count_tokens)


def _count_words(text: str) -> int:
    return len(text.split())


def _sections(
    document: Document, blocks: Sequence[Block], options: ChunkOptions, count: Callable[[str], int]
) -> Iterator[tuple[str, list[_Sentence]]]:
    """`(path of headings, sentences)` of each stretch of text between two headings."""
    _, spans = join_blocks(blocks)
    headings: list[tuple[int, str]] = []
    sentences: list[_Sentence] = []
    for number, (block, (start, _)) in enumerate(zip(blocks, spans, strict=True), start=1):
        if block.kind == "heading":
            yield _path(headings, document.title), sentences
            sentences = []
            headings = [(level, text) for level, text in headings if level < block.level]
            headings.append((block.level, block.text))
        elif not any(options.skips(text) for _, text in headings):
            for left, right in sentence_spans(block.text):
                page = block.page and block.page + sum(offset <= left for offset in block.breaks)
                size = count(block.text[left:right])
                sentences.append(_Sentence(start + left, start + right, size, page, number))
    yield _path(headings, document.title), sentences


def _path(headings: Sequence[tuple[int, str]], title: str) -> str:
    return " › ".join(text for _, text in headings if text != title)


def _windows(sentences: Sequence[_Sentence], limit: int, overlap: int) -> Iterator[list[_Sentence]]:
    window: list[_Sentence] = []
    for sentence in sentences:
        if window and sum(held.size for held in window) + sentence.size > limit:
            yield window
            window = window[-overlap:] if overlap else []
            while window and sum(held.size for held in window) + sentence.size > limit:
                window = window[1:]  # a repeated sentence must not push the new one over the limit
        window = [*window, sentence]
    if window:
        yield window


def _chunk(document: Document, section: str, window: Sequence[_Sentence]) -> Chunk:
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
