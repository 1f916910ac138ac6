"""Laws of the District of Columbia, as the Council publishes them: sections of the Code with their annotations.

A section is one document: its heading has number and title, nested paragraphs begin with their numbers, and annotations
(history, effect of amendments, ...) follow under headings by kind.
"""

from __future__ import annotations

from lxml import etree

from corpora.readers.law.provisions import Provisions, Vocabulary
from corpora.readers.xml.elements import child, inline, local, stated
from corpora.readers.xml.vocabularies import parse
from corpora.records import Reading

_DC = Vocabulary(
    headed=frozenset(("container", "section", "document")),
    sections=frozenset(("section", "document")),
    nested=frozenset(("para",)),
    blocks=frozenset(("text", "aftertext", "content", "p")),
    quoted=frozenset(("include",)),
    dropped=frozenset(("meta", "prefix", "annotations")),
)


def read(data: bytes) -> list[Reading]:
    """One reading: a section of the Code, or a law with its sections."""
    root = parse(data)
    law = _Law()
    law.walk(root, 1)
    law.close()
    number, heading = law.label(root)
    code = root.get("containing-doc") or ("D.C. Code" if local(root) == "section" else "")
    return [
        Reading(
            f"{number} {heading}".strip() or None,
            law.blocks,
            metadata=stated(
                identifier=f"{code} {number.rstrip('.')}".strip(),
                jurisdiction="District of Columbia",
                type="statute",
            ),
        )
    ]


class _Law(Provisions):
    """A section or law of the District; the annotations of each follow its text."""

    def __init__(self) -> None:
        super().__init__(_DC)

    def label(self, element: etree._Element) -> tuple[str, str]:
        """As cited: "§ 22-404.01." for a section of the Code, "Title 22." for a container."""
        number, heading = super().label(element)
        if number and local(element) == "section":
            number = f"{number}." if number.startswith("§") else f"§ {number}."
        elif number and local(element) == "container":
            number = f"{inline(child(element, 'prefix'))} {number}.".strip()
        return number, heading

    def _level(self, element: etree._Element, depth: int, headed: bool = False) -> None:
        super()._level(element, depth, headed)
        annotations = child(element, "annotations")
        kind = ""
        for annotation in annotations if annotations is not None else ():
            if annotation.get("type", "Annotation") != kind:
                kind = annotation.get("type", "Annotation")
                self.head(kind, depth + 1)
            self.emit(inline(annotation))
