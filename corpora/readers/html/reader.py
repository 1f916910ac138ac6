"""HTML: the visible text of the main content, headings kept, what lies around it marked, scripts left out.

Fetches nothing.

Numbers of ordered lists are text, since people cite by them; addresses of links, descriptions of pictures and hidden
parts of a line are not.
"""

from __future__ import annotations

import re

from lxml import etree
from lxml import html as lxml_html

from corpora.errors import UnreadableDocument
from corpora.readers.html.footnotes import place_notes
from corpora.readers.html.main_content import is_around, is_hidden, main_parts
from corpora.readers.xml.elements import inline, local, script
from corpora.records import Block, Reading

_SKIP = frozenset("script style noscript template iframe object canvas video audio head title datalist".split())
_HEADINGS = frozenset("h1 h2 h3 h4 h5 h6".split())
_LEAF = _HEADINGS | frozenset("p li dt dd td th pre blockquote figcaption caption address summary legend".split())
_CONTAINER = frozenset(
    (
        "html body main article section div ul ol menu dl table thead tbody tfoot tr colgroup figure center details fieldset "
        "dialog hgroup search nav header footer aside form"
    ).split()
)
_BLOCKS = _LEAF | _CONTAINER
_APART = _BLOCKS | _SKIP | {"button"}  # what ends a stretch of text in its parent
_NAMES = _HEADINGS | frozenset("summary legend dt th".split())  # a button in these is a name that can be pressed
_TYPED = frozenset(("", "text", "email", "number", "tel", "date", "url", "datetime-local", "month", "time"))
_NO_NUMBER = re.compile(r"list-style(?:-type)?\s*:[^;]*\bnone\b", re.I)
_ROMAN = tuple(
    zip((1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1), "m cm d cd c xc l xl x ix v iv i".split(), strict=True)
)
_MARK = re.compile(r"\w{1,3}|[*†‡§¶]{1,3}")
MAX_CELL_WORDS = 100
"""A cell with headings, tables or lists in it, or with more words than this in several blocks, lays out a page."""


def read(data: bytes) -> list[Reading]:
    """Title and blocks of a page.

    What its `main` or its articles hold is content, unless more of it stands elsewhere.
    """
    parser = lxml_html.HTMLParser(encoding=_encoding(data), no_network=True, remove_comments=True, remove_pis=True)
    root = lxml_html.document_fromstring(data, parser=parser)
    return [Reading(_title(root), blocks_of(root))]


def blocks_of(root: lxml_html.HtmlElement) -> list[Block]:
    """Blocks of a parsed page, in order. Raises UnreadableDocument when the page has no body."""
    place_notes(root)
    main = main_parts(root)
    if not main:
        raise UnreadableDocument("an HTML page without a body")
    walker = _Walker(root, main)
    for body in root.xpath("//body") or main[:1]:
        walker.walk(body, False, False)
    return walker.marked()


def _encoding(data: bytes) -> str | None:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return None  # libxml2 follows the page's own declaration
    return "utf-8"


def _title(root: lxml_html.HtmlElement) -> str | None:
    for path in ("//main//h1 | //*[@role='main']//h1 | //article//h1", "//h1", "//title"):
        elements = root.xpath(path)
        if elements:
            return " ".join(elements[0].text_content().split()) or None
    return None


class _Walker:
    """Collects the blocks of one page.

    Each with whether it lies in the main part, and whether it is navigation or the like.
    """

    def __init__(self, root: etree._Element, main: list[etree._Element]) -> None:
        self._main = set(main)
        self._blocks: list[tuple[Block, bool, bool]] = []
        self._lead: str | None = None  # what begins the next text: the number of its list item, or "" for a mere bullet
        self._holders: set[etree._Element] = set()
        for block in root.iter(*_BLOCKS):
            above = block.getparent()
            while above is not None and above not in self._holders:
                self._holders.add(above)
                above = above.getparent()

    def marked(self) -> list[Block]:
        """The blocks, with what is around the content marked as boilerplate."""
        weight = {True: 0, False: 0}
        for block, in_main, around in self._blocks:
            weight[in_main] += 0 if around else len(block.text.split())
        everywhere = weight[False] > weight[True]
        return [
            block if not around and (in_main or everywhere) else Block("boilerplate", block.text)
            for block, in_main, around in self._blocks
        ]

    def walk(self, element: etree._Element, in_main: bool, around: bool) -> None:
        """Add the blocks of `element`."""
        tag = element.tag
        if not isinstance(tag, str) or tag in _SKIP:
            return
        if element in self._main:
            in_main, around = True, False
        around = around or is_around(element) or is_hidden(element)
        if tag == "tr" and not self._lays_out(element):
            cells = [" ".join(_text(cell).split()) for cell in element if isinstance(cell.tag, str) and not is_hidden(cell)]
            if any(cells):
                self._add("li", " | ".join(cells), in_main, around)
        elif element not in self._holders and tag not in _CONTAINER:
            pressed = tag == "button" or (tag not in _NAMES and _is_buttons(element))
            self._add(tag, " ".join(_text(element).split()), in_main, around or pressed)
        else:
            self._content(element, in_main, around)

    def _content(self, element: etree._Element, in_main: bool, around: bool) -> None:
        inline_text = [element.text or ""]
        numbers = _numbers(element) if element.tag == "ol" else {}
        for child in element:
            if not isinstance(child.tag, str):
                pass
            elif child.tag in _APART or child in self._holders or is_hidden(child):
                self._flush(inline_text, in_main, around)
                outer = self._lead
                if child.tag == "li":
                    self._lead = f"{outer or ''}{numbers.get(child, '')}"
                self.walk(child, in_main, around)
                if child.tag == "li" and self._lead is not None:  # an empty item
                    self._lead = outer
            else:
                _piece(child, inline_text)
            inline_text.append(child.tail or "")
        self._flush(inline_text, in_main, around)

    def _flush(self, inline_text: list[str], in_main: bool, around: bool) -> None:
        self._add("p", " ".join("".join(inline_text).split()), in_main, around)
        inline_text.clear()

    def _add(self, tag: str, text: str, in_main: bool, around: bool) -> None:
        if not text:
            return
        lead, self._lead = self._lead, None
        if lead and not around and not text.startswith(lead.strip()):
            text = f"{lead}{text}"
        kind = "item" if tag in ("li", "dd", "td") or (lead is not None and tag not in _HEADINGS) else "paragraph"
        block = Block("heading", text, int(tag[1])) if tag in _HEADINGS else Block(kind, text)
        self._blocks.append((block, in_main, around))

    def _lays_out(self, row: etree._Element) -> bool:
        """True for a row whose cells hold parts of a page and not data; its cells are then walked one by one."""
        for cell in row:
            if cell in self._holders:
                if next(cell.iter("table", "ul", "ol", "dl", *_HEADINGS), None) is not None:
                    return True
                if len(" ".join(cell.itertext()).split()) > MAX_CELL_WORDS:
                    return True
        return False


def _numbers(listing: etree._Element) -> dict[etree._Element, str]:
    """What the items of an ordered list show before their text: "3. ", "c. "; none for those without a number."""
    numbers: dict[etree._Element, str] = {}
    step = -1 if listing.get("reversed") is not None else 1
    number = _integer(listing.get("start"), len(listing.findall("li")) if step < 0 else 1)
    for item in listing.iterchildren("li"):
        number = _integer(item.get("value"), number)
        if not any(_NO_NUMBER.search(element.get("style") or "") for element in (listing, item)):
            numbers[item] = f"{_numeral(number, item.get('type') or listing.get('type') or '1')}. "
        number += step
    return numbers


def _integer(stated: str | None, default: int) -> int:
    return int(stated) if stated and re.fullmatch(r"\s*-?\d{1,6}\s*", stated) else default


def _numeral(number: int, style: str) -> str:
    if style in ("a", "A") and number > 0:
        letters = ""
        while number:
            number, letter = divmod(number - 1, 26)
            letters = chr(ord(style) + letter) + letters
        return letters
    if style in ("i", "I") and 0 < number < 4000:
        roman = ""
        for value, sign in _ROMAN:
            roman += sign * (number // value)
            number %= value
        return roman if style == "i" else roman.upper()
    return str(number)


def _is_buttons(element: etree._Element) -> bool:
    return next(element.iter("button"), None) is not None and not _text(element, with_buttons=False).strip()


def _text(element: etree._Element, with_buttons: bool = True) -> str:
    parts: list[str] = []
    _gather(element, parts, with_buttons)
    return "".join(parts)


def _gather(element: etree._Element, parts: list[str], with_buttons: bool = True) -> None:
    parts.append(element.text or "")
    for child in element:
        if isinstance(child.tag, str):
            _piece(child, parts, with_buttons)
        parts.append(child.tail or "")


def _piece(element: etree._Element, parts: list[str], with_buttons: bool = True) -> None:
    """Add what a reader sees of an element that stands in a line."""
    tag = element.tag
    if tag in _SKIP or is_hidden(element) or (tag == "button" and not with_buttons):
        return
    if tag in ("br", "hr"):
        parts.append("\n")
    elif tag in _BLOCKS:
        parts.append("\n")
        _gather(element, parts, with_buttons)
        parts.append("\n")
    elif tag == "sup":
        parts.append(_raised(element, parts))
    elif tag == "input":
        if (element.get("type") or "").lower() in _TYPED:
            parts.append(f" {element.get('value') or ''} ")
    elif tag == "select":
        parts += (f" {_text(option)} " for option in element.iter("option") if option.get("selected") is not None)
    elif tag == "svg":
        parts += (f" {_text(label)} " for label in element.iter("text"))
    elif tag == "math":
        parts.append(inline(element, lambda part: "" if local(part).startswith("annotation") else None))
    else:
        _gather(element, parts, with_buttons)


def _raised(element: etree._Element, parts: list[str]) -> str:
    """A raised text: the mark of a note in brackets, an exponent after a number with its sign."""
    text = _text(element)
    linked = element.getparent().tag == "a" or next(element.iter("a"), None) is not None
    if linked and _MARK.fullmatch(text.strip()):
        return f"[{text.strip()}]"
    return script("^", text, parts)
