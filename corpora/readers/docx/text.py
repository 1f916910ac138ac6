"""The text of a Word paragraph as it is read with all changes accepted (ECMA-376 part 1, 17.3 and 17.13.5).

Insertions are in it, deletions, comments and hidden text are not; a note stands where it is referred to. Text boxes are
handed on, since they are paragraphs of their own. Knows no styles and no lists.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from lxml import etree

from corpora.readers.docx.package import value
from corpora.readers.xml.elements import child, find, local, script

# Of a note: "footnote" or "endnote" and its id, to its text.
NoteText = Callable[[str, str], str]

_GONE = frozenset(
    "del moveFrom delText instrText delInstrText pPr rPr sdtPr sdtEndPr rt annotationRef footnoteRef endnoteRef".split()
)
_FIXED = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "softHyphen": "\u00ad"}
_OFF = ("0", "false", "off")
_SYMBOL_LOW = (  # Adobe's Symbol encoding, from 0x20
    " !∀#∃%&∋()∗+,−./0123456789:;<=>?≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_‾αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼"
)
_SYMBOL_HIGH = (  # from 0xA0
    "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…|—↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊〈®©™∑"
)
_SYMBOL = {0x20 + offset: sign for offset, sign in enumerate(_SYMBOL_LOW)} | {
    0xA0 + offset: sign for offset, sign in enumerate(_SYMBOL_HIGH)
}
_WINGDINGS = {  # what says something: boxes, ticks and arrows; the rest are ornaments
    0x6F: "☐", 0x71: "☐", 0x72: "☐", 0x78: "☒", 0xA8: "☐", 0xFB: "✗", 0xFC: "✓", 0xFD: "☒", 0xFE: "☑",
    0xD8: "➢", 0xDF: "←", 0xE0: "→", 0xE8: "→", 0xF0: "→", 0x9F: "•", 0x6C: "●", 0x6E: "■", 0xA7: "▪",
}  # fmt: skip


@dataclass
class Line:
    """The text of a paragraph, with its text boxes and notes in order.

    `boxes` are the `txbxContent` elements anchored in it.

    With `apart` the notes are not in the text.
    """

    parts: list[str] = field(default_factory=list)
    boxes: list[etree._Element] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    apart: bool = False

    @property
    def text(self) -> str:
        """The text as far as it has been gathered."""
        return "".join(self.parts)


def line_of(paragraph: etree._Element, note: NoteText, apart: bool = False) -> Line:
    """The text of a `w:p`; `note` gives the text of a note, which stands in it as " [note: ...]"."""
    line = Line(apart=apart)
    _gather(paragraph, line, note)
    return line


def chosen(alternatives: etree._Element) -> etree._Element | None:
    """The child of `mc:AlternateContent` that is read: the newer form, where it has text.

    The one for older programs says the same.
    """
    options = [option for option in alternatives if local(option) in ("Choice", "Fallback")]
    return next((option for option in options if next(find(option, "t"), None) is not None), None)


def is_on(element: etree._Element | None) -> bool:
    """True for a property that is there and not switched off."""
    return element is not None and value(element) not in _OFF


def in_unicode(text: str, font: str) -> str:
    """Text in the fonts Symbol and Wingdings as Unicode characters.

    They come as themselves or in the private area from U+F000; ornaments are left out.
    """
    table = _SYMBOL if font == "Symbol" else _WINGDINGS if font.startswith("Wingdings") else None
    if table is None:
        return text
    return "".join(
        table.get(ord(sign) - 0xF000 if 0xF000 <= ord(sign) <= 0xF0FF else ord(sign), "") if not sign.isspace() else sign
        for sign in text
    )


def _gather(element: etree._Element, line: Line, note: NoteText, font: str = "", mark: str = "") -> None:
    """Adds what is in an element; `font` and `mark` ("^" raised, "_" lowered) are those of the run that it is in."""
    for inner in element:
        name = local(inner)
        if name == "t":
            text = in_unicode(inner.text or "", font)
            line.parts.append(script(mark, text, line.parts) if mark else text)
        elif name == "r":
            properties = child(inner, "rPr")
            if properties is None:
                _gather(inner, line, note)
            elif not is_on(child(properties, "vanish")):
                fonts = child(properties, "rFonts")
                raised = value(child(properties, "vertAlign")) or ""
                mark_of_run = {"superscript": "^", "subscript": "_"}.get(raised, "")
                _gather(inner, line, note, value(fonts, "ascii") or value(fonts, "hAnsi") or "", mark_of_run)
        elif name == "oMath":
            line.parts.append(_formula(inner))
        elif name in ("footnoteReference", "endnoteReference"):
            _refer(note(name.removesuffix("Reference"), value(inner, "id") or ""), line)
        elif name in _FIXED:
            # A page or column break divides words as a line end does, but is no end of a line that a word is divided
            # at.
            line.parts.append(" " if name == "br" and value(inner, "type") not in (None, "textWrapping") else _FIXED[name])
        elif name == "sym":
            line.parts.append(_symbol(value(inner, "char") or "", value(inner, "font") or ""))
        elif name == "txbxContent":
            line.boxes.append(inner)
        elif name == "AlternateContent":
            option = chosen(inner)
            if option is not None:
                _gather(option, line, note, font, mark)
        elif name == "ffData":
            line.parts.append(_form_field(inner))
        elif name and name not in _GONE:
            _gather(inner, line, note, font, mark)


def _refer(text: str, line: Line) -> None:
    if text:
        line.notes.append(text)
        if not line.apart:
            line.parts.append(f" [note: {text}]")


def _symbol(code: str, font: str) -> str:
    try:
        return in_unicode(chr(int(code, 16)), font)
    except (ValueError, OverflowError):
        return ""


def _form_field(field_data: etree._Element) -> str:
    """What an old form field shows where its text does not say it: the state of a box, the choice in a list."""
    box = child(field_data, "checkBox")
    if box is not None:
        state = child(box, "checked")
        return "☒" if is_on(state if state is not None else child(box, "default")) else "☐"
    choices = child(field_data, "ddList")
    if choices is None:
        return ""
    entries = [value(entry) or "" for entry in choices if local(entry) == "listEntry"]
    index = value(child(choices, "result")) or value(child(choices, "default")) or "0"
    return entries[int(index)] if index.isdecimal() and int(index) < len(entries) else ""


def _formula(element: etree._Element) -> str:
    """A formula of Office Math on one line: "x^2", "(a+b)/c", "√(x)"."""
    name = local(element)
    if name == "t":
        return element.text or ""
    if name.endswith("Pr"):
        return ""
    parts = [_formula(inner) for inner in element if not local(inner).endswith("Pr")]
    grouped = [f"({part})" if len(part) > 1 and not part.isalnum() else part for part in parts]
    if name in ("sSup", "sSub", "f") and len(grouped) == 2:
        return grouped[0] + {"sSup": "^", "sSub": "_", "f": "/"}[name] + grouped[1]
    if name == "sSubSup" and len(grouped) == 3:
        return f"{grouped[0]}_{grouped[1]}^{grouped[2]}"
    if name == "rad":
        return f"√({parts[-1]})" if parts else ""
    if name == "d":
        properties = child(element, "dPr")
        begin, end = (child(properties, side) if properties is not None else None for side in ("begChr", "endChr"))
        return f"{_bracket(begin, '(')}{', '.join(parts)}{_bracket(end, ')')}"
    if name == "nary":
        sign = child(child(element, "naryPr"), "chr") if child(element, "naryPr") is not None else None
        limits = "".join(mark + part for mark, part in zip("_^", grouped, strict=False) if part)
        return f"{value(sign) or '∫'}{limits} {parts[-1]}" if len(parts) == 3 else "".join(parts)
    return "".join(parts)


def _bracket(element: etree._Element | None, otherwise: str) -> str:
    character = value(element)
    return otherwise if character is None else character
