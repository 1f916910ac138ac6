"""The forward pass of BERT-like encoders without padding: all tokens of a batch in one matrix, attention by groups of
equal length.

On a CPU nearly all of the time should go into matrix products; padding, masks, copies of biases and residuals are what
is saved here (tests/benchmarks/results/encoding.json). Products may be taken in bfloat16, which some processors do
several times faster; sums, normalisations and residuals stay in float32. Knows weights and token ids; no texts, no
files.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    import torch
    from torch import Tensor

PoolingMode = Literal["mean", "cls"]
FAMILIES = ("bert", "roberta", "xlm-roberta", "camembert")
"""`model_type`s whose layers are BERT's: projections, attention, add and normalise, two dense layers with GELU, add and
normalise.
"""
_HALF_PAYS = 1.5
_BLOCK = 256
"""Tokens that go through the feed-forward layers at a time in float32: what lies between the two stays in the
processor's cache.

Products in bfloat16 are faster all at once.
"""


@dataclass(frozen=True)
class _Layer:
    """One layer's weights; `*_t` are transposed views, as `addmm` wants them."""

    qkv_t: Tensor
    qkv_bias: Tensor
    out_t: Tensor
    out_bias: Tensor
    norm: tuple[Tensor, Tensor]
    up_t: Tensor
    up_bias: Tensor
    down_t: Tensor
    down_bias: Tensor
    down_norm: tuple[Tensor, Tensor]


class PackedTransformer:
    """The forward pass of a BERT-like model over batches without padding.

    Shares the model's weights, but for Q, K and V.
    """

    def __init__(self, network: Any, pooling: PoolingMode, half: bool = False) -> None:
        """`network`: a transformers model (BertModel, RobertaModel, ...) in float32.

        Raises ValueError, saying why, for another. `half`: products in bfloat16, on copies of the layers' weights.
        """
        import torch

        config = network.config
        reason = why_not_packed(network)
        if reason:
            raise ValueError(reason)
        self._pooling = pooling
        self._heads, self._eps = config.num_attention_heads, config.layer_norm_eps
        self._first_position = 0 if config.model_type == "bert" else config.pad_token_id + 1
        embeddings = network.embeddings
        self._words = embeddings.word_embeddings.weight.detach()
        types = embeddings.token_type_embeddings.weight.detach()
        # Positions and the first token type always come together; a second text adds the difference.
        self._positions = embeddings.position_embeddings.weight.detach() + types[0]
        self._second = types[1] - types[0] if len(types) > 1 else None
        self._norm = _norm(embeddings.LayerNorm)
        self._half, product = half, torch.bfloat16 if half else torch.float32
        self._layers = [_layer(layer, product) for layer in network.encoder.layer]

    @property
    def dimension(self) -> int:
        """The length of a token's vector."""
        return int(self._words.shape[1])

    def pooled(self, sequences: Sequence[Sequence[int]], types: Sequence[Sequence[int]] | None = None) -> Tensor:
        """A pooled vector for each sequence of token ids, float32 `(len(sequences), dimension)`, not scaled.

        No sequence may be empty. The fewer different lengths there are, the fewer calls of the attention kernel: give
        sequences sorted by length. `types`: for each token whether it is of a pair's first text, 0, or of its second,
        1; None is all of the first.
        """
        import torch
        from torch.nn import functional

        groups = _groups(sequences)
        firsts = torch.tensor([start + row * length for start, count, length in groups for row in range(count)])
        with torch.inference_mode():
            ids = torch.from_numpy(np.concatenate([np.asarray(sequence, dtype=np.int64) for sequence in sequences]))
            positions = torch.cat([torch.arange(length).repeat(count) for _, count, length in groups]) + self._first_position
            x = functional.embedding(ids, self._words).add_(functional.embedding(positions, self._positions))
            if types is not None and self._second is not None:
                x[torch.from_numpy(np.concatenate([np.asarray(token_types, dtype=bool) for token_types in types]))] += (
                    self._second
                )
            x = functional.layer_norm(x, self._norm[0].shape, *self._norm, self._eps)
            kind = torch.bfloat16 if self._half else torch.float32
            qkv = torch.empty(len(x), self._layers[0].qkv_t.shape[1], dtype=kind)
            rows = len(x) if self._half else min(_BLOCK, len(x))
            wides = torch.empty(rows, self._layers[0].up_t.shape[1], dtype=kind)
            for number, layer in enumerate(self._layers):
                torch.addmm(layer.qkv_bias, self._product(x), layer.qkv_t, out=qkv)
                attended = self._attend(qkv, groups)
                if self._pooling == "cls" and number == len(self._layers) - 1:
                    x, attended = x[firsts], attended[firsts]  # nothing else of the last layer is read
                x = self._added(x, attended, layer.out_t, layer.out_bias)
                x = functional.layer_norm(x, layer.norm[0].shape, *layer.norm, self._eps)
                for start in range(0, len(x), rows):
                    block = x[start : start + rows]
                    wide = torch.addmm(layer.up_bias, self._product(block), layer.up_t, out=wides[: len(block)])
                    self._added(block, torch._C._nn.gelu_(wide), layer.down_t, layer.down_bias)
                x = functional.layer_norm(x, layer.norm[0].shape, *layer.down_norm, self._eps)
            if self._pooling == "cls":
                return x
            means = [x[start : start + count * length].view(count, length, -1).mean(1) for start, count, length in groups]
            return torch.cat(means)

    def _product(self, x: Tensor) -> Tensor:
        """`x` float32 in the type that products are taken in."""
        return x.bfloat16() if self._half else x

    def _added(self, x: Tensor, layer_input: Tensor, weight_t: Tensor, bias: Tensor) -> Tensor:
        """`x` float32 with `layer_input` through a layer added, in place."""
        from torch.nn import functional

        if self._half:
            return x.add_(functional.linear(layer_input, weight_t.t(), bias))
        return x.add_(bias).addmm_(layer_input, weight_t)

    def _attend(self, qkv: Tensor, groups: Sequence[tuple[int, int, int]]) -> Tensor:
        """Attention within each sequence: `(tokens, 3 · dimension)` → `(tokens, dimension)`."""
        import torch
        from torch.nn import functional

        width = qkv.shape[1] // 3
        attended = torch.empty(qkv.shape[0], width, dtype=qkv.dtype)
        for start, count, length in groups:
            rows = slice(start, start + count * length)
            q, k, v = qkv[rows].view(count, length, 3, self._heads, width // self._heads).permute(2, 0, 3, 1, 4)
            head_outputs = functional.scaled_dot_product_attention(q, k, v)
            attended[rows] = head_outputs.transpose(1, 2).reshape(-1, width)
        return attended


def why_not_packed(network: Any) -> str:
    """Why `network` cannot be packed, or "" when it can."""
    import torch

    config = network.config
    if config.model_type not in FAMILIES:
        return f"its architecture is {config.model_type}; accepted: {', '.join(FAMILIES)}"
    if config.hidden_act != "gelu":
        return f"its activation is {config.hidden_act}; accepted: gelu"
    if getattr(config, "is_decoder", False) or getattr(config, "position_embedding_type", "absolute") not in (None, "absolute"):
        return "it is a decoder or has relative positions"
    # Adapters, quantised or half-precision weights and other surgery show in the layers' types or in the weights'.
    odd = {type(module).__name__ for module in network.encoder.modules() if any(True for _ in module.parameters(recurse=False))}
    if odd - {"Linear", "LayerNorm"}:
        return f"its layers hold {', '.join(sorted(odd))}; accepted: Linear and LayerNorm"
    if any(weight.dtype != torch.float32 or weight.device.type != "cpu" for weight in network.parameters()):
        return "its weights are not float32 on the CPU"
    return ""


def _groups(sequences: Sequence[Sequence[int]]) -> list[tuple[int, int, int]]:
    """`(first token, number of sequences, their length)` for each run of sequences of one length."""
    groups, start = [], 0
    for length, run in groupby(len(sequence) for sequence in sequences):
        count = sum(1 for _ in run)
        groups.append((start, count, length))
        start += count * length
    return groups


def _norm(module: Any) -> tuple[Tensor, Tensor]:
    return module.weight.detach(), module.bias.detach()


@cache
def half_pays() -> bool:
    """Whether this processor takes products in bfloat16 much faster than in float32: measured once, on a layer's shape."""
    import torch

    best_times = []
    for dtype in (torch.float32, torch.bfloat16):
        x, weight = torch.ones(1024, 384, dtype=dtype), torch.ones(1536, 384, dtype=dtype)
        times = []
        for _ in range(5):
            started = time.perf_counter()
            torch.nn.functional.linear(x, weight)
            times.append(time.perf_counter() - started)
        best_times.append(min(times))
    return best_times[0] > _HALF_PAYS * best_times[1]


def _layer(layer: Any, product: torch.dtype) -> _Layer:
    import torch

    attention, parts = layer.attention, (layer.attention.self.query, layer.attention.self.key, layer.attention.self.value)
    return _Layer(
        torch.cat([part.weight.detach() for part in parts]).to(product).t(),
        torch.cat([part.bias.detach() for part in parts]).to(product),
        attention.output.dense.weight.detach().to(product).t(),
        attention.output.dense.bias.detach().to(product),
        _norm(attention.output.LayerNorm),
        layer.intermediate.dense.weight.detach().to(product).t(),
        layer.intermediate.dense.bias.detach().to(product),
        layer.output.dense.weight.detach().to(product).t(),
        layer.output.dense.bias.detach().to(product),
        _norm(layer.output.LayerNorm),
    )
