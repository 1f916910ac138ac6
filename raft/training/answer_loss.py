"""The loss on the answer's tokens alone."""

from __future__ import annotations

from typing import Any

from raft.training.packing import IGNORED


def answer_trainer_class() -> Any:
    """TRL's SFTTrainer with the loss below; made here, as the libraries are imported late."""
    import torch
    from trl import SFTTrainer

    class AnswerSFTTrainer(SFTTrainer):  # type: ignore[misc]
        """SFTTrainer whose output layer runs on the labelled positions only.

        TRL does so on GPUs, and scores every position on a CPU.
        """

        def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None) -> Any:
            """Mean negative log-likelihood of the labelled tokens (summed over `num_items_in_batch` if given)."""
            labels = inputs["labels"][:, 1:]
            causal = model.get_base_model() if hasattr(model, "get_base_model") else model
            hidden = causal.model(
                input_ids=inputs["input_ids"],
                position_ids=inputs["position_ids"],
                attention_mask=inputs["attention_mask"].to(next(causal.parameters()).device, dtype=causal.dtype),
                use_cache=False,
            ).last_hidden_state[:, :-1]
            labelled = labels != IGNORED
            logits = causal.get_output_embeddings()(hidden[labelled]).float()
            total = torch.nn.functional.cross_entropy(logits, labels[labelled], reduction="sum")
            loss = total / (num_items_in_batch if num_items_in_batch is not None else labelled.sum().clamp(min=1))
            return (loss, {"loss": loss}) if return_outputs else loss

    return AnswerSFTTrainer
