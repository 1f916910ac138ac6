"""tune-reranker: what search returns is what it learns from, the weight is chosen, and nothing changes until it has won."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from beir_folders import run, value, write_beir_folder

from corpora.errors import TrainingError
from corpora.records import Chunk
from corpora.store.corpus_store import CorpusStore
from corpora.workspace.run_folder import finished_runs
from corpora.workspace.workspace import create_workspace, open_workspace
from retrieval.evaluation.bootstrap import Interval
from retrieval.evaluation.judged_queries import JudgedQuery
from retrieval.evaluation.significance import Comparison
from retrieval.model_folders import ENCODER_MODEL, ModelFolder, resolve_model
from retrieval.records import Hit
from retrieval.search.collection import open_collection
from retrieval.search.options import SearchOptions
from retrieval.tuning.cross_encoder_training import CrossEncoderOptions, untrained
from retrieval.tuning.encoder_comparison import Gain
from retrieval.tuning.rerank_candidates import FirstHits, Scores
from retrieval.tuning.reranker_tuning import TunedReranker
from retrieval.tuning.tuning_run import Latency, Trained, TuningRun
from serving.configuration import SECTIONS
from serving.purge import purge_files

TOPICS = "deposit warfarin sepsis hearsay appeal lactate warranty verdict statute fever probate insulin".split()
FILLER = (
    "river lamp green stone table winter paper seven glass early north candle market silver window garden bridge letter summer "
    "yellow basket corner mirror engine harbour pencil ladder velvet orange copper"
).split()
PAIRS = [(one, two) for one in range(12) for two in range(one)] * 2


def beir_folder(folder: Path, count: int = len(PAIRS)) -> Path:
    """Notes about two topics, each in force and repealed. Search cannot tell which is asked for: always the one in force."""
    documents, queries = {}, {}
    for number, (one, two) in enumerate(PAIRS[:count]):
        draw = random.Random(number)
        for state, key in (("valid", "d"), ("void", "x")):
            words = [*draw.sample(FILLER, 5), TOPICS[one], *draw.sample(FILLER, 5), TOPICS[two], *draw.sample(FILLER, 3), state]
            documents[f"{key}{number}"] = " ".join(words) + "."
        asked = [*draw.sample(words[:5], 1), TOPICS[one], TOPICS[two]]
        queries[f"q{number}"] = " ".join(asked)
    return write_beir_folder(folder, documents, queries, {f"q{number}": f"d{number}" for number in range(count)})


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a set and a workspace that holds it."""
    folder = tmp_path_factory.mktemp("reranking")
    create_workspace(folder / "ws", SECTIONS)
    beir_folder(folder / "set")
    return folder


def folder_with(config: dict[str, Any], folder: Path) -> ModelFolder:
    (folder / "config.json").write_text(json.dumps(config))
    return ModelFolder("org/model", folder, "0")


# The command


def test_nothing_changes_until_it_has_won_and_is_asked_for(place: Path) -> None:
    root, toml = place / "ws", place / "ws" / "raftsmith.toml"
    words = ("tune-reranker", "--beir", str(place / "set"), "--workspace", str(root))
    before = toml.read_text()
    kept = value(*words, "--run", "none", "--epochs", "1", "--learning-rate", "1e-12", "--write")
    assert toml.read_text() == before and not kept["written"] and not kept["better"]
    assert kept["verdict"].startswith("Keep search without a reranker")

    won = value(*words, "--epochs", "4", "--learning-rate", "5e-4")
    assert toml.read_text() == before
    assert won["better"] and not won["written"] and won["verdict"].startswith("Use all-MiniLM-L6-v2-reranker")
    change = won["gain"]["comparison"]["difference"]
    assert change["low"] > 0.05 and change["n"] >= 20 and "ms a query instead of" in won["verdict"]
    assert 0 < won["milliseconds"]["search"] < won["milliseconds"]["reranked"]
    trained = won["trained"]
    assert trained["validation"][trained["epoch"]] == max(trained["validation"]) and trained["weight"] in (0.25, 0.5, 1.0)

    folder, model = root / "runs" / "reranker", Path(won["model"])
    card = (model / "README.md").read_text()
    assert all(
        part in card for part in ("pipeline_tag: text-ranking", won["verdict"], f"against search: {trained['weight']:g}")
    )
    assert (folder / "metrics.csv").read_text().startswith("step,steps,epoch,loss")
    assert not [path for path in folder.rglob("*") if path.suffix in (".bin", ".pt", ".pkl")]

    weights = (model / "model.safetensors").stat().st_mtime_ns
    wrote = value(*words, "--epochs", "4", "--learning-rate", "5e-4", "--write")
    assert wrote["written"] and wrote["gain"] == won["gain"] and (model / "model.safetensors").stat().st_mtime_ns == weights
    assert wrote["milliseconds"] == won["milliseconds"]
    assert 'rerank = "runs/reranker/all-MiniLM-L6-v2-reranker"' in toml.read_text()
    search = open_workspace(root).options(SearchOptions)
    assert search.rerank == str(model) and search.rerank_weight == trained["weight"]

    measured = value("evaluate-retrieval", "--beir", str(place / "set"), "--workspace", str(root), "--configuration",
                     "hybrid,configured", "--only-split", "test")  # fmt: skip
    assert measured["n"] == change["n"]  # split by document, as in tuning
    found = {system["name"]: system["measures"]["nDCG@10"]["value"] for system in measured["systems"]}
    assert found["hybrid"] == pytest.approx(won["gain"]["base"]["value"], abs=1e-6)
    assert found["configured"] == pytest.approx(won["gain"]["tuned"]["value"], abs=1e-6)
    opened = open_collection(root)
    assert opened.retriever.search(["deposit warfarin"], 1)[0].rankings["reranked"]
    opened.close()

    other = run(*words, "--epochs", "4", "--learning-rate", "5e-4", "--batch-pairs", "16")
    assert isinstance(other.exception, TrainingError) and "options.batch_pairs: 32 there, 16 now" in str(other.exception)
    assert finished_runs(open_workspace(root)) == [("none", "reranker"), ("reranker", "reranker")]
    documents = json.loads((folder / "documents.json").read_text())["documents"]
    store = CorpusStore(root / "corpus.db")
    learnt = next(document for document in store.documents() if document.id in documents)
    assert sorted(purge_files(open_workspace(root), store, store.files_of(learnt.id)).runs) == ["none", "reranker"]
    store.close()


def test_what_cannot_be_tuned_says_why(tmp_path: Path) -> None:
    root, folder = tmp_path / "ws", beir_folder(tmp_path / "set", 30)
    config = create_workspace(root, SECTIONS)
    config.write_text(config.read_text().replace('"all-MiniLM-L6-v2"', '"hashing-64"'))
    words = ("tune-reranker", "--beir", str(folder))
    assert "give --workspace" in run(*words).output
    kind = run(*words, "--workspace", str(root))
    assert isinstance(kind.exception, TrainingError) and "hashing-64, which has no weights to tune" in str(kind.exception)
    few = run(*words, "--workspace", str(root), "--base", ENCODER_MODEL)  # any encoder's hits can be reranked
    assert isinstance(few.exception, TrainingError) and "needed are 50 train, 10 validation, 20 test" in str(few.exception)


def test_help_ends_in_an_example() -> None:
    shown = run("tune-reranker", "--help").output
    assert "raftsmith tune-reranker --questions" in shown and "--base" in shown


# The model that is begun with


def test_a_model_with_several_outputs_is_no_base(tmp_path: Path) -> None:
    labels = {"architectures": ["BertForSequenceClassification"], "id2label": {"0": "a", "1": "b", "2": "c"}}
    with pytest.raises(
        TrainingError, match="gives 3 values a pair; accepted: an encoder, or a cross-encoder with num_labels = 1"
    ):
        untrained(folder_with(labels, tmp_path), 0)


def test_what_is_no_transformer_is_no_base(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="cannot be made a cross-encoder"):
        untrained(ModelFolder("org/model", tmp_path, "0"), 0)
    with pytest.raises(TrainingError, match="cannot be made a cross-encoder"):
        untrained(folder_with({"model_type": "nothing"}, tmp_path), 0)


def test_the_new_head_is_drawn_by_the_seed() -> None:
    base = resolve_model(ENCODER_MODEL)
    heads = [untrained(base, seed).model.classifier.weight.tolist() for seed in (0, 0, 1)]
    assert heads[0] == heads[1] != heads[2]


def test_options_are_checked() -> None:
    assert CrossEncoderOptions().schedule(5).batch_rows == 6 and CrossEncoderOptions(batch_pairs=2).schedule(5).batch_rows == 1
    with pytest.raises(ValueError, match="epochs is 0; it must be positive"):
        CrossEncoderOptions(epochs=0).schedule(5)


# Records


def test_first_hits_are_put_into_the_order_of_the_scores() -> None:
    chunks = [Chunk(f"c{place}", f"d{place}", 0, 1, "x", "", "", "d.txt", "default") for place in range(3)]
    hits = [Hit(place + 1, score, chunk) for place, (score, chunk) in enumerate(zip((0.9, 0.5, 0.1), chunks, strict=True))]
    query = JudgedQuery("q", "what?", {"d2": 1}, "test")
    first = FirstHits([query], {"q": hits}, {"q": ["c9"]}, {**{c.id: c.document_id for c in chunks}, "c9": "d9"})
    scores = Scores({"q": [0.0, 0.5, 1.0]}, 1.0)
    assert first.ndcg() == pytest.approx([0.5])
    assert first.ndcg(scores, 1.0) == pytest.approx([1.0]) and first.ndcg(scores, 0.25) == pytest.approx([0.5])

    class Longer:
        name = "longer"

        def scores(self, query: str, passages: list[str]) -> list[float]:
            return [float(place) for place, _ in enumerate(passages)]

    timed = first.scores(Longer())
    assert timed.by_query == {"q": [0.0, 1.0, 2.0]} and timed.milliseconds > 0


def test_noise_is_not_adopted(tmp_path: Path) -> None:
    def gain(low: float, p: float) -> Gain:
        interval = Interval(0.02, low, 0.05, 40)
        return Gain(
            "hybrid", Interval(0.4, 0.3, 0.5, 40), Interval(0.42, 0.3, 0.5, 40), Comparison("tuned", "base", interval, p, p)
        )

    tuning = TuningRun("r", tmp_path, ENCODER_MODEL, "reranker")
    trained, latency = Trained(60, 1, (0.1, 0.2), 1.0, 0.5), Latency(20.0, 420.0)
    noise = TunedReranker(tuning, trained, gain(-0.01, 0.2), latency)
    assert not noise.better and noise.verdict.startswith("Keep search without a reranker") and "may be noise" in noise.verdict
    assert "weight 0.5; 420 ms a query instead of 20" in noise.verdict
    assert TunedReranker(tuning, trained, gain(0.01, 0.01), latency).better
    tuning.write_gains([gain(0.01, 0.01)], True, latency)
    assert tuning.latency() == latency and tuning.gains() == [gain(0.01, 0.01)]
