"""Where a passage stands in a text: verbatim up to white space, with exact offsets. Pure."""

from __future__ import annotations

import re


def locate(quote: str, text: str) -> tuple[int, int] | None:
    """Start and end of `quote` in `text` (first place), or None. Only runs of white space may differ."""
    words = quote.split()
    if not words:
        return None
    start = text.find(quote)
    if start >= 0:
        return start, start + len(quote)
    match = re.search(r"\s+".join(map(re.escape, words)), text)
    return (match.start(), match.end()) if match else None
