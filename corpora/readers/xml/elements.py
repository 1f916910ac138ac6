"""Text and structure of parsed XML elements, whatever their vocabulary.

Inline text, runs between blocks, table rows, dates.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache

from lxml import etree

# Says what stands in the text for an element: a text, or None for what is in it.
Replace = Callable[[etree._Element], str | None]

# Elements that end a word: "1</num>The" is two words, "CO<sub>2</sub>" one.
_SPACED = frozenset(
    (
        "p br break title label caption list list-item item li ul ol tr td th row entry ent div para paragraph table def name "
        "num heading subheading content chapeau continuation text intro wrapup column designator doctitle officialtitle docnumber "
        "congress session surname given-names given family prefix suffix city state postalcode country streetaddressline "
        "hed pspace fp role affiliation signature signaturedate target eol "
        "actiondescription subparagraph clause subclause point blocklist listintroduction"
    ).split()
)
_RAISED = frozenset(("sup", "su", "superscript"))
_LOWERED = frozenset(("sub", "subscript"))
_GAP = "\x1f"  # no XML document can hold it
_NEEDLESS_GAP = re.compile(f"{_GAP}+(?=[,.;:?!)\\]”’])|(?<=—){_GAP}+")
_ROWS = frozenset(("tr", "row"))
_MONTHS = {name: number for number, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}


def local(element: etree._Element) -> str:
    """The element's name without its namespace; "" for what is no element."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def child(element: etree._Element, *names: str) -> etree._Element | None:
    """The first child of one of these names."""
    return next(element.iterchildren(*_in_any_namespace(names)), None)


def find(element: etree._Element, *names: str) -> Iterator[etree._Element]:
    """Descendants of these names, in document order."""
    return iter(element.iter(*_in_any_namespace(names)))


@cache
def _in_any_namespace(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{{*}}{name}" for name in names)


def words(element: etree._Element) -> int:
    """How many words are in it."""
    return len(" ".join(element.itertext()).split())


def inline(element: etree._Element | None, replace: Replace | None = None) -> str:
    """The element's text on one line; "" for None.

    An exponent after a number keeps its mark: "10^-5", but "CO2" and "m2".
    """
    if element is None:
        return ""
    parts: list[str] = []
    _gather(element, replace, parts)
    return _tidy(parts)


def runs(
    element: etree._Element, is_block: Callable[[etree._Element], bool], replace: Replace | None = None
) -> Iterator[str | etree._Element]:
    """The element's content in order: stretches of text on one line, never empty, and the children that are blocks."""
    parts = [element.text or ""]
    for inner in element:
        if local(inner) and is_block(inner):
            if text := _tidy(parts):
                yield text
            parts.clear()
            yield inner
        else:
            _piece(inner, replace, parts)
        parts.append(inner.tail or "")
    if text := _tidy(parts):
        yield text


def rows(table: etree._Element, text: Callable[[etree._Element], str]) -> Iterator[str]:
    """One line a row that has any text, its cells divided by " | "; a table inside a cell is text of that cell."""
    for inner in table:
        if local(inner).lower() in _ROWS:
            cells = [text(cell) for cell in inner if local(cell)]
            if any(cells):
                yield " | ".join(cells)
        else:
            yield from rows(inner, text)


def iso_date(year: str, month: str = "", day: str = "") -> str:
    """ "2012-08-08", or as much of it as is known; months are numbers or English names; "" without a year."""
    if not re.fullmatch(r"\d{4}", year):
        return ""
    number = int(month) if month.isdecimal() else _MONTHS.get(month[:3].lower(), 0)
    if not 1 <= number <= 12:
        return year
    return f"{year}-{number:02}" + (f"-{int(day):02}" if day.isdecimal() and 1 <= int(day) <= 31 else "")


def stated(**facts: str | None) -> dict[str, str]:
    """The facts that are stated, on one line each."""
    return {name: " ".join(fact.split()) for name, fact in facts.items() if fact and fact.strip()}


def _tidy(parts: list[str]) -> str:
    return " ".join(_NEEDLESS_GAP.sub("", "".join(parts)).replace(_GAP, " ").split())


def _gather(element: etree._Element, replace: Replace | None, parts: list[str]) -> None:
    parts.append(element.text or "")
    for inner in element:
        _piece(inner, replace, parts)
        parts.append(inner.tail or "")


def _piece(element: etree._Element, replace: Replace | None, parts: list[str]) -> None:
    name = local(element).lower()
    if not name:
        return
    instead = replace(element) if replace else None
    if instead is not None:
        parts.append(instead)
    elif name in _RAISED or (name == "e" and element.get("T") == "51"):
        parts.append(script("^", inline(element, replace), parts))
    elif name in _LOWERED or (name == "e" and element.get("T") == "52"):
        parts.append(script("_", inline(element, replace), parts))
    elif name in ("msup", "msub", "msubsup", "mfrac", "msqrt"):
        parts.append(_formula(name, [inline(inner, replace) for inner in element]))
    elif name == "math":  # white space between its signs means nothing
        inner: list[str] = []
        _gather(element, replace, inner)
        parts.append(_tidy(inner))
    elif name == "alternatives":
        chosen = next((inner for inner in element if local(inner) == "math"), None)
        chosen = chosen if chosen is not None else next((inner for inner in element if inline(inner, replace)), None)
        if chosen is not None:
            _piece(chosen, replace, parts)
    elif name == "tex-math":
        source = "".join(element.itertext())
        body = re.search(r"\\begin\{document\}(.*)\\end\{document\}", source, re.S)
        parts.append((body[1] if body else source).strip().strip("$"))
    elif name in _SPACED:
        parts.append(_GAP)
        _gather(element, replace, parts)
        parts.append(_GAP)
    else:
        _gather(element, replace, parts)


def script(mark: str, text: str, parts: list[str]) -> str:
    """A raised or lowered text after `parts`, with its mark where it would be read as one number without.

    10 to the 5th must not become 105.
    """
    before = next((part[-1] for part in reversed(parts) if part and part != _GAP), "")
    needed = (before.isdigit() or before in (")", "]")) and text[:1] and (text[0].isdigit() or text[0] in "+-−–")
    return f"{mark}{text}" if needed else text


def _formula(name: str, parts: list[str]) -> str:
    """A MathML construct in one line: "x^2", "(a+b)/c"."""
    grouped = [f"({part})" if len(part) > 1 and not part.isalnum() else part for part in parts]
    if name == "msqrt":
        return f"√({' '.join(parts)})"
    if len(grouped) == 2:
        return grouped[0] + {"msup": "^", "msub": "_", "mfrac": "/"}.get(name, " ") + grouped[1]
    return f"{grouped[0]}_{grouped[1]}^{grouped[2]}" if len(grouped) == 3 else " ".join(parts)
