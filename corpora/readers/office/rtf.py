r"""Reader of Rich Text Format.

Paragraphs, headings by outline level, list numbers as they are in the file, table rows, notes at their place.

Deleted and hidden text, comments, pictures and embedded objects are left out; headers and footers are running lines.
See Microsoft's RTF specification 1.9.1. Every `{` is remembered once, so that depth costs no recursion.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field, replace

from corpora.errors import UnreadableDocument
from corpora.readers.docx.text import in_unicode
from corpora.readers.xml.elements import script
from corpora.records import Block, Reading

MAGIC = b"{\\rtf"
_MAX_DEPTH = 500
_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,10})?[ ]?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|[\r\n\0]+|([^\\{}\r\n\0]+)", re.S
)
_CODEPAGES = {
    77: "mac_roman", 128: "cp932", 129: "cp949", 134: "gbk", 136: "big5", 161: "cp1253", 162: "cp1254", 163: "cp1258", 177: "cp1255",
    178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250",
}  # fmt: skip
_SIGNS = {
    "tab": "\t", "line": "\n", "emdash": "—", "endash": "–", "bullet": "•", "lquote": "‘", "rquote": "’", "ldblquote": "“",
    "rdblquote": "”", "emspace": " ", "enspace": " ", "qmspace": " ", "page": " ", "column": " ", "sectnum": "", "softline": "\n",
}  # fmt: skip
_ESCAPED = {"~": "\u00a0", "_": "-", "-": "\u00ad", "\\": "\\", "{": "{", "}": "}", "\n": "", "\r": ""}
_SILENT = frozenset(
    (
        "colortbl stylesheet pict objdata fldinst xe tc tcn annotation atnid atnauthor atrfstart atrfend comment "
        "generator listtable listoverridetable listlevel revtbl rsidtbl themedata datastore latentstyles xmlnstbl nonshppict background "
        "template password filetbl private nonesttables sn sv shprslt author operator subject "
        "keywords doccomm company manager category hlinkbase creatim "
        "revtim printim buptim ftnsep ftnsepc ftncn aftnsep aftnsepc aftncn bkmkstart bkmkend "
        "mmathPr pnseclvl fchars lchars"
    ).split()
)
_RUNNING = frozenset("header headerl headerr headerf footer footerl footerr footerf".split())
_HEADING = re.compile(r"\s*heading (\d)")


@dataclass(frozen=True)
class _State:
    """What a group inherits from the one around it and loses at its end."""

    destination: str = "text"  # "text", "note", "running", "title", "info", "styles", "fonts" or "" for nowhere
    hidden: bool = False
    mark: str = ""
    codepage: str = "cp1252"
    font: str = ""
    skip: int = 1  # characters after \u that say the same for older programs
    star: bool = False


@dataclass
class _Out:
    """One stream of text with the paragraph that is being gathered, and the cells of the row before it."""

    parts: list[str] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)


def read(data: bytes) -> list[Reading]:
    """Title (of the information group) and blocks. Raises UnreadableDocument where groups are nested too deep."""
    return [_Reader(data).reading()]


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._state = _State()
        self._stack: list[tuple[_State, _Out | None]] = []
        self._body, self._running = _Out(), _Out()
        self._out = self._body
        self._bytes = bytearray()
        self._units: list[int] = []  # UTF-16 units of \u, which may be halves of a pair
        self._owed = 0
        self._titles: list[str] = []
        self._style_text = ""
        self._number = 0  # of the style that is being defined, or of the font
        self._levels: dict[int, int] = {}
        self._fonts: dict[int, str] = {}  # their codepages, where not the document's
        self._default = "cp1252"
        self._font_names: dict[int, str] = {}
        self._level = self._outline = 0
        self._listed = self._in_table = False

    def reading(self) -> Reading:
        """Reads all of it."""
        position, data = 0, self._data
        while position < len(data) and (match := _TOKEN.match(data, position)):
            position = match.end()
            word, number, hexadecimal, sign, brace, plain = match.groups()
            if brace is not None:
                self._flush()
                self._owed = 0
                self._open() if brace == b"{" else self._close()
            elif word is not None:
                value = int(number) if number else None
                if word == b"bin":
                    position += max(0, value or 0)
                elif not self._skipped(1):
                    self._word(word.decode(), value)
            elif hexadecimal is not None:
                if not self._skipped(1):
                    self._encoded(bytes((int(hexadecimal, 16),)))
            elif sign is not None:
                if sign == b"*":
                    self._state = replace(self._state, star=True)
                elif not self._skipped(1):
                    self._flush()
                    self._emit("" if sign in (b"|", b":") else _ESCAPED.get(sign.decode("latin-1"), ""))
                    if sign in (b"\n", b"\r"):
                        self._paragraph()
            elif plain is not None:
                self._encoded(plain[self._skipped(len(plain)) :])
        self._flush()
        self._state, self._in_table = _State(), False  # what is still open belongs to the end of the text
        self._paragraph()
        if self._running.parts:
            self._out = self._running
            self._paragraph()
        running = dict.fromkeys(block.text for block in self._running.blocks)
        blocks = [*(Block("running", text) for text in running), *self._body.blocks]
        return Reading(" ".join("".join(self._titles).split()) or None, blocks)

    def _skipped(self, length: int) -> int:
        """How much of the next `length` characters only repeats, for older programs, one that was read."""
        skipped = min(self._owed, length)
        self._owed -= skipped
        return skipped

    def _open(self) -> None:
        if len(self._stack) >= _MAX_DEPTH:
            raise UnreadableDocument(f"groups nested more than {_MAX_DEPTH} deep; a damaged or hostile file")
        self._stack.append((self._state, None))
        self._state = replace(self._state, star=False)

    def _close(self) -> None:
        if not self._stack:
            return
        ended = self._state
        self._state, around = self._stack.pop()
        if ended.destination == "styles" and self._state.destination == "styles" and self._style_text:
            if heading := _HEADING.match(self._style_text.lower()):
                self._levels[self._number] = int(heading[1])
            self._style_text = ""
        if around is not None:  # a note or a line around the pages ends here
            ours, self._out = self._out, around
            if ended.destination == "note":
                texts = [*(block.text for block in ours.blocks), "".join(ours.parts)]
                text = " ".join(" ".join(texts).split()).lstrip("/.)] ")
                if text:
                    self._out.parts.append(f" [note: {text}]")
            elif "".join(ours.parts).strip():
                ours.blocks.append(Block("running", "".join(ours.parts)))
                ours.parts.clear()

    def _divert(self, destination: str, out: _Out) -> None:
        """Send the group's text to a stream of its own."""
        self._state = replace(self._state, destination=destination, hidden=False, mark="")
        if self._stack and self._stack[-1][1] is None:
            self._stack[-1] = (self._stack[-1][0], self._out)
            self._out = out

    def _word(self, word: str, value: int | None) -> None:
        if word == "u":
            self._bytes_out()
            self._units.append((value or 0) & 0xFFFF)
            self._owed = self._state.skip
            return
        self._flush()
        state = self._state
        starred = state.star
        state = self._state = replace(state, star=False)
        if state.destination == "":
            if word == "shptxt":
                self._state = replace(state, destination="text")
            return
        if word in _SILENT or (
            starred and word not in ("shptxt", "fldrslt", "listtext", "pntext", "footnote", "cs", "nesttableprops")
        ):
            self._state = replace(state, destination="")
            if word == "stylesheet":
                self._state = replace(state, destination="styles")
        elif word == "fonttbl":
            self._state = replace(state, destination="fonts")
        elif word == "title":
            self._state = replace(state, destination="title")
        elif word == "info":
            self._state = replace(state, destination="info")
        elif word == "footnote":
            self._divert("note", _Out())
        elif word in _RUNNING:
            self._divert("running", self._running)
        elif state.destination == "styles" and word == "s":
            self._number = value or 0
        elif state.destination == "styles":
            if word == "outlinelevel" and (value or 0) < 9:
                self._levels[self._number] = (value or 0) + 1
        elif state.destination == "fonts":
            self._font_table(word, value)
        elif word in _SIGNS:
            self._emit(_SIGNS[word])
        else:
            self._layout(word, value)

    def _font_table(self, word: str, value: int | None) -> None:
        if word == "f":
            self._number = value or 0
        elif word == "fcharset" and value in _CODEPAGES:
            self._fonts[self._number] = _CODEPAGES[value]

    def _layout(self, word: str, value: int | None) -> None:
        on = value != 0
        if word in ("par", "sect"):
            self._paragraph()
        elif word in ("cell", "row"):
            self._table(word)
        elif word == "nestcell":
            self._out.parts.append(", ")
        elif word == "nestrow":
            self._out.parts.append("; ")
        elif word == "intbl":
            self._in_table = True
        elif word == "pard":
            self._level = self._outline = 0
            self._listed = self._in_table = False
        elif word == "s":
            self._level = self._levels.get(value or 0, 0)
        elif word == "outlinelevel":
            self._outline = (value or 0) + 1 if (value or 0) < 9 else 0
        elif word in ("ls", "listtext", "pntext"):
            self._listed = True
        elif word in ("deleted", "v"):
            self._state = replace(self._state, hidden=on)
        elif word == "super":
            self._state = replace(self._state, mark="^" if on else "")
        elif word == "sub":
            self._state = replace(self._state, mark="_" if on else "")
        elif word == "nosupersub":
            self._state = replace(self._state, mark="")
        elif word == "plain":
            self._state = replace(self._state, hidden=False, mark="")
        elif word == "uc":
            self._state = replace(self._state, skip=max(0, value or 0))
        elif word == "ansicpg" and value:
            self._default = _known(f"cp{value}")
            self._state = replace(self._state, codepage=self._default)
        elif word in ("mac", "pc", "pca"):
            self._default = {"mac": "mac_roman", "pc": "cp437", "pca": "cp850"}[word]
            self._state = replace(self._state, codepage=self._default)
        elif word == "f":
            self._state = replace(
                self._state,
                codepage=self._fonts.get(value or 0, self._default),
                font=self._font_names.get(value or 0, "").rstrip(";").strip(),
            )

    def _table(self, word: str) -> None:
        if word == "cell":
            text = " ".join("".join(self._out.parts).split())
            self._out.cells.append(re.sub(r"(?:, ;|[,;]) ?(?=$|;)", "", text.replace(", ;", ";")).strip())
            self._out.parts.clear()
            return
        cells, self._out.cells = self._out.cells, []
        if len(cells) == 1 and cells[0]:
            self._out.blocks.append(Block("paragraph", cells[0]))
        elif any(cells):
            self._out.blocks.append(Block("item", " | ".join(cells)))

    def _encoded(self, data: bytes) -> None:
        if data:
            self._units_out()
            self._bytes += data

    def _flush(self) -> None:
        self._bytes_out()
        self._units_out()

    def _bytes_out(self) -> None:
        if self._bytes:
            data, self._bytes = bytes(self._bytes), bytearray()
            symbols = self._state.font == "Symbol" or self._state.font.startswith("Wingdings")
            self._emit(data.decode("latin-1" if symbols else self._state.codepage, "replace"))

    def _units_out(self) -> None:
        if self._units:
            units, self._units = self._units, []
            self._emit(b"".join(unit.to_bytes(2, "little") for unit in units).decode("utf-16-le", "replace"))

    def _emit(self, text: str) -> None:
        destination = self._state.destination
        if destination == "title":
            self._titles.append(text)
        elif destination == "styles":
            self._style_text += text
        elif destination == "fonts":
            self._font_names[self._number] = self._font_names.get(self._number, "") + text
        elif destination in ("text", "note", "running") and not self._state.hidden and text:
            mark, text = self._state.mark, in_unicode(text, self._state.font)
            self._out.parts.append(script(mark, text, self._out.parts) if mark else text)

    def _paragraph(self) -> None:
        if self._state.hidden or self._state.destination not in ("text", "note", "running"):
            return
        if self._in_table:
            self._out.parts.append("\n")
            return
        text = "".join(self._out.parts).strip()
        self._out.parts.clear()
        level = self._outline or self._level
        if not text:
            return
        if level and len(text.split()) <= 30:
            self._out.blocks.append(Block("heading", text, level))
        else:
            self._out.blocks.append(Block("item" if self._listed else "paragraph", text))


def _known(codepage: str) -> str:
    try:
        return codecs.lookup(codepage).name
    except LookupError:
        return "cp1252"
