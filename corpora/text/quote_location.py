"""Where a passage stands in a text: verbatim up to white space, with exact offsets. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator


def locate(quote: str, text: str) -> tuple[int, int] | None:
    """Start and end of `quote` in `text` (first place), or None. Only runs of white space may differ."""
    return next(occurrences(quote, text), None)


def occurrences(quote: str, text: str) -> Iterator[tuple[int, int]]:
    """Start and end of every place of `quote` in `text`, in order: those with its own white space, then the others."""
    words = quote.split()
    if not words:
        return
    indent = len(quote) - len(quote.lstrip())
    verbatim = set()
    start = text.find(quote)
    while start >= 0:
        yield start, start + len(quote)
        verbatim.add(start + indent)
        start = text.find(quote, start + len(quote))
    if quote == words[0]:
        return
    for match in re.finditer(r"\s+".join(map(re.escape, words)), text):
        if match.start() not in verbatim:
            yield match.span()
