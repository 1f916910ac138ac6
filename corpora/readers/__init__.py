"""From the bytes of a file to readings: one reader a format, chosen by content and not by file name.

A reader takes bytes and gives `Reading`s; it touches neither network nor store. What cannot be read raises
`UnreadableDocument` with a reason a person can act on. Archives and mails are opened here, member by member.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib import import_module
from io import BytesIO
from pathlib import PurePath
from typing import TYPE_CHECKING, cast

from corpora.errors import UnreadableDocument
from corpora.records import Block, Reading
from corpora.text.cleaning import clean, clean_line

if TYPE_CHECKING:
    from corpora.personal_data.masking import Policy
    from corpora.readers.tables.documents import FieldMapping

MAX_BYTES = 64 * 2**20
MAX_NESTING = 2
_OLD_BINARY = (b"\xd0\xcf\x11\xe0", b"\xffWPC")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
RTF = "application/rtf"
ACCEPTED = "PDF, DOCX, ODT, RTF, DOC, WordPerfect, HTML, Markdown, text, EML, EPUB, CSV, JSON lines, XML, zip and tar"


def _reader(name: str, function: str = "read") -> Callable[[bytes], list[Reading]]:
    """A function of the reader module `name`, which is imported with the first file that needs it.

    Few collections need all parsers.
    """
    return lambda data: cast("list[Reading]", getattr(import_module(f"corpora.readers.{name}"), function)(data))


_READERS: dict[str, Callable[[bytes], list[Reading]]] = {
    "application/pdf": _reader("pdf.reader"),
    DOCX: _reader("docx.reader"),
    "application/msword": _reader("office.legacy_formats", "read_doc"),
    "application/vnd.wordperfect": _reader("office.legacy_formats", "read_wordperfect"),
    "application/vnd.oasis.opendocument.text": _reader("office.odt"),
    RTF: _reader("office.rtf"),
    "application/epub+zip": _reader("html.epub"),
    "application/akn+xml": _reader("law.akoma_ntoso"),
    "application/ccda+xml": _reader("xml.generic"),
    "application/dc-law+xml": _reader("law.dc_law"),
    "application/ecfr+xml": _reader("law.ecfr"),
    "application/jats+xml": _reader("medicine.jats"),
    "application/medquad+xml": _reader("medicine.medquad"),
    "application/pubmed+xml": _reader("medicine.pubmed"),
    "application/uslm+xml": _reader("law.uslm"),
    "application/xml": _reader("xml.generic"),
    "message/rfc822": _reader("mail.eml"),
    "text/html": _reader("html.reader"),
    "text/markdown": _reader("html.markdown"),
    "text/plain": _reader("text"),
}


@dataclass(frozen=True)
class ReadOptions:
    """How files are read.

    Which cleaning steps are left out, which fields of a table's rows are what, and what becomes of personal data.

    `personal_key`, hexadecimal, is what pseudonyms are made with. `ocr_languages` are tesseract's names, divided by
    "+".
    """

    skip_steps: tuple[str, ...] = ()
    mapping: FieldMapping | None = None
    personal_data: Policy = "keep"
    personal_key: str = ""
    ocr_languages: str = "eng"


@dataclass
class FileReading:
    """The documents read from one file, and what was left out of it.

    `refused` are `(part, reason)` for each part that is no document. `cleaned` counts what each cleaning step changed,
    and `personal_data` the findings of each kind, which are looked for only where the policy is not "keep".
    """

    readings: list[Reading] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    cleaned: Counter[str] = field(default_factory=Counter)
    personal_data: Counter[str] = field(default_factory=Counter)


def media_type(data: bytes, name: str) -> str:
    """The media type of `data`, by content; the name only tells Markdown and tables from text.

    Raises UnreadableDocument.
    """
    head = data[:8192].lstrip(b"\xef\xbb\xbf \t\r\n")
    lowered = name.lower()
    if head.startswith(b"%PDF-"):
        return "application/pdf"
    if head.startswith(b"{\\rtf"):
        return RTF
    if data[:4] in _OLD_BINARY:
        from corpora.readers.office import legacy_formats as converted

        if legacy := converted.kind_of(data):
            return legacy
    if data[:4] == b"PK\x03\x04" and (office := _office_type(data)):
        return office
    from corpora.readers.containers import archives
    from corpora.readers.mail import eml
    from corpora.readers.tables import rows
    from corpora.readers.xml import vocabularies as xml

    if kind := archives.archive_kind(data):
        return f"archive/{kind}"
    if (kind := xml.kind_of(head)) is not None:
        return kind
    page = (data[:8192].decode("utf-16", "ignore").encode() if data[:2] in _UTF_16 else head).lstrip().lower()
    if page[:512].startswith((b"<!doctype html", b"<html")) or (page[:1] == b"<" and b"<body" in page):
        return "text/html"
    from corpora.readers.mail import encrypted as sealed

    if reason := sealed.reason(data):
        raise UnreadableDocument(reason)
    if b"\0" in head and data[:2] not in _UTF_16:
        raise UnreadableDocument(f"binary data of an unknown format; accepted: {ACCEPTED}")
    if eml.looks_like(head):
        return "message/rfc822"
    if rows.looks_like_json(head):
        return rows.JSON
    if rows.looks_like_jsonl(head):
        return rows.JSONL
    if rows.looks_like_csv(head, name):
        return rows.TSV if lowered.endswith((".tsv", ".tab")) else rows.CSV
    return "text/markdown" if lowered.endswith((".md", ".markdown")) else "text/plain"


def _office_type(data: bytes) -> str | None:
    import zipfile

    from corpora.readers.docx.package import holds_word
    from corpora.readers.office import odt

    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        raise UnreadableDocument(f"a damaged zip container ({error}); save the document again") from error
    if holds_word(names):
        return DOCX
    if "META-INF/container.xml" in names:
        return "application/epub+zip"
    if odt.looks_like(names, data):
        return odt.MEDIA_TYPE
    if "xl/workbook.xml" in names or "xl/workbook.bin" in names or b"opendocument.spreadsheet" in data[:130]:
        raise UnreadableDocument("a spreadsheet (XLSX, ODS); save each sheet as CSV and add that: rows become text by --map")
    if "ppt/presentation.xml" in names or b"opendocument.presentation" in data[:130]:
        raise UnreadableDocument("slides (PPTX, ODP); export them as PDF")
    if "content.xml" in names and "mimetype" in names:
        raise UnreadableDocument("an OpenDocument file that is no text; export it as PDF, or a table as CSV")
    return None


def read_bytes(data: bytes, name: str, options: ReadOptions | None = None) -> FileReading:
    """Everything readable in one file.

    Raises UnreadableDocument when that is nothing; `name` is a hint and the last title.
    """
    file_reading = FileReading()
    _read_into(file_reading, data, name, "", options or ReadOptions(), 0)
    if not file_reading.readings:
        reasons = "; ".join(f"{part}: {reason}" for part, reason in file_reading.refused[:3])
        raise UnreadableDocument(reasons or "no text in it; a scanned document needs OCR first")
    return file_reading


def _read_into(file_reading: FileReading, data: bytes, name: str, part: str, options: ReadOptions, depth: int) -> None:
    """Add the documents of `data` to `file_reading`.

    `part` is what the data is called within its file, "" for the file itself; raises only for the file itself.
    """
    try:
        if len(data) > MAX_BYTES:
            raise UnreadableDocument(f"{len(data) / 2**20:.0f} MiB; at most {MAX_BYTES // 2**20} MiB a document: split it")
        if not data.strip():
            raise UnreadableDocument("the file is empty")
        kind = media_type(data, name)
        if kind.startswith("archive/"):
            from corpora.readers.containers import archives

            if depth >= MAX_NESTING:
                raise UnreadableDocument(f"archives inside archives, more than {MAX_NESTING} deep; unpack it first")
            for member in archives.members(data):
                inner = "/".join(piece for piece in (part, member.name or "(the rest of it)") if piece)
                if isinstance(member, archives.Refused):
                    file_reading.refused.append((inner, member.reason))
                else:
                    _read_into(file_reading, member.data, member.name, inner, options, depth + 1)
            return
        for reading in _parsed(kind, data, options):
            _keep(file_reading, reading, kind, name, part, options)
        if kind == "message/rfc822" and depth < MAX_NESTING:
            from corpora.readers.mail import eml

            for attached, content in eml.attachments(data):
                _read_into(file_reading, content, attached, f"{part}/{attached}" if part else attached, options, depth + 1)
    except UnreadableDocument as error:
        if not part:
            raise
        file_reading.refused.append((part, str(error)))


def _parsed(kind: str, data: bytes, options: ReadOptions) -> list[Reading]:
    try:
        if kind == "application/pdf":
            from corpora.readers.pdf import reader as pdf

            return pdf.read(data, options.ocr_languages)
        if kind in _READERS:
            return _READERS[kind](data)
        from corpora.readers.tables import documents as tables

        return tables.read_rows(data, kind, options.mapping)
    except UnreadableDocument:
        raise
    except MemoryError as error:
        raise UnreadableDocument("it needs more memory than one document may take; split it") from error
    except Exception as error:  # a parser's own failure is a row, never the end of the batch
        raise UnreadableDocument(f"damaged or unsupported {kind}: {type(error).__name__}: {error}") from error


def _keep(file_reading: FileReading, reading: Reading, kind: str, name: str, part: str, options: ReadOptions) -> None:
    blocks, changes = clean(reading.blocks, options.skip_steps)
    file_reading.cleaned += changes
    whole = "/".join(piece for piece in (part, reading.part) if piece)
    if kind == "text/plain" and all(block.kind == "heading" for block in blocks):
        # A text in capitals only looks like headings.
        blocks = [replace(block, kind="paragraph", level=0) for block in blocks]
    if not any(block.kind != "heading" for block in blocks):
        if whole:
            file_reading.refused.append((whole, "no text in it; a scanned document needs OCR first"))
        return
    title = clean_line(reading.title or "") or _first_heading(blocks) or clean_line(PurePath(name).stem)
    if not reading.title and reading.part:
        title = _first_heading(blocks) or f"{clean_line(PurePath(name).stem)} {reading.part}"
    metadata = {key: clean_line(str(value)) for key, value in reading.metadata.items()}
    finished = replace(reading, title=title, blocks=blocks, part=whole, metadata=metadata, media_type=kind)
    file_reading.readings.append(
        finished if options.personal_data == "keep" else _without_personal_data(file_reading, finished, options)
    )


def _without_personal_data(file_reading: FileReading, reading: Reading, options: ReadOptions) -> Reading:
    """The reading with pseudonyms in title, metadata and text.

    Raises PersonalDataRefused where the policy is to refuse.
    """
    from corpora.personal_data.masking import (
        mask_blocks,  # its tables are slow to load, and most collections keep what they have
    )

    texts = [reading.title or "", *reading.metadata.values(), *(block.text for block in reading.blocks)]
    masked, counted = mask_blocks(texts, options.personal_data, bytes.fromhex(options.personal_key))
    file_reading.personal_data.update(counted)
    first = 1 + len(reading.metadata)
    blocks = [
        # Where a text was changed its page breaks no longer fit; such a block counts as standing on its first page.
        replace(block, text=text, breaks=block.breaks if text == block.text else ())
        for block, text in zip(reading.blocks, masked[first:], strict=True)
    ]
    metadata = dict(zip(reading.metadata, masked[1:first], strict=True))
    return replace(reading, title=masked[0], metadata=metadata, blocks=blocks)


def _first_heading(blocks: list[Block]) -> str:
    return next((block.text for block in blocks if block.kind == "heading"), "")
