"""E-mail messages (RFC 5322): headers as facts, the text of the body, and the attachments for others to read.

Fetches nothing and opens no attachment. Every fact of a header is taken under guard: one bad header costs that fact
only.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import parsedate_to_datetime
from itertools import groupby
from pathlib import PurePosixPath
from typing import cast

from corpora.errors import UnreadableDocument
from corpora.readers import text
from corpora.readers.containers.limits import harmless_name, printable
from corpora.readers.html import reader as html
from corpora.records import Block, Reading

MAX_DEPTH = 50
_MAX_MARKS = 50_000
_MAX_HEADER_CHARACTERS = 20_000
_HEADER = re.compile(rb"([!-9;-~]+):")
_KNOWN = frozenset((b"from", b"to", b"subject", b"date", b"message-id", b"received", b"mime-version"))
_QUOTE = re.compile(r"(?:\s{0,3}>)+ ?")
# Codecs that are no charset of mail; two of them need quadratic time.
_NO_CHARSETS = frozenset(("idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"))


@dataclass(frozen=True)
class _Facts:
    """What a part says of itself; the defaults are those of a part whose headers cannot be understood."""

    type: str = "application/octet-stream"
    filename: str = ""
    attached: bool = True
    charset: str = ""


def looks_like(head: bytes) -> bool:
    """True when `head` opens with the header lines of a message.

    Up to the first empty line there are only header lines, two of them known from every message.
    """
    lines = head.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n").replace(b"\r\n", b"\n").split(b"\n")
    if lines[0].startswith(b"From "):  # the mark that opens a message of an mbox file
        lines = lines[1:]
    end = lines.index(b"") if b"" in lines else len(lines) - 1  # the last line of a head may be cut off
    names: list[bytes] = []
    for line in lines[:end]:
        header = _HEADER.match(line)
        if header:
            names.append(header[1].lower())
        elif not (names and line[:1] in (b" ", b"\t")):
            return False
    return len(_KNOWN.intersection(names)) >= 2


def read(data: bytes) -> list[Reading]:
    """Subject as the title, the body's blocks, one item an attachment. Metadata: date (ISO), author, to, identifier.

    Plain text is preferred to HTML. Quoted lines lose their marks and stay, as paragraphs of their own.
    """
    message = _parsed(data)
    bodies, attached = _split(message)
    blocks = [block for part in bodies for block in _blocks(part)]
    blocks += [Block("item", f"Attachment: {name}") for name, _ in _named(attached)]
    facts = {
        "date": _date(message),
        "author": _header(message, "From"),
        "to": _header(message, "To"),
        "identifier": _header(message, "Message-ID"),
    }
    return [
        Reading(_header(message, "Subject") or None, blocks, metadata={key: value for key, value in facts.items() if value})
    ]


def attachments(data: bytes) -> list[tuple[str, bytes]]:
    """`(name, bytes)` of each attachment in order; names are bare, harmless and unique.

    A forwarded message is one (.eml).
    """
    return [(name, _content(part)) for name, part in _named(_split(_parsed(data))[1])]


def _parsed(data: bytes) -> EmailMessage:
    if data.count(b"\n--") > _MAX_MARKS:
        raise UnreadableDocument(f"more than {_MAX_MARKS:,} part boundaries; at most that many are read")
    try:
        return message_from_bytes(data, policy=default)
    except Exception as error:  # the parser's own failures on hostile headers and nesting
        raise UnreadableDocument(f"a damaged message ({type(error).__name__}); export it again") from error


def _split(part: EmailMessage, depth: int = 0) -> tuple[list[EmailMessage], list[EmailMessage]]:
    """Body parts and attachments below `part`, each in order."""
    if depth > MAX_DEPTH:
        raise UnreadableDocument(f"parts nested more than {MAX_DEPTH} deep; a hostile or damaged message")
    facts = _facts(part)
    if facts.type.startswith("multipart/") and part.is_multipart():
        children = [_split(child, depth + 1) for child in _children(part)]
        attached = [attachment for _, attachments_below in children for attachment in attachments_below]
        bodies = [bodies for bodies, _ in children if bodies]
        if facts.type == "multipart/alternative" and bodies:
            return _preferred(bodies), attached
        return [body for group in bodies for body in group], attached
    if facts.type in ("text/plain", "text/html") or facts.type.startswith("multipart/"):
        if not facts.attached:
            return [part], []
    elif facts.type.startswith("image/") and not facts.filename and not (depth == 0 or facts.attached):
        return [], []  # a logo in the text
    return [], [part]


def _preferred(alternatives: list[list[EmailMessage]]) -> list[EmailMessage]:
    """The first alternative with a plain text that is not empty, else the last.

    The sender holds the last for the best.
    """
    for bodies in alternatives:
        if any(_facts(body).type == "text/plain" and _text(body).strip() for body in bodies):
            return bodies
    return alternatives[-1]


def _children(part: EmailMessage) -> list[EmailMessage]:
    return cast("list[EmailMessage]", part.get_payload())


def _facts(part: EmailMessage) -> _Facts:
    try:
        name = part.get_filename() or ""
        attached = bool(name) or part.get_content_disposition() == "attachment"
        return _Facts(part.get_content_type(), name, attached, part.get_content_charset() or "")
    except Exception:  # the header parser has bugs of its own on malformed parameters
        return _Facts()


def _named(parts: list[EmailMessage]) -> Iterator[tuple[str, EmailMessage]]:
    names: set[str] = set()
    for number, part in enumerate(parts, 1):
        facts = _facts(part)
        name = harmless_name(facts.filename) or f"attachment-{number}"
        if facts.type == "message/rfc822" and not name.lower().endswith(".eml"):
            name += ".eml"
        path = PurePosixPath(name)
        copy = 1
        while name in names:
            copy += 1
            name = f"{path.stem} ({copy}){path.suffix}"
        names.add(name)
        yield name, part


def _content(part: EmailMessage) -> bytes:
    try:
        if part.is_multipart():
            return b"\n".join(child.as_bytes() for child in _children(part))
        payload = part.get_payload(decode=True)
    except Exception as error:
        raise UnreadableDocument(f"a damaged attachment ({type(error).__name__}); export the message again") from error
    return payload if isinstance(payload, bytes) else b""


def _text(part: EmailMessage) -> str:
    """The part's text in its own charset, or in the likeliest where it names none that is known and fits."""
    payload = _content(part)
    try:
        charset = codecs.lookup(_facts(part).charset or "utf-8").name.replace("-", "_")
        if charset not in _NO_CHARSETS:
            return payload.decode(charset)
    except (LookupError, ValueError):
        pass
    return text.decode(payload)


def _blocks(part: EmailMessage) -> list[Block]:
    body = _text(part).replace("\r\n", "\n")
    if not body.strip():
        return []
    if _facts(part).type == "text/html":
        return list(html.read(body.encode("utf-8", "replace"))[0].blocks)
    blocks: list[Block] = []
    for depth, lines in groupby(body.split("\n"), key=_quote_depth):
        run = "\n".join(_QUOTE.sub("", line, count=1) if depth else line for line in lines)
        run_blocks = text.read(run.encode("utf-8", "replace"))[0].blocks
        blocks += [Block("paragraph", block.text) for block in run_blocks] if depth else run_blocks
    return blocks


def _quote_depth(line: str) -> int:
    mark = _QUOTE.match(line)
    return mark[0].count(">") if mark else 0


def _header(message: EmailMessage, name: str) -> str:
    """The header decoded, on one line; as it stands where it cannot be decoded or is too long to try."""
    raw = next((str(value) for key, value in message.raw_items() if key.lower() == name.lower()), "")
    value = raw[:_MAX_HEADER_CHARACTERS]
    if len(raw) <= _MAX_HEADER_CHARACTERS:
        try:
            value = str(message[name])
        except Exception:  # the library's header parsers raise many kinds; the header as it stands loses nothing
            value = raw
    return printable(" ".join(value.split()))


def _date(message: EmailMessage) -> str:
    try:
        return parsedate_to_datetime(_header(message, "Date")).isoformat()
    except (ValueError, TypeError, IndexError, OverflowError):
        return ""
