"""Training sequences in which questions over the same documents share them: the prefix is encoded once a context.

    prefix (system, documents) | question 1, completion 1 | question 2, completion 2 | ...

Every branch attends to the prefix and to itself, never to another branch, and its positions go on from the prefix's
end, so each token sees exactly what it would see in a sequence of its own. The prompt's documents are most of its
tokens; with four questions a context this halves the cost of an example. Pure but for the tensors of the collator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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


def as_dataset(rows: Sequence[PackedSequence]) -> Any:
    """The rows as a `datasets.Dataset`, in order."""
    from datasets import Dataset

    return Dataset.from_list(
        [{"input_ids": r.input_ids, "labels": r.labels, "position_ids": r.position_ids, "branch": r.branch} for r in rows]
    )


class PackedCollator:
    """Rows to tensors for `SFTTrainer`, short rows padded.

    `input_ids`, `position_ids` and `labels` are int64 `(batch, length)`; the mask is float32, additive, 4-D. Labels
    that would be predicted across a branch's border (its first token from the token before it) are ignored; the first
    token of a branch belongs to the question, so no completion token is lost.
    """

    def __init__(self, pad_id: int) -> None:
        """`pad_id` fills short rows; it is masked everywhere."""
        self._pad_id = pad_id

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """A batch for `SFTTrainer`."""
        import torch

        length = max(len(row["input_ids"]) for row in rows)
        ids = torch.full((len(rows), length), self._pad_id, dtype=torch.long)
        labels = torch.full((len(rows), length), IGNORED, dtype=torch.long)
        positions = torch.zeros((len(rows), length), dtype=torch.long)
        branch = torch.full((len(rows), length), -1, dtype=torch.long)
        for i, row in enumerate(rows):
            n = len(row["input_ids"])
            ids[i, :n] = torch.tensor(row["input_ids"])
            labels[i, :n] = torch.tensor(row["labels"])
            positions[i, :n] = torch.tensor(row["position_ids"])
            branch[i, :n] = torch.tensor(row["branch"])
        causal = torch.ones((length, length), dtype=torch.bool).tril()
        same = branch[:, :, None] == branch[:, None, :]
        visible = causal & (same | (branch[:, None, :] == 0))
        mask = torch.zeros((len(rows), 1, length, length)).masked_fill_(~visible[:, None], torch.finfo(torch.float32).min)
        return {"input_ids": ids, "position_ids": positions, "attention_mask": mask, "labels": labels}
