"""Office documents besides DOCX: RTF and ODT read here, DOC and WordPerfect through a converter, and reasons for the others."""

from __future__ import annotations

import io
import shutil
import stat
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import docx as python_docx
import pytest
from PIL import Image

from corpora.errors import UnreadableDocument
from corpora.ingest.sandbox import Limits, Worker
from corpora.readers import ReadOptions, media_type, read_bytes
from corpora.readers.office import legacy_formats as converted
from corpora.readers.office import odt, rtf
from corpora.records import Block

_NAMES = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0" '
    'xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0" xmlns:dc="http://purl.org/dc/elements/1.1/"'
)


def opendocument(body: str, styles: str = "", running: str = "", kind: str = "text") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        package.writestr("mimetype", f"application/vnd.oasis.opendocument.{kind}", zipfile.ZIP_STORED)
        package.writestr(
            "content.xml",
            f"<office:document-content {_NAMES}><office:automatic-styles>{styles}</office:automatic-styles>"
            f"<office:body><office:text>{body}</office:text></office:body></office:document-content>",
        )
        package.writestr(
            "styles.xml",
            f"<office:document-styles {_NAMES}><office:master-styles>{running}</office:master-styles></office:document-styles>",
        )
        package.writestr(
            "meta.xml",
            f"<office:document-meta {_NAMES}><office:meta><dc:title>The lease</dc:title></office:meta></office:document-meta>",
        )
    return buffer.getvalue()


def blocks(data: bytes, name: str = "a") -> list[Block]:
    (reading,) = read_bytes(data, name).readings
    return list(reading.blocks)


LIST = (
    '<text:list-style style:name="L"><text:list-level-style-number text:level="1" style:num-format="1" style:num-suffix="."/>'
    '<text:list-level-style-number text:level="2" style:num-format="1" text:display-levels="2"/>'
    '<text:list-level-style-number text:level="3" style:num-format="a" style:num-prefix="(" style:num-suffix=")"/></text:list-style>'
    '<style:style style:name="Up"><style:text-properties style:text-position="super 58%"/></style:style>'
)


def test_opendocument_text() -> None:
    body = (
        "<text:tracked-changes><text:changed-region><text:deletion><text:p>Struck out.</text:p></text:deletion></text:changed-region>"
        '</text:tracked-changes><text:h text:outline-level="1">Term</text:h>'
        '<text:p>One<text:s text:c="2"/>year<text:note><text:note-citation>1</text:note-citation><text:note-body>'
        "<text:p>From the start.</text:p><text:p>Not before.</text:p></text:note-body></text:note>, 10"
        "<text:span text:style-name='Up'>5</text:span>"
        "<office:annotation><text:p>Really?</text:p></office:annotation> pounds.<draw:frame><draw:text-box><text:p>Boxed.</text:p>"
        "</draw:text-box></draw:frame></text:p>"
        '<text:list text:style-name="L"><text:list-item><text:p>Rent</text:p><text:list><text:list-item><text:p>Amount</text:p>'
        "<text:list><text:list-item><text:p>net,</text:p></text:list-item><text:list-item><text:p>or gross.</text:p></text:list-item>"
        "</text:list></text:list-item></text:list></text:list-item></text:list><text:p>Between.</text:p>"
        '<text:list text:style-name="L" text:continue-numbering="true"><text:list-item><text:p>Deposit</text:p></text:list-item></text:list>'
        "<table:table><table:table-header-rows><table:table-row><table:table-cell><text:p>Day</text:p></table:table-cell><table:table-cell>"
        "<text:p>Fee</text:p></table:table-cell></table:table-row></table:table-header-rows><table:table-row><table:table-cell>"
        "<text:p>1</text:p><text:p>March</text:p></table:table-cell><table:table-cell><text:p>£5</text:p></table:table-cell></table:table-row>"
        "</table:table>"
    )
    running = "<style:master-page><style:header><text:p>Privileged</text:p></style:header></style:master-page>"
    data = opendocument(body, LIST, running)
    assert media_type(data, "a.docx") == odt.MEDIA_TYPE
    (reading,) = read_bytes(data, "a").readings
    assert reading.title == "The lease"
    assert list(reading.blocks) == [
        Block("heading", "Term", 1),
        Block("paragraph", "One year [note: From the start. Not before.], 10^5 pounds."),
        Block("paragraph", "Boxed."),
        Block("item", "1. Rent"),
        Block("item", "1.1 Amount"),
        Block("item", "(a) net,"),
        Block("item", "(b) or gross."),
        Block("paragraph", "Between."),
        Block("item", "2. Deposit"),
        Block("item", "Day | Fee"),
        Block("item", "1 March | £5"),
    ]
    assert odt.read(data)[0].blocks[0] == Block("running", "Privileged")


RICH = rb"""{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fcharset0 Times;}{\f1\fcharset204 Cyr;}{\f2\fcharset2 Symbol;}}
{\stylesheet{\s0 Normal;}{\s1\outlinelevel0 heading 1;}{\*\cs5 Strong;}}{\info{\title The order}{\author Someone}}
{\header\pard Court file\par}{\*\generator Nobody;}
\pard\s1 Held\par
\pard\plain The na\'efve \u8220\'93rule\u8221\'94 \u-10179?\u-8704? costs\~{\b 10}{\super 5}
{\super\chftn{\*\footnote\pard\chftn/  See {\i note} 2.\par}} pounds{\deleted  or more}{\v  secret}.\par
\pard{\listtext\pard 3.2(a)\tab}\ls1 A clause with {\field{\*\fldinst HYPERLINK "x"}{\fldrslt a link}} \{and\} co\_owner.\par
\pard{\f1 \'cf\'f0\'e0\'e2\'ee} {\f2 \'b3} 5{\pict\pngblip 89504e47}{\*\unknown stuff}{\bin3 {\}}\par
\trowd\pard\intbl Day\par of pay\cell Fee\cell\row\trowd\pard\intbl 1\cell 2\cell\row\pard
{\*\shpinst{\sp{\sn x}{\sv 1}}{\shptxt \pard Boxed.\par}}Last line without an end}"""


def test_rich_text() -> None:
    assert media_type(RICH, "a.doc") == "application/rtf"
    (reading,) = read_bytes(RICH, "a").readings
    assert reading.title == "The order"
    assert list(reading.blocks) == [
        Block("heading", "Held", 1),
        Block("paragraph", "The naïve “rule” 😀 costs 10^5 [note: See note 2.] pounds."),
        Block("item", "3.2(a) A clause with a link {and} co-owner."),
        Block("paragraph", "Право ≥ 5"),
        Block("item", "Day of pay | Fee"),
        Block("item", "1 | 2"),
        Block("paragraph", "Boxed."),
        Block("paragraph", "Last line without an end"),
    ]
    assert rtf.read(RICH)[0].blocks[0] == Block("running", "Court file")


@pytest.mark.parametrize(
    "data", [b"{\\rtf1" + b"{" * 100_000, b"{\\rtf1 cut {\\b off", b"{\\rtf1}}}} \\u99999999 \\'4 \\bin999999999 x", RICH[:700]]
)
def test_damaged_rich_text_is_read_or_refused(data: bytes) -> None:
    try:
        assert rtf.read(data)
    except UnreadableDocument as error:
        assert str(error)


def ole(stream: str) -> bytes:
    return converted.OLE + bytes(504) + stream.encode("utf-16-le") + bytes(512)


@pytest.mark.parametrize(
    ("stream", "reason"),
    [
        ("EncryptedPackage", "password"),
        ("__properties_version1.0", "EML"),
        ("Workbook", "CSV"),
        ("PowerPoint Document", "PDF"),
        ("Other", "unknown program"),
    ],
)
def test_other_ole_containers_are_named(stream: str, reason: str) -> None:
    with pytest.raises(UnreadableDocument, match=reason):
        media_type(ole(stream), "a.doc")


def test_other_office_zips_are_named() -> None:
    for kind, reason in (("spreadsheet", "CSV"), ("presentation", "slides"), ("graphics", "no text")):
        with pytest.raises(UnreadableDocument, match=reason):
            media_type(opendocument("", kind=kind), "a.odt")


def test_without_a_converter_the_reason_names_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(UnreadableDocument, match="install LibreOffice \\(soffice\\), antiword or catdoc"):
        read_bytes(ole("WordDocument"), "a.doc")
    with pytest.raises(UnreadableDocument, match="wpd2html"):
        read_bytes(converted.WORDPERFECT + bytes(40), "a.wpd")


def program(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_the_smaller_converters_are_asked_for_text(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program(tmp_path / "bin", "catdoc", 'echo "The text"; cat >/dev/null')
    program(tmp_path / "bin", "wpd2html", 'echo "<html><body><p>From "; head -c 4 "$1" | tail -c 3; echo "</p></body></html>"')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    real = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if name in ("soffice", "antiword") else real(name))
    assert [b.text for b in blocks(ole("WordDocument"))] == ["The text"]
    assert [b.text for b in blocks(converted.WORDPERFECT + bytes(40))] == ["From WPC"]
    program(tmp_path / "bin", "catdoc", "echo broken >&2; exit 3")
    with pytest.raises(UnreadableDocument, match="catdoc could not convert it \\(exit status 3: broken\\)"):
        read_bytes(ole("WordDocument"), "a.doc")


def test_a_converter_that_hangs_ends_with_its_file_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mark = tmp_path / "alive"
    program(tmp_path / "bin", "soffice", f'touch "$TMPDIR/left"; (while true; do date > {mark}; sleep 0.1; done) & wait')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    document = tmp_path / "a.doc"
    document.write_bytes(ole("WordDocument"))
    worker = Worker(ReadOptions(), Limits(timeout_s=4.0))
    with pytest.raises(UnreadableDocument, match="not read within 4 s"):
        worker.read(document)
    assert mark.exists() and not list(scratch.iterdir())
    mark.unlink()
    threading.Event().wait(0.5)
    assert not mark.exists(), "the converter outlived its file"


def saved(text: str, picture: bool = False) -> bytes:
    document = python_docx.Document()
    document.add_heading("Judgment", 1)
    document.add_paragraph(text)
    if picture:
        drawn = io.BytesIO()
        Image.new("RGB", (8, 8)).save(drawn, "PNG")
        document.add_picture(drawn)
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_libreoffice_converts_and_fetches_nothing() -> None:
    requests: list[str] = []

    class Seen(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requests.append(self.path)
            self.send_response(404)
            self.end_headers()

        do_OPTIONS = do_HEAD = do_PROPFIND = do_GET  # noqa: N815

        def log_message(self, *arguments: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Seen)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    buffer, relation = io.BytesIO(), f'Target="http://127.0.0.1:{server.server_port}/spy.png" TargetMode="External"'
    with zipfile.ZipFile(io.BytesIO(saved("Before.", picture=True))) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            part = old.read(name).replace(b"r:embed=", b"r:link=").replace(b'Target="media/image1.png"', relation.encode())
            new.writestr(name, part)
    converted_data = converted._by_office(shutil.which("soffice") or "", buffer.getvalue(), "doc")
    server.shutdown()
    server.server_close()
    assert [b.text for b in blocks(converted_data)] == ["Judgment", "Before."]
    assert requests == []


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_a_word_97_document_keeps_its_structure(tmp_path: Path) -> None:
    source = tmp_path / "a.docx"
    source.write_bytes(saved("The appeal is allowed."))
    command = [
        shutil.which("soffice") or "",
        f"-env:UserInstallation={(tmp_path / 'p').as_uri()}",
        "--headless",
        "--convert-to",
        "doc",
    ]
    converted._output([*command, "--outdir", str(tmp_path), str(source)], b"")
    data = (tmp_path / "a.doc").read_bytes()
    assert media_type(data, "a.txt") == converted.DOC
    assert blocks(data) == [Block("heading", "Judgment", 1), Block("paragraph", "The appeal is allowed.")]
