"""XML of any other vocabulary, clinical documents (HL7 CDA) included.

All visible text in order, with nothing of it lost.

Elements called title, head, heading or caption are headings of what stands beside them; rows of tables and short
records ("given", "family") are items. Of a clinical document the coded entries are left out: what they say for a reader
to see is in the section's own text (HL7 CDA R2, 4.3.5). Attributes are not text.
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from corpora.readers.xml.elements import child, find, inline, iso_date, local, rows, runs, stated
from corpora.readers.xml.vocabularies import parse
from corpora.records import Block, Reading

_HEADINGS = frozenset("title subtitle head heading header caption subject hd hed h1 h2 h3 h4 h5 h6".split())
_NUMBERS = frozenset("num number pnumber no label enum sectno marker".split())
_BLOCKS = frozenset(
    (
        "p para paragraph simpara ab l lg text div section sec chapter article part book body list ul ol itemizedlist orderedlist "
        "blockquote quote-block note footnote table informaltable figure fig abstract appendix entry-text pre programlisting"
    ).split()
)
_ITEMS = frozenset("item li listitem list-item".split())
_TABLES = frozenset("table informaltable gpotable".split())
_PROSE = _ITEMS | frozenset("p para paragraph simpara ab l".split())  # what is in them is one text, however it is marked
_KNOWN = _BLOCKS | _ITEMS | _TABLES | _HEADINGS
MAX_HEADING_CHARACTERS = 300
MAX_RECORD_CHARACTERS = 200
MAX_RECORD_FIELDS = 40
MAX_FIELD_CHARACTERS = 40  # of a field that may end in a full stop: "17 Daws Rd."


def read(data: bytes) -> list[Reading]:
    """One reading of a document in an unknown vocabulary.

    The first title is its title; metadata are Dublin Core statements, or those of a clinical document.
    """
    root = parse(data)
    clinical = local(root) == "ClinicalDocument"
    if clinical:
        for entry in list(find(root, "entry")):
            entry.getparent().remove(entry)
    blocks = list(_walk(root, 1))
    title = next((text for element in find(root, "title", "Title") if (text := inline(element))), "")
    return [Reading(title or None, blocks, metadata=_clinical(root) if clinical else _dublin_core(root))]


def _walk(element: etree._Element, level: int, number: str = "") -> Iterator[Block]:
    name = local(element).lower()
    if name in _TABLES:
        yield from _table(element, level)
    elif name in _HEADINGS and _is_heading(element):
        if text := f"{number} {inline(element)}".strip():
            yield Block("heading", text, level)
    elif name not in _PROSE and _is_record(element):
        if text := _record(element):
            yield Block("item", f"{number} {text}".strip())
    else:
        yield from _content(element, level, number)


def _content(element: etree._Element, level: int, number: str) -> Iterator[Block]:
    kind = "item" if local(element).lower() in _ITEMS else "paragraph"
    mixed = local(element).lower() in _PROSE or any(
        (text or "").strip() for text in (element.text, *(part.tail for part in element))
    )
    below = level
    for run in runs(element, lambda part: not mixed or _is_block(part) or _is_number(part)):
        if isinstance(run, str):
            yield Block(kind, f"{number} {run}".strip())
            number = ""
            continue
        if _is_number(run):
            number = f"{number} {inline(run)}".strip()
            continue
        heading = local(run).lower() in _HEADINGS and _is_heading(run)
        for block in _walk(run, level if heading else below, number):
            yield Block(kind, block.text) if block.kind == "paragraph" and kind == "item" else block
            number = ""
        below = level + 1 if heading else below
    if number:
        yield Block(kind, number)


def _is_block(element: etree._Element) -> bool:
    return any(local(part).lower() in _KNOWN for part in element.iter())


def _is_number(element: etree._Element) -> bool:
    """True for the number that begins what follows it in the same element."""
    begins = element.getprevious() is None and not (element.getparent().text or "").strip()
    return begins and local(element).lower() in _NUMBERS and len(element) == 0 and element.getnext() is not None


def _is_heading(element: etree._Element) -> bool:
    return not any(_is_block(part) for part in element) and len(inline(element)) <= MAX_HEADING_CHARACTERS


def _is_record(element: etree._Element) -> bool:
    """True for a few short fields and no prose: an address, a name, a row of data."""
    size = 0
    for count, part in enumerate(element.iter()):
        texts = [text.strip() for text in (part.text, "" if part is element else part.tail) if text]
        size += sum(map(len, texts))
        if size > MAX_RECORD_CHARACTERS or count > MAX_RECORD_FIELDS or (count and local(part).lower() in _KNOWN):
            return False
        if len(texts) == 2 and texts[1]:  # text between fields: a sentence with marks in it
            return False
        if texts and len(texts[0]) > MAX_FIELD_CHARACTERS and texts[0].endswith((".", "?", "!")):
            return False
    return len(element) > 0


def _record(element: etree._Element) -> str:
    between = " " if "name" in local(element).lower() else ", "
    return between.join(filter(None, (_record(part) if len(part) else inline(part) for part in element)))


def _table(table: etree._Element, level: int) -> Iterator[Block]:
    for part in table:
        if local(part).lower() in _HEADINGS and (text := inline(part)):
            yield Block("heading", text, level)
    for row in rows(table, inline):
        yield Block("item", row)


def _dublin_core(root: etree._Element) -> dict[str, str]:
    facts: dict[str, str] = {}
    for element in root.iter():
        if isinstance(element.tag, str) and element.tag.startswith("{http://purl.org/dc/"):
            facts.setdefault(local(element), inline(element))
    return stated(
        identifier=facts.get("identifier"),
        date=facts.get("date") or facts.get("issued") or facts.get("created"),
        author=facts.get("creator"),
        publisher=facts.get("publisher"),
        licence=facts.get("rights") or facts.get("license"),
        type=facts.get("type"),
        language=facts.get("language"),
    )


def _clinical(root: etree._Element) -> dict[str, str]:
    """Facts of the header of a clinical document; its patient is text, not metadata."""
    when = _attribute(root, "effectiveTime", "value")
    author = next((inline(name) for people in find(root, "author") for name in find(people, "name")), "")
    return stated(
        identifier=" ".join(filter(None, (_attribute(root, "id", "root"), _attribute(root, "id", "extension")))),
        date=iso_date(when[:4], when[4:6], when[6:8]),
        author=author,
        type=_attribute(root, "code", "displayName"),
        language=_attribute(root, "languageCode", "code"),
    )


def _attribute(root: etree._Element, name: str, attribute: str) -> str:
    element = child(root, name)
    return (element.get(attribute) or "") if element is not None else ""
