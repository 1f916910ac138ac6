"""E-books (EPUB 2 and 3): the chapters in the order of the spine, as one document. DRM is named, not broken."""

from __future__ import annotations

import posixpath
import re
from html.entities import html5
from urllib.parse import unquote

from lxml import etree
from lxml import html as lxml_html

from corpora.errors import UnreadableDocument
from corpora.readers.containers.limits import printable
from corpora.readers.containers.zips import Zip
from corpora.readers.html import reader as html
from corpora.readers.html.footnotes import place_notes
from corpora.readers.text import decode
from corpora.records import Block, Reading

MEDIA_TYPE = "application/epub+zip"
_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_FONT_OBFUSCATION = frozenset(("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"))
_CHAPTERS = frozenset(("application/xhtml+xml", "text/html", "text/x-oeb1-document"))
_FACTS = {"author": "creator", "date": "date", "language": "language", "publisher": "publisher", "licence": "rights"}
# On a site these mark what lies around the text; a chapter has its heading, notes and several articles in them.
_NO_SITE = frozenset("main article header footer aside".split())
_ENTITY = re.compile(rb"&([A-Za-z][A-Za-z0-9]{1,31};)")
_XML_ENTITIES = frozenset((b"amp;", b"lt;", b"gt;", b"quot;", b"apos;"))


def read(data: bytes) -> list[Reading]:
    """One reading: title, metadata (author, date, language, publisher, licence, as the book has them) and all blocks.

    Raises UnreadableDocument for what is no e-book, is under DRM, or misses a chapter that its spine names.
    """
    book = _Book(data)
    package_path, package = book.package()
    metadata = {key: value for key, name in _FACTS.items() if (value := _said(package, name))}
    blocks: list[Block] = []
    chapters = {
        path: root
        for path in _spine(package, posixpath.dirname(package_path))
        if (root := _chapter(book.file(path), path)) is not None
    }
    targets = {
        (path, name): element
        for path, root in reversed(chapters.items())
        for element in root.iter(etree.Element)
        if (name := element.get("id"))
    }
    for path, root in chapters.items():
        _place_notes(root, path, targets)
    for path, root in chapters.items():
        blocks += _blocks(root, path)
    return [Reading(_said(package, "title") or None, blocks, metadata=metadata)]


class _Book:
    """The files of an e-book by their path. Raises UnreadableDocument where there is no e-book in the zip."""

    def __init__(self, data: bytes) -> None:
        self._zip = Zip(data)
        self._names = self._zip.names()
        if "mimetype" not in self._names or self.file("mimetype").strip() != MEDIA_TYPE.encode():
            raise UnreadableDocument(f"a zip whose media type is not {MEDIA_TYPE}; export the e-book again as EPUB")
        if _ENCRYPTION in self._names:
            methods = _xml(self.file(_ENCRYPTION), _ENCRYPTION).xpath("//*[local-name()='EncryptionMethod']/@Algorithm")
            if not _FONT_OBFUSCATION.issuperset(methods):
                raise UnreadableDocument("an e-book under copy protection (DRM); add a copy without it")

    def file(self, path: str) -> bytes:
        if path not in self._names:
            raise UnreadableDocument(f"the e-book has no {printable(path)!r}, which it refers to; export it again")
        try:
            return self._zip.read(self._names[path])
        except UnreadableDocument as error:
            raise UnreadableDocument(f"{printable(path)!r} in the e-book: {error}") from error

    def package(self) -> tuple[str, etree._Element]:
        """Path and root of the package document (OPF)."""
        paths = _xml(self.file(_CONTAINER), _CONTAINER).xpath("//*[local-name()='rootfile']/@full-path")
        if not paths:
            raise UnreadableDocument(f"{_CONTAINER} names no package document; export the e-book again")
        path = str(paths[0])
        return path, _xml(self.file(path), path)


def _xml(data: bytes, path: str) -> etree._Element:
    # No entity is expanded and nothing is loaded, whatever the document type declares.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        return etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise UnreadableDocument(f"{printable(path)!r} in the e-book is not XML ({error}); export it again") from error


def _said(package: etree._Element, name: str) -> str:
    """All that the package's metadata says under a Dublin Core name, divided by "; "; for a date or title the first."""
    elements = package.xpath("//*[local-name()='metadata']//*[local-name()=$name]", name=name)
    values = [value for element in elements if (value := " ".join("".join(element.itertext()).split()))]
    return "; ".join(values[:1] if name in ("date", "title") else values)


def _spine(package: etree._Element, folder: str) -> list[str]:
    """Paths of the chapters in reading order, without the navigation page."""
    items = {
        item.get("id"): item
        for item in package.xpath("//*[local-name()='manifest']/*[local-name()='item']")
        if item.get("media-type") in _CHAPTERS and "nav" not in (item.get("properties") or "").split()
    }
    order = [str(reference) for reference in package.xpath("//*[local-name()='spine']/*[local-name()='itemref']/@idref")]
    paths = [
        posixpath.normpath(posixpath.join(folder, unquote((items[reference].get("href") or "").split("#")[0])))
        for reference in order
        if reference in items
    ]
    if not paths:
        raise UnreadableDocument("the e-book's spine names no text; export it again as EPUB with text")
    return list(dict.fromkeys(paths))


def _chapter(data: bytes, path: str) -> etree._Element | None:
    """The root of a chapter. XHTML is XML: an HTML parser would take its `<title/>` for the start of a long title."""
    if not data.strip():
        return None
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True)
    try:
        root = etree.fromstring(_ENTITY.sub(_numeric, data), parser)
    except (etree.XMLSyntaxError, ValueError):
        lenient = lxml_html.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)
        try:
            root = lxml_html.document_fromstring(decode(data).encode("utf-8"), parser=lenient)
        except Exception as error:
            raise _unreadable(path, error) from error
    for element in root.iter(etree.Element):
        name = etree.QName(element).localname
        element.tag = "div" if name in _NO_SITE else name
    return root


def _place_notes(root: etree._Element, path: str, targets: dict[tuple[str, str], etree._Element]) -> None:
    """Notes at their marks, also those that a chapter of their own holds."""

    def find(href: str) -> etree._Element | None:
        file, _, name = href.partition("#")
        target_path = posixpath.normpath(posixpath.join(posixpath.dirname(path), unquote(file))) if file else path
        return targets.get((target_path, unquote(name)))

    try:
        place_notes(root, find)
    except RecursionError as error:
        raise _unreadable(path, error) from error


def _blocks(root: etree._Element, path: str) -> list[Block]:
    try:
        return html.blocks_of(root)
    except Exception as error:  # too deep a nesting, a page without a body: the message has to name the chapter
        raise _unreadable(path, error) from error


def _unreadable(path: str, error: Exception) -> UnreadableDocument:
    return UnreadableDocument(f"{printable(path)!r} in the e-book: {error or type(error).__name__}")


def _numeric(match: re.Match[bytes]) -> bytes:
    """An HTML entity as character references, since XML knows but five names; unknown ones stay."""
    characters = html5.get(match[1].decode("ascii"))
    if characters is None or match[1] in _XML_ENTITIES:
        return match[0]
    return "".join(f"&#{ord(character)};" for character in characters).encode("ascii")
