"""Form values and annotations of a PDF page, beside its text.

Knows one page.

A field gives "name: value", a box that is ticked its value too; an empty field and a box that is not ticked give
nothing.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator

import pypdfium2
import pypdfium2.raw as pdfium_c

from corpora.records import Block

_WRITTEN = frozenset(
    (
        pdfium_c.FPDF_ANNOT_TEXT,
        pdfium_c.FPDF_ANNOT_FREETEXT,
        pdfium_c.FPDF_ANNOT_HIGHLIGHT,
        pdfium_c.FPDF_ANNOT_UNDERLINE,
        pdfium_c.FPDF_ANNOT_SQUIGGLY,
        pdfium_c.FPDF_ANNOT_STRIKEOUT,
        pdfium_c.FPDF_ANNOT_CARET,
        pdfium_c.FPDF_ANNOT_STAMP,
        pdfium_c.FPDF_ANNOT_INK,
        pdfium_c.FPDF_ANNOT_SQUARE,
        pdfium_c.FPDF_ANNOT_CIRCLE,
        pdfium_c.FPDF_ANNOT_LINE,
        pdfium_c.FPDF_ANNOT_POLYGON,
        pdfium_c.FPDF_ANNOT_POLYLINE,
    )
)
_TICKED = (pdfium_c.FPDF_FORMFIELD_CHECKBOX, pdfium_c.FPDF_FORMFIELD_RADIOBUTTON)
_SILENT = (pdfium_c.FPDF_FORMFIELD_PUSHBUTTON, pdfium_c.FPDF_FORMFIELD_SIGNATURE, pdfium_c.FPDF_FORMFIELD_UNKNOWN)


def notes_of(page: pypdfium2.PdfPage, form: pypdfium2.PdfFormEnv | None, number: int) -> list[Block]:
    """Items of the fields and paragraphs of the notes, in the order of the file; `number` is the page's, from 0."""
    blocks: list[Block] = []
    for index in range(pdfium_c.FPDFPage_GetAnnotCount(page)):
        annotation = pdfium_c.FPDFPage_GetAnnot(page, index)
        if not annotation:
            continue
        try:
            kind = pdfium_c.FPDFAnnot_GetSubtype(annotation)
            if kind == pdfium_c.FPDF_ANNOT_WIDGET and form is not None:
                blocks += (Block("item", text, page=number + 1) for text in _field(form, annotation))
            elif kind in _WRITTEN and (text := _said(annotation)):
                blocks.append(Block("paragraph", text, page=number + 1))
        finally:
            pdfium_c.FPDFPage_CloseAnnot(annotation)
    return blocks


def _field(form: pypdfium2.PdfFormEnv, annotation: pdfium_c.FPDF_ANNOTATION) -> Iterator[str]:
    kind = pdfium_c.FPDFAnnot_GetFormFieldType(form, annotation)
    if kind in _SILENT or (kind in _TICKED and not pdfium_c.FPDFAnnot_IsChecked(form, annotation)):
        return
    if kind in _TICKED:
        value = _string(lambda *buffer: pdfium_c.FPDFAnnot_GetFormFieldExportValue(form, annotation, *buffer))
    else:
        value = _string(lambda *buffer: pdfium_c.FPDFAnnot_GetFormFieldValue(form, annotation, *buffer))
    if value:
        # The name for people, where the form has one; the other is often "Text1".
        name = _string(lambda *buffer: pdfium_c.FPDFAnnot_GetFormFieldAlternateName(form, annotation, *buffer)) or _string(
            lambda *buffer: pdfium_c.FPDFAnnot_GetFormFieldName(form, annotation, *buffer)
        )
        yield f"{name}: {value}" if name else value


def _said(annotation: pdfium_c.FPDF_ANNOTATION) -> str:
    return _string(lambda *buffer: pdfium_c.FPDFAnnot_GetStringValue(annotation, b"Contents", *buffer))


def _string(get: Callable[..., int]) -> str:
    """What a function of pdfium writes into a buffer of UTF-16, when asked first how long it is."""
    size = get(None, 0)
    if size <= 2:
        return ""
    buffer = ctypes.create_string_buffer(size)
    get(ctypes.cast(buffer, ctypes.POINTER(pdfium_c.FPDF_WCHAR)), size)
    return " ".join(buffer.raw[: size - 2].decode("utf-16-le", "ignore").split())
