"""From a workspace to an assistant: the base model or a run's, checked to belong together. The commands start here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from corpora.durable_files import sha256_file
from corpora.errors import ModelError
from corpora.workspace.workspace import Workspace
from raft.abstention import read_support
from raft.answering.assistant import Assistant
from retrieval.model_folders import ModelFolder, Say, resolve_model
from retrieval.search.collection import quiet_libraries
from retrieval.search.retriever import Searcher


def finished_runs(workspace: Workspace) -> list[str]:
    """Names of the complete runs of the workspace, oldest first."""
    found = sorted((workspace.root / "runs").glob("*/run.json"), key=lambda path: path.stat().st_mtime)
    return [path.parent.name for path in found]


def open_assistant(workspace: Workspace, searcher: Searcher, run: str | None, say: Say = lambda line: None) -> Assistant:
    """The assistant of the base model (`run` None) or of a run. Raises ModelError when its parts do not belong together."""
    from raft.answering.transformers_engine import TransformersEngine

    quiet_libraries()
    adapter: Path | None = None
    if run is None:
        base = resolve_model(workspace.config.models.base, say)
    else:
        folder, config = workspace.run(run), run_config(workspace, run)
        if (folder / "purged.json").exists():
            say(
                f"warning: {run} was tuned on documents that have been purged since; it may know them: train again and delete it"
            )
        verify_weights(folder)
        if (folder / "model").is_dir():
            base = ModelFolder(run, folder / "model", "")
        else:
            base = resolve_model(str(config["base"]), say)
            if base.digest != config["base_digest"]:
                raise ModelError(
                    f"run {run} was tuned from {config['base']} with weights {config['base_digest']}, but those here are "
                    f"{base.digest}; the adapter fits only its own base model: restore it, or train again"
                )
            adapter = folder / "adapter"
    say(f"loading {base.name}" + (f" with the adapter of {run}" if adapter else ""))
    options = workspace.config.ask
    support = read_support(workspace.run(run)) if run else None
    if support and support.passages != options.passages:
        say(
            f"warning: {run} learnt when to abstain with {support.passages} passages, and ask.passages is {options.passages}: "
            "it will not abstain by what search found; keep ask.passages at generate.distractors + 1"
        )
        support = None
    engine = TransformersEngine(base, adapter)
    return Assistant(searcher, engine, run, options.passages, options.max_tokens, support, options.min_support)


def run_config(workspace: Workspace, run: str) -> dict[str, Any]:
    """The resolved configuration of a complete run. Raises ModelError, naming the runs there are, when there is none."""
    folder = workspace.run(run)
    if not (folder / "run.json").exists():
        known = ", ".join(finished_runs(workspace)) or "none yet; run `raftsmith train`"
        raise ModelError(f"there is no complete run {run!r}; runs here: {known}")
    config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return config


def verify_weights(folder: Path) -> None:
    """Check a run's weights against its `run.json`. Raises ModelError naming the file."""
    expected: dict[str, str] = json.loads((folder / "run.json").read_text(encoding="utf-8"))["weights_sha256"]
    places: Sequence[Path] = [folder / "adapter", folder / "model"]
    for name, digest in expected.items():
        path = next((place / name for place in places if (place / name).exists()), folder / "adapter" / name)
        if not path.exists() or sha256_file(path) != digest:
            raise ModelError(f"{path} is missing or damaged; train the run again under another name")
