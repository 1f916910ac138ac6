"""The training data of a run: the examples of a dataset after their reviews, by split."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from corpora.errors import TrainingError
from corpora.progress import Say, quiet
from corpora.workspace.workspace import Workspace
from raft.abstention import AbstentionModel, read_support
from raft.examples.dataset import leaks, read_dataset
from raft.examples.reviews import apply_reviews, as_text, read_reviews
from raft.records import RaftExample


@dataclass(frozen=True)
class TrainingData:
    """The examples of `dataset`, whose file has the SHA-256 `digest`.

    `support`, what the dataset learnt about when to abstain, is kept with the run: a run is all that serving opens.
    `reviews_digest` names the reviews that the examples went through, if any: a run resumes only with the same.
    """

    dataset: str
    digest: str
    examples: Sequence[RaftExample]
    support: AbstentionModel | None = None
    reviews_digest: str | None = None

    def check_leaks(self) -> None:
        """Raises TrainingError when a document is in prompts of two splits."""
        if leak := leaks(self.examples):
            raise TrainingError(
                f"{len(leak)} documents of dataset {self.dataset} occur in prompts of more than one split, e.g. {leak[0]}; "
                "what is trained on would be tested: generate it again"
            )

    def split(self, name: str, limit: int | None) -> list[RaftExample]:
        """The examples of a split, at most `limit`.

        With a limit they are whole contexts, drawn evenly by a hash of the context.
        """
        examples = [example for example in self.examples if example.split == name]
        if limit is None or len(examples) <= limit:
            return examples
        contexts: dict[str, list[RaftExample]] = {}
        for example in sorted(examples, key=lambda e: hashlib.sha256(e.context.encode()).digest()):
            contexts.setdefault(example.context, []).append(example)
        chosen: list[RaftExample] = []
        for members in contexts.values():
            if len(chosen) + len(members) <= limit:
                chosen += members
        return chosen


def read_training_data(workspace: Workspace, dataset: str, say: Say = quiet) -> TrainingData:
    """The dataset as people reviewed it. Raises DatasetError."""
    folder = workspace.dataset(dataset)
    data, reviews = read_dataset(folder), read_reviews(folder)
    support, examples = read_support(folder), data.examples
    if reviews is None:
        return TrainingData(data.name, data.digest, examples, support)
    reviewed = apply_reviews(examples, reviews.reviews)
    say(as_text(reviewed))
    return TrainingData(data.name, data.digest, reviewed.examples, support, reviews.digest)
