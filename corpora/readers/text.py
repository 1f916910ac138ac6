"""Plain text in any encoding: paragraphs divided by empty lines, headings told by their shape."""

from __future__ import annotations

import re

from corpora.errors import UnreadableDocument
from corpora.records import Block, Reading

_UNDERLINE = re.compile(r"^[=\-~]{3,}$")
_HIGH = bytes(range(0x80, 0x100))
_ITEM = re.compile(r"^\s*(?:([-*•])|\(?\d{1,2}[.)])\s+")


def decode(data: bytes) -> str:
    """Text of `data`: UTF-8 or UTF-16 where it is that, else the likeliest encoding. Raises UnreadableDocument."""
    utf = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(utf)
    except UnicodeDecodeError:
        pass
    if len(data.translate(None, _HIGH)) > 0.9 * len(data):
        # Western prose with a few signs ("§", "é"): statistics over so few bytes guess East Asian encodings.
        try:
            return data.decode("cp1252")
        except UnicodeDecodeError:
            pass
    from charset_normalizer import from_bytes

    best = from_bytes(data).best()
    if best is None:
        raise UnreadableDocument("the text encoding is not recognised; save it as UTF-8")
    return str(best)


def read(data: bytes) -> list[Reading]:
    """Title None; a heading is an underlined line or a short first line in capitals of a paragraph of its own."""
    blocks: list[Block] = []
    for paragraph in re.split(r"\n\s*\n", decode(data).replace("\r\n", "\n").replace("\r", "\n")):
        lines = [line.rstrip() for line in paragraph.strip("\n").split("\n") if line.strip()]
        if not lines:
            continue
        if len(lines) >= 2 and _UNDERLINE.match(lines[1].strip()):
            blocks.append(Block("heading", lines[0].strip(), 1 if lines[1].strip()[0] == "=" else 2))
            lines = lines[2:]
        elif len(lines) == 1 and lines[0].isupper() and len(lines[0]) <= 90:
            blocks.append(Block("heading", lines[0].strip(), 2))
            continue
        blocks.extend(_paragraphs_and_items(lines))
    return [Reading(None, blocks)]


def _paragraphs_and_items(lines: list[str]) -> list[Block]:
    groups: list[tuple[str, list[str]]] = []
    bullet_indent = 0
    for line in lines:
        indent = len(line) - len(line.lstrip())
        item = _ITEM.match(line)
        if item:
            groups.append(("item", [line[item.end() :] if item[1] else line.strip()]))  # numbers stay: people cite by them
            bullet_indent = indent
        elif groups and not (groups[-1][0] == "item" and indent < bullet_indent):
            groups[-1][1].append(line.strip())
        else:
            groups.append(("paragraph", [line.strip()]))
    return [Block(kind, "\n".join(parts)) for kind, parts in groups]
