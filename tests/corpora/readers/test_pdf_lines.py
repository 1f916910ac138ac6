"""Lines of a PDF: turned and stamped text, running lines, fields and notes, scans that were stamped; no character twice."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from corpora.readers import ReadOptions, read_bytes
from corpora.readers.pdf import ocr
from corpora.readers.pdf.lines import ASKEW, lines_of
from corpora.records import Block


def pdf(*pages: Callable[[Canvas], None]) -> bytes:
    target = BytesIO()
    canvas = Canvas(target)
    for draw in pages:
        draw(canvas)
        canvas.showPage()
    canvas.save()
    return target.getvalue()


def texts(data: bytes, *skip: str) -> list[str]:
    return [block.text for block in blocks(data, *skip)]


def blocks(data: bytes, *skip: str) -> list[Block]:
    (reading,) = read_bytes(data, "a.pdf", ReadOptions(skip)).readings
    return list(reading.blocks)


def prose(canvas: Canvas, lines: int = 4, top: float = 700.0) -> None:
    for number in range(lines):
        canvas.drawString(
            72, top - 14 * number, f"Ordinary line number {'one two three four five six'.split()[number]} goes on"
        )


def turned(canvas: Canvas, angle: float, text: str, size: float = 12.0) -> None:
    canvas.saveState()
    canvas.translate(300, 400)
    canvas.rotate(angle)
    canvas.setFont("Helvetica", size)
    canvas.drawString(0, 0, text)
    canvas.drawString(0, -1.2 * size, f"{text} again")
    canvas.restoreState()


@pytest.mark.parametrize(("angle", "quarters"), [(0, 0), (90, 3), (180, 2), (270, 1), (40, ASKEW)])
def test_turned_lines_follow_each_other_downwards(angle: int, quarters: int) -> None:
    document = pypdfium2.PdfDocument(pdf(lambda canvas: turned(canvas, angle, "A stamp")))
    first, second = lines_of(document[0], 0)
    assert (first.text, second.text) == ("A stamp", "A stamp again")
    assert (first.quarters, second.quarters, first.size) == (quarters, quarters, 12.0)
    assert first.top > first.bottom and first.bottom >= second.bottom
    document.close()


def test_a_stamp_at_the_margin_does_not_swallow_the_lines_beside_it() -> None:
    data = pdf(lambda canvas: (turned(canvas, 90, "arXiv:1234.5678v1 [cs.CL]"), prose(canvas, 6, 500.0)))
    assert texts(data) == [
        "arXiv:1234.5678v1 [cs.CL] arXiv:1234.5678v1 [cs.CL] again",
        " ".join(f"Ordinary line number {word} goes on" for word in "one two three four five six".split()),
    ]


def test_a_page_that_is_turned_as_a_whole_has_paragraphs() -> None:
    def landscape(canvas: Canvas) -> None:
        canvas.setPageRotation(90)
        canvas.translate(100, 100)
        canvas.rotate(90)
        for number, text in enumerate(("The table says", "what is owed.")):
            canvas.drawString(0, -14 * number, text)
        canvas.drawString(0, -80, "Another paragraph.")

    assert texts(pdf(landscape)) == ["The table says what is owed.", "Another paragraph."]

    def sideways(canvas: Canvas) -> None:
        canvas.setPageRotation(90)
        prose(canvas)

    assert texts(pdf(sideways)) == [" ".join(f"Ordinary line number {word} goes on" for word in "one two three four".split())]


def test_what_is_stamped_over_every_page_runs_along() -> None:
    def page(number: int) -> Callable[[Canvas], None]:
        def draw(canvas: Canvas) -> None:
            canvas.setFont("Helvetica", 50)
            canvas.drawString(60, 660, "PAGE PROOF")
            canvas.setFont("Helvetica", 12)
            prose(canvas, 6, 714.0 - 6 * number)

        return draw

    data = pdf(page(0), page(1), page(2))
    kept_texts = texts(data)
    assert not any("PROOF" in text for text in kept_texts)
    assert sum(text.count("number two goes on Ordinary line number three") for text in kept_texts) == 3
    assert texts(data, "running-lines").count("PAGE PROOF") == 3


def test_a_sentence_that_runs_along_the_pages_is_kept_once() -> None:
    def page(number: int) -> Callable[[Canvas], None]:
        def draw(canvas: Canvas) -> None:
            canvas.drawString(72, 800, "Firm confidential")
            canvas.drawString(72, 780, "The publisher of this form gives no legal advice to anybody.")
            prose(canvas)
            canvas.drawString(280, 30, f"Page {number} of 3")

        return draw

    text = " ".join(texts(pdf(page(1), page(2), page(3))))
    assert text.count("gives no legal advice") == 1
    assert "confidential" not in text and "of 3" not in text


def test_values_of_fields_and_notes_are_text() -> None:
    def form(canvas: Canvas) -> None:
        canvas.drawString(72, 700, "An application for help.")
        fields = canvas.acroForm
        fields.textfield(name="Text1", tooltip="Name of the patient", value="Jane Doe", x=72, y=600)
        fields.textfield(name="empty", value="", x=72, y=560)
        fields.textfield(name="street", value="1 High Street", x=72, y=520)
        fields.checkbox(name="consent", checked=True, x=72, y=480)
        fields.checkbox(name="refusal", checked=False, x=72, y=440)
        fields.choice(name="country", value="Ireland", options=["Ireland", "France"], x=72, y=400)
        canvas.freeTextAnnotation("Received on 3 May.", Rect=[300, 600, 400, 640], DA="/Helv 12 Tf")
        canvas.textAnnotation("Ask for the second page.", Rect=[300, 500, 320, 520])
        canvas.linkURL("https://example.org", (0, 0, 10, 10))

    form_blocks = blocks(pdf(form, prose))
    assert [(block.kind, block.text, block.page) for block in form_blocks] == [
        ("paragraph", "An application for help.", 1),
        ("item", "Name of the patient: Jane Doe", 1),
        ("item", "street: 1 High Street", 1),
        ("item", "consent: Yes", 1),
        ("item", "country: Ireland", 1),
        ("paragraph", "Received on 3 May.", 1),
        ("paragraph", "Ask for the second page.", 1),
        ("paragraph", " ".join(f"Ordinary line number {word} goes on" for word in "one two three four".split()), 2),
    ]


def scan(canvas: Canvas) -> None:
    """A page that is a picture of text, with a line stamped onto it, as courts do."""
    source = pypdfium2.PdfDocument(
        pdf(lambda inner: [inner.drawString(72, 700 - 60 * n, f"The order number {n} stands.") for n in range(3)])
    )
    canvas.drawImage(ImageReader(source[0].render(scale=3).to_pil()), 0, 0, 595, 842)
    canvas.drawString(150, 820, "Case 8:16-cv-1261 Document 40 Filed 08/05/16")


@pytest.mark.skipif(not ocr.available(), reason="tesseract is not installed")
def test_a_scan_that_was_stamped_is_read() -> None:
    text = " ".join(texts(pdf(scan, prose)))
    for number in range(3):
        assert f"The order number {number} stands." in text
    assert text.count("8:16-cv-1261") == 1, "what the text layer has is not read off the picture again"


def test_a_stamped_scan_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr, "available", lambda: False)
    (reading,) = read_bytes(pdf(prose, scan), "a.pdf").readings
    assert reading.metadata == {"pages_without_text": "2"}


WORDS = st.lists(st.text("abcdefgh", min_size=1, max_size=8), min_size=1, max_size=8)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(WORDS, st.integers(20, 500), st.integers(30, 800), st.sampled_from([0, 0, 0, 90, 30]), st.integers(6, 40)),
        max_size=8,
    )
)
def test_every_word_is_there_as_often_as_it_was_drawn(placed: list[tuple[list[str], int, int, int, int]]) -> None:
    """Wherever and however large text is set, over other text too: pdfium's own text of the page is what the lines hold."""

    def draw(canvas: Canvas) -> None:
        for words, left, bottom, angle, size in placed:
            canvas.saveState()
            canvas.translate(left, bottom)
            canvas.rotate(angle)
            canvas.setFont("Helvetica", size)
            canvas.drawString(0, 0, " ".join(words))
            canvas.restoreState()

    document = pypdfium2.PdfDocument(pdf(draw))
    layer = document[0].get_textpage()
    expected = layer.get_text_range().split() if layer.count_chars() else []
    words = " ".join(line.text for line in lines_of(document[0], 0)).split()
    assert words == expected
    layer.close()
    document.close()
