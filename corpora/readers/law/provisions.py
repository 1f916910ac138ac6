"""Laws in XML: numbered levels inside numbered levels, as headings above and as numbered text below.

Shared by the readers of law; what the levels of a vocabulary are called is theirs to say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from lxml import etree

from corpora.readers.xml.elements import Replace, child, inline, local, rows, runs, words
from corpora.records import Block

# Numbered levels below a section are headings where most of them have as many words as this; else the number begins the
# text.
LONG_LEVEL_WORDS = 80
_LABELS = frozenset(("num", "heading", "subheading"))
_TABLES = frozenset(("table", "TABLE"))
_CLOSING_MARK = re.compile(r"[.,;:)”’]+(?: (?:and|or))?[.;—]?")


@dataclass(frozen=True)
class Vocabulary:
    """The element names of a vocabulary of laws.

    `headed` are the levels down to the section, `sections` those of them that notes wait for; `nested` the numbered
    levels below; `blocks` and `items` hold a text of their own; `quoted` hold the words of another law. `notes` maps an
    element to the heading that it gets if it has none. `dropped` are not text.
    """

    headed: frozenset[str]
    sections: frozenset[str]
    nested: frozenset[str]
    blocks: frozenset[str]
    items: frozenset[str] = frozenset()
    quoted: frozenset[str] = frozenset()
    dropped: frozenset[str] = frozenset()
    notes: Mapping[str, str] = field(default_factory=dict)


class Provisions:
    """Collects the `blocks` of a law. `replace` stands in for elements inside a text."""

    def __init__(self, vocabulary: Vocabulary, replace: Replace | None = None) -> None:
        self.blocks: list[Block] = []
        self.later: list[str] = []  # notes that the next text to be emitted will end with
        self.in_label = False
        self._names = vocabulary
        self._replace = replace
        self._number = ""  # what the next text begins with: number, or number and heading, of its level
        self._number_is_headed = False  # a heading shows it already
        self._number_is_bare = False  # no heading follows it
        self._quoting = 0
        self._in_section = False
        self._notes: list[etree._Element] = []

    def label(self, element: etree._Element) -> tuple[str, str]:
        """Number and heading of a level, as printed."""
        self.in_label = True
        number = " ".join(self.text_of(part) for part in element if local(part) == "num")
        heading = " ".join(self.text_of(part) for part in element if local(part) in ("heading", "subheading"))
        self.in_label = False
        return number, heading

    def text_of(self, element: etree._Element) -> str:
        """The element's text on one line."""
        return inline(element, self._replace)

    def emit(self, text: str, kind: str = "paragraph") -> None:
        """Adds a block. It begins with the number of its level and ends with the notes that belong to it."""
        last = self.blocks[-1] if self.blocks else None
        if last and last.kind != "heading" and not self._number and _CLOSING_MARK.fullmatch(text):
            self.blocks[-1] = Block(last.kind, last.text + text)  # closes the sentence after a quotation that is a block
            return
        notes = "".join(f" [note: {note}]" for note in self.later)
        self.later.clear()
        if text := _joined(self._number, f"{text}{notes}"):
            self.blocks.append(Block(kind, text))
        self._number = ""

    def head(self, text: str, depth: int) -> None:
        """Adds a heading, without the dash by which it leads into the text."""
        self.close()
        if text := re.sub(r"\s*\.?[—–]$", "", text):
            self.blocks.append(Block("heading", text, depth))

    def close(self) -> None:
        """Emits the number of a level that turns out to have no text, unless a heading shows it."""
        if self._number and not self._number_is_headed:
            self.emit("")
        self._number = ""

    def walk(self, element: etree._Element, depth: int) -> None:
        """Adds the blocks of any element; headings in it begin at `depth`."""
        name, names = local(element), self._names
        instead = self._replace(element) if self._replace else None
        if instead is not None:
            if instead.strip():
                self.emit(instead.strip())
        elif name in names.notes and self._in_section:
            self._notes.append(element)  # under headings of their own, after the section that they are about
        elif name in names.notes:
            self._note(element, depth)
        elif name in names.headed or name in names.nested:
            self._level(element, depth)
        elif name in _TABLES:
            for caption in (part for part in element if local(part) == "caption"):
                self.emit(self.text_of(caption))
            for row in rows(element, self.text_of):
                self.emit(row, "item")
        elif name in names.quoted:
            self._quoting += 1
            self._content(element, depth)
            self._quoting -= 1
        elif name in names.items:
            self._content(element, depth, "item")
        elif name and name not in names.dropped:
            if child(element, "heading") is not None and not self._quoting and not self._in_section:
                self.head(_joined(*self.label(element)), depth)  # a part of a preface, say, that is no level of the law
                self._content(element, depth + 1, skip=_LABELS)
            else:
                self._content(element, depth)

    def _level(self, element: etree._Element, depth: int, headed: bool = False) -> None:
        number, heading = self.label(element)
        name = local(element)
        if self._quoting or (name in self._names.nested and not headed):
            self._begin(number, heading)
            self._children(element, depth, may_head=False)
            self.close()
            return
        self.head(_joined(number, heading), depth)
        if name in self._names.nested:
            self._number, self._number_is_headed, self._number_is_bare = number, True, True
        outermost = name in self._names.sections and not self._in_section
        self._in_section = self._in_section or outermost
        self._children(element, depth + 1 if number or heading else depth, may_head=self._in_section)
        self.close()
        if outermost:
            self._in_section = False
            notes, self._notes = self._notes, []
            for note in notes:
                self._note(note, depth + 1)

    def _children(self, element: etree._Element, depth: int, may_head: bool) -> None:
        children = [part for part in element if local(part) and local(part) not in _LABELS]
        headed = may_head and self._are_long(children)
        if (element.text or "").strip():
            self.emit(" ".join(element.text.split()))
        for part in children:
            if local(part) in self._names.nested:
                self._level(part, depth, headed)
            else:
                self.walk(part, depth)
            if (part.tail or "").strip():
                self.emit(" ".join(part.tail.split()))

    def _are_long(self, children: list[etree._Element]) -> bool:
        """True where numbered levels deserve headings.

        They are long, and no text after them belongs to the level above.
        """
        nested = [index for index, part in enumerate(children) if local(part) in self._names.nested]
        after = {local(part) for part in children[nested[0] :]} if nested else set()
        if not nested or after - self._names.nested - self._names.headed - self._names.dropped - self._names.notes.keys():
            return False
        return 2 * sum(words(children[index]) >= LONG_LEVEL_WORDS for index in nested) > len(nested)

    def _begin(self, number: str, heading: str) -> None:
        """Sets what the next text begins with; numbers with no text between them stand together: "(c)(1)"."""
        if not (number and self._number_is_bare):
            self.close()
        gap = "" if not self._number or self._number.endswith((")", "—")) else " "
        self._number = _joined(f"{self._number}{gap}{number}", heading)
        self._number_is_headed, self._number_is_bare = False, not heading

    def _content(
        self, element: etree._Element, depth: int, kind: str = "paragraph", skip: frozenset[str] = frozenset()
    ) -> None:
        names = self._names
        blocks = names.headed | names.nested | names.blocks | names.items | names.quoted | names.notes.keys() | _TABLES | skip

        def is_block(inner: etree._Element) -> bool:
            name = local(inner)
            return name in blocks or (name not in names.dropped and any(map(is_block, inner)))

        for run in runs(element, is_block, self._replace):
            if isinstance(run, str):
                self.emit(run, kind)
            elif local(run) not in skip:
                self.walk(run, depth)

    def _note(self, element: etree._Element, depth: int) -> None:
        """Add a note under its heading.

        Inside a group of notes, one that is only a heading stands above those that follow it.
        """
        _, heading = self.label(element)
        self.head(heading or self._names.notes[local(element)], depth)
        inner = [part for part in element if local(part) in self._names.notes]
        if not inner:
            self._content(element, depth + 1, skip=_LABELS)
        below = depth + 1
        for note in inner:
            alone = all(local(part) in _LABELS for part in note)
            self._note(note, depth + 1 if alone else below)
            below = depth + 2 if alone else below


def _joined(number: str, text: str) -> str:
    """ "§ 107. Limitations", "Title 17—COPYRIGHTS"."""
    return number + text if number.endswith(("—", "–")) else f"{number} {text}".strip()
