"""Reader of Word documents (DOCX, and templates and documents with macros).

Paragraphs, headings by style, lists with the numbers that Word prints, tables and text boxes, in reading order and as
they are with all changes accepted.

Foot- and endnotes stand where they are referred to. Headers and footers are running lines. Left out: comments, deleted
and hidden text, descriptions of pictures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lxml import etree

from corpora.readers.docx.numbering import Numbering
from corpora.readers.docx.package import Package, value
from corpora.readers.docx.styles import BODY_TEXT, Style, is_bold, number, read_styles
from corpora.readers.docx.text import Line, chosen, line_of
from corpora.readers.xml.elements import child, find, local
from corpora.records import Block, Reading

# Styles for headings are also put on whole clauses, which must not be lost as text.
MAX_HEADING_WORDS = 30
_MAX_SENTENCE_WORDS = 12
_GONE = frozenset("del moveFrom sectPr".split())


def read(data: bytes) -> list[Reading]:
    """Title (of the properties) and blocks; a table row becomes one item, its cells divided by " | "."""
    package = Package(data)
    document = _Document(package)
    document.walk(package.document)
    document.close()
    around = list(document.running())
    return [Reading(package.title or None, [*_kept(around, "header"), *document.blocks, *_kept(around, "footer")])]


def _kept(around: list[tuple[str, str]], where: str) -> list[Block]:
    return [Block("running", text) for text in dict.fromkeys(text for position, text in around if position == where)]


class _Document:
    def __init__(self, package: Package) -> None:
        self.blocks: list[Block] = []
        self._package = package
        self._styles, self._default, lists = read_styles(package.related("styles"))
        self._numbering: Numbering | None = Numbering(package.related("numbering"), lists)
        self._notes: dict[tuple[str, str], etree._Element] = {
            (kind, value(note, "id") or ""): note
            for kind in ("footnote", "endnote")
            for note in _children(package.related(f"{kind}s"))
            if local(note) == kind
        }
        self._told: set[tuple[str, str]] = set()
        self._joined = ""  # the text of a paragraph whose end was deleted: the next one goes on with it
        self._bold: list[int] = []  # places in `blocks` that look like headings
        self._later: list[str] = []  # notes to a heading, which the next text ends with

    def walk(self, element: etree._Element) -> None:
        """Adds the blocks of all that is in an element."""
        for inner in element:
            name = local(inner)
            if name == "p":
                self._paragraph(inner)
            elif name == "tbl":
                self._table(inner)
            elif name == "AlternateContent":
                option = chosen(inner)
                if option is not None:
                    self.walk(option)
            elif name and name not in _GONE and not name.endswith("Pr"):
                self.walk(inner)  # content controls, custom XML, insertions

    def close(self) -> None:
        """Adds what waited for a next text.

        Where no style marks a section, short paragraphs that are bold throughout do.
        """
        if pending := self._joined.strip() + "".join(f" [note: {note}]" for note in self._later):
            self.blocks.append(Block("paragraph", pending.strip()))
        self._joined = ""
        self._later.clear()
        if any(block.kind == "heading" and block.level > 1 for block in self.blocks):
            return
        for index in self._bold:
            self.blocks[index] = replace(self.blocks[index], kind="heading", level=2)

    def running(self) -> Iterator[tuple[str, str]]:
        """`("header" or "footer", text)` of each line around the pages of each section."""
        main, self.blocks, self._numbering = self.blocks, [], None
        for reference in list(find(self._package.document, "headerReference", "footerReference")):
            part = self._package.by_id(value(reference, "id"))
            if part is not None:
                self.blocks = []
                self.walk(part)
                for block in self.blocks:
                    yield local(reference).removesuffix("Reference"), block.text
        self.blocks = main

    def _paragraph(self, paragraph: etree._Element) -> None:
        properties = child(paragraph, "pPr")
        style, outline = self._style_of(properties)
        level = self._heading_level(style, outline)
        line = line_of(paragraph, self._note, apart=level is not None)
        text = self._joined + line.text
        mark = child(properties, "rPr") if properties is not None else None
        if mark is not None and (child(mark, "del") is not None or child(mark, "moveFrom") is not None):
            self._joined = text
            return
        self._joined = ""
        label, in_list = self._label(properties, style)
        if level is not None and _is_clause(text):
            level = None
            text += "".join(f" [note: {note}]" for note in line.notes)
        if level is not None:
            self._later += line.notes
        before = len(self.blocks)
        self._emit(text, label, level, in_list or style.name.lower().startswith("list"))
        if level is None and len(self.blocks) > before and self._looks_like_heading(paragraph, style, line, label, in_list):
            self._bold.append(before)
        for box in line.boxes:
            self.walk(box)

    def _looks_like_heading(self, paragraph: etree._Element, style: Style, line: Line, label: str, in_list: bool) -> bool:
        text = line.text.strip()
        if line.notes or (in_list and not label) or len(text.split()) > _MAX_SENTENCE_WORDS or text.endswith((".", ";", ",")):
            return False
        return any(sign.isalpha() for sign in text) and is_bold(paragraph, style)

    def _emit(self, text: str, label: str, level: int | None, is_item: bool) -> None:
        if not text.strip():
            return
        whole = f"{label} {text}".strip()
        if level is not None:
            self.blocks.append(Block("heading", whole, level))
            return
        whole += "".join(f" [note: {note}]" for note in self._later)
        self._later.clear()
        self.blocks.append(Block("item" if is_item else "paragraph", whole))

    def _table(self, table: etree._Element) -> None:
        for row in _below(table, "tr"):
            cells = _cells(row)
            if len(cells) == 1:  # a frame around text, or a title over the columns
                self.walk(cells[0])
                continue
            boxes: list[etree._Element] = []
            texts = [self._cell(cell, boxes) for cell in cells]
            if any(texts):
                self._emit(" | ".join(texts), "", None, True)
            for box in boxes:
                self.walk(box)

    def _cell(self, cell: etree._Element, boxes: list[etree._Element]) -> str:
        """The text of a cell on one line; a table in it as "a, b; c, d"."""
        texts: list[str] = []
        for inner in _content(cell):
            if local(inner) == "tbl":
                inside = (", ".join(filter(None, (self._cell(c, boxes) for c in _cells(row)))) for row in _below(inner, "tr"))
                texts.append("; ".join(filter(None, inside)))
            else:
                line: Line = line_of(inner, self._note)
                properties = child(inner, "pPr")
                label, _ = self._label(properties, self._style_of(properties)[0])
                boxes += line.boxes
                if line.text.strip():
                    texts.append(f"{label} {' '.join(line.text.split())}".strip())
        return " ".join(filter(None, texts))

    def _note(self, kind: str, identifier: str) -> str:
        """The text of a note, at its first mark only."""
        note = self._notes.get((kind, identifier))
        if note is None or (kind, identifier) in self._told:
            return ""
        self._told.add((kind, identifier))
        texts = (" ".join(line_of(paragraph, lambda *_: "").text.split()) for paragraph in find(note, "p"))
        return " ".join(filter(None, texts)).lstrip("/.)] ")  # what followed the number, which Word makes

    def _style_of(self, properties: etree._Element | None) -> tuple[Style, int | None]:
        """The paragraph's style with what it inherits, and the outline level that the paragraph states itself."""
        style_id = value(child(properties, "pStyle")) if properties is not None else None
        outline = number(value(child(properties, "outlineLvl"))) if properties is not None else None
        return self._styles.get(style_id or self._default, Style()), outline

    def _heading_level(self, style: Style, outline: int | None) -> int | None:
        if style.name.lower() == "title":
            return 1
        level = outline if outline is not None else style.outline
        return level + 1 if level is not None and level < BODY_TEXT else None

    def _label(self, properties: etree._Element | None, style: Style) -> tuple[str, bool]:
        """What Word prints before the paragraph, and whether it is of a list."""
        if self._numbering is None:
            return "", False
        numbering = child(properties, "numPr") if properties is not None else None
        listed = value(child(numbering, "numId")) if numbering is not None else None
        depth = number(value(child(numbering, "ilvl"))) if numbering is not None else None
        listed = listed if listed is not None else style.number
        if listed is None or not self._numbering.is_list(listed):
            return "", False
        if depth is None:
            depth = self._numbering.level_of_style(listed, _identifier(properties) or self._default)
        depth = depth if depth is not None else style.depth or 0
        return self._numbering.label(listed, depth), True


def _children(root: etree._Element | None) -> list[etree._Element]:
    return list(root) if root is not None else []


def _identifier(properties: etree._Element | None) -> str | None:
    return value(child(properties, "pStyle")) if properties is not None else None


def _is_clause(text: str) -> bool:
    """True for what carries a heading's style and is running text."""
    count = len(text.split())
    return count > MAX_HEADING_WORDS or (count > _MAX_SENTENCE_WORDS and text.rstrip().endswith((".", ";", ":")))


def _below(element: etree._Element, name: str) -> Iterator[etree._Element]:
    """The children of this name, also those in content controls and revisions; what was deleted is left out."""
    for inner in element:
        if local(inner) == name:
            properties = child(inner, "trPr", "tcPr")
            if properties is None or (child(properties, "del") is None and child(properties, "cellDel") is None):
                yield inner
        elif local(inner) not in _GONE and local(inner) not in ("tbl", "tr", "tc", "p", "tblPr"):
            yield from _below(inner, name)


def _cells(row: etree._Element) -> list[etree._Element]:
    """The cells of a row, but for those that go on with the one above."""
    return [cell for cell in _below(row, "tc") if not _goes_on(child(cell, "tcPr"))]


def _goes_on(properties: etree._Element | None) -> bool:
    merged = child(properties, "vMerge") if properties is not None else None
    return merged is not None and value(merged) != "restart"


def _content(cell: etree._Element) -> Iterator[etree._Element]:
    """Paragraphs and tables of a cell."""
    for inner in cell:
        if local(inner) in ("p", "tbl"):
            yield inner
        elif local(inner) and local(inner) not in _GONE and local(inner) != "tcPr":
            yield from _content(inner)
