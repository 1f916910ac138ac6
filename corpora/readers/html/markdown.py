"""Markdown, by way of its HTML: what a reader would see, without the marks. Front matter is left out.

Footnotes ("[^1]" with "[^1]: text", and "^[text]") stand where they are referred to.
"""

from __future__ import annotations

import re

from lxml import html as lxml_html
from markdown_it import MarkdownIt

from corpora.readers.html.reader import blocks_of
from corpora.readers.text import decode
from corpora.records import Reading

_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.S)
# A definition with the lines that go on with it: those indented below it, and the rest of its paragraph.
_DEFINITION = re.compile(
    r"^ {0,3}\[\^([^\]\s]+)\]:[ \t]*(.*(?:\n(?:[ \t]*\n)?(?: {2,}|\t)\S.*|\n(?![ \t]*\n|[ \t]{0,3}(?:\[\^|[#>*+-]|\d+\.))\S.*)*)\n?",
    re.M,
)
_MARK = re.compile(r"(`+)(?:(?!\1).)+\1|\[\^([^\]\s]+)\]|\^\[((?:[^\[\]\n]|\[[^\[\]\n]*\])+)\]")
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})[^\n]*\n.*?(?:^ {0,3}\1[`~]*[ \t]*$|\Z)", re.M | re.S)


def read(data: bytes) -> list[Reading]:
    """Title (the first heading) and blocks. Raw HTML inside stays text, so nothing in it is interpreted."""
    source = _FRONT_MATTER.sub("", decode(data).replace("\r\n", "\n"))
    source = _with_notes_in_place(source)
    page = MarkdownIt("commonmark", {"html": False}).enable("table").render(source)
    root = lxml_html.document_fromstring(f"<html><body>{page}</body></html>")
    blocks = blocks_of(root)
    titles = [block.text for block in blocks if block.kind == "heading"]
    return [Reading(titles[0] if titles else None, blocks)]


def _with_notes_in_place(source: str) -> str:
    """The source with each footnote at its first mark; code is left alone, and a mark without a note stays as it is."""
    if "[^" not in source and "^[" not in source:
        return source
    pieces, position = [], 0
    for fence in _FENCE.finditer(source):
        pieces += [(source[position : fence.start()], False), (fence[0], True)]
        position = fence.end()
    pieces.append((source[position:], False))
    notes: dict[str, str] = {}

    def define(match: re.Match[str]) -> str:
        if match[1].casefold() in notes:
            return match[0]
        notes[match[1].casefold()] = " ".join(match[2].split())
        return "\n"

    pieces = [(text if code else _DEFINITION.sub(define, text), code) for text, code in pieces]
    told: set[str] = set()

    def put(match: re.Match[str]) -> str:
        if match[3] is not None:
            return f" [note: {match[3].strip()}]"
        name = (match[2] or "").casefold()
        if name not in notes:
            return match[0]
        if name in told:
            return ""
        told.add(name)
        return f" [note: {notes[name]}]"

    text = "".join(text if code else _MARK.sub(put, text) for text, code in pieces)
    lost = [note for name, note in notes.items() if name not in told]  # never referred to: at the end, as they stood
    return "\n\n".join([text, *lost]) if lost else text
