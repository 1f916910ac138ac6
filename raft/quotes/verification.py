"""Verification of quotes: found in their source verbatim up to white space, with exact offsets. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from corpora.records import Chunk
from corpora.text.quote_location import locate
from raft.records import Citation, Quote


def verify_quote(quote: str, chunks: Sequence[Chunk], named: Chunk | None = None) -> Quote | None:
    """The quote with offsets in its document, from the chunk it names or else the first that has it.

    The text is the source's own: the same clause may stand in several chunks, and a citation is of the one named.
    """
    for chunk in [named, *chunks] if named else chunks:
        span = locate(quote, chunk.text)
        if span:
            start, end = chunk.start + span[0], chunk.start + span[1]
            return Quote(chunk.text[span[0] : span[1]], chunk.id, chunk.document_id, start, end)
    return None


def cite(quotes: Sequence[tuple[int | None, str]], chunks: Sequence[Chunk]) -> tuple[Citation, ...]:
    """A citation for each quote, verified or not. An unverified one names no document: it proves nothing.

    `quotes` are (number of the passage or None, text); passage n is `chunks[n - 1]`.
    """
    by_id = {chunk.id: chunk for chunk in chunks}
    citations = []
    for number, text in quotes:
        named = chunks[number - 1] if number and number <= len(chunks) else None
        quote = verify_quote(text, chunks, named)
        if quote is None:
            citations.append(Citation("", "", "", "", -1, -1, text, verified=False))
        else:
            chunk = by_id[quote.chunk_id]
            citations.append(
                Citation(
                    chunk.document_id,
                    chunk.id,
                    chunk.title,
                    chunk.source,
                    quote.start,
                    quote.end,
                    quote.text,
                    verified=True,
                    page=chunk.page,
                )
            )
    return tuple(citations)
