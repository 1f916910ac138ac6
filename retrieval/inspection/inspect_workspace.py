"""A workspace's documents inspected, and the report written. What `inspect` does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from corpora.durable_files import write_atomic, write_json
from corpora.ingest.options import IngestOptions
from corpora.progress import Count, Say, quiet, uncounted
from corpora.splits import SplitOptions
from corpora.store.corpus_store import CorpusStore
from corpora.workspace.workspace import Workspace
from retrieval.inspection.analysis import InspectOptions, inspect_material
from retrieval.inspection.html_page import to_html
from retrieval.inspection.material import estimate_tokens, read_material, read_prompts
from retrieval.inspection.summary import as_json, as_lines
from retrieval.model_options import ModelOptions


def inspect_workspace(
    workspace: Workspace, folder: Path, collection: str | None = None, say: Say = quiet, progress: Count = uncounted
) -> tuple[dict[str, Any], list[str]]:
    """Inspect the documents of `collection`, None for all, write inspect.html and inspect.json into `folder`, and give what the
    JSON holds and lines for a person. Loads no model; `progress` counts documents searched for personal data.
    """
    models, split = workspace.options(ModelOptions), workspace.options(SplitOptions)
    store = CorpusStore(workspace.database)
    material = read_material(store, workspace.root / "segments", collection)
    store.close()
    say(f"{len(material.documents)} documents; counting tokens")
    tokens = estimate_tokens(material.documents, (models.base, models.encoder))
    similarity = workspace.options(IngestOptions).cluster_similarity
    options = InspectOptions(split.validation_fraction, split.test_fraction, similarity, seed=split.seed)
    say("comparing documents")
    inspection = inspect_material(material, options, tokens, read_prompts(workspace.root / "datasets"), progress)
    value = {"report": str(folder), "collection": collection, **as_json(inspection)}
    write_atomic(folder / "inspect.html", to_html(inspection, f"Inspection of {collection or 'all collections'}").encode())
    write_json(folder / "inspect.json", value)
    return value, [*as_lines(inspection), f"report: {folder}/inspect.html, {folder}/inspect.json"]
