"""The electronic Code of Federal Regulations (GPO bulk data, and parts of it as the eCFR gives them out).

`DIV1` ... `DIV9` (title ... section, appendix) with a `HEAD` each are headings; their paragraphs are flat and carry their own
numbers. See the e-CFR XML User Guide (GPO), section 2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from corpora.readers.elements import child, find, inline, iso_date, local, rows, runs, stated
from corpora.readers.xml import parse
from corpora.records import Block, Reading

_DIVISION = re.compile(r"DIV[1-9]")
_PARAGRAPH = re.compile(r"(?:P|FP|PSPACE|CITA|SECAUTH|APPRO|PARAUTH|FTNT|XREF|EDNOTE|LI|TTITLE|TNOTE|TDESC)(?:-?\w+)?|p")
_CONTAINER = frozenset(
    "AUTH SOURCE NOTE EDNOTE CROSSREF EFFDNOT EFFDNOTP CITAP EXTRACT EXAMPLE BOXTXT FTNT APPENDIX SUPPL CFRTOC DIV div UL OL".split()
)
_HEADINGS = {"HD1": 1, "HD2": 2, "HD3": 3, "HD4": 4, "HD5": 5, "HD6": 6, "h1": 1, "h2": 2, "h3": 3, "h4": 4}
_CAPTIONS = frozenset(("TTITLE", "TDESC", "caption", "CAPTION"))
_TABLE_NOTES = frozenset(("TNOTE", "SIGDAT"))
_DROPPED = frozenset(("HEADER", "AMDDATE", "img", "GID", "PRTPAGE"))


def read(data: bytes) -> list[Reading]:
    """One reading: a title of the Code or the part of it that the file holds."""
    root = parse(data)
    blocks = list(_walk(root, 1))
    heading = next((block.text for block in blocks if block.kind == "heading"), "")
    stated_title = next((text for title in find(root, "TITLE") if (text := inline(title))), "")
    cited = re.search(
        r'"citation"\s*:\s*"([^"]+)"', next((e.get("hierarchy_metadata") for e in root.iter() if e.attrib), "") or ""
    )
    number = next((inline(found) for found in find(root, "IDNO") if found.get("TYPE") == "title"), "")
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
    said = next((inline(date) for date in find(root, "AMDDATE")), "")
    match = re.fullmatch(r"(\w+)\.? (\d{1,2}), (\d{4})", said)
    return iso_date(match[3], match[1], match[2]) if match else said


def _walk(element: etree._Element, level: int) -> Iterator[Block]:
    name = local(element)
    if name in _DROPPED:
        return
    if name in ("TABLE", "table", "GPOTABLE"):
        yield from _table(element)
    elif name in _HEADINGS:
        if text := inline(element):
            yield Block("heading", text, level + _HEADINGS[name] - 1)
    else:
        head = child(element, "HEAD") if _DIVISION.fullmatch(name) else None
        if head is not None:
            yield Block("heading", inline(head), level)
        yield from _content(element, level + (head is not None), head)


def _content(element: etree._Element, level: int, head: etree._Element | None) -> Iterator[Block]:
    lead = ""
    for run in runs(element, _is_block):
        if run is head:
            continue
        if isinstance(run, str):
            yield Block("paragraph", f"{lead} {run}".strip())
            lead = ""
        elif local(run) == "HED":  # "Authority:" begins the paragraph that it stands above
            lead = f"{lead} {inline(run)}".strip()
        else:
            for block in _walk(run, level):
                yield Block(block.kind, f"{lead} {block.text}".strip(), block.level) if lead else block
                lead = ""
    if lead:
        yield Block("paragraph", lead)


def _is_block(element: etree._Element) -> bool:
    name = local(element)
    return (
        name in _CONTAINER
        or name in _HEADINGS
        or name in _DROPPED
        or name in ("HED", "HEAD", "TABLE", "table", "GPOTABLE", "TEXT", "BODY", "ECFRBRWS", "CHAPTI", "PTHD", "APP")
        or bool(_DIVISION.fullmatch(name) or _PARAGRAPH.fullmatch(name))
    )


def _table(table: etree._Element) -> Iterator[Block]:
    """Title, one item for the column heads, one for each row, notes."""
    for part in table:
        if local(part) == "BOXHD" and (heads := " | ".join(inline(cell) for cell in part)):
            yield Block("item", heads)
        elif local(part) in _CAPTIONS and (caption := inline(part)):
            yield Block("paragraph", caption)
    for row in rows(table, inline):
        yield Block("item", row)
    for part in table:
        if local(part) in _TABLE_NOTES and (note := inline(part)):
            yield Block("paragraph", note)
