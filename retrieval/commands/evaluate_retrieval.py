"""The command that measures search: `evaluate-retrieval`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from corpora.commands.terminal import Progress, emit, say, with_example, workspace_options
from corpora.errors import EvaluationError
from retrieval.commands.judgement_options import parsed_source, source_options

if TYPE_CHECKING:
    from corpora.store.evidence_location import DocumentNames
    from retrieval.evaluation.judged_queries import JudgedQueries
    from retrieval.evaluation.judgement_sources import JudgedIndex
    from retrieval.evaluation.system_comparison import SystemRun
    from retrieval.search.options import SearchOptions


@click.command(
    "evaluate-retrieval",
    **with_example("raftsmith evaluate-retrieval --questions questions.json --configuration lexical,dense,hybrid"),
)
@source_options
@click.option(
    "--configuration",
    "names",
    multiple=True,
    help="Ways of searching, with commas: lexical, dense, hybrid, rrf, convex-W, each with +late-interaction or +MODEL; "
    "configured. Default: lexical,dense,hybrid,configured.",
)
@click.option(
    "--compare",
    "foreign",
    multiple=True,
    metavar="NAME=RUN",
    help="A TREC run of another program, judged beside; may be repeated.",
)
@click.option("--only-split", type=click.Choice(["train", "validation", "test"]), help="Only the queries of this split.")
@click.option("--run-out", type=click.Path(path_type=Path, dir_okay=False), help="Write the rankings as a TREC run.")
@click.option("--report", "report_name", default="retrieval", show_default=True, help="Name of the report's folder.")
@workspace_options
def evaluate_retrieval(
    names: tuple[str, ...],
    foreign: tuple[str, ...],
    only_split: str | None,
    run_out: Path | None,
    report_name: str,
    workspace_folder: Path | None,
    as_json: bool,
    **source: Any,
) -> None:
    """Measure search: nDCG@10, recall@k, MRR and MAP a query, and whether one way beats another by more than noise.

    Writes reports/NAME: table, plot, a row a query, TREC runs. Without --workspace a BEIR folder is reported in the
    current folder.
    """
    from corpora.chunking.chunker import ChunkOptions
    from corpora.workspace.workspace import plain_name
    from retrieval.evaluation.judgement_sources import of_split, open_judged_index
    from retrieval.evaluation.qrels import read_run
    from retrieval.evaluation.report import table, write_report
    from retrieval.evaluation.system_comparison import evaluate_runs, foreign_run, verdict
    from retrieval.search.options import SearchOptions

    judgement_source, workspace = parsed_source(source, workspace_folder)
    chosen_names = [name.strip() for option in names for name in option.split(",") if name.strip()]
    with open_judged_index(judgement_source, workspace, say, progress=Progress) as judged_index:
        judged = of_split(judged_index.judged, only_split)
        for reason, count in judged.reasons().items():
            say(f"{count} queries left out: {reason}")
        runs = [
            search_all(judged_index, judged, name)
            for name in configurations(judged_index.config.options(SearchOptions), chosen_names)
        ]
        for pair in foreign:
            name, equals, path = pair.partition("=")
            if not (name and equals and path):
                raise click.UsageError(f"--compare takes NAME=RUN, e.g. --compare bm25=bm25.trec; got {pair!r}")
            runs.append(foreign_run(name, read_run(Path(path)), judged, judged_index.names))
        if len({run.name for run in runs}) < len(runs):
            raise EvaluationError("two systems have the same name; give --compare another one")
        evaluation = evaluate_runs(judged, runs)
        facts = {
            "queries": f"{len(judged.queries)} of {judged.name}" + (f", split {only_split}" if only_split else ""),
            "encoder": judged_index.index.encoder.name,
            "chunking": judged_index.config.options(ChunkOptions).name,
            "search": asdict(judged_index.config.options(SearchOptions)),
            "snapshot": judged_index.index.store.snapshot,
            **judged_index.index.store.counts(),
        }
        folder = workspace.report(report_name) if workspace else Path("reports") / plain_name(report_name)
        value = write_report(folder, evaluation, runs, facts, judged_index.names)
        written = write_runs(run_out, runs, judged_index.names) if run_out else []
    text = [verdict(evaluation), table(evaluation), f"report: {folder}/report.md, {folder}/report.png", *map(str, written)]
    emit(
        {"report": str(folder), "runs": [str(path) for path in written], **value},
        as_json,
        "\n\n".join(text[:2]) + "\n" + "\n".join(text[2:]),
    )


def configurations(search: SearchOptions, chosen: Sequence[str]) -> list[str]:
    """The `chosen` configurations, each once; without any, lexical, dense, hybrid and the one that raftsmith.toml
    gives.
    """
    from retrieval.search.pipelines import parse_configuration

    plain = parse_configuration("hybrid", search).search
    default = ["lexical", "dense", "hybrid", *([] if plain == search else ["configured"])]
    names = list(dict.fromkeys(chosen or default))
    for name in names:
        parse_configuration(name, search)  # what is misspelt is said before anything is loaded
    return names


def search_all(judged_index: JudgedIndex, judged: JudgedQueries, name: str) -> SystemRun:
    """The run of every judged query through the configuration `name`."""
    from retrieval.evaluation.system_comparison import System, run_system
    from retrieval.model_options import ModelOptions
    from retrieval.search.collection import load_reranker
    from retrieval.search.options import SearchOptions
    from retrieval.search.pipelines import make_searcher, parse_configuration

    configuration = parse_configuration(name, judged_index.config.options(SearchOptions))
    say(f"searching: {name}")
    searcher = make_searcher(
        judged_index.index,
        configuration.search,
        lambda model: load_reranker(model, judged_index.config.options(ModelOptions).encoder, say),
    )
    return run_system(System(name, searcher, configuration.mode), judged, Progress("queries"))


def write_runs(target: Path, runs: Sequence[SystemRun], names: DocumentNames) -> list[Path]:
    """Write the runs as TREC files and give their paths: `target` for one run; for several the system's name before the
    suffix.
    """
    from corpora.durable_files import write_atomic
    from retrieval.evaluation.report import file_name, trec_text

    paths = []
    for run in runs:
        path = target if len(runs) == 1 else target.with_name(f"{target.stem}.{file_name(run.name)}{target.suffix}")
        write_atomic(path, trec_text(run, names).encode())
        paths.append(path)
    return paths
