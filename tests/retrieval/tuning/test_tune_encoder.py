"""tune-encoder: what is mined, that no document is in two splits, and that nothing changes until the tuned encoder has won."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path

import numpy as np
import pytest
from beir_folders import run, value, write_beir_folder
from safetensors.numpy import load_file

from corpora.errors import EvaluationError, TrainingError
from corpora.splits import SplitOptions
from corpora.store.corpus_store import CorpusStore
from corpora.workspace.run_folder import finished_kind, finished_runs
from corpora.workspace.workspace import create_workspace, open_workspace
from retrieval.encoders.loading import load_encoder
from retrieval.evaluation.bootstrap import Interval
from retrieval.evaluation.judged_queries import JudgedQuery, from_qrels
from retrieval.evaluation.significance import Comparison
from retrieval.model_folders import ENCODER_MODEL, resolve_model
from retrieval.model_options import ModelOptions
from retrieval.search.collection import open_collection
from retrieval.tuning.contrastive_training import ContrastiveOptions
from retrieval.tuning.encoder_comparison import Gain
from retrieval.tuning.encoder_tuning import TunedEncoder
from retrieval.tuning.hard_negatives import MiningOptions, Passages, mine_pairs
from retrieval.tuning.in_memory_rankings import VectorTable, stored_table
from retrieval.tuning.tuning_run import Trained, TuningRun
from serving.configuration import SECTIONS
from serving.purge import purge_files

TOPICS = "deposit warfarin sepsis hearsay appeal lactate warranty verdict statute fever probate insulin".split()
CODES = "bral drom fent glim korp lunt morv pesk quib strun trov wask".split()
FILLER = (
    "river lamp green stone table winter paper seven glass early north candle market silver window garden bridge letter summer "
    "yellow basket corner mirror engine harbour pencil ladder velvet orange copper"
).split()
PAIRS = [(one, two) for one in range(12) for two in range(12) if one != two]
WORKS = ("--epochs", "4", "--learning-rate", "3e-4")


def beir_folder(folder: Path, count: int = len(PAIRS)) -> Path:
    """Notes about two topics, asked for in code words that say nothing to a model that was not tuned on them."""
    documents, queries = {}, {}
    for number, (one, two) in enumerate(PAIRS[:count]):
        draw = random.Random(number)
        words = [*draw.sample(FILLER, 5), TOPICS[one], *draw.sample(FILLER, 5), TOPICS[two]]
        documents[f"d{number}"] = " ".join(words) + "."
        queries[f"q{number}"] = f"{CODES[one]} before {CODES[two]}"
    return write_beir_folder(folder, documents, queries, {f"q{number}": f"d{number}" for number in range(count)})


def state(root: Path) -> dict[str, str]:
    """What search depends on: the configuration, the store's content, the vectors."""
    store = CorpusStore(root / "corpus.db")
    snapshot, places = store.snapshot, [store.vectors.places(segment.encoder) for segment in store.segments()]
    store.close()
    files = [root / "raftsmith.toml", root / "corpus.db", *sorted((root / "segments").iterdir())]
    return {"store": f"{snapshot} {places}", **{p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in files}}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a set and a workspace that holds it."""
    folder = tmp_path_factory.mktemp("tuning")
    create_workspace(folder / "ws", SECTIONS)
    beir_folder(folder / "set")
    return folder


@pytest.fixture
def hashed(tmp_path: Path) -> Path:
    """A workspace with the hashing encoder."""
    config = create_workspace(tmp_path / "ws", SECTIONS)
    config.write_text(config.read_text().replace('"all-MiniLM-L6-v2"', '"hashing-64"'))
    return tmp_path


# Mining


def unit(*values: float) -> list[float]:
    vector = np.array(values, dtype=np.float32)
    return list(vector / np.linalg.norm(vector))


@pytest.fixture
def passages() -> Passages:
    table = VectorTable(
        ("answer", "answer-part", "twin", "as-near", "hard", "easy", "far"),
        np.array(
            [
                unit(1, 0.5, 0),  # the right passage
                unit(0.5, 1, 0),  # of the same document
                unit(1, 0.52, 0),  # says the same
                unit(1, -0.5, 0.1),  # as near to the query as the right one: perhaps right too
                unit(1, -1.2, 0),
                unit(0.3, -1, 0),
                unit(-1, 0, 0),
            ],
            dtype=np.float32,
        ),
    )
    items = {passage: "document" if passage.startswith("answer") else passage for passage in table.ids}
    return Passages(items, table.select)


def test_a_query_with_many_answers_gives_some_of_them(passages: Passages) -> None:
    query = JudgedQuery("q", "asked", dict.fromkeys(("document", "twin", "as-near", "hard"), 1), "train")
    vectors = np.array([unit(1, 0, 0)], dtype=np.float32)
    options = MiningOptions(answers=2)
    drawn = [
        {pair.positive for pair in mine_pairs([query], vectors, {"q": ["easy"]}, passages, options, seed)} for seed in range(9)
    ]
    assert all(len(answers) == 2 for answers in drawn) and set.union(*drawn) == {"answer", "twin", "as-near", "hard"}


def test_negatives_are_screened(passages: Passages) -> None:
    query = JudgedQuery("q", "what?", {"document": 1}, "train")
    vectors = np.array([unit(1, 0, 0)], dtype=np.float32)
    ranking = ["twin", "answer", "as-near", "answer-part", "hard", "easy", "far"]
    pairs = mine_pairs([query], vectors, {"q": ranking}, passages, MiningOptions(negatives=2))
    assert [(pair.query, pair.positive, pair.negatives) for pair in pairs] == [("what?", "answer", ("hard", "easy"))]
    trusting = MiningOptions(negatives=2, most_of_positive=2, same=2)
    assert mine_pairs([query], vectors, {"q": ranking}, passages, trusting)[0].negatives == ("twin", "as-near")


def test_a_share_of_negatives_is_random_and_seeded(passages: Passages) -> None:
    query = JudgedQuery("q", "what?", {"document": 1}, "train")
    vectors = np.array([unit(1, 0, 0)], dtype=np.float32)
    options = MiningOptions(negatives=2, random_fraction=0.5)
    drawn = [mine_pairs([query], vectors, {"q": ["hard"]}, passages, options, seed)[0].negatives for seed in range(20)]
    assert drawn == [mine_pairs([query], vectors, {"q": ["hard"]}, passages, options, seed)[0].negatives for seed in range(20)]
    assert {negatives[0] for negatives in drawn} == {"hard"} and len({negatives[1] for negatives in drawn}) > 2
    assert not {"answer", "answer-part"} & {passage for negatives in drawn for passage in negatives}


# Splits


def test_no_document_is_relevant_to_queries_of_two_splits(hashed: Path) -> None:
    root, folder = hashed / "ws", beir_folder(hashed / "set")
    value("evaluate-retrieval", "--beir", str(folder), "--configuration", "lexical", "--workspace", str(root))
    store = CorpusStore(root / "corpus.db")
    qrels = {f"q{number}": {f"d{number}": 1, f"d{number // 2 * 2}": 1} for number in range(len(PAIRS))}
    queries = dict.fromkeys(qrels, "text")
    for level in ("document", "chunk"):
        if level == "chunk":
            chunk_of = {chunk.source.partition("#")[2]: chunk.id for chunk in store.chunks()}
            qrels = {query: {chunk_of[item]: 1 for item in relevant} for query, relevant in qrels.items()}
        judged = from_qrels("linked", queries, qrels, store, level, SplitOptions(0.2, 0.3))
        splits_of: dict[str, set[str]] = {}
        for query in judged.queries:
            for item in query.relevant:
                splits_of.setdefault(item, set()).add(query.split)
        assert all(len(splits) == 1 for splits in splits_of.values())
        assert {query.split for query in judged.queries} == {"train", "validation", "test"}
    store.close()


# The command


def test_nothing_changes_until_it_has_won_and_is_asked_for(place: Path) -> None:
    root = place / "ws"
    words = ("tune-encoder", "--beir", str(place / "set"), "--workspace", str(root))
    kept = value(*words, "--run", "none", "--epochs", "1", "--learning-rate", "1e-12", "--write")
    before = state(root)
    assert not kept["better"] and not kept["written"] and kept["verdict"].startswith("Keep all-MiniLM-L6-v2")
    assert kept["model"] is None and not kept["gains"]

    won = value(*words, *WORKS)
    assert state(root) == before
    assert won["better"] and not won["written"] and won["verdict"].startswith("Use all-MiniLM-L6-v2-tuned")
    dense, hybrid = won["gains"]
    assert (dense["mode"], hybrid["mode"]) == ("dense", "hybrid")
    assert hybrid["comparison"]["difference"]["low"] > 0.2 and hybrid["comparison"]["difference"]["n"] >= 20
    assert won["trained"]["validation"][won["trained"]["epoch"]] == max(won["trained"]["validation"])

    folder, model = root / "runs" / "tuned", Path(won["model"])
    config = json.loads((folder / "config.json").read_text())
    trained, base = load_file(model / "model.safetensors"), load_file(resolve_model(ENCODER_MODEL).path / "model.safetensors")
    words_of = "embeddings.word_embeddings.weight"
    assert np.array_equal(trained[words_of], base[words_of]) and any((trained[name] != base[name]).any() for name in trained)
    assert (folder / "metrics.csv").read_text().startswith("step,steps,epoch,loss")
    card = (model / "README.md").read_text()
    assert all(
        part in card
        for part in (
            "base_model: all-MiniLM-L6-v2",
            config["judged_digest"],
            won["verdict"],
            f"train {config['queries']['train']}",
        )
    )
    assert not [path for path in folder.rglob("*") if path.suffix in (".bin", ".pt", ".pkl")]

    weights = (model / "model.safetensors").stat().st_mtime_ns
    wrote = value(*words, *WORKS, "--write")
    assert wrote["written"] and wrote["gains"] == won["gains"] and (model / "model.safetensors").stat().st_mtime_ns == weights
    assert 'encoder = "runs/tuned/all-MiniLM-L6-v2-tuned"' in (root / "raftsmith.toml").read_text()
    queries = {
        query["_id"]: query["text"] for query in map(json.loads, (place / "set" / "queries.jsonl").read_text().splitlines())
    }
    opened = open_collection(root)
    assert opened.encoder.name.startswith("all-MiniLM-L6-v2-tuned@")
    assert any("#d5" in hit.chunk.source for hit in opened.retriever.search([queries["q5"]], 10)[0].hits)
    number = opened.store.counts()["chunks"]
    assert len(stored_table(opened.store, root, opened.encoder.name).ids) == number
    opened.close()

    seen = {
        split: value("evaluate-retrieval", "--beir", str(place / "set"), "--workspace", str(root), "--configuration", "dense",
                     "--only-split", split)["n"]
        for split in config["queries"]
    }  # fmt: skip
    assert seen == config["queries"] and not open_workspace(place / "ws").options(ModelOptions).encoder.startswith("runs/")

    toml = root / "raftsmith.toml"
    toml.write_text(toml.read_text().replace("runs/tuned/all-MiniLM-L6-v2-tuned", "all-MiniLM-L6-v2"))
    back = open_collection(root)
    assert back.retriever.search(["appeal"], 3)[0].hits and len(stored_table(back.store, root, back.encoder.name).ids) == number
    back.close()

    other = run(*words, *WORKS, "--batch-pairs", "16")
    assert isinstance(other.exception, TrainingError) and "options.batch_pairs: 32 there, 16 now" in str(other.exception)
    store = CorpusStore(root / "corpus.db")
    documents = set(json.loads((folder / "documents.json").read_text())["documents"])
    assert len(documents) > config["queries"]["train"], "what was read as a wrong answer is learnt too"
    learnt = next(document for document in store.documents() if document.id in documents)
    purged = purge_files(open_workspace(root), store, store.files_of(learnt.id))
    assert finished_runs(open_workspace(root)) == [("none", "encoder"), ("tuned", "encoder")]
    assert sorted(purged.runs) == ["none", "tuned"] and (folder / "purged.json").exists()
    store.close()
    said: list[str] = []
    load_encoder(str(folder / "all-MiniLM-L6-v2-tuned"), said.append)
    assert any("purged since" in line for line in said)


def test_what_cannot_be_tuned_says_why(hashed: Path) -> None:
    folder, root = beir_folder(hashed / "set"), hashed / "ws"
    words = ("tune-encoder", "--beir", str(folder))
    assert "give --workspace" in run(*words).output
    kind = run(*words, "--workspace", str(root))
    assert isinstance(kind.exception, TrainingError) and "hashing-64, which has no weights to tune" in str(kind.exception)
    assert "accepted: a sentence-transformers model" in str(kind.exception)


def test_too_few_queries_say_how_many_are_needed(tmp_path: Path) -> None:
    create_workspace(tmp_path / "ws", SECTIONS)
    folder = beir_folder(tmp_path / "set", 30)
    few = run("tune-encoder", "--beir", str(folder), "--workspace", str(tmp_path / "ws"))
    assert isinstance(few.exception, TrainingError)
    assert "needed are 50 train, 10 validation, 20 test" in str(few.exception) and "Give more questions" in str(few.exception)


def test_help_ends_in_an_example() -> None:
    shown = run("tune-encoder", "--help").output
    assert "raftsmith tune-encoder --questions" in shown and "--write" in shown


# Records


def gain(low: float, p: float) -> Gain:
    interval = Interval(0.02, low, 0.05, 40)
    return Gain(
        "hybrid", Interval(0.4, 0.3, 0.5, 40), Interval(0.42, 0.3, 0.5, 40), Comparison("tuned", "base", interval, p, p)
    )


def test_noise_is_not_adopted(tmp_path: Path) -> None:
    encoder_run = TuningRun("r", tmp_path, ENCODER_MODEL)
    noise = TunedEncoder(encoder_run, Trained(60, 1, (0.1, 0.2), 1.0), [gain(-0.01, 0.2)])
    assert not noise.better and "may be noise" in noise.verdict and "+5.0%" in noise.verdict and "n = 40" in noise.verdict
    assert TunedEncoder(encoder_run, noise.trained, [gain(0.01, 0.01)]).better
    assert not TunedEncoder(encoder_run, noise.trained, []).better


def test_a_model_that_was_changed_is_trained_again(tmp_path: Path) -> None:
    encoder_run = TuningRun("r", tmp_path, ENCODER_MODEL)
    encoder_run.prepare({})
    encoder_run.model.mkdir()
    (encoder_run.model / "model.safetensors").write_bytes(b"one")
    trained = Trained(60, 1, (0.1, 0.2), 1.0)
    encoder_run.write_trained(trained)
    encoder_run.write_gains([gain(0.01, 0.01)], True)
    assert encoder_run.trained() == trained and finished_kind(tmp_path) == "encoder"
    (encoder_run.model / "model.safetensors").write_bytes(b"two")
    assert encoder_run.trained() is None
    encoder_run.begin(["d"])
    assert finished_kind(tmp_path) is None and encoder_run.gains() is None, (
        "what was said of the other model is not said of this"
    )


def test_options_are_checked() -> None:
    with pytest.raises(ValueError, match="learning_rate is 0; it must be positive"):
        ContrastiveOptions(learning_rate=0)


def test_chunks_without_vectors_are_not_compared(hashed: Path) -> None:
    value("evaluate-retrieval", "--beir", str(beir_folder(hashed / "set", 5)), "--configuration", "lexical", "--workspace",
          str(hashed / "ws"))  # fmt: skip
    store = CorpusStore(hashed / "ws" / "corpus.db")
    with pytest.raises(EvaluationError, match="5 of 5 chunks have no vector by another"):
        stored_table(store, hashed / "ws", "another")
    store.close()
