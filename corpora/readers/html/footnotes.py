"""Foot- and endnotes of a page, moved to where they are referred to: "text [note: ...]".

Changes a parsed page in place.

A mark is a link to a place in the book or page that says that it is one (role, `epub:type`, class or id) or is a short
raised sign. What is cited from a list of literature stays there.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from lxml import etree

MAX_NOTE_WORDS = 400
_MARK = re.compile(r"[\[(]?\s*(?:\d{1,3}|[a-zA-Z]{1,4}|[*†‡§¶#]{1,3})\s*[\])]?\.?")
_SAYS_MARK = re.compile(
    r"(?:^|\s)(?:foot|end)?-?note-?_?(?:ref|reference|call|anchor|link)?\d*(?:\s|$)|fnref|_(?:ftn|edn)ref|noteref", re.I
)
_LITERATURE = re.compile(r"#?(?:cite|bib|ref[-_\d]|CR\d|B\d|R\d)", re.I)
_BACK = re.compile(r"[\s↩↑^⏎⤴\ufe0e\ufe0f]*|(?:back|return|zurück)(?:\s+to.*)?", re.I)
_NOTES = frozenset("li p aside div dd td tr section article footer".split())
_BLOCKS = frozenset("p li dd dt div aside td th h1 h2 h3 h4 h5 h6 blockquote section article body".split())

Find = Callable[[str], etree._Element | None]
"""From the `href` of a link to the element that it leads to."""


def place_notes(root: etree._Element, find: Find | None = None) -> None:
    """Puts each note of `root` at its first mark, and takes it away from where it stood."""
    links = [link for link in root.iter("a") if "#" in (link.get("href") or "")]
    if not links:
        return
    by_id: dict[str, etree._Element] = {}
    if find is None:
        for element in root.iter(etree.Element):
            for name in (element.get("id"), element.get("name") if element.tag == "a" else None):
                if name:
                    by_id.setdefault(name, element)
    told: set[etree._Element] = set()
    emptied: list[etree._Element] = []
    for link in links:
        href = link.get("href") or ""
        if not _is_mark(link) or _LITERATURE.match(href.rpartition("#")[2]):
            continue
        target = find(href) if find else by_id.get(href[1:]) if href.startswith("#") else None
        note = _note_of(target) if target is not None else None
        if note is None or note in told or note in set(link.iterancestors()) or not _attached(link):
            continue
        text = _text_of(note)
        if not text or len(text.split()) > MAX_NOTE_WORDS:
            continue
        told.add(note)
        emptied.append(note)
        _replace(_outermost(link), f" [note: {text}]")
    for note in emptied:
        _drop(note)


def _is_mark(link: etree._Element) -> bool:
    text = " ".join("".join(link.itertext()).split())
    if not text or not _MARK.fullmatch(text):
        return False
    around = link.getparent()
    near = [link, *([around] if around is not None and around.tag in ("sup", "span") else [])]
    for element in near:
        attributes = " ".join(
            str(value)
            for key, value in element.attrib.items()
            if key.rpartition("}")[2] in ("role", "type", "class", "id", "name")
        )
        if "noteref" in attributes or _SAYS_MARK.search(attributes):
            return True
    return any(element.tag == "sup" for element in (around, *link) if element is not None)


def _note_of(target: etree._Element) -> etree._Element | None:
    """The smallest element around the place that a link leads to that can be a whole note."""
    for element in (target, *target.iterancestors()):
        if element.tag in ("body", "html"):
            return None
        if element.tag in _NOTES:
            alone = element.tag == "td" and element.getparent() is not None and element.getparent().tag == "tr"
            return element.getparent() if alone else element
        if element.tag in ("h1", "h2", "h3", "h4", "h5", "h6", "ol", "ul", "table"):
            return None
    return None


def _text_of(note: etree._Element) -> str:
    """What the note says, without the link back and without its own mark."""
    parts: list[str] = []

    def gather(element: etree._Element) -> None:
        for inner in element:
            if isinstance(inner.tag, str) and not (inner.tag == "a" and _leads_back(inner)):
                if inner.tag in _BLOCKS:
                    parts.append(" ")
                parts.append(inner.text or "")
                gather(inner)
                if inner.tag in _BLOCKS:
                    parts.append(" ")
            parts.append(inner.tail or "")

    parts.append(note.text or "")
    gather(note)
    return re.sub(r"^(?:[\[(]?\d{1,3}[\])]?[.:]?|[*†‡§¶]+)\s+", "", " ".join("".join(parts).split())).strip(" ↩↑^")


def _leads_back(link: etree._Element) -> bool:
    text = "".join(link.itertext()).strip()
    attributes = " ".join(
        str(value) for key, value in link.attrib.items() if key.rpartition("}")[2] in ("role", "type", "class")
    )
    return "#" in (link.get("href") or "") and (
        "backlink" in attributes or "backref" in attributes or bool(_BACK.fullmatch(text) or _MARK.fullmatch(text))
    )


def _outermost(link: etree._Element) -> etree._Element:
    """The link with the raised sign around it, where that holds nothing else."""
    around = link.getparent()
    while (
        around is not None
        and around.tag in ("sup", "span", "small")
        and "".join(around.itertext()).strip(" []()") == "".join(link.itertext()).strip(" []()")
    ):
        link, around = around, around.getparent()
    return link


def _attached(element: etree._Element) -> bool:
    return element.getparent() is not None


def _replace(element: etree._Element, text: str) -> None:
    tail = element.tail or ""
    element.tail = text + (tail if not tail[:1].isalnum() else f" {tail}")
    _drop(element)


def _drop(element: etree._Element) -> None:
    """Take an element out and leave what follows it."""
    parent, before, tail = element.getparent(), element.getprevious(), element.tail or ""
    if parent is None:
        return
    if before is not None:
        before.tail = (before.tail or "") + tail
    else:
        parent.text = (parent.text or "") + tail
    parent.remove(element)
