"""A workspace's encoder or reranker tuned in a run of its own, and named in `raftsmith.toml` when it is to be used."""

from __future__ import annotations

from corpora.errors import TrainingError
from corpora.progress import Count, Progress, Say, no_progress, quiet, uncounted
from corpora.store.writer_lock import single_writer
from corpora.workspace.toml_edit import write_values
from corpora.workspace.workspace import CONFIG, Workspace
from retrieval.encoders.encoder import Encoder
from retrieval.encoders.loading import quiet_libraries
from retrieval.evaluation.judgement_sources import JudgedIndex
from retrieval.indexing.backfill import backfill
from retrieval.model_folders import ModelFolder, resolve_model
from retrieval.model_options import ModelOptions
from retrieval.tuning.encoder_tuning import TunedEncoder, TuningOptions, tune_encoder
from retrieval.tuning.reranker_tuning import RerankerOptions, TunedReranker, tune_reranker
from retrieval.tuning.tuning_run import TuningRun


def tune_workspace_encoder(
    judged_index: JudgedIndex,
    workspace: Workspace,
    name: str,
    options: TuningOptions,
    say: Say = quiet,
    progress: Progress = no_progress,
) -> tuple[TunedEncoder, Encoder]:
    """Tune the workspace's encoder in runs/`name` and judge it. Nothing else is changed. Raises TrainingError."""
    accepted = (
        "a sentence-transformers model. Set one in raftsmith.toml, run `raftsmith add` on the documents again, and tune that"
    )
    base = _tunable(workspace.options(ModelOptions).encoder, accepted, say)
    return tune_encoder(judged_index, base, TuningRun(name, workspace.run(name), base.name), options, say, progress)


def adopt_encoder(
    judged_index: JudgedIndex, workspace: Workspace, tuned: TunedEncoder, encoder: Encoder, progress: Count = uncounted
) -> None:
    """Index the collection with the tuned encoder, beside the vectors there are, and only then name it in raftsmith.toml."""
    with single_writer(workspace.root):
        backfill(judged_index.index.store, workspace.root, encoder, progress)
        folder = tuned.run.model.relative_to(workspace.root).as_posix()
        write_values(workspace.root / CONFIG, "models", {"encoder": folder})


def tune_workspace_reranker(
    judged_index: JudgedIndex,
    workspace: Workspace,
    name: str,
    base: str | None,
    options: RerankerOptions,
    say: Say = quiet,
    progress: Progress = no_progress,
) -> TunedReranker:
    """Tune `base`, by default the workspace's encoder with a new head, in runs/`name` and judge it. Raises TrainingError."""
    accepted = "--base with a cross-encoder or a transformer encoder"
    model = _tunable(base or workspace.options(ModelOptions).encoder, accepted, say)
    run = TuningRun(name, workspace.run(name), model.name, "reranker")
    return tune_reranker(judged_index, model, run, options, say, progress)


def adopt_reranker(workspace: Workspace, tuned: TunedReranker) -> None:
    """Name the tuned reranker in raftsmith.toml, with its weight."""
    values: dict[str, str | float] = {"rerank": tuned.run.model.relative_to(workspace.root).as_posix()}
    if tuned.trained.weight is not None:
        values["rerank_weight"] = tuned.trained.weight
    write_values(workspace.root / CONFIG, "search", values)


def _tunable(name: str, accepted: str, say: Say) -> ModelFolder:
    if name.startswith("hashing-"):
        raise TrainingError(f"models.encoder is {name}, which has no weights to tune; accepted: {accepted}")
    quiet_libraries()
    return resolve_model(name, say)
