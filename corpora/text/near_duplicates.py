"""Near-duplicates among texts: MinHash-LSH proposes pairs, their exact similarity decides.

Knows no store and no documents.

Case, white space and punctuation are folded away. Copies of the same normalised text are found by a digest, without
MinHash. Pairs that share word 5-grams are proposed by LSH (Broder, On the resemblance and containment of documents,
1997; Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, section 3.4). What decides is the Jaccard similarity
of their character 6-grams, counted as often as they occur: one wrong letter breaks five word 5-grams and only six of
some hundred character 6-grams, so scans and corrected versions stay together where sections of one template fall apart
(tests/benchmarks/duplicates.py compares the measures).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from corpora.records import Document
from corpora.splits import merged_clusters

if TYPE_CHECKING:
    import numpy as np
    from datasketch import MinHash
    from numpy.typing import NDArray

THRESHOLD = 0.72  # precision and recall of pairs meet here
SHINGLE_WORDS = 5
GRAM_CHARACTERS = 6
PERMUTATIONS = 128
# A pair with a fifth of its word 5-grams in common is proposed 93 times of 100, with a third, 99.9 times.
BANDS_AND_ROWS = (64, 2)
_LEAST_ESTIMATE = 0.1  # of the Jaccard of word 5-grams: proposed by chance, when below; its standard error is 0.04 at most
_VERSION = b"\x01"
_DIGEST_BYTES = 16
_BATCH = 8192  # shingles sketched at a time, so that a book needs no more memory than a letter
# A script without spaces has no words; each of its characters is one.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
# A sum with one odd factor a place, modulo 2^64, tells the order of what it sums and collides no more than a hash does.
_FACTORS = (
    0x9E3779B97F4A7C15,
    0xC2B2AE3D27D4EB4F,
    0x165667B19E3779F9,
    0xD6E8FEB86659FD93,
    0xFF51AFD7ED558CCD,
    0xC4CEB9FE1A85EC53,
)


@dataclass(frozen=True)
class Duplicate:
    """A text like another; `similarity` in 0–1 is their exact Jaccard over character 6-grams."""

    id: str
    similarity: float


@dataclass(frozen=True)
class Cluster:
    """Texts that say the same. `canonical` is the longest, ties by smallest id; the members' similarities are to it.

    A member can be less like the canonical text than the threshold where a third text links the two: of two similar
    texts, one must never be in the training split and the other in the test split.
    """

    canonical: str
    members: tuple[Duplicate, ...]


@dataclass(frozen=True)
class _Sketch:
    digest: bytes
    normalised: str
    minhash: MinHash | None  # none for a text too short to have anything but copies


def find_duplicates(texts: Mapping[str, str], threshold: float = THRESHOLD) -> list[Cluster]:
    """Clusters of two or more, by canonical id; members by id.

    The order of `texts` does not matter. `threshold` is in 0–1.
    """
    index = DuplicateIndex(threshold)
    parent = {id: id for id in sorted(texts)}

    def root(id: str) -> str:
        while parent[id] != id:
            parent[id] = parent[parent[id]]
            id = parent[id]
        return id

    for id in parent:
        sketch = _sketch(texts[id])
        for similar_id, _ in index._similar(sketch):
            parent[root(id)] = root(similar_id)
        index._insert(id, sketch)
    groups: dict[str, list[str]] = {}
    for id in parent:
        groups.setdefault(root(id), []).append(id)
    clusters = [_cluster(ids, texts) for ids in groups.values() if len(ids) > 1]
    return sorted(clusters, key=lambda cluster: cluster.canonical)


def _cluster(ids: list[str], texts: Mapping[str, str]) -> Cluster:
    canonical = min(ids, key=lambda id: (-len(texts[id]), id))
    canonical_grams = grams(normalised(texts[canonical]))
    return Cluster(
        canonical, tuple(Duplicate(id, jaccard(canonical_grams, grams(normalised(texts[id])))) for id in ids if id != canonical)
    )


class DuplicateIndex:
    """Finds texts like a given one among those added, without comparing all. Grows and shrinks one text at a time.

    With `text_of`, an index keeps 529 bytes a text and asks for the few texts that have to be compared; without, it
    keeps all.
    """

    def __init__(self, threshold: float = THRESHOLD, text_of: Callable[[str], str] | None = None) -> None:
        """`threshold` is above 0 and at most 1; ValueError otherwise."""
        from datasketch import MinHashLSH

        if not 0 < threshold <= 1:
            raise ValueError(f"threshold is {threshold}; accepted: above 0, at most 1")
        self.threshold = threshold
        self._text_of = text_of
        self._lsh = MinHashLSH(num_perm=PERMUTATIONS, params=BANDS_AND_ROWS)
        self._digest_of: dict[str, bytes] = {}
        self._ids: dict[bytes, set[str]] = {}  # copies share one entry of the LSH
        self._minhashes: dict[bytes, MinHash] = {}
        self._texts: dict[bytes, str] = {}

    def __len__(self) -> int:
        return len(self._digest_of)

    def add(self, id: str, text: str) -> None:
        """Add a text, or replace the one with this id.

        A text without a word is kept out: it is a duplicate of nothing.
        """
        self._insert(id, _sketch(text))

    def add_signature(self, id: str, data: bytes) -> None:
        """As `add`, from what `signature` gave. Raises ValueError for other bytes, and where there is no `text_of`."""
        if self._text_of is None:
            raise ValueError("signatures need text_of, to compare the texts themselves")
        self._insert(id, _unpacked(data))

    def remove(self, id: str) -> None:
        """Take a text out; an unknown id is no error."""
        digest = self._digest_of.pop(id, None)
        if digest is None:
            return
        self._ids[digest].discard(id)
        if not self._ids[digest]:
            del self._ids[digest]
            self._texts.pop(digest, None)
            if self._minhashes.pop(digest, None) is not None:
                self._lsh.remove(digest)

    def similar(self, text: str) -> list[tuple[str, float]]:
        """`(id, similarity)` of each text at or above the threshold, most similar first, ties by id."""
        return self._similar(_sketch(text))

    def _insert(self, id: str, sketch: _Sketch) -> None:
        self.remove(id)
        if sketch.digest == _digest(""):
            return
        if sketch.digest not in self._ids:
            self._ids[sketch.digest] = set()
            if self._text_of is None:
                self._texts[sketch.digest] = sketch.normalised
            if sketch.minhash is not None:
                self._minhashes[sketch.digest] = sketch.minhash
                self._lsh.insert(sketch.digest, sketch.minhash)
        self._ids[sketch.digest].add(id)
        self._digest_of[id] = sketch.digest

    def _similar(self, sketch: _Sketch) -> list[tuple[str, float]]:
        similarities = dict.fromkeys(self._ids.get(sketch.digest, ()), 1.0)
        if sketch.minhash is not None:
            sketch_grams = grams(sketch.normalised)
            for candidate in self._lsh.query(sketch.minhash):
                if candidate == sketch.digest or sketch.minhash.jaccard(self._minhashes[candidate]) < _LEAST_ESTIMATE:
                    continue
                text = self._normalised(candidate)
                shorter, longer = sorted((len(text), len(sketch.normalised)))
                if shorter < self.threshold * (longer - GRAM_CHARACTERS):
                    continue  # more alike than their lengths are they cannot be
                similarity = jaccard(sketch_grams, grams(text))
                if similarity >= self.threshold:
                    similarities.update(dict.fromkeys(self._ids[candidate], similarity))
        return sorted(similarities.items(), key=lambda item: (-item[1], item[0]))

    def _normalised(self, digest: bytes) -> str:
        return self._texts[digest] if self._text_of is None else normalised(self._text_of(min(self._ids[digest])))


def from_signatures(
    signatures: Mapping[str, bytes], text_of: Callable[[str], str], threshold: float = THRESHOLD
) -> DuplicateIndex:
    """An index over stored signatures. Raises ValueError for bytes that are none."""
    index = DuplicateIndex(threshold, text_of)
    for id, data in signatures.items():
        index.add_signature(id, data)
    return index


def signature(text: str) -> bytes:
    """What an index keeps of a text: version, digest of the normalised text, MinHash (little-endian).

    Equal on every machine.

    529 bytes; 17 for a text under five words, which has no near-duplicates, only copies.
    """
    sketch = _sketch(text)
    values = b"" if sketch.minhash is None else sketch.minhash.hashvalues.astype("<u4").tobytes()
    return _VERSION + sketch.digest + values


def normalised(text: str) -> str:
    """The words of `text` in lower case with one space between; "" where it has none."""
    return " ".join(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def shingles(words: list[str]) -> NDArray[np.uint64]:
    """Sorted distinct hashes of the word 5-grams; none for fewer than five words."""
    import numpy as np

    table = {word: hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest() for word in set(words)}
    return np.unique(
        _windows(np.frombuffer(b"".join(table[word] for word in words), dtype="<u8").astype(np.uint64), SHINGLE_WORDS)
    )


def grams(text: str) -> NDArray[np.uint64]:
    """Sorted hashes of the character 6-grams of a normalised text, each as often as it occurs.

    None for fewer characters.
    """
    import numpy as np

    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64)
    return np.sort(_windows(codes, GRAM_CHARACTERS))


def jaccard(left: NDArray[np.uint64], right: NDArray[np.uint64]) -> float:
    """|left ∩ right| / |left ∪ right| of two multisets, 0–1; 0 where both are empty."""
    import numpy as np

    (left_values, left_counts), (right_values, right_counts) = (np.unique(side, return_counts=True) for side in (left, right))
    _, left_places, right_places = np.intersect1d(left_values, right_values, assume_unique=True, return_indices=True)
    shared = int(np.minimum(left_counts[left_places], right_counts[right_places]).sum())
    union = len(left) + len(right) - shared
    return shared / union if union else 0.0


def _windows(values: NDArray[np.uint64], size: int) -> NDArray[np.uint64]:
    """One hash a window of `size` values."""
    import numpy as np

    count = max(0, len(values) - size + 1)
    total = np.zeros(count, dtype=np.uint64)
    for offset in range(size):
        total += values[offset : offset + count] * np.uint64(_FACTORS[offset])
    return total


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).digest()


def _sketch(text: str) -> _Sketch:
    import numpy as np
    from datasketch import MinHash

    plain = normalised(text)
    words = plain.split(" ")
    if len(words) < SHINGLE_WORDS:
        return _Sketch(_digest(plain), plain, None)
    minhash = MinHash(num_perm=PERMUTATIONS, seed=1, hashfunc=int, scheme="affine32")
    hashes = (shingles(words) >> np.uint64(32)).tolist()
    for start in range(0, len(hashes), _BATCH):
        minhash.update_batch(hashes[start : start + _BATCH])
    return _Sketch(_digest(plain), plain, minhash)


def _unpacked(data: bytes) -> _Sketch:
    """The sketch that `signature` packed, without its text."""
    import numpy as np
    from datasketch import MinHash

    head = len(_VERSION) + _DIGEST_BYTES
    if data[:1] != _VERSION or len(data) not in (head, head + 4 * PERMUTATIONS):
        raise ValueError(f"{len(data)} bytes that are no signature of this version; make them again from the text")
    if len(data) == head:
        return _Sketch(data[1:head], "", None)
    values = np.frombuffer(data[head:], dtype="<u4").astype(np.uint32)
    return _Sketch(data[1:head], "", MinHash(hashvalues=values, seed=1, hashfunc=int, scheme="affine32"))


def clusters_of(documents: Sequence[Document], threshold: float) -> dict[str, str]:
    """Document id → cluster, with clusters joined where their texts are at least `threshold` (0–1) alike.

    On the way into the store a document is compared within its collection only, and with the threshold of that day.
    This is the check afterwards: a name that stands for two splits is a leak.
    """
    duplicates = find_duplicates({document.id: document.text for document in documents}, threshold)
    links = [[cluster.canonical, *(member.id for member in cluster.members)] for cluster in duplicates]
    return merged_clusters({document.id: document.cluster for document in documents}, links)
