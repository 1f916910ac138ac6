"""From bytes to blocks: one reader a format, chosen by content and not by file name.

A reader takes bytes and gives a title (or None) and `Block`s; it touches neither network nor store. What cannot be read
raises `UnreadableDocument` with a reason a person can act on.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from corpora.cleaning import clean_block
from corpora.errors import UnreadableDocument
from corpora.readers import docx, html, markdown, pdf, text
from corpora.records import Block

MAX_BYTES = 64 * 2**20
Reading = tuple[str | None, list[Block]]
_READERS: dict[str, Callable[[bytes], Reading]] = {
    "application/pdf": pdf.read,
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": docx.read,
    "text/html": html.read,
    "text/markdown": markdown.read,
    "text/plain": text.read,
}


def media_type(data: bytes, name: str) -> str:
    """The media type of `data`, by content; the name only tells Markdown from plain text. Raises UnreadableDocument."""
    head = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"%PDF-"):
        return "application/pdf"
    if data[:4] == b"PK\x03\x04":
        try:
            with zipfile.ZipFile(BytesIO(data)) as archive:
                if "word/document.xml" in archive.namelist():
                    return "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
        except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            raise UnreadableDocument(f"a damaged zip container ({error}); save the document again") from error
        raise UnreadableDocument("a zip container without a Word document; accepted: PDF, DOCX, HTML, Markdown, text")
    if head[:512].lower().startswith((b"<!doctype html", b"<html")) or (head[:1] == b"<" and b"<body" in head.lower()):
        return "text/html"
    if b"\0" in head and data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        raise UnreadableDocument("binary data of an unknown format; accepted: PDF, DOCX, HTML, Markdown, text")
    return "text/markdown" if name.lower().endswith((".md", ".markdown")) else "text/plain"


def read_file(path: Path) -> tuple[str, str, list[Block]]:
    """`(media_type, title, blocks)` of one file, cleaned. Raises UnreadableDocument, with the reason, and nothing else."""
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise UnreadableDocument(f"{size / 2**20:.0f} MiB; at most {MAX_BYTES // 2**20} MiB a file: split it")
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableDocument(f"cannot be opened: {error.strerror or error}") from error
    if not data.strip():
        raise UnreadableDocument("the file is empty")
    kind = media_type(data, path.name)
    try:
        title, blocks = _READERS[kind](data)
    except UnreadableDocument:
        raise
    except Exception as error:  # a parser's own failure is a row, never the end of the batch
        raise UnreadableDocument(f"damaged or unsupported {kind}: {type(error).__name__}: {error}") from error
    blocks = [block for block in map(clean_block, blocks) if block.text]
    if not any(block.kind != "heading" for block in blocks):
        raise UnreadableDocument("no text in it; a scanned document needs OCR first")
    headings = [block.text for block in blocks if block.kind == "heading"]
    given = _clean_title(title or "")
    return kind, given or (headings[0] if headings else _clean_title(path.stem)), blocks


def _clean_title(title: str) -> str:
    return clean_block(Block("heading", title)).text
