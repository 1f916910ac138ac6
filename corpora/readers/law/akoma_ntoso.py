"""Akoma Ntoso (OASIS LegalDocML): acts, bills, judgments, debates and reports of many parliaments and courts.

Levels down to the section or article are headings; below, a number begins its text, and long levels are headings too.
Notes of the authors stand in the text where they are marked. See OASIS Akoma Ntoso 1.0, part 1.
"""

from __future__ import annotations

from lxml import etree

from corpora.readers.law.provisions import Provisions, Vocabulary
from corpora.readers.xml.elements import find, inline, local, stated
from corpora.readers.xml.vocabularies import parse
from corpora.records import Reading

_AKN = Vocabulary(
    headed=frozenset(
        (
            "book tome part subpart title subtitle chapter subchapter division subdivision section article rule subrule hcontainer "
            "crossHeading level background introduction motivation decision arguments remedies debateSection speechGroup "
            "administrationOfOath rollCall prayers oralStatements writtenStatements personalStatements ministerialStatements "
            "resolutions nationalInterest declarationOfVote communication petitions papers noticesOfMotion questions address "
            "proceduralMotions pointOfOrder adjournment attachment component doc"
        ).split()
    ),
    sections=frozenset(("section", "article", "rule")),
    nested=frozenset(
        "subsection paragraph subparagraph clause subclause point indent alinea item list sublist item proviso transitional".split()
    ),
    blocks=frozenset(
        (
            "p block content intro wrapUp longTitle formula recitals recital citations citation blockList listIntroduction listWrapUp "
            "ul ol speech question answer scene narrative other container blockContainer foreign signature preface preamble body "
            "mainBody debateBody judgmentBody conclusions header coverPage toc attachments components tblock"
        ).split()
    ),
    items=frozenset(("li", "tocItem")),
    quoted=frozenset(("quotedStructure", "embeddedStructure")),
    dropped=frozenset(("meta", "authorialNote")),
)


def read(data: bytes) -> list[Reading]:
    """One reading. Title: the document's own (`docTitle`, `shortTitle`), else its alias in the identification."""
    root = parse(data)
    law = _Law(root)
    work = next(find(root, "FRBRWork"), None)
    alias = _value(work, "FRBRalias") or _value(work, "FRBRname")
    title = next((text for name in ("shortTitle", "docTitle") if (text := _first(root, name))), alias)
    if title:
        law.head(title, 1)
    for part in root:
        for inner in part:  # the document's kind: act, bill, judgment, ...
            law.walk(inner, 2)
    law.close()
    author = _value(work, "FRBRauthor", "href").rpartition("#")[2].rpartition("/")[2]
    names = {entry.get("eId") or entry.get("id"): entry.get("showAs") for entry in find(root, "TLCOrganization", "TLCPerson")}
    return [
        Reading(
            title or None,
            law.blocks,
            metadata=stated(
                identifier=_value(work, "FRBRuri") or _value(work, "FRBRthis"),
                date=_value(work, "FRBRdate", "date"),
                jurisdiction=_value(work, "FRBRcountry").upper(),
                author=names.get(author) or author,
                type=next((local(part) for part in root if local(part)), ""),
                language=_value(next(find(root, "FRBRExpression"), None), "FRBRlanguage", "language"),
            ),
        )
    ]


class _Law(Provisions):
    def __init__(self, root: etree._Element) -> None:
        super().__init__(_AKN, self._instead)
        # Notes may stand apart, in the metadata as most publishers of consolidated law have them, and be referred to.
        self._footnotes = {_id(note): note for note in find(root, "note", "authorialNote") if _id(note)}
        self._referred = {(mark.get("href") or "").lstrip("#") for mark in find(root, "noteRef")}
        self._told: set[str] = set()

    def _instead(self, element: etree._Element) -> str | None:
        name = local(element)
        if name == "authorialNote" and _id(element) not in self._referred:
            return self._note_text(element)
        if name == "authorialNote":  # stands where it is referred to
            return ""
        if name != "noteRef":
            return None
        target = (element.get("href") or "").lstrip("#")
        if target not in self._footnotes or target in self._told:
            return ""
        self._told.add(target)
        return self._note_text(self._footnotes[target])

    def _note_text(self, note: etree._Element) -> str:
        text = inline(note)
        if not self.in_label:
            return f" [note: {text}]"
        self.later.append(text)
        return ""


def _id(element: etree._Element) -> str:
    return element.get("eId") or element.get("id") or ""


def _value(element: etree._Element | None, name: str, attribute: str = "value") -> str:
    descendant = next(find(element, name), None) if element is not None else None
    return (descendant.get(attribute) or "") if descendant is not None else ""


def _first(root: etree._Element, name: str) -> str:
    return next((text for descendant in find(root, name) if (text := inline(descendant))), "")
