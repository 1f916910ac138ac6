"""A static encoder distilled from a sentence-transformers model: a vector a token, and a text is their weighted sum.

Hundreds of times cheaper than the model itself, so that a collection can be searched by meaning before the model has read it. The
recipe is model2vec's (github.com/MinishLab/model2vec): every token of the vocabulary through the model alone, principal components,
and smooth inverse frequency weights (Arora, Liang and Ma, "A simple but tough-to-beat baseline for sentence embeddings", ICLR 2017)
from the token's place in the vocabulary, as by Zipf's law. Damping the strongest components is ours, as is the smaller constant
(tests/benchmarks/results/filling.json). Knows no store.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
from scipy.sparse import csr_array  # type: ignore[import-untyped]

from corpora.durable_files import write_atomic
from corpora.errors import ModelError
from retrieval.encoders.encoder import Vectors
from retrieval.encoders.packed_encoder import open_encoder
from retrieval.encoders.provenance import Role
from retrieval.model_folders import ModelFolder, Say, cache_folder

if TYPE_CHECKING:
    from tokenizers import Tokenizer

DIMENSION = 256
STATIC = "static-"
"""What the names of static encoders begin with."""
_RECIPE = "1"
_SIF = 3e-5
_DAMPING = 0.25
"""The power of a component's variance that it is divided by: 0 leaves it, 0.5 makes all equally strong."""
_AT_ONCE = 4096
_WORDS_KEPT = 300_000


class StaticEncoder:
    """Sums of token vectors. What stands between white space goes through the model's tokenizer once, and is remembered."""

    def __init__(self, vectors: Vectors, tokenizer: Tokenizer, name: str) -> None:
        """`vectors`: float32 `(vocabulary, dimension)`, weighted; a row of zeros for a token that says nothing."""
        self._vectors, self._tokenizer, self._name = vectors, tokenizer, name
        self._pieces: dict[str, tuple[int, ...]] = {}

    @property
    def name(self) -> str:
        """The model's name and digest and the digest of this very table: two distillations may differ in their last bits."""
        return self._name

    @property
    def dimension(self) -> int:
        """The length of a vector."""
        return int(self._vectors.shape[1])

    def encode(self, texts: Sequence[str], role: Role = "passage") -> Vectors:
        """Unit vectors, float32 `(len(texts), dimension)`; a text without a known token is the first unit vector.

        Queries are as passages: a prompt would only add the same words to every text.
        """
        parts = [self._sums(texts[start : start + _AT_ONCE]) for start in range(0, len(texts), _AT_ONCE)]
        if not parts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        vectors = np.concatenate(parts)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors[lengths[:, 0] == 0, 0] = 1.0
        return cast(Vectors, vectors / np.where(lengths == 0, 1, lengths))

    @property
    def max_tokens(self) -> int | None:
        """None: every token counts."""
        return None

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of the model's own tokenizer."""
        return [len(encoding.ids) for encoding in self._tokenizer.encode_batch(list(texts), add_special_tokens=False)]

    def count_truncated(self, texts: Sequence[str], role: Role = "passage") -> int:
        """None ever is."""
        return 0

    def _sums(self, texts: Sequence[str]) -> Vectors:
        words = [text.split() for text in texts]
        pieces = self._pieces_of(chain.from_iterable(words))
        rows = [list(chain.from_iterable(map(pieces.__getitem__, row))) for row in words]
        ends = np.cumsum([0, *map(len, rows)])
        tokens = np.fromiter(chain.from_iterable(rows), dtype=np.int64, count=int(ends[-1]))
        counts = csr_array((np.ones(len(tokens), dtype=np.float32), tokens, ends), shape=(len(texts), len(self._vectors)))
        return cast(Vectors, counts @ self._vectors)

    def _pieces_of(self, words: Iterable[str]) -> dict[str, tuple[int, ...]]:
        known = self._pieces
        if len(known) > _WORDS_KEPT:
            known = {}
        new = list(set(words).difference(known))
        # The space is what word-initial tokens of byte-level and SentencePiece vocabularies expect; others drop it.
        encodings = self._tokenizer.encode_batch([f" {word}" for word in new], add_special_tokens=False)
        # A new table instead of the old one changed: other threads may be reading it.
        self._pieces = (
            {**known, **{word: tuple(found.ids) for word, found in zip(new, encodings, strict=True)}} if new else known
        )
        return self._pieces


def load_static_encoder(model: ModelFolder, say: Say = lambda line: None, dimension: int = DIMENSION) -> StaticEncoder:
    """The static encoder of `model`, from the cache or distilled into it, once a model and about half a minute a small model.

    From the cache nothing of the model is loaded: it takes tens of milliseconds, without torch. Raises ModelError.
    """
    from safetensors import safe_open
    from tokenizers import Tokenizer

    title = f"{Path(model.name).name}@{model.digest}"
    path = cache_folder() / "static" / f"{title}-{dimension}-{_RECIPE}.safetensors"
    for _ in range(2):
        try:
            with safe_open(path, framework="np") as file:
                facts, vectors = file.metadata() or {}, np.asarray(file.get_tensor("vectors"), dtype=np.float32)
            digest = _digest(vectors, facts["tokenizer"])
            if digest == facts["digest"]:
                return StaticEncoder(
                    vectors, Tokenizer.from_str(facts["tokenizer"]), f"{STATIC}{dimension}-{digest[:8]}({title})"
                )
            say(f"{path} is damaged; distilling again")
        except FileNotFoundError:
            say(f"distilling a static encoder from {Path(model.name).name}, once (about half a minute)")
        except Exception as error:  # the library's own error type cannot be named; what is derived is made again
            say(f"{path} cannot be used ({error}); distilling again")
        encoder = open_encoder(model)
        try:
            _write(path, encoder, dimension)
        except OSError as error:
            raise ModelError(f"{path} cannot be written ({error}); free space there or set RAFTSMITH_CACHE") from error
    raise ModelError(f"{path} was written and cannot be read back; check the disk, or set RAFTSMITH_CACHE")


class TokenModel(Protocol):
    """What a static encoder is distilled from: both kinds of sentence-transformers encoder."""

    @property
    def tokenizer(self) -> Tokenizer:
        """The model's tokenizer, without padding or cutting."""
        ...

    def pooled(self, sequences: Sequence[Sequence[int]]) -> Vectors:
        """A vector for each sequence of token ids, special ones included, not scaled; all are of one length."""
        ...


def distil(model: TokenModel, dimension: int = DIMENSION) -> Vectors:
    """A weighted vector a token of the model's vocabulary, float32 `(vocabulary, min(dimension, the model's))`.

    Special and unused tokens get zeros: they stand in every text, or in none.
    """
    tokenizer = model.tokenizer
    vocabulary = tokenizer.get_vocab()
    special = {number for number, token in tokenizer.get_added_tokens_decoder().items() if token.special}
    unused = {number for token, number in vocabulary.items() if re.fullmatch(r"\[unused\d+\]", token)}
    kept = sorted(set(vocabulary.values()) - special - unused)
    alone = tokenizer.encode("a")
    marks = alone.special_tokens_mask
    before = alone.ids[: marks.index(0)]
    after = alone.ids[len(marks) - marks[::-1].index(0) :]
    made = model.pooled([[*before, number, *after] for number in kept])
    shares = 1 / np.arange(2, len(kept) + 2)
    weights = _SIF / (_SIF + shares / shares.sum())
    components = _components(made.astype(np.float64), dimension)
    vectors = np.zeros((max(vocabulary.values()) + 1, components.shape[1]), dtype=np.float32)
    vectors[kept] = components * weights[:, None]
    return vectors


def _components(vectors: np.ndarray, dimension: int) -> np.ndarray:
    """`vectors` less their mean on their first `dimension` principal axes, the strong ones damped by the root of their deviation."""
    centred = vectors - vectors.mean(axis=0)
    variances, axes = np.linalg.eigh(centred.T @ centred)
    strongest = slice(None, -dimension - 1, -1)
    damped = np.maximum(variances / variances.max(), 1e-6) ** -_DAMPING
    return cast(np.ndarray, centred @ (axes * damped)[:, strongest])


def _write(path: Path, model: TokenModel, dimension: int) -> None:
    from safetensors.numpy import save

    vectors, tokenizer = distil(model, dimension), model.tokenizer.to_str()
    write_atomic(path, save({"vectors": vectors}, {"tokenizer": tokenizer, "digest": _digest(vectors, tokenizer)}))


def _digest(vectors: Vectors, tokenizer: str) -> str:
    return hashlib.sha256(np.ascontiguousarray(vectors).tobytes() + tokenizer.encode()).hexdigest()[:16]
