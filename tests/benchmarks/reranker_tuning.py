"""Does a reranker tuned to a collection pay, on documents that it was not tuned on? Over hybrid search, on the CPU.

    python tests/benchmarks/reranker_tuning.py --work /tmp/tuning --set irish_acts
    python tests/benchmarks/reranker_tuning.py --work /tmp/tuning --set irish_acts --tuned-encoder   # that of retriever_tuning.py
    python tests/benchmarks/reranker_tuning.py --work /tmp/tuning --collect --json tests/benchmarks/results/reranker_tuning.json

Each set is indexed and tuned as `raftsmith tune-reranker --beir` does it. Needs the folder of data sets (../shared/data).
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from environment import environment
from judged_sets import SETS, RetrievalSet, dc_code, irish_acts
from retriever_tuning import WORDS, workspace

from corpora.commands.terminal import Progress, say
from corpora.store.corpus_store import CorpusStore
from corpora.store.writer_lock import single_writer
from corpora.workspace.workspace import Workspace
from retrieval.encoders.loading import load_encoder
from retrieval.evaluation.bootstrap import bootstrap_mean
from retrieval.evaluation.judgement_sources import Source, open_judged_index
from retrieval.evaluation.significance import compare
from retrieval.indexing.backfill import backfill
from retrieval.model_options import ModelOptions
from retrieval.search.options import SearchOptions
from retrieval.search.reranking import CrossEncoderReranker, Reranker, load_cross_encoder
from retrieval.tuning.adoption import tune_workspace_reranker
from retrieval.tuning.cross_encoder_training import CrossEncoderOptions
from retrieval.tuning.encoder_comparison import judged_collection
from retrieval.tuning.rerank_candidates import first_hits
from retrieval.tuning.reranker_tuning import RerankerOptions
from retrieval.tuning.training_data import queries_by_split

TUNED: dict[str, tuple[Callable[[], RetrievalSet], int]] = {
    "irish_acts": (irish_acts, 2),
    "dc_code": (lambda: dc_code(documents=10_000), 2),
    "legal_plain_summ": (SETS["legal_plain_summ"], 4),
}
"""Sets with their epochs: as many as two cores train in half an hour, and at most four."""


def measure(name: str, work: Path, tuned_encoder: bool) -> dict[str, Any]:
    """Tune on one set and judge on its held-out documents."""
    make, epochs = TUNED[name]
    untuned, source = workspace(make(), work)
    place = over_tuned_encoder(untuned) if tuned_encoder else untuned
    options = RerankerOptions(CrossEncoderOptions(epochs=epochs))
    with open_judged_index(source, place, say, by_document=True) as found:
        tuned = tune_workspace_reranker(
            found,
            place,
            "reranker-over-tuned" if tuned_encoder else "reranker",
            place.options(ModelOptions).encoder,
            options,
            say,
            Progress,
        )
        part = {
            "chunks": found.index.store.counts()["chunks"],
            "queries": dict(Counter(query.split for query in found.judged.queries)),
            "depth": place.options(SearchOptions).rerank_depth,
            "options": asdict(options),
            "better": tuned.better,
            "verdict": tuned.verdict,
            "trained": asdict(tuned.trained),
            "gain": {**asdict(tuned.gain), "relative": tuned.gain.relative} if tuned.gain else None,
            "milliseconds": asdict(tuned.latency) if tuned.latency else None,
        }
    if tuned_encoder and tuned.trained.weight:
        reranker = CrossEncoderReranker(load_cross_encoder(tuned.run.model), tuned.run.name)
        both = test_values(place, source, reranker, tuned.trained.weight)
        before = test_values(untuned, source)
        part["both"] = {
            "base": asdict(bootstrap_mean(before)),
            "tuned": asdict(bootstrap_mean(both)),
            "difference": asdict(compare({"tuned": both, "base": before})[0].difference),
        }
    return part


def test_values(place: Workspace, source: Source, reranker: Reranker | None = None, weight: float = 1.0) -> list[float]:
    """nDCG@10 of each test query as the workspace's encoder finds, with a reranker or without."""
    with open_judged_index(source, place, say, by_document=True) as found:
        queries = queries_by_split(found.judged)
        hits = first_hits(judged_collection(found, queries), queries["test"], place.options(SearchOptions).rerank_depth)
        return hits.ndcg(hits.scores(reranker), weight) if reranker else hits.ndcg()


def over_tuned_encoder(place: Workspace) -> Workspace:
    """The workspace searched with the encoder that `retriever_tuning.py` tuned in it."""
    model = next((place.root / "runs" / "tuned").glob("*-tuned"))
    models = place.options(ModelOptions, encoder=str(model))
    store = CorpusStore(place.database)
    with single_writer(place.root):
        backfill(store, place.root, load_encoder(str(model), say), Progress("chunks"))
    store.close()
    return replace(place, config=place.config.with_options(models))


def main() -> None:
    """Measure sets, or collect what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", choices=sorted(TUNED), action="append", help="default: all")
    parser.add_argument(
        "--tuned-encoder", action="store_true", help="Over the encoder that retriever_tuning.py left in --work."
    )
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--collect", action="store_true")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    parts = arguments.work / "rerankers"
    parts.mkdir(parents=True, exist_ok=True)
    if not arguments.collect:
        for name in arguments.set or TUNED:
            part = {**measure(name, arguments.work, arguments.tuned_encoder), "environment": environment()}
            shown = f"{name}, encoder tuned" if arguments.tuned_encoder else name
            (parts / f"{shown}.json").write_text(json.dumps(part, indent=1) + "\n")
            print(name, part["verdict"], flush=True)
        return
    names = [f"{name}{way}" for way in ("", ", encoder tuned") for name in TUNED]
    done = {name: json.loads((parts / f"{name}.json").read_text()) for name in names if (parts / f"{name}.json").exists()}
    if arguments.json:
        arguments.json.write_text(json.dumps({"words": WORDS, "sets": done}, indent=1) + "\n")
    print(json.dumps({name: part["verdict"] for name, part in done.items()}, indent=1))


if __name__ == "__main__":
    main()
