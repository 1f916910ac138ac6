"""Documents with content ids, made from what a reader gave.

Knows no store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from corpora.chunking.chunker import join_blocks
from corpora.records import Block, Document, Reading, content_id
from corpora.store.source_attributes import SourceAttributes

Identify = Callable[[str, str, tuple[str, ...]], str]


def documents_of(
    readings: Sequence[Reading],
    source: str,
    collection: str,
    attributes: SourceAttributes | None = None,
    identify: Identify | None = None,
) -> Iterator[tuple[Document, Sequence[Block]]]:
    """A document, with its blocks, for each reading of the file `source`."""
    for reading in readings:
        part_source = f"{source}#{reading.part}" if reading.part else source
        yield (
            make_document(collection, reading, part_source, attributes or SourceAttributes(), identify or content_identity),
            reading.blocks,
        )


def content_identity(collection: str, text: str, readers: tuple[str, ...] = ()) -> str:
    """The id of a document that a store does not know yet, see `CorpusStore.identity`."""
    return content_id("document", collection, text, *readers)


def make_document(
    collection: str,
    reading: Reading,
    source: str,
    attributes: SourceAttributes | None = None,
    identify: Identify = content_identity,
) -> Document:
    """A document with its content id; its cluster is itself until near-duplicates are known."""
    stated = attributes or SourceAttributes()
    text, _ = join_blocks(reading.blocks)
    identity = identify(collection, text, stated.readers)
    facts = {**reading.metadata, **stated.metadata}
    return Document(
        identity, collection, reading.title or "", reading.media_type, text, source, identity, facts, stated.readers
    )
