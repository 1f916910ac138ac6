"""Every encoder gives the vectors of the model as sentence-transformers reads it, whatever computes them, and says what made them."""

import json
import random
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from corpora.errors import ModelError
from retrieval.encoders.encoder import Encoder, Vectors
from retrieval.encoders.hashing import HashingEncoder
from retrieval.encoders.loading import load_encoder, quiet_libraries
from retrieval.encoders.packed_encoder import PackedEncoder
from retrieval.encoders.provenance import Prompts, Provenance, prompts_of
from retrieval.encoders.sentence_transformer import SentenceTransformerEncoder, load_sentence_transformer, provenance_of
from retrieval.model_folders import ENCODER_MODEL, resolve_model, weights_digest

WORDS = (
    "lease deposit landlord tenant notice warfarin sepsis lactate dose appeal § 12 U.S.C. Größe naïve 北京 "
    "unconstitutionally electroencephalography , . ( ) -"
).split()
Build = Callable[..., Path]


@pytest.fixture(scope="module", autouse=True)
def quiet() -> None:
    quiet_libraries()


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """Sixty texts of 0 to 400 words, so of many lengths, some beyond what the model reads."""
    draw = random.Random(7)
    return ["", "?", *(" ".join(draw.choices(WORDS, k=draw.choice((1, 3, 9, 30, 31, 90, 400)))) for _ in range(58))]


@pytest.fixture(scope="module")
def packaged_encoder() -> Encoder:
    return load_encoder(ENCODER_MODEL)


@pytest.fixture(scope="module")
def library() -> SentenceTransformerEncoder:
    """The packaged model as sentence-transformers runs it."""
    model = resolve_model(ENCODER_MODEL)
    loaded = load_sentence_transformer(model.path)
    return SentenceTransformerEncoder(loaded, provenance_of(loaded, model.path, ENCODER_MODEL, model.digest))


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Makes a folder with a small random model and the packaged tokenizer."""

    def made(family: str = "bert", pooling: str = "mean", prompts: dict[str, str] | None = None, dense: bool = False) -> Path:
        import torch
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.base.modules import Dense, Transformer
        from sentence_transformers.sentence_transformer.modules import Pooling
        from transformers import (
            AutoTokenizer,
            BertConfig,
            BertModel,
            MPNetConfig,
            MPNetModel,
            XLMRobertaConfig,
            XLMRobertaModel,
        )

        tokenizer = AutoTokenizer.from_pretrained(resolve_model(ENCODER_MODEL).path)
        sizes = {
            "vocab_size": len(tokenizer),
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "max_position_embeddings": 80,
            "pad_token_id": tokenizer.pad_token_id,
            "initializer_range": 0.3,
        }
        torch.manual_seed(3)
        network = {
            "bert": lambda: BertModel(BertConfig(**sizes)),
            "relu": lambda: BertModel(BertConfig(**sizes, hidden_act="relu")),
            "xlm-roberta": lambda: XLMRobertaModel(XLMRobertaConfig(**sizes)),
            "mpnet": lambda: MPNetModel(MPNetConfig(**sizes)),
        }[family]()
        with torch.no_grad():  # a fresh model has biases of 0 and scales of 1, which would hide their misuse
            for weight in network.parameters():
                if weight.ndim == 1:
                    weight.add_(torch.randn_like(weight) * 0.2)
        raw, folder = tmp_path / "raw", tmp_path / f"{family}-{pooling}-{len(list(tmp_path.iterdir()))}"
        network.save_pretrained(raw)
        tokenizer.save_pretrained(raw)
        transformer = Transformer(str(raw), processor_kwargs={"model_max_length": 64})
        modules = [transformer, Pooling(32, pooling)] + ([Dense(32, 8)] if dense else [])
        SentenceTransformer(modules=modules, prompts=prompts, device="cpu").save(str(folder), create_model_card=False)
        shutil.rmtree(raw)
        return folder

    return made


def pair(folder: Path) -> tuple[PackedEncoder, SentenceTransformerEncoder]:
    """One model as it is packed and as the library runs it."""
    loaded = load_sentence_transformer(folder)
    provenance = provenance_of(loaded, folder, folder.name, weights_digest(folder))
    return PackedEncoder(loaded, replace(provenance, backend="torch-packed")), SentenceTransformerEncoder(loaded, provenance)


def worst_cosine(ours: Vectors, theirs: Vectors) -> float:
    assert ours.shape == theirs.shape
    assert ours.dtype == theirs.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-5)
    return float((ours * theirs).sum(axis=1).min())


def test_the_packaged_model_is_packed_and_gives_the_library_s_vectors(
    packaged_encoder: Encoder, library: SentenceTransformerEncoder, texts: list[str]
) -> None:
    assert isinstance(packaged_encoder, PackedEncoder)
    assert worst_cosine(packaged_encoder.encode(texts), library.encode(texts)) >= 0.9999
    assert packaged_encoder.name == library.name == f"{ENCODER_MODEL}@{resolve_model(ENCODER_MODEL).digest}"
    assert packaged_encoder.provenance.backend != library.provenance.backend
    assert packaged_encoder.dimension == library.dimension == 384


@pytest.mark.parametrize(
    ("family", "pooling"), [("bert", "mean"), ("bert", "cls"), ("xlm-roberta", "mean"), ("xlm-roberta", "cls")]
)
def test_other_models_of_the_family_are_packed_too(build: Build, family: str, pooling: str, texts: list[str]) -> None:
    ours, theirs = pair(build(family, pooling))
    assert worst_cosine(ours.encode(texts), theirs.encode(texts)) >= 0.9999
    # Not because all vectors of a random model are alike:
    assert (theirs.encode(texts[:1]) @ theirs.encode(texts[5:6]).T).item() < 0.999


@pytest.mark.parametrize("batch_tokens", [64, 300, 2048])
def test_a_vector_depends_on_its_text_alone(build: Build, texts: list[str], batch_tokens: int) -> None:
    folder = build()
    loaded = load_sentence_transformer(folder)
    encoder = PackedEncoder(loaded, provenance_of(loaded, folder, "m", weights_digest(folder)), batch_tokens)
    together = encoder.encode(texts)
    order = np.random.default_rng(5).permutation(len(texts))
    np.testing.assert_allclose(encoder.encode([texts[i] for i in order]), together[order], atol=1e-5)
    for i in range(0, len(texts), 7):
        np.testing.assert_allclose(encoder.encode([texts[i]])[0], together[i], atol=1e-5)
    np.testing.assert_allclose(encoder.encode(texts), together, atol=1e-6)


def test_equal_texts_are_encoded_once(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pair(build())
    seen: list[str] = []
    real = ours._encode
    monkeypatch.setattr(ours, "_encode", lambda texts: seen.extend(texts) or real(texts))  # type: ignore[func-returns-value]
    vectors = ours.encode(["lease", "dose", "lease", "lease"])
    assert seen == ["lease", "dose"]
    assert np.array_equal(vectors[0], vectors[2]) and np.array_equal(vectors[0], vectors[3])
    assert worst_cosine(vectors, theirs.encode(["lease", "dose", "lease", "lease"])) >= 0.9999


@pytest.mark.parametrize("which", ["packaged_encoder", "library"])
def test_nothing_and_empty_texts(which: str, request: pytest.FixtureRequest) -> None:
    encoder = request.getfixturevalue(which)
    assert encoder.encode([]).shape == (0, encoder.dimension)
    assert np.isfinite(encoder.encode([""])).all()


@pytest.mark.parametrize("which", ["packaged_encoder", "library"])
def test_what_is_longer_than_the_model_reads_is_cut(which: str, request: pytest.FixtureRequest) -> None:
    encoder = request.getfixturevalue(which)
    fits, longer = "dose " * 254, "dose " * 254 + "lease"
    assert encoder.count_tokens([longer]) == [255]
    assert worst_cosine(encoder.encode([fits]), encoder.encode([longer])) > 0.99999


def test_prompts_are_the_model_s_and_come_before_the_text(build: Build) -> None:
    prompts = {"query": "search for: ", "passage": "document text: "}
    folder = build(prompts=prompts)
    stored = json.loads((folder / "config_sentence_transformers.json").read_text())["prompts"]
    assert stored["document"] == ""  # written by the library beside the model's own
    assert prompts_of(folder) == Prompts("search for: ", "document text: ")
    plain = folder.with_name("plain")
    shutil.copytree(folder, plain)
    (plain / "config_sentence_transformers.json").write_text("{}")
    without, _ = pair(plain)
    for encoder in pair(folder):
        for role, prompt in (("query", "search for: "), ("passage", "document text: ")):
            expected = without.encode([f"{prompt}notice period"])
            assert worst_cosine(encoder.encode(["notice period"], role), expected) >= 0.9999  # type: ignore[arg-type]
        assert worst_cosine(encoder.encode(["notice period"], "query"), encoder.encode(["notice period"])) < 0.9999


@pytest.mark.parametrize("stated", ["", "[]", '{"prompts": null}', '{"prompts": {"query": 3}}', "{"])
def test_prompts_that_are_not_stated_are_none(tmp_path: Path, stated: str) -> None:
    (tmp_path / "config_sentence_transformers.json").write_text(stated)
    assert prompts_of(tmp_path) == prompts_of(tmp_path / "absent") == Prompts()


def test_the_name_is_readable_and_changes_with_everything_that_changes_vectors() -> None:
    plain = Provenance("all-MiniLM-L6-v2", "0123456789abcdef")
    assert plain.name == "all-MiniLM-L6-v2@0123456789abcdef"
    others = [
        replace(plain, model="other"),
        replace(plain, weights="1" * 16),
        replace(plain, pooling="cls"),
        replace(plain, max_tokens=512),
        replace(plain, max_tokens=None),
        replace(plain, prompts=Prompts("query: ")),
        replace(plain, prompts=Prompts("", "query: ")),
        replace(plain, prompts=Prompts("query: ", "query: ")),
        replace(plain, modules="89abcdef"),
        replace(plain, modules="99abcdef"),
    ]
    assert len({plain.name, *(other.name for other in others)}) == 1 + len(others)
    assert replace(plain, pooling="cls", max_tokens=512).name == "all-MiniLM-L6-v2@0123456789abcdef+cls+512-tokens"
    assert replace(plain, backend="anything").name == plain.name


def test_the_name_of_a_folder_changes_with_its_files(build: Build) -> None:
    def name(folder: Path) -> str:
        loaded = load_sentence_transformer(folder)
        return provenance_of(loaded, folder, "m", weights_digest(folder)).name

    names = {name(build()), name(build(pooling="cls")), name(build(prompts={"query": "q: "})), name(build(dense=True))}
    assert len(names) == 4
    assert name(build()) in names


@pytest.mark.parametrize(
    ("options", "reason"),
    [({"family": "mpnet"}, "mpnet"), ({"family": "relu"}, "relu"), ({"pooling": "max"}, "max"), ({"dense": True}, "modules")],
)
def test_what_cannot_be_packed_runs_in_the_library(build: Build, options: dict[str, object], reason: str) -> None:
    folder = build(**options)
    with pytest.raises(ValueError, match=reason):
        pair(folder)
    encoder = load_encoder(str(folder))
    assert isinstance(encoder, SentenceTransformerEncoder)
    loaded = load_sentence_transformer(folder)
    expected = loaded.encode(["lease", "dose"], normalize_embeddings=True)
    assert worst_cosine(encoder.encode(["lease", "dose"]), expected) >= 0.9999


def test_a_model_that_only_looks_like_bert_is_found_out(build: Build) -> None:
    folder = build()
    loaded = load_sentence_transformer(folder)
    loaded[0].auto_model.encoder.layer[1].register_forward_hook(lambda module, inputs, output: output * 1.5 + 0.1)
    loaded[0].auto_model.encoder.layer[0].register_forward_hook(lambda module, inputs, output: output.flip(-1))
    with pytest.raises(ValueError, match="cosine"):
        PackedEncoder(loaded, provenance_of(loaded, folder, "m", weights_digest(folder)))


def test_threads_of_others_keep_their_cores_and_may_encode_at_the_same_time(build: Build, texts: list[str]) -> None:
    import torch

    threads = torch.get_num_threads()
    encoder, _ = pair(build())
    expected = encoder.encode(texts)
    assert torch.get_num_threads() == threads
    found: dict[int, Vectors] = {}
    others = [threading.Thread(target=lambda i=i: found.update({i: encoder.encode(texts)})) for i in range(4)]
    for other in others:
        other.start()
    for other in others:
        other.join()
    for vectors in found.values():
        np.testing.assert_allclose(vectors, expected, atol=1e-5)
    assert len(found) == 4
    late: list[int] = []
    thread = threading.Thread(target=lambda: late.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert late == [threads]


def test_an_error_in_one_batch_ends_all(build: Build, texts: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    encoder, _ = pair(build())
    calls: list[int] = []

    def fail(sequences: object) -> None:
        calls.append(1)
        if len(calls) > 1:
            time.sleep(0.1)
        raise MemoryError("no room")

    monkeypatch.setattr(encoder._transformer, "pooled", fail)
    with pytest.raises(MemoryError, match="no room"):
        encoder.encode(texts * 20 + [f"{text} {i}" for i in range(40) for text in texts])
    assert len(calls) < 10  # of more than forty batches


def test_the_hashing_encoder_takes_roles_too() -> None:
    encoder = HashingEncoder()
    assert np.array_equal(encoder.encode(["lease"], "query"), encoder.encode(["lease"]))


def test_no_such_model_says_what_is_accepted() -> None:
    with pytest.raises(ModelError, match="accepted"):
        load_encoder("no-such-model")


@pytest.mark.parametrize("half", [False, True], ids=["float32", "bfloat16"])
def test_products_in_half_precision_give_the_same_vectors(
    half: bool, texts: list[str], library: SentenceTransformerEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrieval.encoders.packed_encoder.half_pays", lambda: half)
    ours = pair(resolve_model(ENCODER_MODEL).path)[0]
    assert worst_cosine(ours.encode(texts), library.encode(texts)) >= 0.9999
