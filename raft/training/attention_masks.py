"""Attention masks for rows with branches, as a model takes them: one for all layers, or one a type of layer.

A 4-D mask is taken as it is by every layer, so a layer with a window has to be given its own. What a model takes is tried:
shared rows are used only where they give the model's own log-probabilities of separate ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from raft.training.packing import PackedCollator, PackedSequence, as_row

_BRANCH = 16
_MARGIN = 8
_EXACT, _ROUNDED = 1e-3, 0.1
"""Mean difference of log-probabilities that rounding explains, in float32 and in shorter floats; other masks differ by more."""

_REFUSALS = (ValueError, TypeError, RuntimeError, AttributeError, KeyError, IndexError)
"""How architectures say, each in its own way, that they take no such mask."""


@dataclass(frozen=True)
class LayerMask:
    """What a layer of the type `layers` sees of the past: all, the last `window` tokens, or its own chunk of `chunk` tokens."""

    layers: str
    window: int = 0
    chunk: int = 0

    def reaches(self, positions: Any) -> Any:
        """Bool `(rows, length, length)`: whether a query at `positions`, int64 `(rows, length)`, reaches a key there."""
        query, key = positions[:, :, None], positions[:, None, :]
        if self.window:
            return query - key < self.window
        if self.chunk:
            return query // self.chunk == key // self.chunk
        return query >= key


@dataclass(frozen=True)
class MaskForm:
    """How a model is given the masks of its layers: one tensor where `masks` is one and not `by_type`, else a dict by type.

    `additive`: 0 and the least float32 (eager attention), else bool (SDPA).
    """

    masks: tuple[LayerMask, ...]
    by_type: bool
    additive: bool

    def build(self, visible: Any, positions: Any) -> Any:
        """The masks of rows from `visible`, bool `(rows, length, length)`, as the model takes them."""
        built = {mask.layers: self._tensor(visible & mask.reaches(positions)) for mask in self.masks}
        return built if self.by_type else built[self.masks[0].layers]

    def _tensor(self, visible: Any) -> Any:
        import torch

        visible = visible[:, None]
        if not self.additive:
            return visible
        return torch.zeros(visible.shape).masked_fill_(~visible, torch.finfo(torch.float32).min)


def mask_forms(config: Any) -> list[MaskForm]:
    """The forms that a model of this configuration may take, likeliest first; none where its layers are not all attention."""
    text = config.get_text_config()
    attention = getattr(text, "_attn_implementation", None)
    if attention not in ("eager", "sdpa"):
        return []
    types = sorted(set(getattr(text, "layer_types", None) or ()))
    window = getattr(text, "sliding_window", None) or 0
    known = {
        "full_attention": LayerMask("full_attention"),
        "sliding_attention": LayerMask("sliding_attention", window=window),
        "chunked_attention": LayerMask("chunked_attention", chunk=getattr(text, "attention_chunk_size", None) or 0),
    }
    if not set(types) <= set(known):
        return []
    additive = attention == "eager"
    uniform = MaskForm((known["sliding_attention"] if window else known["full_attention"],), False, additive)
    if not types:
        return [uniform]
    # Some models ask for the full mask by its type even where no layer has it.
    masks = tuple(known[name] for name in sorted({*types, "full_attention"}))
    one_type = [MaskForm((known[types[0]],), False, additive)] if len(types) == 1 else []
    return [MaskForm(masks, True, additive), *one_type]


def form_for_shared_rows(model: Any, rows: Sequence[PackedSequence]) -> MaskForm | None:
    """The form of masks with which `model` gives shared rows the log-probabilities of separate ones; None where none does.

    Tried on a short row of the rows' own tokens, longer than the model's window where one of the rows is.
    """
    import torch

    was_training = model.training
    model.eval()
    try:
        for form in mask_forms(model.config):
            shared, separate = _trial_rows(form, rows)
            try:
                difference = _difference(model, form, shared, separate)
            except _REFUSALS:
                continue
            exact = next(model.parameters()).dtype == torch.float32
            if difference <= (_EXACT if exact else _ROUNDED):
                return form
    finally:
        model.train(was_training)
    return None


def _trial_rows(form: MaskForm, rows: Sequence[PackedSequence]) -> tuple[PackedSequence, list[PackedSequence]]:
    """A prefix with two branches as one row and as two."""
    longest = max(rows, key=lambda row: max(row.position_ids))
    reach = max([0, *(mask.window or mask.chunk for mask in form.masks)])
    prefix = (reach if reach < max(longest.position_ids) else 0) + _MARGIN
    ids = longest.input_ids * (1 + (prefix + 2 * _BRANCH) // longest.length)
    ends = (prefix, prefix + _BRANCH, prefix + 2 * _BRANCH)
    positions = (*range(ends[1]), *range(prefix, ends[1]))
    branch = (0,) * prefix + (1,) * _BRANCH + (2,) * _BRANCH
    shared = PackedSequence(ids[: ends[2]], ids[: ends[2]], positions, branch)
    branches = [ids[ends[n] : ends[n + 1]] for n in range(2)]
    separate = [
        PackedSequence(ids[:prefix] + part, ids[:prefix] + part, positions[: ends[1]], branch[: ends[1]]) for part in branches
    ]
    return shared, separate


def _difference(model: Any, form: MaskForm, shared: PackedSequence, separate: Sequence[PackedSequence]) -> float:
    """Mean absolute difference of the log-probabilities at the branches' positions."""
    import torch

    collate = PackedCollator(0, form)
    device = next(model.parameters()).device

    def log_probabilities(row: PackedSequence) -> Any:
        batch = collate([as_row(row)])
        batch.pop("labels")
        moved = {name: _moved(value, device) for name, value in batch.items()}
        with torch.no_grad():
            return model(**moved, use_cache=False).logits[0].float().log_softmax(-1)

    together = log_probabilities(shared)[-2 * _BRANCH :]
    apart = torch.cat([log_probabilities(row)[-_BRANCH:] for row in separate])
    return float((together - apart).abs().mean().nan_to_num(nan=float("inf")))


def _moved(value: Any, device: Any) -> Any:
    return {key: item.to(device) for key, item in value.items()} if isinstance(value, dict) else value.to(device)
