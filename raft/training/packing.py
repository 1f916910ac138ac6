"""Training sequences in which questions over the same documents share them: the prefix is encoded once a context.

    prefix (system, documents) | question 1, completion 1 | question 2, completion 2 | ...

Every branch attends to the prefix and to itself, never to another branch, and its positions go on from the prefix's
end, so each token sees exactly what it would see in a sequence of its own. The prompt's documents are most of its
tokens; with four questions a context this halves the cost of an example. Pure but for the tensors of the collator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from corpora.errors import TrainingError
from raft.prompts.format import render_prompt
from raft.prompts.tokenization import PromptEncoder
from raft.records import RaftExample

IGNORED = -100


@dataclass(frozen=True)
class PackedSequence:
    """One row of training. All tuples have one entry a token; `branch` is 0 for the prefix and counts from 1 after it.

    `labels` hold the completion's ids at the completion's own places and -100 elsewhere.
    """

    input_ids: tuple[int, ...]
    labels: tuple[int, ...]
    position_ids: tuple[int, ...]
    branch: tuple[int, ...]

    @property
    def length(self) -> int:
        """Tokens in the row."""
        return len(self.input_ids)


def pack(examples: Sequence[RaftExample], encoder: PromptEncoder, max_tokens: int, share: bool = True) -> list[PackedSequence]:
    """Rows for `examples`, those of one context together when `share`. Order of first appearance is kept.

    Raises TrainingError, with counts, when a single example is longer than `max_tokens`: nothing is ever cut (promise
    R12).
    """
    groups: dict[str, list[tuple[tuple[int, ...], int, tuple[int, ...]]]] = {}
    too_long = []
    for number, example in enumerate(examples):
        prompt = encoder.encode(render_prompt(example.passages, example.question, example.search_order))
        completion = encoder.completion(example.completion)
        if len(prompt.ids) + len(completion) > max_tokens:
            too_long.append(len(prompt.ids) + len(completion))
        key = example.context if share else f"{number}"
        groups.setdefault(key, []).append((prompt.ids, prompt.shared, completion))
    if too_long:
        raise TrainingError(
            f"{len(too_long)} of {len(examples)} examples are longer than max_tokens = {max_tokens} (the longest has "
            f"{max(too_long)} tokens) and nothing is ever cut; raise max_tokens in raftsmith.toml to at least {max(too_long)}, "
            "or generate the dataset with fewer distractors or smaller chunks"
        )
    rows: list[PackedSequence] = []
    for members in groups.values():
        row: list[tuple[tuple[int, ...], int, tuple[int, ...]]] = []
        length = 0
        for ids, shared, completion in members:
            extra = len(ids) - shared + len(completion)
            if row and (length + extra > max_tokens or ids[:shared] != row[0][0][: row[0][1]]):
                rows.append(_row(row))
                row, length = [], 0
            length += extra if row else len(ids) + len(completion)
            row.append((ids, shared, completion))
        rows.append(_row(row))
    return rows


def _row(members: Sequence[tuple[tuple[int, ...], int, tuple[int, ...]]]) -> PackedSequence:
    prefix = members[0][0][: members[0][1]]
    ids, labels = list(prefix), [IGNORED] * len(prefix)
    positions, branch = list(range(len(prefix))), [0] * len(prefix)
    for number, (prompt, shared, completion) in enumerate(members, start=1):
        suffix = [*prompt[shared:], *completion]
        ids += suffix
        labels += [IGNORED] * (len(prompt) - shared) + list(completion)
        positions += range(shared, shared + len(suffix))
        branch += [number] * len(suffix)
    return PackedSequence(tuple(ids), tuple(labels), tuple(positions), tuple(branch))


def as_row(row: PackedSequence) -> dict[str, Any]:
    """A row as the collator takes it."""
    return {"input_ids": row.input_ids, "labels": row.labels, "position_ids": row.position_ids, "branch": row.branch}


def as_dataset(rows: Sequence[PackedSequence]) -> Any:
    """The rows as a `datasets.Dataset`, in order."""
    from datasets import Dataset

    return Dataset.from_list([as_row(row) for row in rows])


class BranchMasks(Protocol):
    """Builds what a model takes for an attention mask: see `raft.training.attention_masks`."""

    def build(self, visible: Any, positions: Any) -> Any:
        """Masks from `visible`, bool `(rows, length, length)`, and `positions`, int64 `(rows, length)`."""


class PackedCollator:
    """Rows to tensors for `SFTTrainer`, short rows padded on the right.

    `input_ids` and `labels` are int64 `(batch, length)`. Where a row has several branches there are `position_ids` and the
    model's masks for them; where none has, the mask is the usual 2-D one and positions, windows and kernels are the model's
    own. Labels that would be predicted across a branch's border (its first token from the token before it) are ignored; the
    first token of a branch belongs to the question, so no completion token is lost.
    """

    def __init__(self, pad_id: int, masks: BranchMasks | None = None) -> None:
        """`pad_id` fills short rows; it is masked everywhere. `masks` are for rows with branches."""
        self._pad_id, self._masks = pad_id, masks

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """A batch for `SFTTrainer`. Raises ValueError on rows with branches where there are no masks for them."""
        import torch

        length = max(len(row["input_ids"]) for row in rows)

        def padded(key: str, fill: int) -> Any:
            return torch.tensor([[*row[key], *[fill] * (length - len(row[key]))] for row in rows], dtype=torch.long)

        batch = {"input_ids": padded("input_ids", self._pad_id), "labels": padded("labels", IGNORED)}
        branch = padded("branch", -1)
        if int(branch.max()) <= 1:
            return {**batch, "attention_mask": (branch >= 0).long()}
        if self._masks is None:
            raise ValueError("rows with several branches need masks that the model takes; pack with share=False")
        positions = padded("position_ids", 0)
        causal = torch.ones((length, length), dtype=torch.bool).tril()
        visible = causal & ((branch[:, :, None] == branch[:, None, :]) | (branch[:, None, :] == 0))
        return {**batch, "position_ids": positions, "attention_mask": self._masks.build(visible, positions)}
