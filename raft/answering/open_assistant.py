"""Opening the assistant of a workspace: the base model, or a run's, checked to belong together."""

from __future__ import annotations

from pathlib import Path

from corpora.errors import ModelError
from corpora.progress import Say, quiet
from corpora.workspace.purge_mark import is_purged
from corpora.workspace.run_folder import RunFolder, run_config
from corpora.workspace.workspace import Workspace
from raft.abstention import read_support
from raft.answering.assistant import Assistant
from raft.answering.options import AskOptions
from retrieval.encoders.loading import quiet_libraries
from retrieval.model_folders import ModelFolder, resolve_model
from retrieval.model_options import ModelOptions
from retrieval.search.retriever import Searcher


def open_assistant(workspace: Workspace, searcher: Searcher, run: str | None, say: Say = quiet) -> Assistant:
    """The assistant of the base model (`run` None) or of a run.

    Raises ModelError when its parts do not belong together.
    """
    from raft.answering.transformers_engine import TransformersEngine

    quiet_libraries()
    adapter: Path | None = None
    if run is None:
        base = resolve_model(workspace.options(ModelOptions).base, say)
    else:
        folder, config = workspace.run(run), run_config(workspace, run)
        if is_purged(folder):
            say(
                f"warning: {run} was tuned on documents that have been purged since; it may know them: train again and delete it"
            )
        RunFolder(run, folder).verify_weights()
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
    options = workspace.options(AskOptions)
    support = read_support(workspace.run(run)) if run else None
    if support and support.passages != options.passages:
        say(
            f"warning: {run} learnt when to abstain with {support.passages} passages, and ask.passages is {options.passages}: "
            "it will not abstain by what search found; keep ask.passages at generate.distractors + 1"
        )
        support = None
    engine = TransformersEngine(base, adapter, unit=options.quotes)
    return Assistant(searcher, engine, run, options.passages, options.max_tokens, support, options.min_support)
