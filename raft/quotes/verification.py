"""Verification of quotes: found in their source verbatim up to white space, with exact offsets. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from corpora.records import Chunk
from corpora.text.quote_location import locate
from raft.records import Citation, Quote


def verify_quote(quote: str, chunks: Sequence[Chunk]) -> Quote | None:
    """The quote with offsets in its document, from the first chunk that has it; the text is the source's own."""
    for chunk in chunks:
        span = locate(quote, chunk.text)
        if span:
            start, end = chunk.start + span[0], chunk.start + span[1]
            return Quote(chunk.text[span[0] : span[1]], chunk.id, chunk.document_id, start, end)
    return None


def cite(quotes: Sequence[str], chunks: Sequence[Chunk]) -> tuple[Citation, ...]:
    """A citation for each quote, verified or not. An unverified one names no document: it proves nothing."""
    by_id = {chunk.id: chunk for chunk in chunks}
    citations = []
    for text in quotes:
        quote = verify_quote(text, chunks)
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
