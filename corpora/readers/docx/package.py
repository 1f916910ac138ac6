"""The parts of a Word package and how they refer to each other (ECMA-376 part 2). Knows no text.

Opened as a bounded zip, not through python-docx: that gives no footnotes, text boxes or revisions, and refuses
templates, files with macros and the strict variant of the format, whose text is the same.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection

from lxml import etree

from corpora.errors import UnreadableDocument
from corpora.readers.containers.zips import Zip
from corpora.readers.xml.elements import find, inline, local
from corpora.readers.xml.vocabularies import parse

_MAIN = re.compile(r"word/document\d*\.xml")
_DEFAULT_MAIN = "word/document.xml"
# The strict variant has namespaces of its own for the same elements.
_STRICT = (
    (b"http://purl.oclc.org/ooxml/wordprocessingml/main", b"http://schemas.openxmlformats.org/wordprocessingml/2006/main"),
    (b"http://purl.oclc.org/ooxml/officeDocument/", b"http://schemas.openxmlformats.org/officeDocument/2006/"),
)


def holds_word(names: Collection[str]) -> bool:
    """True when a zip with these members is a Word document, template or document with macros."""
    return any(_MAIN.fullmatch(name) for name in names)


def value(element: etree._Element | None, name: str = "val") -> str | None:
    """The attribute called `name` in any namespace; None where there is no element or no such attribute."""
    if element is None:
        return None
    return next((str(attribute) for key, attribute in element.attrib.items() if key.rpartition("}")[2] == name), None)


class Package:
    """A Word file: its main part and what that refers to. Raises UnreadableDocument for damage."""

    def __init__(self, data: bytes) -> None:
        self._zip = Zip(data)
        self._names = self._zip.names()
        starts = self._relations("")
        main = next((path for kind, path in starts.values() if kind == "officeDocument" and path in self._names), None)
        main = main or next((name for name in self._names if _MAIN.fullmatch(name)), _DEFAULT_MAIN)
        self._related = self._relations(main)
        document = self.part(main)
        if document is None:
            raise UnreadableDocument(f"a Word file without {main}; save it again")
        self.document = document
        core = next((path for kind, path in starts.values() if kind == "core-properties"), "docProps/core.xml")
        properties = self.part(core)
        self.title = inline(next(find(properties, "title"), None)) if properties is not None else ""

    def part(self, path: str) -> etree._Element | None:
        """The root of a part; None where the package has none of that name."""
        if path not in self._names:
            return None
        data = self._zip.read(self._names[path])
        if b"http://purl.oclc.org/ooxml/" in data:
            for strict, transitional in _STRICT:
                data = data.replace(strict, transitional)
        try:
            return parse(data)
        except UnreadableDocument as error:
            raise UnreadableDocument(f"{path} in the Word file: {error}") from error

    def related(self, kind: str) -> etree._Element | None:
        """The part that the main part calls its "footnotes", "styles", "numbering" ..."""
        return next((self.part(path) for part_kind, path in self._related.values() if part_kind == kind), None)

    def by_id(self, identifier: str | None) -> etree._Element | None:
        """The part that a reference in the main part names: a header or a footer."""
        _, path = self._related.get(identifier or "", ("", ""))
        return self.part(path)

    def _relations(self, source: str) -> dict[str, tuple[str, str]]:
        """Id → (kind, path) of the parts that `source` refers to; what is outside of the package is left out."""
        folder, name = posixpath.split(source)
        root = self.part(posixpath.join(folder, "_rels", f"{name}.rels"))
        relations: dict[str, tuple[str, str]] = {}
        for relation in root if root is not None else ():
            if local(relation) == "Relationship" and relation.get("TargetMode") != "External":
                path = posixpath.normpath(posixpath.join("/", folder, relation.get("Target") or ""))
                relations[relation.get("Id") or ""] = ((relation.get("Type") or "").rpartition("/")[2], path.lstrip("/"))
        return relations
