"""The words that a reader of a document would see, found without any of the tools that are compared.

Of text the whole, of Markdown the text of its HTML, of HTML the text nodes of the body that are shown, of XML the text nodes but
for codes and classes, of Word files the runs that are not deleted (notes, comments, headers and footers included), of PDFs the words
on which two engines of three agree (pdfium, pypdf, pdfminer).
"""

from __future__ import annotations

import re
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

_WORD = re.compile(r"[^\W\d_]+|\d+")  # "m2" and "m 2" are the same, whether a tool sets raised figures apart or not
_JOINS = re.compile(r"(?<=[^\W\d_])[-\u00ad\u2010\u2011\ufffe\x02](?:[ \t]*[\r\n\f]+\s*)?(?=[^\W\d_])")
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.S)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
_UNSEEN = frozenset("script style template noscript head".split())
_WORD_PARTS = re.compile(r"word/(?:document|footnotes|endnotes|comments|header\d*|footer\d*)\.xml")
TWINS = {
    "FR-XML_User-Guide-v1.pdf": "FR-XML_User-Guide.md",
    "BILLSUM-XML_User-Guide-v2.pdf": "Bills-Summary-XML-User-Guide.md",
    "bonterms_Bonterms-Cloud-Terms-Version-1.0.pdf": "bonterms_Cloud-Terms.md",
    "bonterms_Bonterms-Data-Protection-Addendum-DPA-Version-1.0.pdf": "bonterms_Data-Protection-Addendum.md",
    "bonterms_Bonterms-Mutual-NDA-Version-1.pdf": "bonterms_Mutual-NDA.md",
}
"""PDFs of the shared folder and the Markdown files that hold the same text; the PDF has running lines and contents besides."""


def words(text: str) -> Counter[str]:
    """The bag of words. Hyphens inside words go, line ends after them too, so that joining or keeping them is all one."""
    return Counter(_WORD.findall(_JOINS.sub("", unicodedata.normalize("NFKC", text)).casefold()))


def seen_words(path: Path) -> Counter[str] | None:
    """The bag of the words that a reader sees; None for a PDF, which only `agreed` can tell."""
    kind = path.suffix.lower()
    if kind == ".pdf":
        return None
    read = {".txt": _decoded, ".md": _of_markdown, ".html": _of_html, ".xml": _of_xml, ".docx": _of_word}[kind]
    return words(read(path.read_bytes()))


def agreed(bags: Iterable[Counter[str]]) -> Counter[str]:
    """Of each word the second largest count: what no single engine makes up, and what one alone may lose."""
    counts: dict[str, list[int]] = {}
    for bag in bags:
        for word, count in bag.items():
            counts.setdefault(word, []).append(count)
    return Counter({word: sorted(found)[-2] for word, found in counts.items() if len(found) > 1})


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252")


def _of_markdown(data: bytes) -> str:
    from markdown_it import MarkdownIt

    source = _FRONT_MATTER.sub("", _decoded(data).replace("\r\n", "\n"))
    return _of_html(MarkdownIt("commonmark").enable("table").render(source).encode())


def _of_html(data: bytes) -> str:
    from lxml import html

    try:
        data.decode("utf-8")
        encoding = "utf-8"
    except UnicodeDecodeError:
        encoding = None
    root = html.document_fromstring(data, parser=html.HTMLParser(encoding=encoding, remove_comments=True, remove_pis=True))
    parts: list[str] = []
    _gather(root, parts)
    return "".join(parts)


_INLINE = frozenset(
    "a abbr b bdi bdo big cite code data del dfn em font i ins kbd mark q s samp small span strike strong sub sup time tt u var wbr".split()
)
_CATALOGUES = (  # codes and classes for catalogues: of USLM, of clinical documents (coded entries), of journals
    "{*}meta {urn:hl7-org:v3}entry {*}journal-meta {*}article-categories {*}article-id {*}object-id {*}contrib-id {*}institution-id"
).split()
_INLINE_XML = frozenset(
    "italic bold sc monospace underline overline roman sans-serif inline uri email named-content styled-content".split()
)


def _gather(element, parts: list[str]) -> None:  # type: ignore[no-untyped-def]
    shown = isinstance(element.tag, str) and element.tag not in _UNSEEN and element.get("hidden") is None
    if shown and not _HIDDEN.search(element.get("style") or ""):
        apart = "" if element.tag in _INLINE else "\n"
        parts.append(apart + (element.text or ""))
        for child in element:
            _gather(child, parts)
            parts.append(child.tail or "")
        parts.append(apart)


def _of_xml(data: bytes) -> str:
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True, remove_comments=True, remove_pis=True)
    root = etree.fromstring(data, parser)
    for name in _CATALOGUES:
        for unseen in list(root.iter(name)):
            unseen.clear(keep_tail=True)
    etree.strip_tags(root, *(f"{{*}}{name}" for name in _INLINE | _INLINE_XML))
    return " ".join(map(str, root.itertext()))


def _of_word(data: bytes) -> str:
    from io import BytesIO

    from lxml import etree

    parts: list[str] = []
    with zipfile.ZipFile(BytesIO(data)) as package:
        for name in package.namelist():
            if _WORD_PARTS.fullmatch(name):
                root = etree.fromstring(package.read(name), etree.XMLParser(resolve_entities=False, no_network=True))
                for fallback in root.iter("{*}Fallback"):
                    fallback.clear()
                for element in root.iter("{*}t", "{*}p", "{*}tab", "{*}br"):
                    parts.append((element.text or "") if etree.QName(element).localname == "t" else "\n")
    return "".join(parts)
