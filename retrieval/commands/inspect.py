"""The command `inspect`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from corpora.commands.terminal import Progress, emit, opened, say, with_example, workspace_options

if TYPE_CHECKING:
    pass


@click.command("inspect", **with_example("raftsmith inspect --collection legal --report legal"))
@click.option("--collection", help="Only this collection; default: all of them, as `generate` takes them.")
@click.option("--report", "report_name", default="inspect", show_default=True, help="Name of the report's folder.")
@workspace_options
def inspect(collection: str | None, report_name: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Show what to know before training: topics, lengths, languages, duplicates, personal data, outliers, splits,
    leaks.

    Writes reports/NAME/inspect.html and inspect.json. Loads no model.
    """
    from corpora.durable_files import write_atomic, write_json
    from corpora.ingest.options import IngestOptions
    from corpora.splits import SplitOptions
    from corpora.store.corpus_store import CorpusStore
    from retrieval.inspection.analysis import InspectOptions, inspect_material
    from retrieval.inspection.html_page import to_html
    from retrieval.inspection.material import estimate_tokens, read_material, read_prompts
    from retrieval.inspection.summary import as_json as to_json
    from retrieval.inspection.summary import as_lines
    from retrieval.model_options import ModelOptions

    workspace = opened(workspace_folder)
    folder = workspace.report(report_name)
    models = workspace.options(ModelOptions)
    store = CorpusStore(workspace.database)
    material = read_material(store, workspace.root / "segments", collection)
    store.close()
    say(f"{len(material.documents)} documents; counting tokens")
    tokens = estimate_tokens(material.documents, (models.base, models.encoder))
    split = workspace.options(SplitOptions)
    options = InspectOptions(
        split.validation_fraction, split.test_fraction, workspace.options(IngestOptions).cluster_similarity, seed=split.seed
    )
    say("comparing documents")
    inspection = inspect_material(
        material, options, tokens, read_prompts(workspace.root / "datasets"), Progress("documents searched for personal data")
    )
    value = {"report": str(folder), "collection": collection, **to_json(inspection)}
    write_atomic(folder / "inspect.html", to_html(inspection, f"Inspection of {collection or 'all collections'}").encode())
    write_json(folder / "inspect.json", value)
    emit(value, as_json, "\n".join([*as_lines(inspection), f"report: {folder}/inspect.html, {folder}/inspect.json"]))
