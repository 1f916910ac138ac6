"""PDF with a text layer: lines put back into paragraphs; running headers, footers and page numbers marked."""

from __future__ import annotations

import re
import statistics
import unicodedata
from collections import Counter
from dataclasses import dataclass, replace
from itertools import pairwise

import pypdfium2
import pypdfium2.raw as pdfium_c

from corpora.errors import UnreadableDocument
from corpora.readers import ocr
from corpora.records import Block, Reading

_PAGE_NUMBER = re.compile(r"(?:page\s*)?\d{1,4}(?:\s*(?:/|of)\s*\d{1,4})?", re.I)
_BULLET = re.compile(r"^[•‣–\-*]\s+")
MAX_PAGES = 2_000
_MAX_PIXELS = 40_000_000  # of a page that is recognised; a larger one is drawn coarser
_MIN_SIGNS, _MAX_GARBLED = 20, 0.3


@dataclass(frozen=True)
class _Line:
    """One line of a page; `size` is the font size, positions are in points from the page's lower left corner."""

    text: str
    top: float
    bottom: float
    size: float
    page: int


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
        pages = [_lines(document[number], number) for number in range(len(document))]
        title = document.get_metadata_value("Title").strip()
        bare = [n for n, page in enumerate(pages) if is_garbled(page) or (not page and _has_picture(document[n]))]
        pages = [[] if number in bare else page for number, page in enumerate(pages)]
        scanned = {n: _recognised(document[n], n, languages) for n in bare} if ocr.available() else {}
    finally:
        document.close()
    if not any(pages) and not any(scanned.values()):
        raise UnreadableDocument(f"the PDF has no text layer (a scan?); {ocr.MISSING}")
    running = _running_lines(pages)
    blocks = _blocks([line for page in pages for line in page if line not in running])
    for line in (line for page in reversed(pages) for line in reversed(page) if line in running):
        place = next((i for i, block in enumerate(blocks) if (block.page or 0) > line.page), len(blocks))
        blocks.insert(place, Block("running", line.text, page=line.page + 1))
    for number, recognised in scanned.items():
        place = next((i for i, block in enumerate(blocks) if (block.page or 0) > number + 1), len(blocks))
        blocks[place:place] = recognised
    unread = [str(number + 1) for number in bare if number not in scanned]
    # A page that nobody could read is said, not dropped in silence.
    return [
        Reading(
            None if title.lower() in ("", "untitled") else title,
            blocks,
            metadata={"pages_without_text": ", ".join(unread)} if unread else {},
        )
    ]


def _has_picture(page: pypdfium2.PdfPage) -> bool:
    return any(True for _ in page.get_objects(filter=[pdfium_c.FPDF_PAGEOBJ_IMAGE, pdfium_c.FPDF_PAGEOBJ_FORM], max_depth=3))


def is_garbled(lines: list[_Line]) -> bool:
    """True when the text layer holds no characters but numbers of glyphs, as a font gives that does not say what they are."""
    signs = [sign for line in lines for sign in line.text if not sign.isspace()]
    unknown = sum(sign == "\ufffd" or unicodedata.category(sign) in ("Co", "Cn", "Cc", "Cs") for sign in signs)
    return len(signs) >= _MIN_SIGNS and unknown > _MAX_GARBLED * len(signs)


def _recognised(page: pypdfium2.PdfPage, number: int, languages: str) -> list[Block]:
    width, height = page.get_size()
    scale = min(ocr.DPI / 72, (_MAX_PIXELS / max(1.0, width * height)) ** 0.5)
    picture = page.render(scale=scale, grayscale=True).to_numpy()
    texts = ocr.paragraphs(picture.reshape(picture.shape[:2]), languages, round(scale * 72))
    return [Block("paragraph", text, page=number + 1) for text in texts]


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
    """Paragraphs, items and headings; the lines of one are divided by line ends, which cleaning makes spaces."""
    if not lines:
        return []
    body = statistics.median(line.size for line in lines)
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
                blocks[-1] = replace(last, text=f"{last.text}\n{text}")
            else:
                blocks.append(Block("heading", text, 1 if line.size > 1.5 * body else 2, line.page + 1))
        elif bullet:
            blocks.append(Block("item", text, page=line.page + 1))
        elif new or last is None or last.kind == "heading":
            blocks.append(Block("paragraph", text, page=line.page + 1))
        else:
            divider = "\n" if previous is None else "\f" * (line.page - previous.page) or "\n"
            blocks[-1] = replace(last, text=f"{last.text}{divider}{text}")
        previous = line
    return blocks
