"""The electronic Code of Federal Regulations (GPO bulk data, and parts of it as the eCFR gives them out).

`DIV1` ... `DIV9` (title ... section, appendix) with a `HEAD` each are headings; their paragraphs are flat and carry
their own numbers. See the e-CFR XML User Guide (GPO), section 2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from corpora.readers.xml.elements import child, find, inline, iso_date, local, rows, runs, stated
from corpora.readers.xml.vocabularies import parse
from corpora.records import Block, Reading

_DIVISION = re.compile(r"DIV[1-9]")
_PARAGRAPH = re.compile(
    r"(?:P|FP|FRP|FL|PSPACE|CITA|SECAUTH|APPRO|PARAUTH|FTNT|XREF|EDNOTE|LI|TTITLE|TNOTE|TDESC|BCAP|SECHD|ALPHHD|CHAPNO|RESERVED|SUBJ\d?L)"
    r"(?:\d|-\w+|\w+-\w+|[A-Z]+)?|p"
)
_CONTAINER = frozenset(
    (
        "AUTH SOURCE NOTE EDNOTE CROSSREF EFFDNOT EFFDNOTP CITAP EXTRACT EXAMPLE BOXTXT FTNT APPENDIX SUPPL CFRTOC DIV div UL OL "
        "REVTXT SUPERSED SCOL2 SUBTI SUBCHIND ABBR LDRWK CHAPTI"
    ).split()
)
_LEADS = frozenset(("HED", "SECTNO"))  # begin the paragraph that they stand above
_LISTED = re.compile(r"SUBJECT\d?|SUBJ\d?L|FL-?\d?|LI")  # lines of a list, an index or a table of contents ...
_ASIDE = frozenset(("PT", "PG", "LDRFIG"))  # ... and what is printed at their right
_ACCENTS = dict(zip("012346789", "\u0305\u0301\u0300\u0302\u0308\u0303\u030a\u0303\u0327", strict=True))
_HEADINGS = {
    "HED1": 1,
    "PARTHD": 1,
    "HD1": 1,
    "HD2": 2,
    "HD3": 3,
    "HD4": 4,
    "HD5": 5,
    "HD6": 6,
    "h1": 1,
    "h2": 2,
    "h3": 3,
    "h4": 4,
}
_CAPTIONS = frozenset(("TTITLE", "TDESC", "caption", "CAPTION"))
_TABLE_NOTES = frozenset(("TNOTE", "SIGDAT"))
_DROPPED = frozenset(("HEADER", "AMDDATE", "img", "GID", "PRTPAGE"))


_NOTE = "note-here"  # a footnote in its text


def read(data: bytes) -> list[Reading]:
    """One reading: a title of the Code or the part of it that the file holds."""
    root = parse(data)
    _put_notes_at_their_marks(root)
    blocks = list(_walk(root, 1))
    heading = next((block.text for block in blocks if block.kind == "heading"), "")
    stated_title = next((text for title in find(root, "TITLE") if (text := inline(title))), "")
    cited = re.search(
        r'"citation"\s*:\s*"([^"]+)"', next((e.get("hierarchy_metadata") for e in root.iter() if e.attrib), "") or ""
    )
    number = next((inline(identifier) for identifier in find(root, "IDNO") if identifier.get("TYPE") == "title"), "")
    return [
        Reading(
            stated_title or heading or None,
            blocks,
            metadata=stated(
                identifier=cited[1] if cited else f"{number} CFR" if number else "",
                date=_amended(root),
                jurisdiction="United States",
                type="regulation",
            ),
        )
    ]


def _amended(root: etree._Element) -> str:
    """The day to which the text is current: "May 1, 2014" in the bulk data."""
    stated_date = next((inline(date) for date in find(root, "AMDDATE")), "")
    match = re.fullmatch(r"(\w+)\.? (\d{1,2}), (\d{4})", stated_date)
    return iso_date(match[3], match[1], match[2]) if match else stated_date


def _walk(element: etree._Element, level: int) -> Iterator[Block]:
    name = local(element)
    if name in _DROPPED:
        return
    if name in ("TABLE", "table", "GPOTABLE"):
        yield from _table(element)
    elif name == "STARS":
        yield Block("paragraph", "* * *")
    elif name in _HEADINGS:
        if text := _text(element):
            yield Block("heading", text, level + _HEADINGS[name] - 1)
    else:
        head = child(element, "HEAD") if _DIVISION.fullmatch(name) else None
        if head is not None:
            yield Block("heading", _text(head), level)
        yield from _content(element, level + (head is not None), head)


def _content(element: etree._Element, level: int, head: etree._Element | None) -> Iterator[Block]:
    lead = ""
    listed: Block | None = None  # a line of a list whose right side may follow
    for run in runs(element, _is_block, _instead):
        if not isinstance(run, str) and local(run) in _ASIDE:
            aside = _text(run)
            listed = Block("item", f"{listed.text} | {aside}" if listed and listed.text else aside)
            continue
        if listed and listed.text:
            yield listed
        listed = None
        if run is head:
            continue
        if isinstance(run, str):
            yield Block("paragraph", f"{lead} {run}".strip())
            lead = ""
        elif local(run) in _LEADS:  # "Authority:"
            lead = f"{lead} {_text(run)}".strip()
        elif _LISTED.fullmatch(local(run)):
            listed = Block("item", f"{lead} {_text(run)}".strip())
            lead = ""
        else:
            for block in _walk(run, level):
                yield Block(block.kind, f"{lead} {block.text}".strip(), block.level) if lead else block
                lead = ""
    if listed and listed.text:
        yield listed
    if lead:
        yield Block("paragraph", lead)


def _text(element: etree._Element) -> str:
    return inline(element, _instead)


def _instead(element: etree._Element) -> str | None:
    """Fractions with a space after a whole number ("8 1/2"), accents on the letter before them, notes in brackets."""
    name = local(element)
    if name == "FR":
        before = element.getprevious()
        text = (before.tail if before is not None else element.getparent().text) or ""
        return f" {inline(element)}" if text[-1:].isdigit() else inline(element)
    if name == "AC":
        return _ACCENTS.get(element.get("T") or "", "")
    return f" [note: {element.text}]" if name == _NOTE else None


def _put_notes_at_their_marks(root: etree._Element) -> None:
    """Moves each footnote that begins with a raised mark to where the same mark stands before it in its section."""
    for note in list(find(root, "FTNT")):
        mark = next(find(note, "SU", "sup"), None)
        section = next((above for above in note.iterancestors() if _DIVISION.fullmatch(local(above))), root)
        if mark is None or not inline(mark):
            continue
        target = None
        for candidate in find(section, "SU", "sup", "FTNT"):
            if candidate is note:
                break
            inside = any(local(above) in ("FTNT", "TABLE", "table", "GPOTABLE") for above in candidate.iterancestors())
            if local(candidate) != "FTNT" and inline(candidate) == inline(mark) and not inside:
                target = candidate
        if target is not None:
            mark.text = ""
            text = inline(note, _instead)
            target.tag = _NOTE
            for inner in list(target):
                target.remove(inner)
            target.text = text.lstrip()
            tail, parent, before = note.tail or "", note.getparent(), note.getprevious()
            if before is not None:
                before.tail = (before.tail or "") + tail
            else:
                parent.text = (parent.text or "") + tail
            parent.remove(note)


def _is_block(element: etree._Element) -> bool:
    name = local(element)
    return (
        name in _CONTAINER
        or name in _HEADINGS
        or name in _DROPPED
        or name in _LEADS
        or name in _ASIDE
        or name in ("HEAD", "STARS", "TABLE", "table", "GPOTABLE", "TEXT", "BODY", "ECFRBRWS", "CHAPTI", "PTHD", "APP")
        or bool(_DIVISION.fullmatch(name) or _PARAGRAPH.fullmatch(name) or _LISTED.fullmatch(name))
    )


def _table(table: etree._Element) -> Iterator[Block]:
    """Title, one item for the column heads, one for each row, notes."""
    for part in table:
        if local(part) == "BOXHD" and (heads := " | ".join(_text(cell) for cell in part)):
            yield Block("item", heads)
        elif local(part) in _CAPTIONS and (caption := _text(part)):
            yield Block("paragraph", caption)
    for row in rows(table, _text):
        yield Block("item", row)
    for part in table:
        if local(part) in _TABLE_NOTES and (note := _text(part)):
            yield Block("paragraph", note)
