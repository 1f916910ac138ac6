"""Greedy decoding of a batch by a causal model: where a row's constraint leaves one continuation, its tokens go in one pass.

Rows get ahead of each other by that; the columns in which a row has nothing to say are masked. Knows no tokenizer.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from raft.quotes.constrained_decoding import CompletionConstraint, constrained


@dataclass
class Row:
    """One completion as it grows. `unread` are ids that the model has not seen, at first the prompt's.

    It has `stopped` when the model ended it, and `ended` then or at the limit of tokens.
    """

    unread: list[int]
    constraint: CompletionConstraint | None
    completion: list[int] = field(default_factory=list)
    ended: bool = False
    stopped: bool = False

    def extend(self, tokens: Sequence[int]) -> None:
        """Take tokens into the completion."""
        self.completion += tokens
        self.unread += tokens
        for token in tokens:
            if self.constraint is not None and not self.constraint.accept(token):
                raise ValueError("a token was decoded that the constraint does not allow")


def decode_greedily(
    model: Any,
    rows: Sequence[Row],
    stop_ids: Sequence[int],
    max_tokens: int,
    fast_forward: bool = True,
    on_tokens: Callable[[list[int]], None] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> None:
    """Complete each row until a stop, which is left out, or `max_tokens`; with and without `fast_forward` alike.

    The model attends to everything, without a window or a state, unless there is one row. `on_tokens` gets the new
    tokens of the first row; `cancelled` is asked before each pass.
    """
    import torch

    accepted = inspect.signature(model.forward).parameters
    stops = frozenset(stop_ids)
    mask = torch.zeros((len(rows), 0), dtype=torch.long)
    extra: dict[str, Any] = {"logits_to_keep": 1} if "logits_to_keep" in accepted else {}
    cache = None

    def advance(row: Row, tokens: list[int]) -> None:
        before = len(row.completion)
        row.extend(tokens)
        while (
            fast_forward
            and row.constraint is not None
            and (forced := row.constraint.forced()[: max_tokens - len(row.completion)])
        ):
            row.extend(forced)
        row.ended = len(row.completion) >= max_tokens
        if on_tokens is not None and row is rows[0] and len(row.completion) > before:
            on_tokens(row.completion[before:])

    for row in rows:
        advance(row, [])
    while not all(row.ended for row in rows) and not cancelled():
        width = max(len(row.unread) for row in rows)
        # A pad is masked, so any id does.
        block = torch.tensor([[0] * (width - len(row.unread)) + row.unread for row in rows])
        mask = torch.cat([mask, torch.tensor([[0] * (width - len(row.unread)) + [1] * len(row.unread) for row in rows])], dim=1)
        if "position_ids" in accepted:
            extra["position_ids"] = (mask.cumsum(1) - 1).clamp(min=0)[:, -width:].to(model.device)
        output = model(
            input_ids=block.to(model.device),
            attention_mask=mask.to(model.device),
            past_key_values=cache,
            use_cache=True,
            **extra,
        )
        cache = output.past_key_values
        scores = output.logits[:, -1].float().cpu()
        for row, row_scores in zip(rows, scores, strict=True):
            row.unread = []
            if row.ended:
                continue
            if row.constraint is not None:
                row_scores = constrained(row_scores, row.constraint)
            token = int(row_scores.argmax())
            if token in stops:
                row.ended = row.stopped = True
            else:
                advance(row, [token])
