"""What Word prints before a numbered paragraph: "3.2", "(a)", "iv." (ECMA-376 part 1, 17.9).

The document holds no such text: it says which list and level a paragraph is of, and whoever shows it counts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from lxml import etree

from corpora.readers.docx.package import value
from corpora.readers.xml.elements import child, find, local

LEVELS = 9
_PLACE = re.compile(r"%(\d)")
_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"))
_ROMAN_UNITS = ("", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix")
_CARDINALS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
    "nineteen twenty"
).split()
_ORDINALS = (
    "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth "
    "sixteenth seventeenth eighteenth nineteenth twentieth"
).split()


@dataclass(frozen=True)
class Level:
    """One level of a list.

    `text` has "%1" for the number of the first level; `restart` is the level (from 1) after which it begins again, 0
    for never, None for any above it. `style` is the paragraph style that is numbered so.
    """

    start: int = 1
    format: str = "decimal"
    text: str = ""
    legal: bool = False
    restart: int | None = None
    style: str | None = None


@dataclass
class _List:
    """The levels of an abstract list, which all lists made from it count together."""

    levels: dict[int, Level]
    linked: str | None = None  # the numbering style that holds the levels instead
    counts: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Use:
    """A list that paragraphs refer to: its abstract list, and the starts and levels that it overrides."""

    abstract: str
    starts: dict[int, int]
    levels: dict[int, Level]


class Numbering:
    """Counts the numbered paragraphs of one document in reading order."""

    def __init__(self, root: etree._Element | None, style_lists: dict[str, str]) -> None:
        """`root` is the numbering part; `style_lists` says which list a numbering style uses."""
        parts = list(root) if root is not None else []
        self._style_lists = style_lists
        self._lists = {
            value(part, "abstractNumId") or "": _List(_levels(part), value(child(part, "numStyleLink")))
            for part in parts
            if local(part) == "abstractNum"
        }
        self._uses = {value(part, "numId") or "": _use(part) for part in parts if local(part) == "num"}
        self._begun: set[tuple[str, int]] = set()

    def level_of_style(self, number: str, style: str) -> int | None:
        """The level that the list numbers paragraphs of `style` at; None where it names no such style."""
        numbered = self._found(number)
        levels = numbered[1] if numbered else {}
        return next((depth for depth, level in levels.items() if level.style == style), None)

    def is_list(self, number: str) -> bool:
        """True where `number` names a list that there is; "0" takes a paragraph out of the list of its style."""
        return self._found(number) is not None

    def label(self, number: str, depth: int) -> str:
        """Count one paragraph at level `depth` (from 0) and give the label printed before it.

        "" for a bullet or a level that prints nothing.
        """
        numbered = self._found(number)
        if numbered is None or depth not in numbered[1]:
            return ""
        counted, levels = numbered
        level, counts = levels[depth], counted.counts
        for above in range(depth):
            counts.setdefault(above, levels[above].start if above in levels else 1)
        starts = self._uses[number].starts
        if depth in starts and (number, depth) not in self._begun:
            counts[depth] = starts[depth]
        else:
            counts[depth] = counts[depth] + 1 if depth in counts else level.start
        self._begun.add((number, depth))
        for below in [deeper for deeper in counts if deeper > depth]:
            restart = levels[below].restart if below in levels else None
            if restart is None or depth < restart:
                del counts[below]
        if level.format in ("bullet", "none") and not _PLACE.search(level.text):
            return "" if level.format == "bullet" else level.text.strip()
        return _PLACE.sub(lambda match: self._shown(levels, counts, int(match[1]) - 1, level), level.text).strip()

    def _shown(self, levels: dict[int, Level], counts: dict[int, int], depth: int, labelled: Level) -> str:
        level = levels.get(depth, Level())
        count = counts.get(depth, level.start)
        return shown(count, "decimal" if labelled.legal and level.format != "none" else level.format)

    def _found(self, number: str) -> tuple[_List, dict[int, Level]] | None:
        use = self._uses.get(number)
        abstract = self._lists.get(use.abstract) if use else None
        if abstract and abstract.linked is not None:
            use = self._uses.get(self._style_lists.get(abstract.linked, ""))
            abstract = self._lists.get(use.abstract) if use else None
        if use is None or abstract is None:
            return None
        return abstract, {**abstract.levels, **use.levels}


def shown(count: int, form: str) -> str:
    """A number as a list shows it; a form that is not known here is decimal."""
    if form in ("lowerLetter", "upperLetter"):
        letter = chr(ord("a") + (count - 1) % 26) * ((count - 1) // 26 + 1) if 0 < count <= 780 else str(count)
        return letter.upper() if form == "upperLetter" else letter
    if form in ("lowerRoman", "upperRoman"):
        roman = _roman(count) if 0 < count < 4000 else str(count)
        return roman.upper() if form == "upperRoman" else roman
    if form == "decimalZero":
        return f"{count:02}"
    if form == "ordinal":
        ending = "th" if 10 <= count % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(count % 10, "th")
        return f"{count}{ending}"
    if form in ("cardinalText", "ordinalText"):
        names = _CARDINALS if form == "cardinalText" else _ORDINALS
        return names[count].capitalize() if 0 <= count < len(names) else str(count)
    if form == "decimalEnclosedParen":
        return f"({count})"
    return "" if form in ("none", "bullet") else str(count)


def _roman(count: int) -> str:
    text = ""
    for size, letters in _ROMAN:
        text += letters * (count // size)
        count %= size
    return text + _ROMAN_UNITS[count]


def _levels(part: etree._Element) -> dict[int, Level]:
    levels: dict[int, Level] = {}
    for element in part:
        depth = value(element, "ilvl") or ""
        if local(element) == "lvl" and depth.isdecimal() and int(depth) < LEVELS:
            levels[int(depth)] = _level(element)
    return levels


def _level(element: etree._Element) -> Level:
    # The format may stand twice, for newer programs and for older ones; the older one comes last.
    formats = [value(number_format) or "decimal" for number_format in find(element, "numFmt")]
    legal = child(element, "isLgl")
    return Level(
        start=_number(value(child(element, "start"))) or 0,
        format=formats[-1] if formats else "decimal",
        text=value(child(element, "lvlText")) or "",
        legal=legal is not None and value(legal) not in ("0", "false", "off"),
        restart=_number(value(child(element, "lvlRestart"))),
        style=value(child(element, "pStyle")),
    )


def _use(part: etree._Element) -> _Use:
    starts: dict[int, int] = {}
    levels: dict[int, Level] = {}
    for override in part:
        depth = _number(value(override, "ilvl"))
        if local(override) != "lvlOverride" or depth is None:
            continue
        redefined = child(override, "lvl")
        if redefined is not None:
            levels[depth] = _level(redefined)
        start = _number(value(child(override, "startOverride")))
        if start is not None:
            starts[depth] = start
            if depth in levels:
                levels[depth] = replace(levels[depth], start=start)
    return _Use(value(child(part, "abstractNumId")) or "", starts, levels)


def _number(text: str | None) -> int | None:
    """An attribute that is no number counts as missing."""
    return int(text) if text is not None and text.isdecimal() else None
