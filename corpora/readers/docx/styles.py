"""Paragraph styles of a Word document, with what each inherits (ECMA-376 part 1, 17.7)."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from corpora.readers.docx.package import value
from corpora.readers.docx.text import is_on
from corpora.readers.xml.elements import child, find, local

BODY_TEXT = 9  # the outline level that is none


@dataclass(frozen=True)
class Style:
    """A paragraph style.

    `outline`, from 0, is its level as a heading; `number` is its list and `depth`, from 0, its level in that.
    """

    name: str = ""
    based_on: str = ""
    outline: int | None = None
    number: str | None = None
    depth: int | None = None
    bold: bool | None = None


def is_bold(paragraph: etree._Element, style: Style) -> bool:
    """True when all of its text is bold, by the style or run by run."""
    for run in find(paragraph, "r"):
        properties = child(run, "rPr")
        run_bold = _switch(child(properties, "b")) if properties is not None else None
        if not (style.bold if run_bold is None else run_bold) and any((text.text or "").strip() for text in find(run, "t")):
            return False
    return True


def read_styles(root: etree._Element | None) -> tuple[dict[str, Style], str, dict[str, str]]:
    """Paragraph styles by id, the id of the default one, and the list of each numbering style.

    Each style has what it inherits.
    """
    stated: dict[str, Style] = {}
    default, lists = "", {}
    for element in list(root) if root is not None else []:
        identifier = value(element, "styleId")
        if local(element) != "style" or identifier is None:
            continue
        properties = child(element, "pPr")
        numbers = child(properties, "numPr") if properties is not None else None
        listed = value(child(numbers, "numId")) if numbers is not None else None
        if value(element, "type") == "numbering":
            lists[identifier] = listed or ""
        elif value(element, "type") in ("paragraph", None):
            stated[identifier] = Style(
                value(child(element, "name")) or "",
                value(child(element, "basedOn")) or "",
                number(value(child(properties, "outlineLvl"))) if properties is not None else None,
                listed,
                number(value(child(numbers, "ilvl"))) if numbers is not None else None,
                _switch(child(child(element, "rPr"), "b")) if child(element, "rPr") is not None else None,
            )
            default = identifier if value(element, "default") in ("1", "true", "on") else default
    return {identifier: _inherited(identifier, stated) for identifier in stated}, default, lists


def _inherited(identifier: str, stated: dict[str, Style]) -> Style:
    style = stated[identifier]
    outline, listed, depth, bold = style.outline, style.number, style.depth, style.bold
    above, visited = style.based_on, {identifier}
    while above in stated and above not in visited:
        visited.add(above)
        parent = stated[above]
        outline = parent.outline if outline is None else outline
        bold = parent.bold if bold is None else bold
        if listed is None:
            listed, depth = parent.number, parent.depth if depth is None else depth
        above = parent.based_on
    lowered = style.name.lower()
    if outline is None and lowered.startswith("heading ") and lowered[8:].isdecimal():
        outline = int(lowered[8:]) - 1
    return Style(style.name, style.based_on, outline, listed, depth, bold)


def _switch(element: etree._Element | None) -> bool | None:
    return is_on(element) if element is not None else None


def number(text: str | None) -> int | None:
    """An attribute as a number; None where it is missing or no number."""
    return int(text) if text is not None and text.isdecimal() else None
