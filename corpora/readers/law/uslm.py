"""Laws of the United States in United States Legislative Markup (USLM) 1 and 2.

As the House and the Publishing Office give them out.

Codes, public laws, bills, resolutions and compilations. Levels down to the section are headings ("Title 17—COPYRIGHTS",
"§ 107. Limitations"); below it a number begins its text, and long levels are headings too. Left out: page numbers and
marks of the printer. See the USLM User Guide (GPO).
"""

from __future__ import annotations

import re

from lxml import etree

from corpora.readers.law.provisions import Provisions, Vocabulary
from corpora.readers.xml.elements import child, find, inline, iso_date, local, stated
from corpora.readers.xml.vocabularies import parse
from corpora.records import Reading

_USLM = Vocabulary(
    headed=frozenset(
        (
            "title subtitle chapter subchapter part subpart division subdivision article subarticle section level appropriations "
            "preliminary compiledAct courtRules courtRule reorganizationPlans reorganizationPlan appendix schedule"
        ).split()
    ),
    sections=frozenset(("section", "courtRule")),
    nested=frozenset("subsection paragraph subparagraph clause subclause item subitem subsubitem".split()),
    blocks=frozenset(
        (
            "p content chapeau continuation toc layout groupItem recital resolvingClause enactingFormula longTitle action "
            "explanationNote editionNote citationNote organizationNote "
            "authority source signatures signature attestation elided block list listContent listHeading"
        ).split()
    ),
    items=frozenset(("referenceItem", "headingItem", "tocItem", "listItem")),
    quoted=frozenset(("quotedContent",)),
    dropped=frozenset(
        "meta page ear slugLine distributionCode leftRunningHead rightRunningHead endMarker footnote sidenote".split()
    ),
    notes={
        "sourceCredit": "Source credit",
        "notes": "Notes",
        "note": "Note",
        "statutoryNote": "Statutory note",
        "editorialNote": "Editorial note",
        "changeNote": "Change note",
        "legislativeHistory": "Legislative history",
    },
)


def read(data: bytes) -> list[Reading]:
    """One reading: title and metadata as the document's `meta` states them."""
    root = parse(data)
    _cite_in_headings(root)
    meta = child(root, "meta")
    facts = {local(fact): inline(fact) for fact in reversed(meta)} if meta is not None else {}  # the first of a name counts
    law = _Law(root)
    title = facts.get("title") or next((inline(descendant) for descendant in find(root, "officialTitle")), "")
    top = child(child(root, "main"), "title", "appendix") if child(root, "main") is not None else None
    if top is not None and local(root) == "uscDoc":
        title = " ".join("".join(law.label(top)).split()) or title
    elif title:
        law.head(title, 1)
    for part in root:
        if local(part) == "preface":
            law.preface(part)
        elif local(part) == "main":
            for inner in part:
                law.walk(inner, 1 if local(root) == "uscDoc" else 2)
        else:
            law.walk(part, 2)
    law.close()
    dated = next((descendant.get("date") for descendant in find(root, "date") if descendant.get("date")), "") or _approved(root)
    return [
        Reading(
            title or None,
            law.blocks,
            metadata=stated(
                identifier=facts.get("citableAs") or root.get("identifier") or facts.get("docNumber"),
                date=facts.get("approvedDate") or dated or facts.get("created"),
                type=facts.get("type"),
                author=facts.get("creator"),
                publisher=facts.get("publisher"),
                licence=facts.get("rights"),
                jurisdiction="United States",
            ),
        )
    ]


class _Law(Provisions):
    """The provisions of a USLM document.

    Footnotes are put where they are referred to, side notes after the text beside which they are printed.
    """

    def __init__(self, root: etree._Element) -> None:
        super().__init__(_USLM, self._instead)
        notes = {note.get("id"): note for note in find(root, "footnote", "note") if note.get("id")}
        marks = [mark for mark in find(root, "ref") if mark.get("idref") in notes]
        self._footnotes = {mark.get("idref"): notes[mark.get("idref")] for mark in marks}

    def preface(self, element: etree._Element) -> None:
        """What stands before the text: the lines of the title page as one paragraph, acts and notes as their own."""
        lines: list[str] = []
        for part in element:
            if local(part) in _USLM.blocks:
                self.emit(" ".join(lines))
                lines.clear()
                self.walk(part, 2)
            elif local(part) not in _USLM.dropped:
                lines.append(self.text_of(part))
        self.emit(" ".join(lines))

    def _instead(self, element: etree._Element) -> str | None:
        name = local(element)
        if name == "page":
            return " "
        if name == "sidenote":
            self.later.append(inline(element))
            return ""
        if name == "ref" and element.get("idref") in self._footnotes:
            return self._note_text(self._footnotes[element.get("idref")])
        if name == "footnote" or (name == "note" and element.get("type") == "footnote"):
            return "" if element.get("id") in self._footnotes else self._note_text(element)
        return None

    def _note_text(self, note: etree._Element) -> str:
        text = inline(note, lambda part: "" if local(part) in ("sup", "num") and part.getparent() is note else None)
        if not self.in_label:
            return f" [note: {text}]"
        self.later.append(text)
        return ""


def _approved(root: etree._Element) -> str:
    """The date of a public law, which stands in its last line: "Approved March 13, 2017."."""
    matches = (re.search(r"Approved (\w+) (\d{1,2}), (\d{4})", inline(action)) for action in find(root, "actionDescription"))
    return next((iso_date(match[3], match[1], match[2]) for match in matches if match), "")


def _cite_in_headings(root: etree._Element) -> None:
    """Puts "[30 U.S.C. 1001]", the place of a section in the Code, behind its heading, where it is printed."""
    for note in list(find(root, "editorialNote")):
        heading = child(note.getparent(), "heading")
        if note.get("role") == "uscRef" and heading is not None and not (note.tail or "").strip():
            etree.SubElement(heading, "inline").text = f" {inline(note)}"
            note.getparent().remove(note)
