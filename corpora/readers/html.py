"""HTML: the visible text of the main content, headings kept, navigation marked, scripts left out. Fetches nothing."""

from __future__ import annotations

from lxml import etree
from lxml import html as lxml_html

from corpora.errors import UnreadableDocument
from corpora.readers.html_notes import place_notes
from corpora.records import Block, Reading

_SKIP = frozenset("script style noscript template button select svg iframe object".split())
_AROUND = frozenset("nav header footer aside form".split())
_LEAF = frozenset(("p h1 h2 h3 h4 h5 h6 li dt dd td th pre blockquote figcaption caption address").split())
_CONTAINER = frozenset(("html body main article section div ul ol dl table thead tbody tfoot tr figure center").split())
_BLOCKS = _LEAF | _CONTAINER | _AROUND


def read(data: bytes) -> list[Reading]:
    """Title and blocks of a page. Where the page marks its `main` or `article`, only that is read."""
    parser = lxml_html.HTMLParser(encoding=_declared_encoding(data), no_network=True, remove_comments=True, remove_pis=True)
    root = lxml_html.document_fromstring(data, parser=parser)
    return [Reading(_title(root), blocks_of(root))]


def blocks_of(root: lxml_html.HtmlElement) -> list[Block]:
    """Blocks of a parsed page, in order. Raises UnreadableDocument when the page has no body."""
    place_notes(root)
    main = root.xpath("//main | //*[@role='main']") or root.xpath("//article") or root.xpath("//body")
    if not main:
        raise UnreadableDocument("an HTML page without a body")
    page: list[Block] = []
    for body in root.xpath("//body") or main[:1]:
        _walk(body, page, main[0], inside=False)
    return page


def _declared_encoding(data: bytes) -> str | None:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return None  # libxml2 follows the page's own declaration
    return "utf-8"


def _title(root: lxml_html.HtmlElement) -> str | None:
    for path in ("//h1", "//title"):
        found = root.xpath(path)
        if found:
            return " ".join(found[0].text_content().split()) or None
    return None


def _walk(element: etree._Element, blocks: list[Block], main: etree._Element, inside: bool) -> None:
    """Append the blocks of `element`; what lies around `main`, or is navigation inside it, is marked as boilerplate."""
    tag = element.tag
    if not isinstance(tag, str) or tag in _SKIP:
        return
    inside = (inside or element is main) and tag not in _AROUND
    if tag == "tr":
        cells = [" ".join(_text(cell).split()) for cell in element if isinstance(cell.tag, str)]
        if any(cells):
            blocks.append(_block("li", " | ".join(cells), inside))
        return
    has_blocks = any(isinstance(child.tag, str) and child.tag in _BLOCKS for child in element)
    if (tag in _LEAF and not has_blocks) or (tag not in _CONTAINER | _AROUND and not has_blocks):
        text = " ".join(_text(element).split())
        if text:
            blocks.append(_block(tag, text, inside))
        return
    inline = [element.text or ""]
    for child in element:
        if isinstance(child.tag, str) and (child.tag in _BLOCKS or child.tag in _SKIP):
            _flush(inline, blocks, inside)
            _walk(child, blocks, main, inside)
        elif isinstance(child.tag, str):
            inline.append(_text(child))
        inline.append(child.tail or "")
    _flush(inline, blocks, inside)


def _flush(inline: list[str], blocks: list[Block], inside: bool) -> None:
    text = " ".join("".join(inline).split())
    if text:
        blocks.append(_block("p", text, inside))
    inline.clear()


def _text(element: etree._Element) -> str:
    parts = [element.text or ""]
    for child in element:
        if isinstance(child.tag, str) and child.tag not in _SKIP:
            parts.append("\n" if child.tag == "br" else _text(child))
        parts.append(child.tail or "")
    return "".join(parts)


def _block(tag: str, text: str, inside: bool) -> Block:
    if not inside:
        return Block("boilerplate", text)
    if len(tag) == 2 and tag[0] == "h" and tag[1].isdigit():
        return Block("heading", text, int(tag[1]))
    return Block("item" if tag in ("li", "dd", "td") else "paragraph", text)
