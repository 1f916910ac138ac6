"""E-books built here: spine order, metadata, XHTML as XML, and books that are damaged, protected or hostile."""

import io
import zipfile

import pytest

from corpora.errors import UnreadableDocument
from corpora.readers.containers.archives import archive_kind
from corpora.readers.html import epub

CONTAINER = (
    '<?xml version="1.0"?><container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0"><rootfiles>'
    '<rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)
PACKAGE = """<?xml version="1.0"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0">
 <metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
  <dc:title>Tenancy Law</dc:title><dc:creator>A. Rowe</dc:creator><dc:creator>B. Lee</dc:creator>
  <dc:date>2021-05-04</dc:date><dc:language>en</dc:language><dc:publisher>Press</dc:publisher><dc:rights>CC BY 4.0</dc:rights>
 </metadata>
 <manifest>
  <item id="two" href="text/ch2.xhtml" media-type="application/xhtml+xml"/>
  <item id="one" href="text/chapter%201.xhtml" media-type="application/xhtml+xml"/>
  <item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
  <item id="pic" href="p.png" media-type="image/png"/>
 </manifest>
 <spine><itemref idref="nav"/><itemref idref="one"/><itemref idref="two"/><itemref idref="pic"/></spine>
</package>"""
FILES = {
    "mimetype": "application/epub+zip",
    "META-INF/container.xml": CONTAINER,
    "OEBPS/book.opf": PACKAGE,
    "OEBPS/nav.xhtml": "<html><body><h1>Contents</h1></body></html>",
    "OEBPS/text/chapter 1.xhtml": (
        '<?xml version="1.0"?><!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head>'
        "<body><header><h1>One</h1></header><article><p>Notice&nbsp;&amp; cure<!-- c -->.</p></article><a id='x'/>"
        "<article><p>Second &sect; 5.</p></article><aside><p>A note.</p></aside></body></html>"
    ),
    "OEBPS/text/ch2.xhtml": "<html><body><h1>Two</h1><ul><li>An item<br>unclosed</ul></body></html>",
    "OEBPS/p.png": "",
}


def packed(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text, zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def test_chapters_come_in_the_order_of_the_spine_as_one_document() -> None:
    (reading,) = epub.read(packed(FILES))
    assert reading.title == "Tenancy Law"
    assert reading.metadata == {
        "author": "A. Rowe; B. Lee",
        "date": "2021-05-04",
        "language": "en",
        "publisher": "Press",
        "licence": "CC BY 4.0",
    }
    assert [(block.kind, " ".join(block.text.split())) for block in reading.blocks] == [
        ("heading", "One"),
        ("paragraph", "Notice & cure."),
        ("paragraph", "Second § 5."),
        ("paragraph", "A note."),
        ("heading", "Two"),
        ("item", "An item unclosed"),
    ]


def test_it_is_no_archive_of_documents() -> None:
    assert archive_kind(packed(FILES)) is None and archive_kind(packed({"a.txt": "x"})) == "zip"


def changed(name: str, text: str | None) -> bytes:
    return packed({key: value for key, value in (FILES | {name: text}).items() if value is not None})


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("mimetype", None, "media type"),
        ("mimetype", "application/zip", "media type"),
        ("META-INF/container.xml", None, "container.xml"),
        ("META-INF/container.xml", "<container/>", "no package document"),
        ("META-INF/container.xml", "<container", "not XML"),
        ("OEBPS/book.opf", "<package/>", "spine"),
        ("OEBPS/text/ch2.xhtml", None, "ch2.xhtml"),
        (
            "META-INF/encryption.xml",
            '<e><EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes256-cbc"/></e>',
            "DRM",
        ),
    ],
)
def test_damaged_and_protected_books_say_why(name: str, text: str | None, reason: str) -> None:
    with pytest.raises(UnreadableDocument, match=reason):
        epub.read(changed(name, text))


def test_obfuscated_fonts_are_no_protection() -> None:
    method = '<e><EncryptionMethod Algorithm="http://www.idpf.org/2008/embedding"/></e>'
    assert epub.read(changed("META-INF/encryption.xml", method))


def test_entities_of_a_document_type_are_not_expanded() -> None:
    declared = '<!DOCTYPE html [<!ENTITY e SYSTEM "file:///etc/passwd"><!ENTITY a "aaaaaaaa">]>'
    page = f"{declared}<html><body><p>before &e;&a; after</p></body></html>"
    (reading,) = epub.read(changed("OEBPS/text/ch2.xhtml", page))
    assert "root:" not in str(reading.blocks)
    assert "aaaaaaaa" not in str(reading.blocks)
    assert "before" in str(reading.blocks)
    with pytest.raises(UnreadableDocument, match="no package document"):
        epub.read(changed("META-INF/container.xml", f"{declared}<container>&e;</container>"))


def test_a_path_out_of_the_book_is_only_a_missing_name() -> None:
    with pytest.raises(UnreadableDocument, match="refers to"):
        epub.read(changed("OEBPS/book.opf", PACKAGE.replace("text/ch2.xhtml", "../../../../etc/passwd")))


def test_bombs_deep_nesting_and_truncation_are_refused() -> None:
    with pytest.raises(UnreadableDocument, match="200 times"):
        epub.read(changed("OEBPS/text/ch2.xhtml", "<p>" + " " * 30_000_000))
    with pytest.raises(UnreadableDocument, match="damaged zip"):
        epub.read(packed(FILES)[:-40])
    deep = "<html><body>" + "<div>" * 5000 + "x" + "</div>" * 5000 + "</body></html>"
    try:
        epub.read(changed("OEBPS/text/ch2.xhtml", deep))
    except UnreadableDocument as error:
        assert "ch2.xhtml" in str(error)


def test_notes_come_to_their_marks_from_other_chapters_too() -> None:
    mark = '<a epub:type="noteref" xmlns:epub="http://www.idpf.org/2007/ops" href="ch2.xhtml#n1">1</a>'
    own = '<sup><a href="#n2">2</a></sup>'
    aside = '<aside id="n2"><p>2 Within a week.</p></aside>'
    first = f'<html xmlns="http://www.w3.org/1999/xhtml"><body><p>Notice{mark} and cure{own}.</p>{aside}</body></html>'
    second = (
        "<html><body><p>Text.</p><ol><li id='n1'><p>In writing. <a href='chapter%201.xhtml#x'>↩</a></p></li></ol></body></html>"
    )
    (reading,) = epub.read(packed(FILES | {"OEBPS/text/chapter 1.xhtml": first, "OEBPS/text/ch2.xhtml": second}))
    assert [block.text for block in reading.blocks] == ["Notice [note: In writing.] and cure [note: Within a week.].", "Text."]
