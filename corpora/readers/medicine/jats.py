"""Articles of PubMed Central and most journals of medicine: JATS, and the NLM article tag set before it.

Abstract, sections and lists in order; a table is its caption and one item a row, a figure its caption. A footnote
stands in the text that refers to it; references are items under "References", affiliations under a heading of their own
at the end.
"""

from __future__ import annotations

from lxml import etree

from corpora.readers.medicine.jats_front import metadata
from corpora.readers.xml.elements import child, find, inline, local, rows, runs
from corpora.readers.xml.vocabularies import parse
from corpora.records import Block, Reading

_SECTIONS = {  # that are sections, with the heading of one that has none
    "sec": "",
    "app": "Appendix",
    "ack": "Acknowledgments",
    "glossary": "Glossary",
    "notes": "Notes",
    "bio": "",
    "fn-group": "Notes",
    "ref-list": "References",
    "abstract": "Abstract",
    "trans-abstract": "Abstract",
    "kwd-group": "Keywords",
    "def-list": "",
}
_CAPTIONED = frozenset("table-wrap fig supplementary-material media boxed-text statement".split())
_BLOCKS = _CAPTIONED | frozenset(
    (
        "p list disp-formula disp-formula-group table-wrap-group fig-group chem-struct-wrap disp-quote verse-group verse-line preformat "
        "code app-group table array attrib speech table-wrap-foot fn ref note list-item def-item boxed-text title caption"
    ).split()
)
_SILENT = frozenset("graphic inline-graphic object-id sec-meta xml-model related-object processing-meta".split())
_ABSTRACTS = {"toc": "Summary", "teaser": "Summary", "short": "Short abstract", "graphical": "Graphical abstract"}


def read(data: bytes) -> list[Reading]:
    """One reading for each article; `part` is its identifier where the file holds several."""
    root = parse(data)
    articles = [root] if local(root) == "article" else list(find(root, "article"))
    readings = [_Article(article).reading() for article in articles]
    if len(readings) == 1:
        return readings
    return [
        Reading(reading.title, reading.blocks, reading.metadata.get("identifier") or str(number), reading.metadata)
        for number, reading in enumerate(readings, 1)
    ]


class _Article:
    def __init__(self, article: etree._Element) -> None:
        self.article = article
        self.blocks: list[Block] = []
        self.footnotes = {
            note.get("id"): note
            for note in find(article, "fn")
            if note.get("id") and not any(local(above) in ("table-wrap-foot", "author-notes") for above in note.iterancestors())
        }
        self.told: set[str] = set()  # footnotes that stand in a text already

    def reading(self) -> Reading:
        front = child(self.article, "front")
        meta = child(front, "article-meta") if front is not None else None
        title = self.text(next(find(meta, "article-title"), None)) if meta is not None else ""
        self.emit("heading", title, 1)
        if meta is not None:
            group = child(meta, "title-group")
            for further_title in find(group, "subtitle", "trans-title") if group is not None else ():
                self.emit("paragraph", self.text(further_title))
            for part in find(meta, "abstract", "trans-abstract", "kwd-group"):
                self.section(part, 2)
        for part in self.article:
            if local(part) in ("body", "back", "floats-group", "floats-wrap"):
                self.content(part, 2)
        if meta is not None:
            self.about(meta)
        for part in self.article:
            if local(part) in ("sub-article", "response"):
                self.emit("heading", self.text(next(find(part, "article-title"), None)), 2)
                for inner in find(part, "body", "back"):
                    self.content(inner, 3)
        return Reading(title or None, self.blocks, metadata=metadata(front, self.article))

    def emit(self, kind: str, text: str, level: int = 0) -> None:
        if text:
            self.blocks.append(Block(kind, text, level))

    def text(self, element: etree._Element | None) -> str:
        return inline(element, self.instead)

    def walk(self, element: etree._Element, level: int, kind: str = "paragraph", lead: str = "") -> None:
        """Adds the blocks of one element; `lead` begins the first text in it, as the mark of a list item does."""
        name = local(element)
        if name in _SECTIONS and name != "def-list":
            self.section(element, level)
        elif name in _CAPTIONED:
            self.captioned(element, level)
        elif name in ("table", "array"):
            for row in rows(element, self.text):
                self.emit("item", row)
        elif name == "def-item":
            self.emit("item", f"{self.text(child(element, 'term'))}: {self.text(child(element, 'def'))}".strip(": "))
        elif name == "ref":
            self.emit("item", self.reference(element))
        elif name == "fn":
            if element.get("id") not in self.told:
                self.emit(kind, self.text(element))
        elif name == "list-item":
            mark = self.text(child(element, "label"))
            self.content(element, level, "item", mark, frozenset(("label",)))
        elif name not in _SILENT:
            self.content(element, level, kind, lead)

    def content(
        self, element: etree._Element, level: int, kind: str = "paragraph", lead: str = "", skip: frozenset[str] = frozenset()
    ) -> None:
        """Adds what is in an element: its stretches of text, and the blocks between them."""
        for run in runs(
            element, lambda inner: local(inner) in _BLOCKS or local(inner) in _SECTIONS or local(inner) in skip, self.instead
        ):
            if isinstance(run, str):
                self.emit(kind, f"{lead} {run}".strip())
            elif local(run) in skip:
                continue
            else:
                self.walk(run, level, kind, lead)
            lead = ""

    def section(self, element: etree._Element, level: int) -> None:
        name = local(element)
        heading = f"{self.text(child(element, 'label'))} {self.text(child(element, 'title'))}".strip() or _SECTIONS[name]
        if name == "abstract" and child(element, "title") is None:
            kind = element.get("abstract-type") or ""
            heading = _ABSTRACTS.get(kind, kind.replace("-", " ").capitalize()) or "Abstract"
        if name == "fn-group" and all(note.get("id") in self.told for note in find(element, "fn")):
            return
        if name == "ref-list" and local(element.getparent()) == "back" and heading.casefold() != "references":
            self.emit("heading", "References", level)
            level += 1
        self.emit("heading", heading, level)
        if name == "kwd-group":
            self.emit("paragraph", "; ".join(self.text(keyword) for keyword in find(element, "kwd", "compound-kwd")))
            return
        self.content(element, level + 1 if heading else level, skip=frozenset(("label", "title")))

    def captioned(self, element: etree._Element, level: int) -> None:
        """ "Table 1 Caption." as a paragraph, then what the element holds: rows, notes, the paragraphs of a box."""
        caption = child(element, "caption")
        parts = (child(element, "label"), child(element, "title"), caption)
        self.emit("paragraph", " ".join(filter(None, map(self.text, parts))))
        for alternatives in list(find(element, "alternatives")):
            if child(alternatives, "table") is not None:
                for table in find(alternatives, "table"):
                    self.walk(table, level)
        self.content(element, level, skip=frozenset(("label", "title", "caption", "alternatives")))

    def instead(self, element: etree._Element) -> str | None:
        """Text that stands for an element: a footnote at its mark, or a raised mark of a reference in brackets.

        Without brackets the mark would join the word before.
        """
        name = local(element)
        if name in _SILENT:
            return ""
        if name == "fn":
            return self.footnote(element)
        if name == "xref" and element.get("rid") in self.footnotes and element.get("rid") not in self.told:
            return self.footnote(self.footnotes[element.get("rid")])
        raised = (name == "xref" and child(element, "sup") is not None) or (
            name == "sup" and child(element, "xref") is not None
        )
        if raised or element.get("ref-type") in ("fn", "table-fn"):
            mark = inline(element, lambda part: self.instead(part) if part.get("rid") in self.footnotes else None)
            return f"[{mark}]" if mark[:1].isalnum() else f" {mark}" if mark.startswith("[note:") else mark
        return None

    def footnote(self, note: etree._Element) -> str:
        self.told.add(note.get("id"))
        text = inline(note, lambda part: "" if local(part) == "label" or local(part) in _SILENT else None)
        return f" [note: {text}]"

    def about(self, meta: etree._Element) -> None:
        """Add statements about the article: interests, contributions, funding, availability of data.

        They are not of its text.
        """
        lines = [self.text(note) for notes in find(meta, "author-notes") for note in find(notes, "fn")]
        lines += [self.text(funding) for funding in find(meta, "funding-statement")]
        stated = " ".join(lines)
        sources = (self.text(source) for source in find(meta, "funding-source"))
        lines += [f"Funding: {source}" for source in dict.fromkeys(sources) if source not in stated]
        lines += [self.text(address) for address in find(meta, "corresp")]
        lines += [f"Related: {text}" for related in find(meta, "related-article") if (text := self.text(related))]
        for custom in find(meta, "custom-meta"):
            lines.append(f"{self.text(child(custom, 'meta-name')).rstrip(':')}: {self.text(child(custom, 'meta-value'))}")
        if any(lines):
            self.emit("heading", "About this article", 2)
        for line in lines:
            self.emit("paragraph", line)
        affiliations = [self.text(affiliation) for affiliation in find(meta, "aff")]
        if any(affiliations):
            self.emit("heading", "Affiliations", 2)
        for affiliation in affiliations:
            self.emit("item", affiliation)

    def reference(self, element: etree._Element) -> str:
        label = self.text(child(element, "label"))
        label = f"{label}." if label.isalnum() else label
        texts = []
        for part in element:
            name = local(part)
            if name in ("element-citation", "nlm-citation"):
                texts.append(_fields(part))
            elif name == "citation-alternatives":
                texts.append(self.text(part[0]))
            elif name != "label":
                texts.append(self.text(part))
        return " ".join(filter(None, (label, *texts)))


def _fields(citation: etree._Element) -> str:
    """A citation given as fields: "Visvader J. E, 2009, Keeping abreast ..., Genes Dev, 23, 2563-2577"."""
    fields: list[str] = []
    for part in citation:
        name = local(part)
        if name == "person-group":
            fields += [inline(person) for person in part if inline(person)]
        elif name in ("lpage", "last-page") and fields:
            fields[-1] += f"-{inline(part)}"
        elif name:
            fields.append(inline(part).rstrip(".,"))
    return ", ".join(filter(None, fields))
