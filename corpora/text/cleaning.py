"""Cleaning the blocks of one document in named steps, each of which can be left out and is counted. Pure.

A reader marks what it takes for a running header ("running") or for navigation ("boilerplate"), and keeps the line ends
of text that was set in lines; whether these go is decided here. White space is always made one space, last of all.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from corpora.records import Block
from corpora.text.encoding_repair import mended

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\xad\u200b\u2060\ufeff\ufffe\uffff]")
_HYPHEN = re.compile(r"[\xad\ufffe\x02-][\n\f]")  # cheap, and in every match of the two below
_LINE_END_HYPHEN = re.compile(r"(\w++)([\xad\ufffe\x02-])[\n\f](?=(\w+))")
_DIVIDED_WORD = re.compile(r"\w++[\xad\ufffe\x02-][\n\f]\w+")


@dataclass(frozen=True)
class Step:
    """One cleaning step.

    Its name in `ingest.skip_steps`, what it does, and the function from blocks to blocks.
    """

    name: str
    explanation: str
    apply: Callable[[Sequence[Block]], list[Block]]


def _without(kind: str) -> Callable[[Sequence[Block]], list[Block]]:
    return lambda blocks: [block for block in blocks if block.kind != kind]


def _each(change: Callable[[str], str]) -> Callable[[Sequence[Block]], list[Block]]:
    return lambda blocks: [_changed(block, change(block.text)) for block in blocks]


def _changed(block: Block, text: str) -> Block:
    return block if text == block.text else replace(block, text=text)


def _joined(blocks: Sequence[Block]) -> list[Block]:
    """The blocks with words that a line end divides joined.

    Whether the hyphen belongs to the word is told by the document's own words: "treat-ment" is joined where "treatment"
    occurs elsewhere, "owner-occupier" is kept where "owner" does. pdfium gives U+FFFE or U+0002 for a hyphen of the
    setting.
    """
    divided = [_HYPHEN.search(block.text) is not None for block in blocks]
    if not any(divided):
        return list(blocks)
    words: set[str] = set()
    for block, with_hyphen in zip(blocks, divided, strict=True):
        text = block.text.lower()
        words.update(re.findall(r"\w+", _DIVIDED_WORD.sub(" ", text) if with_hyphen else text))

    def join(match: re.Match[str]) -> str:
        whole = (match[1] + match[3]).lower()
        hard = match[2] == "-" or match[1].lower() in words
        return match[1] + ("-" if hard and whole not in words else "")

    return [
        _changed(block, _LINE_END_HYPHEN.sub(join, block.text)) if with_hyphen else block
        for block, with_hyphen in zip(blocks, divided, strict=True)
    ]


STEPS = (
    Step("running-lines", "drops headers, footers and page numbers that run along the pages", _without("running")),
    Step("boilerplate", "drops navigation, banners, forms and other parts around the main content", _without("boilerplate")),
    Step("hyphenation", "joins words that a line end divided", _joined),
    Step("encoding", "mends text that was decoded wrongly", _each(mended)),
    Step(
        "control-characters",
        "drops control characters, zero-width characters and soft hyphens",
        _each(lambda text: _CONTROL.sub("", text)),
    ),
)
STEP_NAMES = tuple(step.name for step in STEPS)


def clean(blocks: Sequence[Block], skip: Collection[str] = ()) -> tuple[list[Block], Counter[str]]:
    """The cleaned blocks, empty ones left out, and how many blocks each step changed or dropped."""
    changes: Counter[str] = Counter()
    for step in STEPS:
        if step.name not in skip:
            after = step.apply(blocks)
            dropped = len(blocks) - len(after)
            changed = dropped or sum(old is not new for old, new in zip(blocks, after, strict=True))
            if changed:
                changes[step.name] += changed
            blocks = after
    return [block for block in map(_plain, blocks) if block.text], changes


def clean_line(text: str) -> str:
    """A title or another single line, cleaned by all steps."""
    blocks, _ = clean([Block("paragraph", text)])
    return blocks[0].text if blocks else ""


def _plain(block: Block) -> Block:
    kind = "paragraph" if block.kind in ("running", "boilerplate") else block.kind
    text = block.text
    if not text.isascii() or "\0" in text:
        # The store takes UTF-8, NUL ends strings elsewhere, and a lone surrogate is neither: these go whatever is left
        # out.
        text = text.replace("\0", "").encode("utf-8", "ignore").decode("utf-8")
    pages = [" ".join(page.split()) for page in text.split("\f")]
    whole, breaks = pages[0], []
    for page in pages[1:]:
        breaks.append(len(whole) + 1 if whole else 0)
        whole = f"{whole} {page}" if whole and page else whole or page
    paged = tuple(breaks) if block.page is not None else ()
    return (
        block
        if (kind, whole, paged) == (block.kind, block.text, block.breaks)
        else Block(kind, whole, block.level, block.page, paged)
    )
