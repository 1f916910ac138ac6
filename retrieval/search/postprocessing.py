"""Postprocessing of a ranking: caps for each source, near-duplicates merged, neighbouring chunks joined. Pure.

All of it is the caller's choice: by default a ranking stays as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from corpora.records import Chunk, content_id
from corpora.store.filters import EVERYTHING, Filter
from corpora.text.near_duplicates import grams, jaccard, normalised
from retrieval.records import Hit, LeftOut, SearchResult
from retrieval.search.retriever import Mode, Searcher

SPARE = 20
"""Hits asked for beyond twice `k`, to replace those that are left out."""


@dataclass(frozen=True)
class OrderOptions:
    """How hits are arranged: caps, near-duplicates, neighbours.

    `max_per_source` hits of one source at most, 0 for any number; a row of a table or a part of an archive is a source.
    Passages at least `merge_similarity` alike (Jaccard of character 6-grams, 0–1) are one; 0 merges nothing. With
    `join_neighbours`, hits that follow each other in a document become one passage.
    """

    max_per_source: int = 0
    merge_similarity: float = 0.0
    join_neighbours: bool = False

    def __post_init__(self) -> None:
        """Raises ValueError for a value out of its range."""
        if self.max_per_source < 0 or not 0 <= self.merge_similarity <= 1:
            raise ValueError("max_per_source is at least 0, merge_similarity in 0–1")

    @property
    def active(self) -> bool:
        """True when anything is to be done."""
        return bool(self.max_per_source or self.merge_similarity or self.join_neighbours)


def arrange(
    hits: Sequence[Hit], k: int, options: OrderOptions, text_of: Callable[[str], str | None]
) -> tuple[list[Hit], list[LeftOut]]:
    """At most `k` hits in the order of `hits`, ranks from 1, and what was left out above the last of them.

    `text_of` gives a document's text by id, None when it is gone; it is asked only for documents with neighbours to
    join. A joined hit has the rank and score of its best part, and its text is `document.text[start:end]` as every
    chunk's is.
    """
    arranged: list[Hit] = []
    left_out: list[LeftOut] = []
    passages = _ArrangedPassages(options.merge_similarity)
    of_source: Counter[str] = Counter()
    for hit in hits:
        if len(arranged) >= k:
            break
        duplicate = passages.like(hit.chunk)
        if duplicate is not None:
            arranged = [replace(h, alike=(*h.alike, hit.chunk.id)) if _holds(h, duplicate) else h for h in arranged]
            left_out.append(LeftOut(hit.chunk.id, f"says the same as {duplicate}"))
        elif options.max_per_source and of_source[hit.chunk.source] >= options.max_per_source:
            left_out.append(LeftOut(hit.chunk.id, f"its source has {options.max_per_source} better hits already"))
        else:
            of_source[hit.chunk.source] += 1
            passages.add(hit.chunk)
            arranged = _joined(arranged, hit, text_of) if options.join_neighbours else [*arranged, hit]
    return [replace(hit, rank=rank) for rank, hit in enumerate(arranged, start=1)], left_out


class _ArrangedPassages:
    """The passages arranged so far, with their texts for finding near-duplicates."""

    def __init__(self, similarity: float) -> None:
        self._similarity = similarity
        self._plain: dict[str, str] = {}

    def add(self, chunk: Chunk) -> None:
        self._plain[chunk.id] = normalised(chunk.text)

    def like(self, chunk: Chunk) -> str | None:
        """The id of the first arranged passage that says the same."""
        if not self._similarity:
            return None
        text = normalised(chunk.text)
        text_grams = grams(text)
        for identity, passage in self._plain.items():
            shorter, longer = sorted((len(text), len(passage)))
            if text == passage:
                return identity
            if shorter >= self._similarity * longer - 5 and jaccard(text_grams, grams(passage)) >= self._similarity:
                return identity
        return None


def _holds(hit: Hit, chunk_id: str) -> bool:
    return chunk_id == hit.chunk.id or chunk_id in hit.parts


def _joined(arranged: Sequence[Hit], hit: Hit, text_of: Callable[[str], str | None]) -> list[Hit]:
    """`arranged` with `hit` in it: as a part of the passages that it touches, which then are one, or as the last."""
    near = [candidate for candidate in arranged if candidate.chunk.document_id == hit.chunk.document_id]
    text = text_of(hit.chunk.document_id) if near else None
    touching = [candidate for candidate in near if text is not None and _touch(candidate.chunk, hit.chunk, text)]
    if text is None or not touching:
        return [*arranged, hit]
    best = touching[0]  # the hits come best first
    members = sorted([*touching, hit], key=lambda member: (member.chunk.start, member.chunk.end))
    first, end = members[0].chunk, max(member.chunk.end for member in members)
    chunk = replace(
        first,
        id=content_id("chunk", first.document_id, str(first.start), str(end)),
        end=end,
        text=text[first.start : end],
    )
    parts = tuple(part for member in members for part in (member.parts or (member.chunk.id,)))
    alike = tuple(chunk_id for member in members for chunk_id in member.alike)
    whole = replace(best, chunk=chunk, parts=parts, alike=alike)
    return [whole if earlier is best else earlier for earlier in arranged if earlier is best or earlier not in touching]


def _touch(one: Chunk, other: Chunk, text: str) -> bool:
    """True when nothing visible stands between the two; a heading or a skipped section does."""
    first, second = sorted((one, other), key=lambda chunk: (chunk.start, chunk.end))
    sound = all(text[chunk.start : chunk.end] == chunk.text for chunk in (one, other))
    return sound and (second.start <= first.end or not text[first.end : second.start].strip())


class OrderedSearcher:
    """A searcher whose hits are arranged; it asks the one behind it for more than `k`."""

    def __init__(self, searcher: Searcher, options: OrderOptions, text_of: Callable[[str], str | None]) -> None:
        """`text_of`: see `arrange`."""
        self._searcher, self._options, self._text_of = searcher, options, text_of

    def search(
        self, queries: Sequence[str], k: int, mode: Mode = "hybrid", document_filter: Filter = EVERYTHING
    ) -> list[SearchResult]:
        """One result a query, in order; `left_out` names what was taken out."""
        results = []
        for result in self._searcher.search(queries, 2 * k + SPARE, mode, document_filter):
            hits, left_out = arrange(result.hits, k, self._options, self._text_of)
            results.append(replace(result, hits=tuple(hits), left_out=(*result.left_out, *left_out)))
        return results
