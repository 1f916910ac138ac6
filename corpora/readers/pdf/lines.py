"""The lines of a PDF page with their positions.

Knows one page: no paragraphs, no running headers, no pictures.

pdfium gives the text of a page in one piece, divided as it was set, with U+FFFE for a hyphen that ends a line. Every
character of it is in one line; boxes and font are asked for a line, not for a character.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from ctypes import byref, c_double
from dataclasses import dataclass
from itertools import groupby

import pypdfium2
import pypdfium2.raw as pdfium_c

ASKEW = 4
_HYPHENS = "\x02\ufffe"
_LINE = re.compile(f"[^\r\n{_HYPHENS}]*[{_HYPHENS}]?")


@dataclass(frozen=True)
class Line:
    """One line, its words divided by single spaces; `size` is the font size, `page` counts from 0.

    `top` and `bottom` are in points, as the line is read: up from the page's lower edge where it stands upright.
    `quarters` is by how many quarter turns it is set clockwise, `ASKEW` for any other angle; lines that share them
    follow each other downwards.
    """

    text: str
    top: float
    bottom: float
    size: float
    page: int
    quarters: int = 0


def lines_of(page: pypdfium2.PdfPage, number: int) -> list[Line]:
    """The lines in the order of the file; pieces that follow each other at one height are one line."""
    layer = page.get_textpage()
    try:
        lines: list[Line] = []
        for line in _downwards(list(_pieces(layer, number)), page.get_rotation() // 90):
            if lines and _at_one_height(lines[-1], line):
                lines[-1] = _joined(lines[-1], line)
            else:
                lines.append(line)
        return lines
    finally:
        layer.close()


def _downwards(lines: list[Line], page_quarters: int) -> Iterator[Line]:
    """The lines, with those that run down the page as it is shown in order from top to bottom.

    pdfium takes them for one line, from left to right.
    """
    for down, run in groupby(lines, lambda line: line.quarters != ASKEW and (line.quarters + page_quarters) % 4 == 1):
        yield from sorted(run, key=lambda line: -line.top if down else 0.0)


def _at_one_height(first: Line, second: Line) -> bool:
    shared = min(first.top, second.top) - max(first.bottom, second.bottom)
    lower, higher = sorted((first.top - first.bottom, second.top - second.bottom))
    # A line much higher than its neighbour is a stamp across the page, not a piece of the same line.
    return first.quarters == second.quarters != ASKEW and shared > 0.5 * lower and higher < 2.5 * lower


def _joined(first: Line, second: Line) -> Line:
    between = (first.text[:-1] + "-") if first.text[-1] in _HYPHENS else first.text + " "
    size = first.size if len(first.text) >= len(second.text) else second.size
    return Line(
        between + second.text, max(first.top, second.top), min(first.bottom, second.bottom), size, first.page, first.quarters
    )


def _pieces(layer: pypdfium2.PdfTextPage, number: int) -> Iterator[Line]:
    count = layer.count_chars()
    text = layer.get_text_range() if count else ""
    for match in _LINE.finditer(text):
        words = " ".join(match[0].split())
        if not words:
            continue
        first = match.end() - len(match[0].lstrip())
        last = middle = match.start() + len(match[0].rstrip()) - 1
        middle -= (last - first) // 2
        while text[middle].isspace():
            middle -= 1
        if count != len(text):  # some glyph has no character, or several
            first, last, middle = (pdfium_c.FPDFText_GetCharIndexFromTextIndex(layer, index) for index in (first, last, middle))
        turns = pdfium_c.FPDFText_GetCharAngle(layer, first) / (math.pi / 2)
        quarters = round(turns) % 4 if abs(turns - round(turns)) < 0.05 else ASKEW
        top, bottom = _as_read(_box(layer, first, last - first + 1), quarters)
        yield Line(words, top, bottom, pdfium_c.FPDFText_GetFontSize(layer, middle), number, quarters)


def _box(layer: pypdfium2.PdfTextPage, first: int, count: int) -> tuple[float, float, float, float]:
    """Left, bottom, right and top of some characters, in points from the page's lower left corner."""
    edges = [c_double() for _ in range(4)]
    boxes = []
    for index in range(pdfium_c.FPDFText_CountRects(layer, first, count)):
        pdfium_c.FPDFText_GetRect(layer, index, *map(byref, edges))
        boxes.append([edge.value for edge in edges])  # left, top, right, bottom
    if not boxes:
        return 0.0, 0.0, 0.0, 0.0
    left, top, right, bottom = zip(*boxes, strict=True)
    return min(left), min(bottom), max(right), max(top)


def _as_read(box: tuple[float, float, float, float], quarters: int) -> tuple[float, float]:
    left, bottom, right, top = box
    return ((top, bottom), (right, left), (-bottom, -top), (-left, -right), (top, bottom))[quarters]
