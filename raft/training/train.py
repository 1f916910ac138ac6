"""One training run of a workspace, from a dataset to its folder."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from corpora.commands.terminal import say
from retrieval.model_options import ModelOptions

if TYPE_CHECKING:
    from corpora.workspace.workspace import Workspace


def train_run(
    workspace: Workspace, dataset: str, run_name: str | None, base: str | None, given: dict[str, Any]
) -> dict[str, Any]:
    """Train or resume one run and give its result. `given` are TrainOptions that go over the configuration's."""
    from raft.abstention import read_support
    from raft.examples.dataset import read_dataset
    from raft.examples.reviews import apply_reviews, as_text, read_reviews
    from raft.training.methods.sft import train as run_training
    from raft.training.options import TrainOptions
    from retrieval.encoders.loading import quiet_libraries
    from retrieval.model_folders import resolve_model

    data = read_dataset(workspace.dataset(dataset))
    reviews = read_reviews(workspace.dataset(dataset))
    examples = data.examples
    if reviews:
        reviewed = apply_reviews(examples, reviews.reviews)
        say(as_text(reviewed))
        examples = reviewed.examples
    options = workspace.options(TrainOptions, **given)
    name = run_name or f"{dataset}-{options.adapter}"
    quiet_libraries()
    model = resolve_model(base or workspace.options(ModelOptions).base, say)
    support = read_support(workspace.dataset(dataset))
    digest = reviews.digest if reviews else None
    result = run_training(name, workspace.run(name), model, data.name, data.digest, examples, options, say, support, digest)
    return asdict(result)
