"""The precision of matrix products and the attention kernel on a CPU: what a timing on a layer of the model's shape finds faster."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Precision = Literal["float32", "bfloat16"]
Attention = Literal["eager", "sdpa"]

HALF_PAYS = 1.15
"""How many times as fast products in bfloat16 have to be to be taken."""
_ROUNDS = 2, 8
_SECONDS = 4.0
"""Rounds at least and at most, and for how long there are more than the least: other processes of the machine disturb some."""


@dataclass(frozen=True)
class Computation:
    """How a layer is computed: the precision of its products (sums and norms are in float32) and its attention kernel."""

    precision: Precision
    attention: Attention

    def __str__(self) -> str:
        """Both, in words."""
        return f"{self.precision} {self.attention}"


@dataclass(frozen=True)
class LayerShape:
    """The sizes of a decoder layer that its time depends on."""

    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head_dim: int

    @classmethod
    def of(cls, config: Any) -> LayerShape:
        """From a transformers configuration; of a mixture, one expert."""
        text = config.get_text_config()
        hidden, heads = int(text.hidden_size), int(text.num_attention_heads)
        return cls(
            hidden=hidden,
            intermediate=int(getattr(text, "intermediate_size", None) or 4 * hidden),
            heads=heads,
            kv_heads=int(getattr(text, "num_key_value_heads", None) or heads),
            head_dim=int(getattr(text, "head_dim", None) or hidden // heads),
        )


def faster(shape: LayerShape, tokens: int, choices: Sequence[Computation]) -> tuple[Computation, dict[str, float]]:
    """The fastest of `choices` for rows of `tokens` tokens, and the milliseconds of each, forward and backward.

    bfloat16 is taken where it is `HALF_PAYS` times as fast as the best in float32. Interleaved, the best round of each.
    """
    layers = {choice: _TimedLayer(shape, tokens, choice) for choice in choices}
    best, started = dict.fromkeys(choices, float("inf")), time.perf_counter()
    for done in range(_ROUNDS[1]):
        if done >= _ROUNDS[0] and time.perf_counter() - started > _SECONDS:
            break
        for choice, layer in layers.items():
            best[choice] = min(best[choice], layer.seconds())
    handicap = {choice: seconds * (HALF_PAYS if choice.precision == "bfloat16" else 1) for choice, seconds in best.items()}
    return min(choices, key=lambda choice: handicap[choice]), {str(c): round(1000 * s, 1) for c, s in best.items()}


class _TimedLayer:
    """Attention and a gated feed-forward of a shape, with frozen weights, as an adapter's base has them."""

    def __init__(self, shape: LayerShape, tokens: int, choice: Computation) -> None:
        import torch

        self._shape, self._choice = shape, choice
        dtype = torch.bfloat16 if choice.precision == "bfloat16" else torch.float32
        h, i, q, kv = shape.hidden, shape.intermediate, shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
        sizes = {"q": (q, h), "k": (kv, h), "v": (kv, h), "o": (h, q), "gate": (i, h), "up": (i, h), "down": (h, i)}
        self._weights = {name: torch.full(size, 0.01, dtype=dtype) for name, size in sizes.items()}
        self._x = torch.full((tokens, h), 0.1, requires_grad=True)
        self._visible = torch.ones((tokens, tokens), dtype=torch.bool).tril()

    def seconds(self) -> float:
        import torch

        started = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=self._choice.precision == "bfloat16"):
            total = self._forward().float().sum()
        total.backward()
        return time.perf_counter() - started

    def _forward(self) -> Any:
        from torch.nn.functional import linear, silu

        w, x, shape = self._weights, self._x, self._shape
        queries, keys, values = (
            linear(x, w[name]).view(len(x), heads, shape.head_dim).transpose(0, 1)
            for name, heads in (("q", shape.heads), ("k", shape.kv_heads), ("v", shape.kv_heads))
        )
        groups = shape.heads // shape.kv_heads
        attended = self._attend(queries, keys.repeat_interleave(groups, 0), values.repeat_interleave(groups, 0))
        y = x + linear(attended.transpose(0, 1).reshape(len(x), -1), w["o"])
        return y + linear(silu(linear(y, w["gate"])) * linear(y, w["up"]), w["down"])

    def _attend(self, queries: Any, keys: Any, values: Any) -> Any:
        import torch

        if self._choice.attention == "sdpa":
            return torch.nn.functional.scaled_dot_product_attention(
                queries[None], keys[None], values[None], attn_mask=self._visible
            )[0]
        scores = queries @ keys.transpose(1, 2) / self._shape.head_dim**0.5
        scores = scores + torch.zeros(self._visible.shape).masked_fill(~self._visible, torch.finfo(torch.float32).min)
        return scores.softmax(-1, dtype=torch.float32).to(queries.dtype) @ values
