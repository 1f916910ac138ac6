"""PDF with a text layer: lines put back into paragraphs; running headers, footers and page numbers marked."""

from __future__ import annotations

import re
import statistics
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import pairwise

import pypdfium2
import pypdfium2.raw as pdfium_c

from corpora.errors import UnreadableDocument
from corpora.readers.pdf import ocr
from corpora.readers.pdf.annotations import notes_of
from corpora.readers.pdf.lines import Line, lines_of
from corpora.records import Block, Reading

_PAGE_NUMBER = re.compile(r"(?:page\s*)?\d{1,4}(?:\s*(?:/|of)\s*\d{1,4})?", re.I)
_BULLET = re.compile(r"^[•‣–\-*]\s+")
MAX_PAGES = 2_000
MAX_STAMP_CHARACTERS = 300
"""A page with a picture over half of it and no more text than this is a scan that somebody stamped."""
_MAX_PIXELS = 40_000_000  # of a page that is recognised; a larger one is drawn coarser
_MIN_SIGNS, _MAX_GARBLED = 20, 0.3


@dataclass(frozen=True)
class _Page:
    """What one page holds: the lines of its text layer, form values and notes, and the paragraphs of a scan.

    `scanned` is None for a scan that nobody read.
    """

    lines: list[Line]
    notes: list[Block]
    scanned: list[Block] | None = field(default_factory=list)


def read(data: bytes, languages: str = "eng") -> list[Reading]:
    """Title (of the metadata) and blocks. `languages` are those of pages that have to be recognised.

    Raises UnreadableDocument for encrypted, damaged, oversized or scanned files.
    """
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        reason = "needs a password" if "password" in str(error).lower() else "is damaged"
        raise UnreadableDocument(f"the PDF {reason} ({error})") from error
    try:
        if len(document) > MAX_PAGES:
            raise UnreadableDocument(f"{len(document)} pages; at most {MAX_PAGES}: split it")
        if document.get_formtype() != pdfium_c.FORMTYPE_NONE:
            document.init_forms()
        pages = [_page(document, number, languages) for number in range(len(document))]
        title = document.get_metadata_value("Title").strip()
    finally:
        document.close()
    if not any(page.lines or page.notes or page.scanned for page in pages):
        raise UnreadableDocument(f"the PDF has no text layer (a scan?); {ocr.MISSING}")
    running = _running_lines([page.lines for page in pages])
    blocks = _blocks([line for page in pages for line in page.lines if line not in running])
    unread = [str(number) for number, page in enumerate(pages, 1) if page.scanned is None]
    # A page that nobody could read is said, not dropped in silence.
    return [
        Reading(
            None if title.lower() in ("", "untitled") else title,
            list(_in_order(blocks, pages, running)),
            metadata={"pages_without_text": ", ".join(unread)} if unread else {},
        )
    ]


def is_garbled(lines: list[Line]) -> bool:
    """True when the text layer holds numbers of glyphs and no characters.

    A font that does not say which characters its glyphs are gives such a layer.
    """
    signs = [sign for line in lines for sign in line.text if not sign.isspace()]
    unknown = sum(sign == "\ufffd" or unicodedata.category(sign) in ("Co", "Cn", "Cc", "Cs") for sign in signs)
    return len(signs) >= _MIN_SIGNS and unknown > _MAX_GARBLED * len(signs)


def _page(document: pypdfium2.PdfDocument, number: int, languages: str) -> _Page:
    page = document[number]
    try:
        lines = lines_of(page, number)
        notes = notes_of(page, document.formenv, number)
        garbled = is_garbled(lines)
        lines = [] if garbled else lines
        if not garbled and not _is_scan(page, lines):
            return _Page(lines, notes)
        return _Page(lines, notes, _recognised(page, number, lines, languages) if ocr.available() else None)
    finally:
        page.close()


def _in_order(blocks: list[Block], pages: list[_Page], running: set[Line]) -> Iterator[Block]:
    """All blocks in the order of the pages.

    The running lines of a page come before the blocks that begin on it; its notes and the text of its scan after them.
    """
    remaining = iter(blocks)
    block = next(remaining, None)
    for number, page in enumerate(pages, 1):
        yield from (Block("running", line.text, page=number) for line in page.lines if line in running)
        while block is not None and block.page == number:
            yield block
            block = next(remaining, None)
        yield from page.notes
        yield from page.scanned or ()


def _is_scan(page: pypdfium2.PdfPage, lines: list[Line]) -> bool:
    if not lines:
        kinds = [pdfium_c.FPDF_PAGEOBJ_IMAGE, pdfium_c.FPDF_PAGEOBJ_FORM]
        return any(True for _ in page.get_objects(filter=kinds, max_depth=3))
    if sum(len(line.text) for line in lines) > MAX_STAMP_CHARACTERS:
        return False
    width, height = page.get_size()
    boxes = (picture.get_bounds() for picture in page.get_objects(filter=[pdfium_c.FPDF_PAGEOBJ_IMAGE], max_depth=3))
    return any((right - left) * (top - bottom) > 0.5 * width * height for left, bottom, right, top in boxes)


def _recognised(page: pypdfium2.PdfPage, number: int, lines: list[Line], languages: str) -> list[Block]:
    """The paragraphs of a page's picture, without the lines that its text layer has as well."""
    width, height = page.get_size()
    scale = min(ocr.DPI / 72, (_MAX_PIXELS / max(1.0, width * height)) ** 0.5)
    picture = page.render(scale=scale, grayscale=True)
    if picture.stride == picture.width:
        dots = bytes(picture.buffer)
    else:
        rows = memoryview(bytes(picture.buffer))
        dots = b"".join(rows[start : start + picture.width] for start in range(0, len(rows), picture.stride))
    texts = ocr.paragraphs(dots, picture.width, picture.height, languages, round(scale * 72))
    if lines:
        texts = [
            "\n".join(line for line in text.split("\n") if not any(_alike(line, layer_line.text) for layer_line in lines))
            for text in texts
        ]
    return [Block("paragraph", text, page=number + 1) for text in texts if text]


def _alike(first: str, second: str) -> bool:
    return SequenceMatcher(None, first.casefold(), second.casefold(), autojunk=False).ratio() > 0.8


def _running_lines(pages: list[list[Line]]) -> set[Line]:
    by_height = [sorted(page, key=lambda line: -line.top) for page in pages]
    edges = [(*page[:2], *page[-2:], *_across(page)) for page in by_height]
    shapes = Counter(shape for edge in edges for shape in {_shape(line) for line in edge})
    repeated = {shape for shape, count in shapes.items() if len(pages) > 1 and count >= max(2, len(pages) / 2)}
    running = [line for edge in edges for line in edge if _shape(line) in repeated or _PAGE_NUMBER.fullmatch(line.text)]
    sentences: dict[str, Line] = {}
    for line in running:
        if _is_sentence(line.text):
            sentences.setdefault(line.text, line)
    return set(running).difference(sentences.values())


def _is_sentence(text: str) -> bool:
    """True for a whole sentence without numbers, which is text although it is repeated on every page.

    As in "No legal advice is given by the publisher of this form."
    """
    return text.endswith(".") and len(text.split()) >= 8 and not any(map(str.isdigit, text))


def _across(page: list[Line]) -> list[Line]:
    """The lines that are stamped beside or over the text: turned, or large and at the height of several others."""
    if not page:
        return []
    usual = Counter(line.quarters for line in page).most_common(1)[0][0]
    large = 1.5 * statistics.median(line.size for line in page)
    return [line for line in page if line.quarters != usual or (line.size > large and _lies_over(line, page))]


def _lies_over(line: Line, page: list[Line]) -> bool:
    return sum(line.bottom < (neighbour.top + neighbour.bottom) / 2 < line.top for neighbour in page) > 2  # itself is one


def _shape(line: Line) -> tuple[str, int]:
    """What a running line has in common on all pages: its text but for numbers, and its height on the page."""
    return re.sub(r"\d+", "#", line.text), round(line.bottom / 4)


def _blocks(lines: list[Line]) -> list[Block]:
    """Paragraphs, items and headings; the lines of one are divided by line ends, which cleaning makes spaces."""
    if not lines:
        return []
    body = statistics.median(line.size for line in lines)
    gaps = [a.bottom - b.top for a, b in pairwise(lines) if a.page == b.page and a.bottom > b.top]
    usual_gap = statistics.median(gaps) if gaps else 0.0
    drafts: list[_Draft] = []
    previous = lines[0]
    for line in lines:
        large = line.size > 1.12 * body and len(line.text) < 120 and not line.text.endswith((".", ";", ","))
        bullet = _BULLET.match(line.text)
        text = line.text[bullet.end() :] if bullet else line.text
        last = drafts[-1] if drafts else None
        if last is None:
            new = True
        elif previous.page != line.page:
            new = last.parts[-1].endswith((".", "?", "!", ":")) or large
        elif previous.quarters != line.quarters:
            new = True
        elif large and last.kind == "heading" and previous.size == line.size:
            # Leading grows with the type, so the lines of a wrapped heading lie further apart.
            new = previous.bottom - line.top > 0.7 * line.size
        else:
            new = previous.bottom - line.top > usual_gap + 0.35 * body
        if large:
            if last and last.kind == "heading" and not new:
                last.parts += ("\n", text)
            else:
                drafts.append(_Draft("heading", [text], line.page + 1, 1 if line.size > 1.5 * body else 2))
        elif bullet:
            drafts.append(_Draft("item", [text], line.page + 1))
        elif new or last is None or last.kind == "heading":
            drafts.append(_Draft("paragraph", [text], line.page + 1))
        else:
            last.parts += ("\f" * (line.page - previous.page) or "\n", text)
        previous = line
    return [Block(draft.kind, "".join(draft.parts), draft.level, draft.page) for draft in drafts]


@dataclass
class _Draft:
    """A block that may still grow: its lines and what divides them."""

    kind: str
    parts: list[str]
    page: int
    level: int = 0
