"""Ways of searching compared on judged queries, and the report written. What `evaluate-retrieval` does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from corpora.chunking.chunker import ChunkOptions
from corpora.durable_files import write_atomic
from corpora.errors import EvaluationError
from corpora.progress import Progress, Say, no_progress, quiet
from corpora.store.evidence_location import DocumentNames
from retrieval.evaluation.judged_queries import JudgedQueries
from retrieval.evaluation.judgement_sources import JudgedIndex, of_split
from retrieval.evaluation.qrels import read_run
from retrieval.evaluation.report import file_name, table, trec_text, write_report
from retrieval.evaluation.system_comparison import System, SystemRun, evaluate_runs, foreign_run, run_system, verdict
from retrieval.model_options import ModelOptions
from retrieval.search.collection import load_reranker
from retrieval.search.options import SearchOptions
from retrieval.search.pipelines import make_searcher, parse_configuration


def evaluate_configurations(
    judged_index: JudgedIndex,
    names: Sequence[str],
    folder: Path,
    *,
    foreign: Mapping[str, Path] | None = None,
    split: str | None = None,
    run_out: Path | None = None,
    say: Say = quiet,
    progress: Progress = no_progress,
) -> tuple[dict[str, Any], str]:
    """Search every judged query in the ways called `names`, write the report into `folder`, and give its JSON and what a person reads.

    `foreign` are TREC runs of other programs, judged beside, by name. `split` leaves only the queries of one, `run_out` gets the
    rankings. Raises EvaluationError for a name that is no way of searching, and for two systems of one name.
    """
    config = judged_index.config
    search = config.options(SearchOptions)
    judged = of_split(judged_index.judged, split)
    for reason, count in judged.reasons().items():
        say(f"{count} queries left out: {reason}")
    runs = [search_all(judged_index, judged, name, say, progress) for name in configurations(search, names)]
    runs += [foreign_run(name, read_run(path), judged, judged_index.names) for name, path in (foreign or {}).items()]
    if len({run.name for run in runs}) < len(runs):
        raise EvaluationError("two systems have the same name; give --compare another one")
    evaluation = evaluate_runs(judged, runs)
    facts = {
        "queries": f"{len(judged.queries)} of {judged.name}" + (f", split {split}" if split else ""),
        "encoder": judged_index.index.encoder.name,
        "chunking": config.options(ChunkOptions).name,
        "search": asdict(search),
        "snapshot": judged_index.index.store.snapshot,
        **judged_index.index.store.counts(),
    }
    value = write_report(folder, evaluation, runs, facts, judged_index.names)
    written = write_runs(run_out, runs, judged_index.names) if run_out else []
    text = [verdict(evaluation), table(evaluation), f"report: {folder}/report.md, {folder}/report.png", *map(str, written)]
    return (
        {"report": str(folder), "runs": [str(path) for path in written], **value},
        "\n\n".join(text[:2]) + "\n" + "\n".join(text[2:]),
    )


def configurations(search: SearchOptions, chosen: Sequence[str]) -> list[str]:
    """The `chosen` configurations, each once; without any, lexical, dense, hybrid and the one that raftsmith.toml
    gives.
    """
    plain = parse_configuration("hybrid", search).search
    default = ["lexical", "dense", "hybrid", *([] if plain == search else ["configured"])]
    names = list(dict.fromkeys(chosen or default))
    for name in names:
        parse_configuration(name, search)  # what is misspelt is said before anything is loaded
    return names


def search_all(
    judged_index: JudgedIndex, judged: JudgedQueries, name: str, say: Say = quiet, progress: Progress = no_progress
) -> SystemRun:
    """The run of every judged query through the configuration `name`."""
    configuration = parse_configuration(name, judged_index.config.options(SearchOptions))
    say(f"searching: {name}")
    searcher = make_searcher(
        judged_index.index,
        configuration.search,
        lambda model: load_reranker(model, judged_index.config.options(ModelOptions).encoder, say),
    )
    return run_system(System(name, searcher, configuration.mode), judged, progress("queries"))


def write_runs(target: Path, runs: Sequence[SystemRun], names: DocumentNames) -> list[Path]:
    """Write the runs as TREC files and give their paths: `target` for one run; for several the system's name before the
    suffix.
    """
    paths = []
    for run in runs:
        path = target if len(runs) == 1 else target.with_name(f"{target.stem}.{file_name(run.name)}{target.suffix}")
        write_atomic(path, trec_text(run, names).encode())
        paths.append(path)
    return paths
