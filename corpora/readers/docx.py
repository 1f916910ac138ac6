"""Word documents (DOCX): paragraphs, headings by style, lists and tables in reading order."""

from __future__ import annotations

import re
from io import BytesIO

import docx
from docx.table import Table
from docx.text.paragraph import Paragraph

from corpora.records import Block, Reading


def read(data: bytes) -> list[Reading]:
    """Title (of the properties) and blocks; a table row becomes one item, its cells divided by " | "."""
    document = docx.Document(BytesIO(data))
    blocks: list[Block] = []
    for element in document.iter_inner_content():
        if isinstance(element, Paragraph):
            blocks.append(_paragraph(element))
        elif isinstance(element, Table):
            for row in element.rows:
                blocks.append(Block("item", " | ".join(cell.text.strip() for cell in row.cells)))
    return [Reading(document.core_properties.title or None, blocks)]


def _paragraph(paragraph: Paragraph) -> Block:
    style = (paragraph.style.name if paragraph.style is not None else None) or ""
    heading = re.fullmatch(r"Heading (\d)", style)
    if style == "Title" or heading:
        return Block("heading", paragraph.text, int(heading[1]) if heading else 1)
    return Block("item" if style.startswith("List") else "paragraph", paragraph.text)
