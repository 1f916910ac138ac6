"""Where the evidence of a question is: the document that its name means, and its characters and chunks.

One rule for all that ask: examples, judged queries, annotations and `documents --quote`. A text is found up to white
space. Of its places the first that lies within one chunk counts, else the first over several. A document is called by
its id, a source, the part of a file of several, its title, or the name of its file, in this order; where nobody is
called so, upper and lower case count as one. Where a name means several documents, the text decides, then that order.
Evidence that names a document which is here is looked for in that document alone; any other in all documents, by id.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from functools import cached_property
from pathlib import PurePath

from corpora.records import Chunk, Document, Evidence, Question
from corpora.store.corpus_store import CorpusStore
from corpora.text.quote_location import locate, occurrences

SHORTEST_ID = 8
"""Digits of an id that are enough to name its document."""
_LOOKED_UP = 4
"""Words of a text, the rarest ones, by which the documents that may hold it are looked up."""


class NotLocated(StrEnum):
    """Why evidence cannot be placed."""

    NOWHERE = "its evidence is not in any document of the store"
    NOT_IN_NAMED = "its evidence is not in the document it names"
    NOT_IN_ANY_NAMED = "its evidence is in none of the documents that its name means, which are several"
    NOT_INDEXED = "its evidence is only in a document that is not indexed, as another says nearly the same"


NO_CHUNKS = "its evidence is in a heading, or in a section that is left out of the chunks"
"""What is wrong with a place without chunks, for what needs one."""


@dataclass(frozen=True)
class EvidencePlace:
    """The characters `start` to `end` of a document.

    `chunks`, in order, hold half of them at least, or lie in them by half.

    Where no chunk does, as with many small ones, they are all that share a character with them. There are none in a
    heading and in a section that is left out of the chunks.
    """

    document_id: str
    start: int
    end: int
    chunks: tuple[Chunk, ...]

    @property
    def holder(self) -> Chunk | None:
        """The first chunk that has all of it; None where it goes over the end of one."""
        return next((chunk for chunk in self.chunks if chunk.start <= self.start and self.end <= chunk.end), None)

    def better_than(self, other: EvidencePlace | None) -> bool:
        """Whether this place is better than `other`, which comes first.

        A place in one chunk is better than one over several, and that better than one in none.
        """
        return other is None or self._quality > other._quality

    @property
    def _quality(self) -> int:
        return 2 if self.holder else min(len(self.chunks), 1)


def best_place(quote: str, document: Document, chunks: Sequence[Chunk]) -> EvidencePlace | None:
    """Where `quote` stands in the document with these chunks: first within one of them, else over several; or None."""
    return _best(EvidencePlace(document.id, *span, _sharing(chunks, *span)) for span in occurrences(quote, document.text))


def _best(candidates: Iterable[EvidencePlace]) -> EvidencePlace | None:
    best = None
    for candidate in candidates:
        if candidate.better_than(best):
            best = candidate
        if best and best.holder:
            break
    return best


def _sharing(chunks: Iterable[Chunk], start: int, end: int) -> tuple[Chunk, ...]:
    shared = [(chunk, min(chunk.end, end) - max(chunk.start, start)) for chunk in chunks]
    by_half = [chunk for chunk, width in shared if 2 * width >= min(end - start, chunk.end - chunk.start)]
    return tuple(by_half or (chunk for chunk, width in shared if width > 0))


class _Rank(IntEnum):
    ID = 0
    SOURCE = 1
    PART = 2
    TITLE = 3
    FILE = 4
    FILE_OF_SEVERAL = 5


class DocumentNames:
    """The names of every document of a store.

    `labels`: document id → what a run file calls it: the parts of the files it came from, else the files' names.
    """

    def __init__(self, documents: Iterable[tuple[str, str, Sequence[str]]]) -> None:
        """`documents` are (id, title, sources)."""
        self.labels: dict[str, tuple[str, ...]] = {}
        self._names: dict[str, dict[str, _Rank]] = {}
        for identity, title, sources in documents:
            self.labels[identity] = tuple(dict.fromkeys(_label(source) for source in sources))
            self._add(identity, _Rank.ID, identity)
            self._add(identity, _Rank.TITLE, title)
            for source in sources:
                file, _, part = source.partition("#")
                self._add(identity, _Rank.SOURCE, source)
                self._add(identity, _Rank.PART, part)
                path = PurePath(file)
                self._add(
                    identity, _Rank.FILE_OF_SEVERAL if part else _Rank.FILE, path.name, path.stem, *([file] if part else [])
                )

    def _add(self, identity: str, rank: _Rank, *names: str) -> None:
        for name in filter(None, names):
            ranks = self._names.setdefault(name, {})
            ranks[identity] = min(rank, ranks.get(identity, rank))

    def of(self, name: str) -> set[str]:
        """Ids of the documents that a judgement file calls `name`, spelt exactly so; empty for an unknown name.

        A title or file name that several documents share names none of them; an id, source or part always names its
        own.
        """
        ranks = self._names.get(name, {})
        sure = {identity for identity, rank in ranks.items() if rank <= _Rank.PART}
        loose = {identity for identity, rank in ranks.items() if rank in (_Rank.TITLE, _Rank.FILE)} or set(ranks)
        return sure or (loose if len(loose) == 1 else set())

    def called(self, name: str) -> list[str]:
        """Ids of all documents that `name` may mean, the surest first, then by id; empty for an unknown name."""
        return [identity for _, identity in self._ranked(name)]

    def meant(self, name: str) -> list[str]:
        """Ids of the documents that `name` means most surely.

        An id wins over a source, a part, a title, a file name.
        """
        ranked = self._ranked(name)
        return [identity for rank, identity in ranked if rank == ranked[0][0]]

    def name_of(self, document: Document) -> str:
        """What a question file calls the document: the first of title, file name and id that is its alone."""
        names = document.title, PurePath(document.source).stem
        return next((name for name in names if self.called(name) == [document.id]), document.id)

    def _ranked(self, name: str) -> list[tuple[_Rank, str]]:
        ranks = self._names.get(name) or self._folded.get(name.casefold()) or dict.fromkeys(self._starting(name), _Rank.ID)
        return sorted((rank, identity) for identity, rank in ranks.items())

    def _starting(self, name: str) -> list[str]:
        if len(name) < SHORTEST_ID:
            return []
        first, after = (bisect_left(self._ids, edge) for edge in (name, f"{name}\U0010ffff"))
        return self._ids[first:after]

    @cached_property
    def _ids(self) -> list[str]:
        return sorted(self.labels)

    @cached_property
    def _folded(self) -> Mapping[str, dict[str, _Rank]]:
        folded: dict[str, dict[str, _Rank]] = {}
        for name, ranks in self._names.items():
            merged = folded.setdefault(name.casefold(), {})
            for identity, rank in ranks.items():
                merged[identity] = min(rank, merged.get(identity, rank))
        return folded


def document_names(store: CorpusStore, collection: str | None = None) -> DocumentNames:
    """Names of all documents of the store, or of a collection."""
    return DocumentNames(store.titles_and_sources(collection))


def _label(source: str) -> str:
    return source.partition("#")[2] or PurePath(source).name


class EvidenceLocator:
    """Finds the evidence of questions in the documents of a store, or of a collection.

    The documents are those that are there when it first looks.
    """

    def __init__(self, store: CorpusStore, collection: str | None = None) -> None:
        """Reads nothing yet."""
        self._store, self._collection = store, collection

    @cached_property
    def documents(self) -> dict[str, Document]:
        """The documents by id, in the order of ids."""
        return {document.id: document for document in self._store.documents(self._collection)}

    @cached_property
    def chunks(self) -> dict[str, list[Chunk]]:
        """Document id → its chunks in order; a document that is not indexed is left out."""
        chunks: dict[str, list[Chunk]] = {}
        for chunk in self._store.chunks():
            if chunk.document_id in self.documents:
                chunks.setdefault(chunk.document_id, []).append(chunk)
        return chunks

    @cached_property
    def names(self) -> DocumentNames:
        """What the documents may be called by."""
        return document_names(self._store, self._collection)

    def locate_all(self, question: Question) -> list[EvidencePlace | NotLocated]:
        """For each evidence of a question its place, or why it has none."""
        return [self.locate(evidence) for evidence in question.evidence]

    def locate(self, evidence: Evidence) -> EvidencePlace | NotLocated:
        """The place of the evidence in a document that is indexed, or why it has none.

        A near-duplicate that is not indexed stands for its like, which are, and only then for all documents.
        """
        document_ids = self.names.called(evidence.document)
        likely = [
            identity
            for name in document_ids
            for identity in ([name] if name in self.chunks else self._indexed_duplicates(name))
        ]
        location = self._best(evidence.text, likely)
        if location:
            return location
        if any(name in self.chunks for name in document_ids):
            return NotLocated.NOT_IN_ANY_NAMED if len(document_ids) > 1 else NotLocated.NOT_IN_NAMED
        anywhere = self._holding(evidence.text)
        location = self._best(evidence.text, [identity for identity in anywhere if identity in self.chunks])
        return location or (NotLocated.NOT_INDEXED if anywhere else NotLocated.NOWHERE)

    def every_place(self, evidence: Evidence) -> list[EvidencePlace]:
        """All places of the evidence in the documents that it names, else in all documents, the unindexed too."""
        document_ids = self.names.called(evidence.document)
        return [
            EvidencePlace(name, start, end, _sharing(self.chunks.get(name, ()), start, end))
            for name in document_ids or self._holding(evidence.text)
            for start, end in occurrences(evidence.text, self.documents[name].text)
        ]

    def _best(self, text: str, candidates: Iterable[str]) -> EvidencePlace | None:
        locations = (best_place(text, self.documents[name], self.chunks[name]) for name in dict.fromkeys(candidates))
        return _best(location for location in locations if location)

    def _indexed_duplicates(self, document_id: str) -> list[str]:
        return self._indexed_by_cluster.get(self.documents[document_id].cluster, [])

    @cached_property
    def _indexed_by_cluster(self) -> Mapping[str, list[str]]:
        indexed: dict[str, list[str]] = {}
        for identity in self.chunks:
            indexed.setdefault(self.documents[identity].cluster, []).append(identity)
        return indexed

    def _holding(self, text: str) -> list[str]:
        """Ids of the documents that hold `text`.

        Its words but the first and the last are whole ones there, and looked up.
        """
        words = text.split()
        if not words:
            return []
        inner = sorted((self._numbers_by_word.get(word, []) for word in set(words[1:-1])), key=len)[:_LOOKED_UP]
        numbers = sorted(set(inner[0]).intersection(*inner[1:])) if inner else range(len(self._ids))
        return [name for name in (self._ids[number] for number in numbers) if locate(text, self.documents[name].text)]

    @cached_property
    def _ids(self) -> list[str]:
        return list(self.documents)

    @cached_property
    def _numbers_by_word(self) -> Mapping[str, list[int]]:
        numbers: dict[str, list[int]] = {}
        for number, document in enumerate(self.documents.values()):
            for word in set(document.text.split()):
                numbers.setdefault(word, []).append(number)
        return numbers
