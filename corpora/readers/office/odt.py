"""Reader of OpenDocument texts (ODT).

Headings, lists with their numbers, tables and frames in reading order, notes at their place.

What was deleted under tracked changes, comments and hidden text are left out; headers and footers are running lines.
See OASIS OpenDocument 1.3, part 3.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from lxml import etree

from corpora.errors import UnreadableDocument
from corpora.readers.containers.zips import Zip
from corpora.readers.docx.numbering import shown
from corpora.readers.xml.elements import child, find, inline, local, script
from corpora.readers.xml.vocabularies import parse
from corpora.records import Block, Reading

MEDIA_TYPE = "application/vnd.oasis.opendocument.text"
_FORMS = {"1": "decimal", "a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman"}
_GONE = frozenset(
    (
        "tracked-changes annotation annotation-end hidden-text hidden-paragraph note-citation ruby-text title desc sequence-decls forms "
        "variable-decls user-field-decls table-of-content-source index-title-template scripts font-face-decls automatic-styles"
    ).split()
)
_SPACES = {"s": " ", "tab": "\t", "line-break": "\n"}


def looks_like(names: Collection[str], data: bytes) -> bool:
    """True for a zip that says first, uncompressed as the format demands, that it is a text or a template for texts."""
    return "content.xml" in names and data[30:38] == b"mimetype" and MEDIA_TYPE.encode() in data[38:130]


def read(data: bytes) -> list[Reading]:
    """Title (of the metadata) and blocks. Raises UnreadableDocument for damage and encryption."""
    package = Zip(data)
    names = package.names()

    def part(name: str) -> etree._Element | None:
        return parse(package.read(names[name])) if name in names else None

    manifest = part("META-INF/manifest.xml")
    if manifest is not None and next(find(manifest, "encryption-data"), None) is not None:
        raise UnreadableDocument("the document needs a password; save it without one")
    content, styles, meta = part("content.xml"), part("styles.xml"), part("meta.xml")
    if content is None:
        raise UnreadableDocument("an OpenDocument file without content.xml; save it again")
    text = _Text([root for root in (styles, content) if root is not None])
    text.walk(content)
    around = list(text.running(styles)) if styles is not None else []
    title = inline(next(find(meta, "title"), None)) if meta is not None else ""
    return [Reading(title or None, [*around, *text.blocks])]


def _said(element: etree._Element | None, name: str) -> str:
    if element is None:
        return ""
    return next((str(attribute) for key, attribute in element.attrib.items() if key.rpartition("}")[2] == name), "")


class _Text:
    def __init__(self, roots: list[etree._Element]) -> None:
        self.blocks: list[Block] = []
        self._frames: list[etree._Element] = []
        self._raised: dict[str, str] = {}
        self._lists: dict[str, dict[int, etree._Element]] = {}
        self._parents: dict[str, str] = {}
        self._counts: dict[str, dict[int, int]] = {}
        for style in (style for root in roots for style in find(root, "style")):
            position = _said(child(style, "text-properties"), "text-position")
            self._raised[_said(style, "name")] = (
                "^" if position.startswith("super") else "_" if position.startswith("sub") else ""
            )
            self._parents[_said(style, "name")] = _said(style, "parent-style-name")
        for style in (style for root in roots for style in find(root, "list-style", "outline-style")):
            levels = {int(number): level for level in style if (number := _said(level, "level")).isdecimal()}
            self._lists["(outline)" if local(style) == "outline-style" else _said(style, "name")] = levels

    def walk(self, element: etree._Element) -> None:
        """Adds the blocks of all that is in an element."""
        for inner in element:
            name = local(inner)
            if name == "h":
                level = _said(inner, "outline-level")
                depth = int(level) if level.isdecimal() else 1
                self._emit("heading", self._label("(outline)", depth), inner, depth)
            elif name == "p":
                titled = any(style in ("Title", "Subtitle") for style in self._styles_of(inner))
                self._emit("heading" if titled else "paragraph", "", inner, int(titled))
            elif name == "list":
                self._list(inner, 1, "")
            elif name == "table":
                self._table(inner)
            elif name and name not in _GONE:
                self.walk(inner)

    def running(self, styles: etree._Element) -> Iterator[Block]:
        """The lines of the headers and footers of the pages, each once."""
        lines: set[str] = set()
        for around in find(styles, "header", "footer", "header-left", "footer-left", "header-first", "footer-first"):
            for paragraph in find(around, "p", "h"):
                line = self._line(paragraph)
                if line and line not in lines:
                    lines.add(line)
                    yield Block("running", line)

    def _styles_of(self, element: etree._Element) -> Iterator[str]:
        name, visited = _said(element, "style-name"), set[str]()
        while name and name not in visited:
            visited.add(name)
            yield name
            name = self._parents.get(name, "")

    def _emit(self, kind: str, label: str, element: etree._Element, level: int = 0) -> None:
        line = self._line(element)
        frames, self._frames = self._frames, []
        if line:
            self.blocks.append(Block(kind, f"{label} {line}".strip(), level))
        for frame in frames:
            self.walk(frame)

    def _line(self, element: etree._Element) -> str:
        return inline(element, self._instead)

    def _instead(self, element: etree._Element) -> str | None:
        name = local(element)
        if name in _SPACES:
            return _SPACES[name]
        if name == "note":
            paragraphs = (self._line(part) for part in find(element, "p", "h"))
            return f" [note: {' '.join(filter(None, paragraphs))}]"
        if name in ("text-box", "table"):
            self._frames.append(element)
            return ""
        if name == "span" and (mark := self._raised.get(_said(element, "style-name"), "")):
            above, before = element.getparent(), element.getprevious()
            text = (before.tail if before is not None else above.text if above is not None else "") or ""
            return script(mark, inline(element, lambda part: None if part is element else self._instead(part)), [text])
        return "" if name in _GONE else None

    def _list(self, element: etree._Element, depth: int, style: str) -> None:
        style = _said(element, "style-name") or style
        goes_on = _said(element, "continue-numbering") == "true" or _said(element, "continue-list")
        if depth == 1 and not goes_on:
            self._counts.pop(style, None)
        for item in element:
            label = self._label(style, depth) if local(item) == "list-item" and self._has_text(item) else ""
            for inner in item:
                if local(inner) == "list":
                    self._list(inner, depth + 1, style)
                elif local(inner) in ("p", "h"):
                    level = _said(inner, "outline-level")
                    heading = local(inner) == "h" and level.isdecimal()
                    self._emit("heading" if heading else "item", label, inner, int(level) if heading else 0)
                    label = ""
                elif local(inner) == "table":
                    self._table(inner)

    def _has_text(self, item: etree._Element) -> bool:
        """False for an item that only holds a deeper list, as programs write that begin at a deeper level."""
        return any(local(inner) in ("p", "h") for inner in item)

    def _label(self, style: str, depth: int) -> str:
        """Counts one paragraph of a list at `depth`, from 1, and gives its number as printed; "" for bullets."""
        levels = self._lists.get(style, {})
        level = levels.get(depth)
        if level is None or not local(level).endswith(("-number", "level-style")):
            return ""
        counts = self._counts.setdefault(style, {})
        start = _said(level, "start-value")
        counts[depth] = counts[depth] + 1 if depth in counts else int(start) if start.isdecimal() else 1
        for below in [deeper for deeper in counts if deeper > depth]:
            del counts[below]
        if not _said(level, "num-format"):
            return ""
        displayed = _said(level, "display-levels")
        first = max(1, depth - (int(displayed) if displayed.isdecimal() else 1) + 1)
        numbers = [
            shown(counts.get(part_depth, 1), _FORMS.get(_said(levels.get(part_depth), "num-format"), "decimal"))
            for part_depth in range(first, depth + 1)
        ]
        return f"{_said(level, 'num-prefix')}{'.'.join(numbers)}{_said(level, 'num-suffix')}".strip()

    def _table(self, table: etree._Element) -> None:
        for row in _rows(table):
            cells = [cell for cell in row if local(cell) == "table-cell"]
            if len(cells) == 1:
                self.walk(cells[0])
                continue
            texts = [" ".join(filter(None, map(self._line, _paragraphs(cell)))) for cell in cells]
            frames, self._frames = self._frames, []
            if any(texts):
                self.blocks.append(Block("item", " | ".join(texts)))
            for frame in frames:
                self.walk(frame)


def _paragraphs(element: etree._Element) -> Iterator[etree._Element]:
    """The paragraphs of a cell, its lists and tables included.

    Those inside of notes and frames are left out: they are read apart.
    """
    for inner in element:
        if local(inner) in ("p", "h"):
            yield inner
        elif local(inner) and local(inner) not in _GONE:
            yield from _paragraphs(inner)


def _rows(table: etree._Element) -> Iterator[etree._Element]:
    for inner in table:
        if local(inner) == "table-row":
            yield inner
        elif local(inner) in ("table-header-rows", "table-rows", "table-row-group"):
            yield from _rows(inner)
