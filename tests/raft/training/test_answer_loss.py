"""The loss is the model's own, for every architecture: also where rows are shared, layers have windows, or experts are routed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from architectures import CONFIGS, VOCABULARY, WINDOW, tiny_model
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast
from trl import SFTConfig

from raft.training.answer_loss import answer_trainer_class, router_loss
from raft.training.attention_masks import form_for_shared_rows
from raft.training.packing import IGNORED, PackedCollator, PackedSequence, as_dataset, as_row

PREFIX, QUESTION, ANSWER = 40, 5, 6
SHARING = [name for name in CONFIGS if name not in ("mamba", "mixtral", "qwen3-moe", "qwen3-moe-dense")]


def rows_of(branches: int = 3) -> tuple[list[PackedSequence], list[PackedSequence]]:
    """One row with several branches, longer than the windows, and a row for each of them."""
    generator = torch.Generator().manual_seed(1)

    def tokens(count: int) -> tuple[int, ...]:
        return tuple(torch.randint(3, VOCABULARY, (count,), generator=generator).tolist())

    prefix, parts = tokens(PREFIX), [tokens(QUESTION + ANSWER) for _ in range(branches)]
    labels = [(IGNORED,) * QUESTION + part[QUESTION:] for part in parts]
    places = tuple(range(PREFIX + QUESTION + ANSWER))
    shared = PackedSequence(
        prefix + sum(parts, ()),
        (IGNORED,) * PREFIX + sum(labels, ()),
        places[:PREFIX] + places[PREFIX:] * branches,
        (0,) * PREFIX + sum(((n + 1,) * len(part) for n, part in enumerate(parts)), ()),
    )
    separate = [
        PackedSequence(prefix + part, (IGNORED,) * PREFIX + label, places, (0,) * PREFIX + (1,) * len(part))
        for part, label in zip(parts, labels, strict=True)
    ]
    assert shared.length > PREFIX > WINDOW
    return [shared], separate


def own_loss(model: Any, rows: list[PackedSequence]) -> torch.Tensor:
    """The model's own loss with its own mask and positions, over all labelled tokens of separate rows."""
    ids, labels = (torch.tensor([getattr(row, key) for row in rows]) for key in ("input_ids", "labels"))
    loss: torch.Tensor = model(input_ids=ids, attention_mask=torch.ones_like(ids), labels=labels, use_cache=False).loss
    return loss


def trainer_of(model: Any, rows: list[PackedSequence], folder: Path, masks: Any = None, **arguments: Any) -> Any:
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel({f"{n}": n for n in range(VOCABULARY)})), pad_token="0", eos_token="2"
    )
    args = SFTConfig(
        output_dir=str(folder), use_cpu=True, remove_unused_columns=False, max_length=None, gradient_checkpointing=False,
        dataset_kwargs={"skip_prepare_dataset": True}, per_device_train_batch_size=len(rows), **{"bf16": False, **arguments},
    )  # fmt: skip
    return answer_trainer_class()(
        model=model,
        args=args,
        train_dataset=as_dataset(rows),
        processing_class=tokenizer,
        data_collator=PackedCollator(0, masks),
    )


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("name", SHARING)
def test_shared_rows_have_the_models_own_loss_and_gradients_of_separate_ones(name: str, attention: str, tmp_path: Path) -> None:
    if attention == "sdpa" and name == "gemma2":
        pytest.skip("the model takes no SDPA")
    shared, separate = rows_of()
    own = tiny_model(name, attention)
    expected = own_loss(own, separate)
    expected.backward()
    model = tiny_model(name, attention)
    form = form_for_shared_rows(model, shared)
    assert form is not None
    trainer = trainer_of(model, shared, tmp_path, form)
    batch = trainer.data_collator([as_row(row) for row in shared])
    model.eval()
    loss = trainer.compute_loss(model, batch)
    loss.backward()
    torch.testing.assert_close(loss, expected, rtol=1e-5, atol=1e-5)
    for (key, weight), (_, its_own) in zip(model.named_parameters(), own.named_parameters(), strict=True):
        torch.testing.assert_close(weight.grad, its_own.grad, rtol=1e-3, atol=1e-5, msg=key)


@pytest.mark.parametrize("name", sorted(CONFIGS))
def test_separate_rows_in_one_batch_have_the_models_own_loss(name: str, tmp_path: Path) -> None:
    _, separate = rows_of()
    model = tiny_model(name)
    expected = own_loss(model, separate)
    trainer = trainer_of(model, separate, tmp_path)
    batch = trainer.data_collator([as_row(row) for row in separate])
    model.eval()
    loss = trainer.compute_loss(model, dict(batch))
    if router_loss(model.config):  # TRL turns it on where it has a weight, whatever the configuration says of its output
        assert loss > trainer.model.config.router_aux_loss_coef
        expected = own_loss(model, separate)
    torch.testing.assert_close(loss, expected)
    trainer.current_gradient_accumulation_steps = 1
    counted = trainer.compute_loss(model, dict(batch), num_items_in_batch=torch.tensor(3 * ANSWER))
    torch.testing.assert_close(counted, loss)


def test_what_cannot_take_masks_is_found_out() -> None:
    shared, _ = rows_of()
    assert form_for_shared_rows(tiny_model("mamba"), shared) is None
    with pytest.raises(ValueError, match="share=False"):
        PackedCollator(0)([as_row(shared[0])])
    assert router_loss(CONFIGS["mixtral"]) and not router_loss(CONFIGS["llama"])


def test_mixed_precision_reaches_the_layers(tmp_path: Path) -> None:
    """Products are in bfloat16 under accelerate's autocast, and the loss is that of float32 but for rounding."""
    shared, separate = rows_of()
    expected = own_loss(tiny_model("llama"), separate)
    model = tiny_model("llama", "sdpa")
    form = form_for_shared_rows(model, shared)
    trainer = trainer_of(model, shared, tmp_path, form, bf16=True)
    seen = []
    model.model.layers[0].mlp.gate_proj.register_forward_hook(lambda _m, _i, output: seen.append(output.dtype))
    wrapped = trainer.accelerator.prepare_model(model, evaluation_mode=True)
    loss = trainer.compute_loss(wrapped, trainer.data_collator([as_row(row) for row in shared]))
    assert seen == [torch.bfloat16] and loss.dtype == torch.float32
    assert float(loss.detach()) == pytest.approx(float(expected.detach()), abs=0.05)
