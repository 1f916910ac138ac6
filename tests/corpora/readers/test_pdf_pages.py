"""Pages of a PDF: which one a chunk is on, the boxes of a quote on it, and pages that are only pictures."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import pytest
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from corpora.chunking.chunker import ChunkOptions, chunk_document
from corpora.errors import UnreadableDocument
from corpora.ingest.documents import make_document
from corpora.ingest.sandbox import read_files
from corpora.readers import ReadOptions, read_bytes
from corpora.readers.pdf import ocr
from corpora.readers.pdf.quote_rectangles import quote_rectangles

LINES = {
    1: [
        (700, "The tenant pays the deposit before the keys are handed"),
        (686, "over. The landlord returns it within ten days of the end of"),
    ],
    2: [(700, "the tenancy. Interest is owed from the elev-"), (686, "enth day. No interest is owed before.")],
}


def pdf() -> bytes:
    target = BytesIO()
    canvas = Canvas(target)
    for lines in LINES.values():
        for height, text in lines:
            canvas.drawString(72, height, text)
        canvas.showPage()
    canvas.save()
    return target.getvalue()


def test_chunks_know_their_page() -> None:
    (reading,) = read_bytes(pdf(), "a.pdf").readings
    document = make_document("default", reading, "a.pdf")
    chunks = chunk_document(document, reading.blocks, ChunkOptions(8))
    assert [(chunk.text.split()[0], chunk.page, chunk.paragraph) for chunk in chunks] == [
        ("The", 1, 1),
        ("The", 1, 1),  # one sentence over both pages, in one paragraph
        ("Interest", 2, 1),
        ("No", 2, 1),
    ]
    assert "from the eleventh day." in document.text
    assert document.text[reading.blocks[0].breaks[0] :].startswith("the tenancy. Interest")


def test_boxes_of_a_quote_over_lines_and_pages() -> None:
    data = pdf()
    first_quote = quote_rectangles(data, "The landlord returns it", 1)
    assert [box.page for box in first_quote] == [1]
    assert (
        683 < first_quote[0].bottom < 690 < first_quote[0].top < 700
        and 95 < first_quote[0].left < 110
        and first_quote[0].right < 240
    )
    long = quote_rectangles(data, "The landlord returns it within ten days of the end of the tenancy.", 1)
    assert [box.page for box in long] == [1, 2] and long[1].left == pytest.approx(72, abs=2)
    divided = quote_rectangles(data, "Interest is owed from the eleventh day.", 2)
    assert len(divided) == 2 and divided[0].top > divided[1].top
    assert quote_rectangles(data, "Not in the document.", 1) == []
    assert quote_rectangles(data, "The tenant", 2) == [] == quote_rectangles(data, "The tenant", 9)
    with pytest.raises(UnreadableDocument, match="cannot be opened"):
        quote_rectangles(b"nothing", "x", 1)


def scan() -> bytes:
    """The pages of `pdf` as pictures, after one with text."""
    import pypdfium2

    target = BytesIO()
    canvas = Canvas(target)
    canvas.drawString(72, 700, "A first page with a text layer, of one line.")
    canvas.showPage()
    for page in pypdfium2.PdfDocument(pdf()):
        canvas.drawImage(ImageReader(page.render(scale=3).to_pil()), 0, 0, 595, 842)
        canvas.showPage()
    canvas.save()
    return target.getvalue()


@pytest.mark.skipif(not ocr.available(), reason="tesseract is not installed")
def test_scanned_pages_are_read() -> None:
    (reading,) = read_bytes(scan(), "a.pdf").readings
    text = {page: " ".join(b.text for b in reading.blocks if b.page == page) for page in (1, 2, 3)}
    assert text[1].startswith("A first page")
    assert "The landlord returns it within ten days" in text[2] and "Interest is owed" in text[3]
    assert reading.metadata == {}


def turned(angle: int) -> bytes:
    """The first page of `pdf` as a picture that lies on its side, which nothing in the file says."""
    import pypdfium2

    picture = pypdfium2.PdfDocument(prose())[0].render(scale=3).to_pil().rotate(angle, expand=True, fillcolor="white")
    target = BytesIO()
    canvas = Canvas(target, pagesize=(picture.width / 3, picture.height / 3))
    canvas.drawImage(ImageReader(picture), 0, 0, picture.width / 3, picture.height / 3)
    canvas.save()
    return target.getvalue()


def prose() -> bytes:
    target = BytesIO()
    canvas = Canvas(target)
    for index, text in enumerate(
        (
            "The tenant pays the deposit before the keys are handed over.",
            "The landlord returns it within ten days of the end of the tenancy.",
            "Interest is owed from the eleventh day, at five per cent, whatever the contract may say.",
        )
    ):
        canvas.drawString(72, 700 - 20 * index, text)
    canvas.save()
    return target.getvalue()


@pytest.mark.skipif("osd" not in ocr.installed(), reason="tesseract or its data on how pages lie is not installed")
@pytest.mark.parametrize("angle", [90, 180, 270])
def test_pages_that_lie_on_their_side_are_turned(angle: int) -> None:
    (reading,) = read_bytes(turned(angle), "a.pdf").readings
    text = " ".join(block.text for block in reading.blocks)
    assert "The landlord returns it within ten days of the end of the tenancy." in text


def garbled() -> bytes:
    """A page with text, and one whose font maps its glyphs to numbers of its own, as many programs write them."""
    pdfmetrics.registerFont(TTFont("Vera", "Vera.ttf"))
    target = BytesIO()
    canvas = Canvas(target, pageCompression=0)
    canvas.drawString(72, 700, "A first page with a text layer, of one line.")
    canvas.showPage()
    canvas.setFont("Vera", 12)
    canvas.drawString(72, 700, "The landlord returns the deposit within ten days.")
    canvas.save()
    return re.sub(rb"<([0-9A-F]{2})> <00", rb"<\1> <E0", target.getvalue())


def test_a_garbled_text_layer_is_recognised_or_named(monkeypatch: pytest.MonkeyPatch) -> None:
    if ocr.available():
        (reading,) = read_bytes(garbled(), "a.pdf").readings
        assert [(b.page, b.text) for b in reading.blocks] == [
            (1, "A first page with a text layer, of one line."),
            (2, "The landlord returns the deposit within ten days."),
        ]
    monkeypatch.setattr(ocr, "available", lambda: False)
    (reading,) = read_bytes(garbled(), "a.pdf").readings
    assert [b.page for b in reading.blocks] == [1] and reading.metadata == {"pages_without_text": "2"}


@pytest.mark.skipif(not ocr.available(), reason="tesseract is not installed")
def test_scans_are_read_within_the_bounds_of_a_child(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(scan())
    ((_, result),) = read_files([tmp_path / "a.pdf"], ReadOptions())
    assert not isinstance(result, UnreadableDocument), result
    assert {block.page for block in result.readings[0].blocks} == {1, 2, 3}


@pytest.mark.skipif(not ocr.available(), reason="tesseract is not installed")
def test_a_language_that_is_not_installed_is_named_with_those_that_are() -> None:
    with pytest.raises(UnreadableDocument, match=r"no language qqq; installed: .*eng.*ocr_languages.*tesseract-ocr-qqq"):
        read_bytes(scan(), "a.pdf", ReadOptions(ocr_languages="eng+qqq"))


def test_without_tesseract_the_pages_that_were_not_read_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr, "available", lambda: False)
    (reading,) = read_bytes(scan(), "a.pdf").readings
    assert reading.metadata == {"pages_without_text": "2, 3"}
    target = BytesIO()
    canvas = Canvas(target)
    canvas.rect(100, 100, 200, 200, fill=1)
    canvas.save()
    with pytest.raises(UnreadableDocument, match="install tesseract"):
        read_bytes(target.getvalue(), "a.pdf")
