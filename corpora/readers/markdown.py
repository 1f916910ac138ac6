"""Markdown, by way of its HTML: what a reader would see, without the marks. Front matter is left out."""

from __future__ import annotations

import re

from lxml import html as lxml_html
from markdown_it import MarkdownIt

from corpora.readers.html import blocks_of
from corpora.readers.text import decode
from corpora.records import Reading

_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.S)


def read(data: bytes) -> list[Reading]:
    """Title (the first heading) and blocks. Raw HTML inside stays text, so nothing in it is interpreted."""
    source = _FRONT_MATTER.sub("", decode(data).replace("\r\n", "\n"))
    page = MarkdownIt("commonmark", {"html": False}).enable("table").render(source)
    root = lxml_html.document_fromstring(f"<html><body>{page}</body></html>")
    blocks = blocks_of(root)
    titles = [block.text for block in blocks if block.kind == "heading"]
    return [Reading(titles[0] if titles else None, blocks)]
