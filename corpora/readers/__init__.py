"""From the bytes of a file to readings: one reader a format, chosen by content and not by file name.

A reader takes bytes and gives `Reading`s; it touches neither network nor store. What cannot be read raises
`UnreadableDocument` with a reason a person can act on. Archives and mails are opened here, member by member.
"""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import PurePath
from typing import TYPE_CHECKING

from corpora.cleaning import clean, clean_line
from corpora.errors import UnreadableDocument
from corpora.readers import (
    akoma_ntoso,
    archives,
    converted,
    dc_law,
    docx,
    ecfr,
    eml,
    epub,
    generic_xml,
    html,
    jats,
    markdown,
    medquad,
    odt,
    pdf,
    pubmed,
    rows,
    rtf,
    sealed,
    tables,
    text,
    uslm,
    xml,
)
from corpora.readers.docx_package import holds_word
from corpora.readers.tables import FieldMapping
from corpora.records import Block, Reading

if TYPE_CHECKING:
    from corpora.personal_data import Policy

MAX_BYTES = 64 * 2**20
MAX_NESTING = 2
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
RTF = "application/rtf"
ACCEPTED = "PDF, DOCX, ODT, RTF, DOC, WordPerfect, HTML, Markdown, text, EML, EPUB, CSV, JSON lines, XML, zip and tar"
_READERS: dict[str, Callable[[bytes], list[Reading]]] = {
    DOCX: docx.read,
    converted.DOC: converted.read_doc,
    converted.WPD: converted.read_wordperfect,
    odt.MEDIA_TYPE: odt.read,
    RTF: rtf.read,
    "application/epub+zip": epub.read,
    "application/akn+xml": akoma_ntoso.read,
    "application/ccda+xml": generic_xml.read,
    "application/dc-law+xml": dc_law.read,
    "application/ecfr+xml": ecfr.read,
    "application/jats+xml": jats.read,
    "application/medquad+xml": medquad.read,
    "application/pubmed+xml": pubmed.read,
    "application/uslm+xml": uslm.read,
    "application/xml": generic_xml.read,
    "message/rfc822": eml.read,
    "text/html": html.read,
    "text/markdown": markdown.read,
    "text/plain": text.read,
}
_ROWS = (rows.CSV, rows.TSV, rows.JSON, rows.JSONL)


@dataclass(frozen=True)
class ReadOptions:
    """How files are read: cleaning steps left out, which fields of a table's rows are what, and what becomes of personal data.

    `personal_key`, hexadecimal, is what pseudonyms are made with. `ocr_languages` are tesseract's names, divided by "+".
    """

    skip_steps: tuple[str, ...] = ()
    mapping: FieldMapping | None = None
    personal_data: Policy = "keep"
    personal_key: str = ""
    ocr_languages: str = "eng"


@dataclass
class FileReading:
    """What came of one file: its documents, `(part, reason)` for each part that is none, what cleaning changed, and how much
    personal data of each kind was found (looked for only where the policy is not "keep").
    """

    readings: list[Reading] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    cleaned: Counter[str] = field(default_factory=Counter)
    personal_data: Counter[str] = field(default_factory=Counter)


def media_type(data: bytes, name: str) -> str:
    """The media type of `data`, by content; the name only tells Markdown and tables from text. Raises UnreadableDocument."""
    head = data[:8192].lstrip(b"\xef\xbb\xbf \t\r\n")
    lowered = name.lower()
    if head.startswith(b"%PDF-"):
        return "application/pdf"
    if head.startswith(rtf.MAGIC):
        return RTF
    if legacy := converted.kind_of(data):
        return legacy
    if data[:4] == b"PK\x03\x04" and (office := _office_type(data)):
        return office
    if kind := archives.archive_kind(data):
        return f"archive/{kind}"
    if (kind := xml.kind_of(head)) is not None:
        return kind
    if head[:512].lower().startswith((b"<!doctype html", b"<html")) or (head[:1] == b"<" and b"<body" in head.lower()):
        return "text/html"
    if reason := sealed.reason(data):
        raise UnreadableDocument(reason)
    if b"\0" in head and data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
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
    """Everything readable in one file. Raises UnreadableDocument when that is nothing; `name` is a hint and the last title."""
    found = FileReading()
    _read_into(found, data, name, "", options or ReadOptions(), 0)
    if not found.readings:
        reasons = "; ".join(f"{part}: {reason}" for part, reason in found.refused[:3])
        raise UnreadableDocument(reasons or "no text in it; a scanned document needs OCR first")
    return found


def _read_into(found: FileReading, data: bytes, name: str, part: str, options: ReadOptions, depth: int) -> None:
    """Add the documents of `data`, which is the part called `part` ("" is the file itself); raises only for the file itself."""
    try:
        if len(data) > MAX_BYTES:
            raise UnreadableDocument(f"{len(data) / 2**20:.0f} MiB; at most {MAX_BYTES // 2**20} MiB a document: split it")
        if not data.strip():
            raise UnreadableDocument("the file is empty")
        kind = media_type(data, name)
        if kind.startswith("archive/"):
            if depth >= MAX_NESTING:
                raise UnreadableDocument(f"archives inside archives, more than {MAX_NESTING} deep; unpack it first")
            for member in archives.members(data):
                inner = "/".join(piece for piece in (part, member.name or "(the rest of it)") if piece)
                if isinstance(member, archives.Refused):
                    found.refused.append((inner, member.reason))
                else:
                    _read_into(found, member.data, member.name, inner, options, depth + 1)
            return
        for reading in _parsed(kind, data, options):
            _keep(found, reading, kind, name, part, options)
        if kind == "message/rfc822" and depth < MAX_NESTING:
            for attached, content in eml.attachments(data):
                _read_into(found, content, attached, f"{part}/{attached}" if part else attached, options, depth + 1)
    except UnreadableDocument as error:
        if not part:
            raise
        found.refused.append((part, str(error)))


def _parsed(kind: str, data: bytes, options: ReadOptions) -> list[Reading]:
    try:
        if kind in _ROWS:
            return tables.read_rows(data, kind, options.mapping)
        if kind == "application/pdf":
            return pdf.read(data, options.ocr_languages)
        return _READERS[kind](data)
    except UnreadableDocument:
        raise
    except MemoryError as error:
        raise UnreadableDocument("it needs more memory than one document may take; split it") from error
    except Exception as error:  # a parser's own failure is a row, never the end of the batch
        raise UnreadableDocument(f"damaged or unsupported {kind}: {type(error).__name__}: {error}") from error


def _keep(found: FileReading, reading: Reading, kind: str, name: str, part: str, options: ReadOptions) -> None:
    blocks, changes = clean(reading.blocks, options.skip_steps)
    found.cleaned += changes
    whole = "/".join(piece for piece in (part, reading.part) if piece)
    if not any(block.kind != "heading" for block in blocks):
        if whole:
            found.refused.append((whole, "no text in it; a scanned document needs OCR first"))
        return
    title = clean_line(reading.title or "") or _first_heading(blocks) or clean_line(PurePath(name).stem)
    if not reading.title and reading.part:
        title = _first_heading(blocks) or f"{clean_line(PurePath(name).stem)} {reading.part}"
    metadata = {key: clean_line(str(value)) for key, value in reading.metadata.items()}
    done = replace(reading, title=title, blocks=blocks, part=whole, metadata=metadata, media_type=kind)
    found.readings.append(done if options.personal_data == "keep" else _without_personal_data(found, done, options))


def _without_personal_data(found: FileReading, reading: Reading, options: ReadOptions) -> Reading:
    """The reading with pseudonyms in title, metadata and text; raises PersonalDataRefused where the policy is to refuse."""
    from corpora.personal_data import mask_blocks  # its tables are slow to load, and most collections keep what they have

    texts = [reading.title or "", *reading.metadata.values(), *(block.text for block in reading.blocks)]
    masked, counted = mask_blocks(texts, options.personal_data, bytes.fromhex(options.personal_key))
    found.personal_data.update(counted)
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
