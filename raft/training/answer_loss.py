"""The loss on the answer's tokens alone, through the model's own forward pass."""

from __future__ import annotations

import inspect
from typing import Any

from raft.training.packing import IGNORED


def answer_trainer_class() -> Any:
    """TRL's SFTTrainer with the loss below; made here, as the libraries are imported late."""
    import torch
    from trl import SFTTrainer

    class AnswerSFTTrainer(SFTTrainer):  # type: ignore[misc]
        """SFTTrainer whose output layer runs on the columns that hold a label.

        TRL does so on GPUs, and scores every position on a CPU. Its loss cannot be given a mask a type of layer.
        """

        def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None) -> Any:
            """Mean negative log-likelihood of the labelled tokens (summed over `num_items_in_batch` if given).

            With the balancing loss of a mixture's routers, weighted as in its configuration, where it has one.
            """
            mask = inputs["attention_mask"]
            if self.args.device.type == "cuda" and torch.is_tensor(mask) and mask.ndim == 2:
                return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
            # The model's own forward has its softcap and scales, accelerate's autocast and DDP's hooks.
            further: dict[str, Any] = {"output_router_logits": True} if self.aux_loss_enabled else {}
            labels = inputs["labels"][:, 1:]
            columns = (labels != IGNORED).any(dim=0).nonzero().squeeze(1)
            if _keeps_logits(self.accelerator.unwrap_model(model)):
                further["logits_to_keep"] = columns
            outputs = model(**{k: v for k, v in inputs.items() if k != "labels"}, **further, use_cache=False)
            logits = outputs.logits if "logits_to_keep" in further else outputs.logits[:, columns]
            total = torch.nn.functional.cross_entropy(
                logits.float().flatten(0, 1), labels[:, columns].flatten(), ignore_index=IGNORED, reduction="sum"
            )
            counted = num_items_in_batch if num_items_in_batch is not None else (labels != IGNORED).sum()
            loss = total / torch.as_tensor(counted, device=total.device).clamp(min=1)
            if num_items_in_batch is not None and self.args.average_tokens_across_devices:
                loss = loss * self.accelerator.num_processes  # DDP takes the mean over processes, the count is of all of them
            if self.aux_loss_enabled:
                steps = self.current_gradient_accumulation_steps if num_items_in_batch is not None else 1
                loss = loss + self.router_aux_loss_coef * outputs.aux_loss.to(loss.device) / steps
            return (loss, {"loss": loss}) if return_outputs else loss

    return AnswerSFTTrainer


def _keeps_logits(model: Any) -> bool:
    """Whether the model's forward takes the positions that it shall score."""
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    return "logits_to_keep" in inspect.signature(type(base).forward).parameters


def router_loss(config: Any) -> bool:
    """Whether a model of this configuration is trained with a balancing loss of its routers, as TRL decides it."""
    text = config.get_text_config()
    return hasattr(text, "output_router_logits") and getattr(text, "router_aux_loss_coef", 0.0) != 0.0
