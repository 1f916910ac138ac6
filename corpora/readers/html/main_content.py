"""Whether an element of a page is main content, navigation and the like, or hidden.

Reads no text out.

Semantic elements and ARIA roles decide, and where they leave it open how much of an element's text is links. Site
headers and footers are those that no section holds (HTML 4.3.8); notes are content, whoever marks them as asides.
"""

from __future__ import annotations

import re

from lxml import etree

MAX_FORM_WORDS = 50
"""A form of more words than this is a document to be filled in, or a page that is one form as a whole, not a search
box."""
_NAVIGATION_ROLES = frozenset("navigation search menu menubar toolbar tablist banner contentinfo".split())
_NOTE_ROLES = frozenset("note doc-footnote doc-endnote doc-endnotes doc-tip doc-notice doc-example doc-pullquote".split())
_SECTIONS = frozenset("main article section blockquote figure details dialog td li dd".split())
_HIDING = re.compile(r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)\b", re.I)


def main_parts(root: etree._Element) -> list[etree._Element]:
    """The elements that a page marks as its main content, or its body where it marks none.

    Empty where it has no body.
    """
    marked = root.xpath("//main | //*[@role='main']")
    marked = marked or root.xpath("//article[not(ancestor::article or ancestor::aside or ancestor::nav or ancestor::footer)]")
    return list(marked or root.xpath("//body"))


def is_hidden(element: etree._Element) -> bool:
    """True for what the page itself says is not to be seen; style sheets are not looked into."""
    hidden = element.get("hidden")
    return (hidden is not None and hidden.lower() != "until-found") or bool(_HIDING.search(element.get("style") or ""))


def is_around(element: etree._Element) -> bool:
    """True for navigation, site headers and footers, search boxes and sidebars.

    A reader of the document passes over them.
    """
    tag, role = element.tag, (element.get("role") or "").lower()
    if tag == "nav" or role in _NAVIGATION_ROLES:
        return True
    if tag == "form":
        return _words(element) <= MAX_FORM_WORDS
    if tag == "aside" or role == "complementary":
        return role not in _NOTE_ROLES and (_outermost(element) or _mostly_links(element))
    if tag == "header" and _outermost(element):
        return not _is_title(element)
    if tag in ("header", "footer"):
        return _outermost(element) or _mostly_links(element)
    return False


def _is_title(header: etree._Element) -> bool:
    """True for the header of a page that is one document: its title, and neither links nor forms."""
    return (
        next(header.iter("h1"), None) is not None
        and next(header.iter("nav", "form", "ul"), None) is None
        and not _mostly_links(header)
    )


def _outermost(element: etree._Element) -> bool:
    return not any(above.tag in _SECTIONS for above in element.iterancestors())


def _mostly_links(element: etree._Element) -> bool:
    linked = sum(_words(link) for link in element.iter("a") if link.get("href"))
    return linked > 0.5 * _words(element)


def _words(element: etree._Element) -> int:
    return len(" ".join(element.itertext(etree.Element)).split())
