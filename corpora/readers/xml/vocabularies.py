"""XML: which vocabulary it is, and the one parse that every reader of XML uses.

Nothing outside the bytes is ever read: no DTD, no external entity, no schema, no network. Knows no vocabulary beyond
the names by which it is told.
"""

from __future__ import annotations

import codecs
import re
from html.entities import html5

from lxml import etree

from corpora.errors import UnreadableDocument
from corpora.readers.text import decode

MAX_DEPTH = 100
_BOMS = (  # UTF-32 first: its little-endian mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
_DECLARATION = re.compile(r"\s*<\?xml\b.*?\?>", re.S)
_DECLARED_ENCODING = re.compile(rb"<\?xml\b[^>]*?encoding\s*=\s*[\"']([\w.:-]+)")
_PROLOG = re.compile(r"(?:\s+|<\?.*?\?>|<!--.*?-->)*", re.S)
_DOCTYPE = re.compile(r"<!DOCTYPE\s+([\w:.-]+)[^\[>]*(?:\[.*?\]\s*)?>", re.S)
_ROOT = re.compile(r"<(?:[\w.-]+:)?([A-Za-z_][\w.-]*)(?=[\s/>])([^>]*)>?(\s*<)?")
_NAMED_ENTITY = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos);)[A-Za-z]")
_ENTITY = re.compile(  # what is never closed reaches to the end, or the search would begin again and again
    rb"<!\[CDATA\[(?:.*?\]\]>|.*)|<!--(?:.*?-->|.*)|<\?(?:.*?\?>|.*)|&(?!(?:amp|lt|gt|quot|apos);)([A-Za-z][\w.-]{0,60});", re.S
)
_PUBMED = frozenset("PubmedArticleSet PubmedArticle PubmedBookArticle PubmedBookArticleSet MedlineCitationSet".split())
_JATS_SIGNS = ("article-type=", "dtd-version=", "<journal-meta", "<front>", "<article-meta")
_HTML = frozenset(
    (
        "a abbr address article aside b blockquote body br button center cite code details dd del div dl dt em figure font footer "
        "form h1 h2 h3 h4 h5 h6 head header hr html i iframe img input ins kbd li link main meta nav ol p picture pre s samp script "
        "section small source span strong style sub summary sup svg table tbody td th thead title tr tt u ul var video"
    ).split()
)


def kind_of(head: bytes) -> str | None:
    """The media type of XML by root element, namespace and doctype in its first 8 KiB or so.

    None for what is not XML, and for HTML.

    XML that says so (by a declaration, a doctype or a namespace) but is of no vocabulary known here is
    "application/xml"; without such a sign an unknown first tag counts only when another tag follows it, so that text
    which merely begins with "<" stays text.
    """
    data = head.lstrip(b" \t\r\n")
    encoding = next((name for mark, name in _BOMS if data.startswith(mark)), "utf-8-sig")
    text = data.decode(encoding, "replace").lstrip()
    if not text.startswith("<"):
        return None
    start = _PROLOG.match(text)
    remainder = text[start.end() :] if start else text
    doctype = _DOCTYPE.match(remainder)
    if doctype:
        between = _PROLOG.match(remainder, doctype.end())
        remainder = remainder[between.end() if between else doctype.end() :]
    declared = text.startswith("<?xml") or doctype is not None
    root = _ROOT.match(remainder)
    if root is None:  # a prolog longer than the head, or no XML at all
        return "application/xml" if declared and not (doctype and doctype[1].lower() == "html") else None
    name, attributes = root[1], root[2]
    if name.lower() == "html":
        return None
    return _vocabulary(name, attributes, doctype[0] if doctype else "", remainder) or (
        "application/xml" if declared or "xmlns" in attributes or (root[3] and name.lower() not in _HTML) else None
    )


def _vocabulary(name: str, attributes: str, doctype: str, body: str) -> str | None:
    if "/uslm" in attributes or name == "uscDoc":
        return "application/uslm+xml"
    if "dccouncil" in attributes:
        return "application/dc-law+xml"
    if name == "akomaNtoso":
        return "application/akn+xml"
    if name in _PUBMED:
        return "application/pubmed+xml"
    if name == "pmc-articleset" or (
        name == "article"
        and (re.search(r"NLM|JATS|journalpublish|archivearticle", doctype) or any(s in body for s in _JATS_SIGNS))
    ):
        return "application/jats+xml"
    if name in ("DLPSTEXTCLASS", "ECFR", "ECFRBRWS") or (re.fullmatch(r"DIV[1-9]", name) and "TYPE=" in attributes):
        return "application/ecfr+xml"
    if name == "Document" and re.search(r"<(?:Focus|QAPairs)\b", body):
        return "application/medquad+xml"
    return "application/ccda+xml" if name == "ClinicalDocument" else None


def parse(data: bytes) -> etree._Element:
    """The root element.

    Comments and processing instructions are dropped; named characters ("&sect;") become the characters.

    A name that no list knows stays as it is written. Raises UnreadableDocument for XML that is damaged, deeper than
    `MAX_DEPTH` or declares entities of its own, by which a file could read others or grow without bound.
    """
    data = _as_declared(data)
    if _NAMED_ENTITY.search(data):
        data = _ENTITY.sub(_as_character, data)
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise UnreadableDocument(_reason(error)) from error
    dtd = root.getroottree().docinfo.internalDTD
    if dtd is not None and next(dtd.iterentities(), None) is not None:
        raise UnreadableDocument(
            "the XML declares entities of its own (<!ENTITY ...>), which are never expanded; "
            "save it again with the entities written out and without those declarations"
        )
    if root.xpath("boolean(" + "/*" * (MAX_DEPTH + 1) + ")"):
        raise UnreadableDocument(f"the XML is nested deeper than {MAX_DEPTH} levels; is it a document?")
    return root


def _as_declared(data: bytes) -> bytes:
    """Bytes that libxml2 decodes rightly.

    No white space before the declaration, and UTF-8 wherever it would guess wrong.
    """
    data = data.lstrip(b" \t\r\n")
    encoding = next((name for mark, name in _BOMS if data.startswith(mark)), None)
    if encoding:
        try:
            return _DECLARATION.sub("", data.decode(encoding).lstrip("\ufeff"), count=1).encode("utf-8", "replace")
        except UnicodeDecodeError as error:
            raise UnreadableDocument(f"the XML is not the {encoding.upper()} that it begins as; save it as UTF-8") from error
    data = data.removeprefix(codecs.BOM_UTF8).lstrip(b" \t\r\n")
    declared = _DECLARED_ENCODING.match(data)
    if declared is None or declared[1].lower() in (b"utf-8", b"utf8"):
        try:
            data.decode("utf-8")
        except UnicodeDecodeError:
            return _DECLARATION.sub("", decode(data), count=1).encode()
    return data


def _as_character(match: re.Match[bytes]) -> bytes:
    if match[1] is None:  # CDATA, a comment or an instruction: text of its own
        return match[0]
    characters = html5.get(match[1].decode("ascii", "replace") + ";")
    return "".join(f"&#{ord(character)};" for character in characters).encode() if characters else b"&amp;" + match[0][1:]


def _reason(error: etree.XMLSyntaxError) -> str:
    message = " ".join(str(error).split(", line ")[0].split())
    if "depth" in message.lower():
        return f"the XML is nested deeper than {MAX_DEPTH} levels; is it a document?"
    if "amplification" in message.lower() or "entity reference loop" in message.lower():
        return "the XML declares entities that grow without bound; save it again with the entities written out"
    if "resource limit" in message.lower():
        return f"one text or attribute in the XML is larger than the parser allows ({message}); split the file"
    line = error.lineno or 1
    if "premature end" in message.lower() or "document is empty" in message.lower() or "couldn't find end" in message.lower():
        return f"the XML ends in the middle, at line {line} ({message}); download or export it again"
    return f"not well-formed XML at line {line} ({message}); mend that line or export the file again"
