"""Rectangles to draw over a quote on the pages of a PDF.

Reads the file again; nothing of this is stored.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import pypdfium2
import pypdfium2.raw as pdfium_c

from corpora.errors import UnreadableDocument


@dataclass(frozen=True)
class Rectangle:
    """A box on a page, which counts from 1. In points (1/72 inch) from the page's lower left corner."""

    page: int
    left: float
    bottom: float
    right: float
    top: float


def quote_rectangles(data: bytes, quote: str, page: int) -> list[Rectangle]:
    """Rectangles, one a line, of `quote`, which begins on `page` (from 1) and may go on over the next.

    Empty when it is not there.

    White space, hyphens and the forms of letters (ligatures, case) do not matter: cleaning changes them. Raises
    UnreadableDocument for a file that is no PDF.
    """
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        raise UnreadableDocument(f"the PDF cannot be opened ({error})") from error
    try:
        if not 1 <= page <= len(document):
            return []
        letters: list[str] = []
        positions: list[tuple[int, int]] = []
        pages = [document[number] for number in range(page - 1, min(page + 1, len(document)))]
        layers = [pdf_page.get_textpage() for pdf_page in pages]
        for number, layer in enumerate(layers):
            for index in range(layer.count_chars()):
                for letter in _letters(chr(pdfium_c.FPDFText_GetUnicode(layer, index))):
                    letters.append(letter)
                    positions.append((number, index))
        quote_letters = "".join(_letters(quote))
        start = "".join(letters).find(quote_letters) if quote_letters else -1
        if start < 0:
            return []
        matched = positions[start : start + len(quote_letters)]
        rectangles = []
        for number, layer in enumerate(layers):
            indices = [index for page_number, index in matched if page_number == number]
            if indices:
                for box in range(layer.count_rects(indices[0], indices[-1] - indices[0] + 1)):
                    left, bottom, right, top = layer.get_rect(box)
                    rectangles.append(Rectangle(page + number, left, bottom, right, top))
        return rectangles
    finally:
        document.close()


def _letters(text: str) -> list[str]:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return [
        letter for letter in folded if not letter.isspace() and unicodedata.category(letter) not in ("Cc", "Cf", "Cn", "Pd")
    ]
