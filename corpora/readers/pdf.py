"""PDF with a text layer: lines put back into paragraphs; running headers, footers and page numbers dropped."""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise

import pypdfium2
import pypdfium2.raw as pdfium_c

from corpora.errors import UnreadableDocument
from corpora.records import Block

_PAGE_NUMBER = re.compile(r"(?:page\s*)?\d{1,4}(?:\s*(?:/|of)\s*\d{1,4})?", re.I)
_BULLET = re.compile(r"^[•‣–\-*]\s+")
MAX_PAGES = 2_000


@dataclass(frozen=True)
class _Line:
    """One line of a page; `size` is the font size, positions are in points from the page's lower left corner."""

    text: str
    top: float
    bottom: float
    size: float
    page: int


def read(data: bytes) -> tuple[str | None, list[Block]]:
    """Title (of the metadata) and blocks. Raises UnreadableDocument for encrypted, damaged, oversized or scanned files."""
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        reason = "needs a password" if "password" in str(error).lower() else "is damaged"
        raise UnreadableDocument(f"the PDF {reason} ({error})") from error
    try:
        if len(document) > MAX_PAGES:
            raise UnreadableDocument(f"{len(document)} pages; at most {MAX_PAGES}: split it")
        pages = [_lines(document[number], number) for number in range(len(document))]
        title = document.get_metadata_value("Title") or None
    finally:
        document.close()
    if not any(pages):
        raise UnreadableDocument("the PDF has no text layer (a scan?); run OCR first")
    running = _running_lines(pages)
    lines = [line for page in pages for line in page if line not in running]
    return title, _blocks(lines)


def _lines(page: pypdfium2.PdfPage, number: int) -> list[_Line]:
    textpage = page.get_textpage()
    try:
        boxes: list[tuple[float, float, float, float]] = []
        for index in range(textpage.count_rects()):
            left, bottom, right, top = textpage.get_rect(index)
            last = boxes[-1] if boxes else None
            if last and min(top, last[3]) - max(bottom, last[1]) > 0.5 * min(top - bottom, last[3] - last[1]):
                # The same line, cut where font or glyph run changes; its text is read again as a whole.
                boxes[-1] = (min(left, last[0]), min(bottom, last[1]), max(right, last[2]), max(top, last[3]))
            else:
                boxes.append((left, bottom, right, top))
        lines = []
        for left, bottom, right, top in boxes:
            text = " ".join(textpage.get_text_bounded(left, bottom, right, top).split())
            if text:
                lines.append(_Line(text, top, bottom, _font_size(textpage, left, bottom, right, top), number))
        return lines
    finally:
        textpage.close()
        page.close()


def _font_size(textpage: pypdfium2.PdfTextPage, left: float, bottom: float, right: float, top: float) -> float:
    index = textpage.get_index((left + right) / 2, (bottom + top) / 2, right - left, top - bottom)
    return float(pdfium_c.FPDFText_GetFontSize(textpage, index)) if index is not None else top - bottom


def _running_lines(pages: list[list[_Line]]) -> set[_Line]:
    by_height = [sorted(page, key=lambda line: -line.top) for page in pages]
    edges = [(*page[:2], *page[-2:]) for page in by_height]
    shapes = Counter(shape for edge in edges for shape in {_shape(line) for line in edge})
    repeated = {shape for shape, count in shapes.items() if len(pages) > 1 and count >= max(2, len(pages) / 2)}
    return {line for edge in edges for line in edge if _shape(line) in repeated or _PAGE_NUMBER.fullmatch(line.text.strip())}


def _shape(line: _Line) -> tuple[str, int]:
    """What a running line has in common on all pages: its text but for numbers, and its height on the page."""
    return re.sub(r"\d+", "#", line.text), round(line.bottom / 4)


def _blocks(lines: list[_Line]) -> list[Block]:
    body = statistics.median(line.size for line in lines)
    words = {word for line in lines for word in re.findall(r"\w+", line.text.lower())}
    gaps = [a.bottom - b.top for a, b in pairwise(lines) if a.page == b.page and a.bottom > b.top]
    usual_gap = statistics.median(gaps) if gaps else 0.0
    blocks: list[Block] = []
    previous: _Line | None = None
    for line in lines:
        large = line.size > 1.12 * body and len(line.text) < 120 and not line.text.endswith((".", ";", ","))
        bullet = _BULLET.match(line.text)
        text = line.text[bullet.end() :] if bullet else line.text
        last = blocks[-1] if blocks else None
        if previous is None or last is None:
            new = True
        elif previous.page != line.page:
            new = last.text.endswith((".", "?", "!", ":")) or large
        elif large and last.kind == "heading" and previous.size == line.size:
            # Leading grows with the type, so the lines of a wrapped heading lie further apart.
            new = previous.bottom - line.top > 0.7 * line.size
        else:
            new = previous.bottom - line.top > usual_gap + 0.35 * body
        if large:
            if last and last.kind == "heading" and not new:
                blocks[-1] = Block("heading", f"{last.text} {text}", last.level)
            else:
                blocks.append(Block("heading", text, 1 if line.size > 1.5 * body else 2))
        elif bullet:
            blocks.append(Block("item", text))
        elif new or last is None or last.kind == "heading":
            blocks.append(Block("paragraph", text))
        else:
            blocks[-1] = Block(last.kind, _join(last.text, text, words), last.level)
        previous = line
    return blocks


def _join(left: str, right: str, words: Collection[str]) -> str:
    """Two lines of a paragraph as one. pdfium gives U+FFFE or U+0002 for a hyphen that ends a line.

    Whether it belongs to the word is told by the document's own words: "treat-ment" is joined where "treatment" occurs
    elsewhere, "owner-occupier" is kept where "owner" does.
    """
    match = re.search(r"(\w+)[\u00ad\ufffe\x02-]$", left)
    if match is None:
        return f"{left} {right}"
    following = re.match(r"\w+", right)
    if following is None:
        return f"{left[:-1]}- {right}"
    whole = (match[1] + following[0]).lower()
    hard = left[-1] == "-" or (whole not in words and match[1].lower() in words)
    return left[:-1] + ("-" if hard and whole not in words else "") + right
