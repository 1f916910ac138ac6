"""Reranking: the order and the scores by hand, and the real rerankers on real and tiny models."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from corpora.errors import ModelError
from corpora.records import Chunk
from retrieval.encoders.packed_cross_encoder import PackedPairs
from retrieval.model_folders import ENCODER_MODEL, resolve_model
from retrieval.records import Hit, SearchResult
from retrieval.search.collection import load_reranker
from retrieval.search.reranking import CrossEncoderReranker, LateInteractionReranker, RerankedSearcher, reordered
from retrieval.search.retriever import Mode


def hit(rank: int, score: float, text: str = "") -> Hit:
    return Hit(rank, score, Chunk(f"c{rank}", "d", 0, len(text), text, "", "", "d.txt", "default"))


class Fixed:
    """A searcher that gives the first hits of one ranking."""

    def __init__(self, hits: Sequence[Hit]) -> None:
        self.hits, self.asked = hits, 0

    def search(
        self, queries: Sequence[str], k: int, mode: Mode = "hybrid", document_filter: object = None
    ) -> list[SearchResult]:
        self.asked = k
        return [SearchResult(tuple(self.hits[:k]), 7, {"dense": (("c1", 0.9),)}) for _ in queries]


class ByLength:
    """Scores by length, the shortest best."""

    name = "by-length"

    def scores(self, query: str, passages: Sequence[str]) -> list[float]:
        return [-float(len(passage)) for passage in passages]


def test_order_by_hand() -> None:
    hits = [hit(1, 0.9), hit(2, 0.8), hit(3, 0.1)]
    assert [h.chunk.id for h in reordered(hits, [0.0, 1.0, 2.0])] == ["c3", "c2", "c1"]
    assert [h.chunk.id for h in reordered(hits, [0.0, 1.0, 2.0], weight=0.0)] == ["c1", "c2", "c3"]
    half = reordered(hits, [0.0, 1.0, 2.0], weight=0.5)
    assert [h.score for h in half] == pytest.approx([0.5 * 0.5 + 0.5 * 0.875, 0.5, 0.5])
    assert half[0].chunk.id == "c2"
    assert [h.chunk.id for h in reordered(hits, [1.0, 1.0, 1.0])] == ["c1", "c2", "c3"]  # ties keep their order
    assert reordered([], []) == []


def test_only_the_first_hits_are_scored_and_the_rest_follows() -> None:
    behind = Fixed([hit(1, 0.9, "a long passage"), hit(2, 0.8, "short"), hit(3, 0.7, "x"), hit(4, 0.6, "y")])
    result = RerankedSearcher(behind, ByLength(), depth=2).search(["q"], 4)[0]
    assert [h.chunk.id for h in result.hits] == ["c2", "c1", "c3", "c4"] and [h.rank for h in result.hits] == [1, 2, 3, 4]
    scores = [h.score for h in result.hits]
    assert scores == sorted(scores, reverse=True) and result.snapshot == 7
    assert [item for item, _ in result.rankings["reranked"]] == ["c2", "c1"] and result.rankings["dense"] == (("c1", 0.9),)
    assert len(RerankedSearcher(behind, ByLength(), depth=3).search(["q"], 1)[0].hits) == 1 and behind.asked == 3


def test_late_interaction_is_the_mean_of_the_best_cosines() -> None:
    """The twin of the fakes above: the packaged encoder, and its token vectors computed anew with transformers alone."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    folder = resolve_model(ENCODER_MODEL).path
    reranker = load_reranker("late-interaction", ENCODER_MODEL)
    assert isinstance(reranker, LateInteractionReranker) and reranker.name.startswith("late-interaction/all-MiniLM-L6-v2@")
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder)

    def tokens(text: str) -> np.ndarray:
        with torch.inference_mode():
            found = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0, 1:-1].numpy()
        return found / np.linalg.norm(found, axis=1, keepdims=True)

    query = "How long is the notice period?"
    passages = [
        "The notice period is two months.",
        "Warfarin needs a target INR.",
        "Either side may end the lease with notice.",
    ]
    asked = tokens(query)
    expected = [float((asked @ tokens(passage).T).max(axis=1).mean()) for passage in passages]
    found = reranker.scores(query, passages)
    assert found == pytest.approx(expected, abs=1e-5) and int(np.argmax(found)) == 0
    assert reranker.scores(query, list(reversed(passages))) == pytest.approx(expected[::-1], abs=1e-5)  # from what it kept
    reranker._kept_bytes = 3 * 8 * 384 * 4
    assert reranker.scores(query, passages) == pytest.approx(expected, abs=1e-5)
    assert sum(tokens.nbytes for tokens in reranker._token_vectors.values()) <= reranker._kept_bytes
    assert reranker.scores(query, []) == []


def test_late_interaction_needs_token_vectors() -> None:
    with pytest.raises(ModelError, match="hashing-256 has none"):
        load_reranker("late-interaction", "hashing-256")


@pytest.fixture(scope="module")
def cross_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A one-layer BERT with random weights and the packaged encoder's tokenizer, as a cross-encoder folder."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    folder = tmp_path_factory.mktemp("cross")
    tokenizer = AutoTokenizer.from_pretrained(resolve_model(ENCODER_MODEL).path)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        num_labels=1,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_a_cross_encoder_scores_pairs(cross_encoder: Path) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    reranker = load_reranker(str(cross_encoder), "hashing-256")
    assert isinstance(reranker, CrossEncoderReranker) and "@" in reranker.name
    passages = ["The notice period is two months.", "Rent is due in May.", "x"]
    found = reranker.scores("notice period", passages)
    tokenizer = AutoTokenizer.from_pretrained(cross_encoder)
    model = AutoModelForSequenceClassification.from_pretrained(cross_encoder).eval()
    with torch.inference_mode():
        logits = [float(model(**tokenizer("notice period", text, return_tensors="pt")).logits[0, 0]) for text in passages]
    assert np.argsort(found).tolist() == np.argsort(logits).tolist()
    assert reranker.scores("notice period", []) == []


def test_what_is_no_cross_encoder_is_refused(cross_encoder: Path, tmp_path: Path) -> None:
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    tokenizer = AutoTokenizer.from_pretrained(cross_encoder)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        num_labels=3,
    )
    BertForSequenceClassification(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="gives 3 values a pair"):
        load_reranker(str(tmp_path), "hashing-256")
    with pytest.raises(ModelError, match="nothing-here"):
        load_reranker("nothing-here", "hashing-256")


@pytest.mark.parametrize("family", ["bert", "roberta"])
@pytest.mark.parametrize("half", [False, True])
def test_packed_scores_are_the_library_s(
    cross_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, family: str, half: bool
) -> None:
    import torch
    from sentence_transformers import CrossEncoder
    from transformers import AutoTokenizer, RobertaConfig, RobertaForSequenceClassification

    folder = cross_encoder
    if family == "roberta":
        folder, tokenizer = tmp_path, AutoTokenizer.from_pretrained(cross_encoder)
        shape = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
        places = {"max_position_embeddings": 514, "type_vocab_size": 2, "pad_token_id": tokenizer.pad_token_id, "num_labels": 1}
        RobertaForSequenceClassification(RobertaConfig(vocab_size=len(tokenizer), **shape, **places)).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    monkeypatch.setattr("retrieval.encoders.packed_cross_encoder.half_pays", lambda: half)
    model = CrossEncoder(str(folder), local_files_only=True)
    with torch.no_grad():  # the classifier's own weights are so small that all scores are alike
        for weight in model.model.classifier.parameters():
            weight.mul_(10)
    packed = PackedPairs(model, batch_tokens=64)
    pairs = [("notice period", "The notice period is two months. " * count) for count in (1, 3, 0, 90, 2)]
    pairs += [("", "x"), ("a query that is longer than its passage", "x"), ("sepsis", "Lactate is measured within six hours.")]
    assert packed.scores(pairs) == pytest.approx(
        model.predict(pairs, show_progress_bar=False).tolist(), abs=0.01 if half else 1e-4
    )
    assert packed.scores([]) == []
    alone = [packed.scores([pair])[0] for pair in pairs]
    assert alone == pytest.approx(packed.scores(pairs), abs=0.01)


def test_the_second_text_has_its_own_token_type(cross_encoder: Path) -> None:
    from sentence_transformers import CrossEncoder

    packed = PackedPairs(CrossEncoder(str(cross_encoder), local_files_only=True))
    ids, types = [[101, 2054, 102, 2009, 102]], [[0, 0, 0, 1, 1]]
    one, other = (packed._transformer.pooled(ids, given) for given in (types, None))
    assert not np.allclose(one.numpy(), other.numpy(), atol=1e-3)


def test_what_cannot_be_packed_is_scored_by_the_library(cross_encoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = load_reranker(str(cross_encoder), "hashing-256").scores("notice", ["two months", "sepsis"])
    monkeypatch.setattr("retrieval.encoders.packed_cross_encoder.why_not_packed", lambda network: "its architecture is another")
    reranker = load_reranker(str(cross_encoder), "hashing-256")
    assert isinstance(reranker, CrossEncoderReranker) and reranker._packed is None
    assert reranker.scores("notice", ["two months", "sepsis"]) == pytest.approx(expected, abs=0.01)
