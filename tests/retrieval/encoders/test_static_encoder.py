"""The static encoder: distilled once a model, kept with a checksum, the same for queries and passages."""

from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from retrieval.encoders import static_encoder
from retrieval.encoders.encoder import Vectors
from retrieval.encoders.static_encoder import StaticEncoder, distil, load_static_encoder
from retrieval.model_folders import ModelFolder

WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[unused1]",
    "the",
    "of",
    ",",
    "lease",
    "rent",
    "tenant",
    "dose",
    "##s",
    "warfarin",
]
DIRECTIONS = {"lease": 0, "rent": 0, "tenant": 1, "dose": 2, "warfarin": 2, "##s": 3, "the": 4, "of": 4, ",": 5}


class Model:
    """Stands in for a loaded model: tokens of one field point the same way, with a little of their own."""

    def __init__(self, seed: int = 0) -> None:
        self.seed, self.asked = seed, [[0]]

    @property
    def tokenizer(self) -> Tokenizer:
        tokenizer = Tokenizer(models.WordPiece({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        tokenizer.add_special_tokens(WORDS[:4])
        tokenizer.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
        )
        return tokenizer

    def pooled(self, sequences: list[list[int]]) -> Vectors:
        self.asked = sequences
        draw = np.random.default_rng(self.seed)
        vectors = draw.normal(0, 0.1, (len(sequences), 8)) + 3
        for row, (_, token, _) in enumerate(sequences):
            vectors[row, DIRECTIONS[WORDS[token]]] += 2
        return vectors.astype(np.float32)


@pytest.fixture
def encoder() -> StaticEncoder:
    model = Model()
    return StaticEncoder(distil(model, 6), model.tokenizer, "static")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelFolder:
    monkeypatch.setenv("RAFTSMITH_CACHE", str(tmp_path / "cache"))
    return ModelFolder("org/small", tmp_path, "0123456789abcdef")


def test_every_token_that_can_say_something_goes_through_the_model_once_and_alone() -> None:
    model = Model()
    vectors = distil(model, 6)
    assert vectors.shape == (len(WORDS), 6) and vectors.dtype == np.float32
    assert model.asked == [[2, token, 3] for token in range(5, len(WORDS))]
    assert not vectors[:5].any() and vectors[5:].any(axis=1).all()


def test_texts_of_one_field_are_closer_than_others_and_length_does_not_matter(encoder: StaticEncoder) -> None:
    lease, rent, dose = encoder.encode(["The lease of the tenant,", "rent of the tenant", "a dose of warfarin"])
    assert lease @ rent > 0.5 > lease @ dose
    short, long = encoder.encode(["lease", "lease " * 5000])
    np.testing.assert_allclose(short, long, atol=1e-4)
    assert encoder.count_truncated(["lease " * 5000]) == 0
    assert encoder.count_tokens(["Leases"]) == [2]


def test_unit_vectors_whatever_the_text(encoder: StaticEncoder) -> None:
    texts = ["", "???", "北京 unheard of", "the", "lease", "\x00", "[CLS]"]
    vectors = encoder.encode(texts)
    assert vectors.dtype == np.float32 and vectors.shape == (7, encoder.dimension)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert encoder.encode([]).shape == (0, encoder.dimension)
    np.testing.assert_array_equal(encoder.encode(texts[::-1], "query")[::-1], vectors)


def test_words_are_pieced_as_the_tokenizer_pieces_the_text(encoder: StaticEncoder) -> None:
    tokenizer = Model().tokenizer
    text = "The tenant's leases, of warfarins."
    expected = sum(encoder._vectors[token] for token in tokenizer.encode(text, add_special_tokens=False).ids)
    np.testing.assert_allclose(encoder.encode([text])[0], expected / np.linalg.norm(expected), atol=1e-6)


def test_a_cache_of_words_that_is_full_starts_again(encoder: StaticEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = encoder.encode(["lease", "dose"])
    monkeypatch.setattr(static_encoder, "_WORDS_KEPT", 1)
    np.testing.assert_array_equal(encoder.encode(["lease", "dose"]), expected)
    assert len(encoder._pieces) == 2


def test_it_is_distilled_once_and_then_read_without_the_model(folder: ModelFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(static_encoder, "open_encoder", lambda model: Model())
    first = load_static_encoder(folder, said.append)
    assert first.name.startswith("static-256-") and first.name.endswith("(small@0123456789abcdef)")
    assert len(said) == 1 and "distilling" in said[0]
    monkeypatch.setattr(static_encoder, "open_encoder", lambda model: pytest.fail("the model was loaded again"))
    again = load_static_encoder(folder, said.append)
    assert (again.name, len(said)) == (first.name, 1)
    np.testing.assert_array_equal(again.encode(["lease, rent"]), first.encode(["lease, rent"]))


@pytest.mark.parametrize("damage", ["bit", "short", "other", "empty"])
def test_a_damaged_table_is_made_again(folder: ModelFolder, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    monkeypatch.setattr(static_encoder, "open_encoder", lambda model: Model())
    first = load_static_encoder(folder)
    (path,) = (static_encoder.cache_folder() / "static").iterdir()
    data = bytearray(path.read_bytes())
    data[-3] ^= 64
    path.write_bytes({"bit": bytes(data), "short": bytes(data[:-9]), "other": b"[]", "empty": b""}[damage])
    said: list[str] = []
    assert load_static_encoder(folder, said.append).name == first.name
    assert len(said) == 1 and str(path) in said[0]


def test_another_table_is_another_name(folder: ModelFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    names = set()
    for seed in (0, 1):
        monkeypatch.setattr(static_encoder, "open_encoder", lambda model, seed=seed: Model(seed))
        names.add(load_static_encoder(folder).name)
        next((static_encoder.cache_folder() / "static").iterdir()).unlink()
    monkeypatch.setattr(static_encoder, "open_encoder", lambda model: Model(0))
    names.add(load_static_encoder(folder, dimension=4).name)
    assert len(names) == 3
