"""BERT-like cross-encoders on a CPU: the library's scores of pairs, in batches without padding, each core on batches of
its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrieval.encoders.cpu_workers import CpuWorkers
from retrieval.encoders.packed_encoder import BATCH_TOKENS, batches
from retrieval.encoders.packed_transformer import PackedTransformer, half_pays, why_not_packed

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder
    from torch import Tensor

_PROBES = (
    ("notice period", "Either side may end the lease with two months' notice."),
    ("Sepsis?", "Lactate is measured again within six hours. " * 12),
    ("", "x"),
)
_APART = 1e-4
_APART_HALF = 0.03
"""Of products in bfloat16. Differences of outputs, as a share of 1 or of the largest output."""


class PackedPairs:
    """A BERT-like cross-encoder with one output, on every core of the CPU. It shares the model's weights."""

    def __init__(self, model: CrossEncoder, batch_tokens: int = BATCH_TOKENS) -> None:
        """Check the packed scores against the library's.

        Raises ValueError, saying why, for another kind of model or other scores.
        """
        import torch

        network: Any = model.model
        self._encoder: Any = getattr(network, network.base_model_prefix, None)
        if len(list(model)) != 1 or self._encoder is None or not hasattr(network, "classifier"):
            raise ValueError("it is not a transformer with a classifier alone")
        if network.config.model_type == "bert" and self._encoder.pooler is None:
            raise ValueError("it has no pooler")
        if reason := why_not_packed(self._encoder):
            raise ValueError(reason)
        if not model.tokenizer.is_fast:
            raise ValueError("its tokenizer is not a fast one")
        self._model, self._classifier, self._batch_tokens, self._cores = model, network.classifier, batch_tokens, CpuWorkers()
        expected = model.predict(list(_PROBES), activation_fn=torch.nn.Identity(), show_progress_bar=False)
        apart = 0.0
        for half in (True, False) if half_pays() else (False,):
            self._transformer = PackedTransformer(self._encoder, "cls", half)
            apart = float(np.abs(self._logits(_PROBES) - expected).max() / max(1.0, np.abs(expected).max()))
            if apart <= (_APART_HALF if half else _APART):
                return
        raise ValueError(f"its packed scores are {apart:.6f} away from the library's; at most {_APART} is accepted")

    def scores(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """The model's score of each pair of texts, through its own activation function."""
        import torch

        activation: Any = self._model.activation_fn
        return [float(score) for score in activation(torch.from_numpy(self._logits(pairs)))] if pairs else []

    def _logits(self, pairs: Sequence[tuple[str, str]]) -> np.ndarray:
        first, second = ([pair[side] for pair in pairs] for side in (0, 1))
        read = self._model.tokenizer(
            first,
            second,
            truncation="longest_first",
            max_length=self._model.max_seq_length,
            return_token_type_ids=True,
            return_attention_mask=False,
        )
        ids, types = read["input_ids"], read["token_type_ids"]
        order = sorted(range(len(pairs)), key=lambda row: -len(ids[row]))
        budget = self._batch_tokens
        if self._cores.count > 1:
            budget = max(256, min(budget, sum(map(len, ids)) // (2 * self._cores.count)))
        parts = [[order[row] for row in rows] for rows in batches([len(ids[row]) for row in order], budget)]
        batch_outputs = self._cores.map(
            lambda rows: self._outputs([ids[row] for row in rows], [types[row] for row in rows]), parts
        )
        logits = np.empty(len(pairs), dtype=np.float32)
        logits[order] = np.concatenate(batch_outputs)
        return logits

    def _outputs(self, ids: Sequence[Sequence[int]], types: Sequence[Sequence[int]]) -> np.ndarray:
        import torch

        with torch.inference_mode():
            first_tokens: Tensor = self._transformer.pooled(ids, types)
            hidden = first_tokens[:, None]  # what both kinds of heads read is the first token
            pooled = self._encoder.pooler(hidden) if self._encoder.pooler is not None else hidden
            outputs: np.ndarray = self._classifier(pooled).reshape(-1).numpy()
            return outputs
