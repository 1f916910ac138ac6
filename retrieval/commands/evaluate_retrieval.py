"""The command that measures search: `evaluate-retrieval`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from corpora.commands.terminal import Progress, emit, say, with_example, workspace_options
from retrieval.commands.judgement_options import parsed_source, source_options


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
    from corpora.workspace.workspace import plain_name
    from retrieval.evaluation.evaluate_retrieval import evaluate_configurations
    from retrieval.evaluation.judgement_sources import open_judged_index

    judgement_source, workspace = parsed_source(source, workspace_folder)
    pairs = [pair.partition("=") for pair in foreign]
    if wrong := next(("".join(pair) for pair in pairs if not all(pair)), None):
        raise click.UsageError(f"--compare takes NAME=RUN, e.g. --compare bm25=bm25.trec; got {wrong!r}")
    if len({name for name, _, _ in pairs}) < len(pairs):
        raise click.UsageError("--compare gives one name to two runs; give them different ones")
    folder = workspace.report(report_name) if workspace else Path("reports") / plain_name(report_name)
    with open_judged_index(judgement_source, workspace, say, progress=Progress) as judged_index:
        value, text = evaluate_configurations(
            judged_index,
            [name.strip() for option in names for name in option.split(",") if name.strip()],
            folder,
            foreign={name: Path(path) for name, _, path in pairs},
            split=only_split,
            run_out=run_out,
            say=say,
            progress=Progress,
        )
    emit(value, as_json, text)
