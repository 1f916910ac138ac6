"""Tuning a base model on a RAFT dataset with TRL's SFTTrainer: QLoRA, LoRA or full, on a CPU or a GPU.

Writes a run folder: `config.json`, `metrics.csv`, `loss.png`, `checkpoints/`, `adapter/` (or `model/`), `support.json`,
`README.md` (the model card), and `run.json` last: its presence means the run is complete. Resumes from the newest complete checkpoint.
"""

from __future__ import annotations

import hashlib
import math
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from corpora.durable_files import sha256_file, write_atomic, write_json
from corpora.errors import TrainingError
from raft.abstention import SupportModel, write_support
from raft.examples.dataset import leaks
from raft.prompts.tokenization import PromptEncoder
from raft.records import RaftExample
from raft.training.packing import IGNORED, PackedCollator, PackedSequence, pack
from raft.training.run_record import (
    TrainingResult,
    TrainOptions,
    append_metrics,
    keep_metrics,
    mark_complete,
    model_card,
    newest_complete_checkpoint,
    plot_losses,
    prepare_folder,
    resolved_config,
)
from retrieval.model_folders import ModelFolder


def train(
    name: str,
    folder: Path,
    base: ModelFolder,
    dataset: str,
    dataset_digest: str,
    examples: Sequence[RaftExample],
    options: TrainOptions,
    say: Callable[[str], None] = lambda line: None,
    support: SupportModel | None = None,
    reviews_digest: str | None = None,
) -> TrainingResult:
    """Run or resume the training `name` in `folder`. Raises TrainingError; see the module for what is written.

    `support`, what the dataset learnt about when to abstain, is kept with the run: a run is all that serving opens.
    `reviews_digest` names the reviews that `examples` went through, if any: a run resumes only with the same.
    """
    import torch
    from transformers import AutoTokenizer, EarlyStoppingCallback, PrinterCallback, set_seed
    from trl import SFTConfig

    leak = leaks(examples)
    if leak:
        raise TrainingError(
            f"{len(leak)} documents of dataset {dataset} occur in prompts of more than one split, e.g. {leak[0]}; "
            "what is trained on would be tested: generate it again"
        )
    config = resolved_config(name, base, dataset, dataset_digest, options, reviews_digest)
    resume = prepare_folder(folder, config)
    set_seed(options.seed)
    tokenizer = AutoTokenizer.from_pretrained(base.path, local_files_only=True, trust_remote_code=False)
    encoder = PromptEncoder(tokenizer)
    chosen = _limited([e for e in examples if e.split == "train"], options.max_examples)
    held = _limited([e for e in examples if e.split == "validation"], options.max_validation_examples)
    if not chosen:
        raise TrainingError(f"dataset {dataset} has no training examples; generate one with more questions")
    rows = pack(chosen, encoder, options.max_tokens, options.share_prefix)
    validation = pack(held, encoder, options.max_tokens, options.share_prefix)
    per_step = max(1, round(options.batch_examples * len(rows) / len(chosen)))
    steps = max(1, math.ceil(len(rows) * options.epochs / per_step))
    every = max(1, math.ceil(steps / options.evaluations))
    say(
        f"{len(chosen)} examples in {len(rows)} rows of {sum(r.length for r in rows) // len(rows)} tokens on average, "
        f"{steps} steps of {per_step} rows"
    )
    gpu = torch.cuda.is_available()
    args = SFTConfig(
        output_dir=str(folder / "checkpoints"),
        per_device_train_batch_size=1,
        per_device_eval_batch_size=1,
        gradient_accumulation_steps=per_step,
        num_train_epochs=options.epochs,
        max_steps=steps,
        learning_rate=options.learning_rate,
        warmup_steps=max(1, round(steps * options.warmup_fraction)),
        lr_scheduler_type="cosine",
        max_grad_norm=1.0,
        logging_steps=1,
        eval_strategy="steps" if validation else "no",
        eval_steps=every,
        save_strategy="steps",
        save_steps=every,
        save_total_limit=2,
        load_best_model_at_end=bool(validation),
        metric_for_best_model="eval_loss" if validation else None,
        greater_is_better=False,
        seed=options.seed,
        data_seed=options.seed,
        use_cpu=not gpu,
        bf16=gpu,
        gradient_checkpointing=False,
        remove_unused_columns=False,
        dataset_kwargs={"skip_prepare_dataset": True},
        max_length=None,
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=gpu,
        prediction_loss_only=True,
    )
    model, peft_config = _load(base, options, gpu)
    recorder = _recorder(folder, say, steps)
    callbacks: list[Any] = [recorder]
    if validation:
        callbacks.append(EarlyStoppingCallback(early_stopping_patience=options.patience))
    trainer = _trainer_class()(
        model=model,
        args=args,
        train_dataset=_as_dataset(rows),
        eval_dataset=_as_dataset(validation) if validation else None,
        processing_class=tokenizer,
        peft_config=peft_config,
        data_collator=PackedCollator(tokenizer.pad_token_id or 0),
        callbacks=callbacks,
    )
    trainer.remove_callback(PrinterCallback)  # it prints to stdout, which belongs to the result
    trained = sum(p.numel() for p in trainer.model.parameters() if p.requires_grad)
    started = time.monotonic()
    checkpoint = newest_complete_checkpoint(folder / "checkpoints") if resume else None
    if checkpoint:
        say(f"resuming from {checkpoint.name}")
    outcome = trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    seconds = time.monotonic() - started
    target = folder / ("adapter" if options.adapter != "none" else "model")
    trainer.save_model(str(target))
    (target / "training_args.bin").unlink(missing_ok=True)  # a pickle: nothing of ours reads or ships one
    best = trainer.state.best_metric
    result = TrainingResult(
        run=name,
        folder=str(folder),
        steps=trainer.state.global_step,
        examples=len(chosen),
        train_loss=round(float(outcome.training_loss), 4),
        validation_loss=round(float(best), 4) if best is not None else None,
        best_step=trainer.state.best_global_step if best is not None else None,
        stopped_early=trainer.state.global_step < steps,
        seconds=round(seconds, 1),
        trained_parameters=trained,
    )
    plot_losses(folder / "metrics.csv", folder / "loss.png")
    write_atomic(folder / "README.md", model_card(config, result).encode())
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    if support:
        write_support(folder, support)
    digests = {path.name: sha256_file(path) for path in sorted(target.glob("*.safetensors"))}
    write_json(folder / "run.json", {**asdict(result), "folder": ".", "weights_sha256": digests})
    return result


def _limited(examples: Sequence[RaftExample], limit: int | None) -> list[RaftExample]:
    """The first whole contexts with together at most `limit` examples, drawn evenly by a hash of the context."""
    if limit is None or len(examples) <= limit:
        return list(examples)
    contexts: dict[str, list[RaftExample]] = {}
    for example in sorted(examples, key=lambda e: hashlib.sha256(e.context.encode()).digest()):
        contexts.setdefault(example.context, []).append(example)
    chosen: list[RaftExample] = []
    for members in contexts.values():
        if len(chosen) + len(members) <= limit:
            chosen += members
    return chosen


def _as_dataset(rows: Sequence[PackedSequence]) -> Any:
    from datasets import Dataset

    return Dataset.from_list(
        [{"input_ids": r.input_ids, "labels": r.labels, "position_ids": r.position_ids, "branch": r.branch} for r in rows]
    )


def _load(base: ModelFolder, options: TrainOptions, gpu: bool) -> tuple[Any, Any]:
    import torch
    from peft import LoraConfig, prepare_model_for_kbit_training
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    dtype = torch.bfloat16 if gpu else torch.float32
    quantization = None
    if options.adapter == "qlora":
        quantization = BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype, bnb_4bit_use_double_quant=True
        )
    # Additive masks with branches need eager or SDPA attention; on a CPU eager is the faster of the two at these lengths.
    model = AutoModelForCausalLM.from_pretrained(
        base.path,
        dtype=dtype,
        quantization_config=quantization,
        attn_implementation="sdpa" if gpu else "eager",
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
        device_map={"": 0} if gpu else None,
    )
    model.config.use_cache = False
    if options.adapter == "none":
        return model, None
    if quantization is not None:
        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
        for module in model.modules():
            # On processors with bfloat16 bitsandbytes (0.50) would repack the weights at the first validation, for a kernel that has to be
            # fetched, which fails for narrow layers and is not undone when training goes on.
            if getattr(module, "support_avx512bf16_for_cpu", False):
                module.support_avx512bf16_for_cpu = False
    modules, layers = _targets(model, options.layers_fraction)
    config = LoraConfig(
        r=options.rank,
        lora_alpha=options.alpha,
        target_modules=modules,
        layers_to_transform=layers,
        lora_dropout=0.0,
        bias="none",
        task_type="CAUSAL_LM",
    )
    return model, config


def _targets(model: Any, fraction: float) -> tuple[list[str], list[int]]:
    """Names of the linear modules inside the decoder layers, and the numbers of the upper `fraction` of the layers."""
    import torch

    inside = [name for name, module in model.named_modules() if isinstance(module, torch.nn.Linear) and ".layers." in name]
    count = int(model.config.get_text_config().num_hidden_layers)
    first = count - max(1, round(count * fraction))
    return sorted({name.rsplit(".", 1)[1] for name in inside}), list(range(first, count))


def _trainer_class() -> Any:
    import torch
    from trl import SFTTrainer

    class AnswerSFTTrainer(SFTTrainer):  # type: ignore[misc]
        """SFTTrainer whose output layer runs on the labelled positions only; TRL does so on GPUs, and scores every one on a CPU."""

        def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None) -> Any:
            """Mean negative log-likelihood of the labelled tokens (summed over `num_items_in_batch` when that is given)."""
            labels = inputs["labels"][:, 1:]
            causal = model.get_base_model() if hasattr(model, "get_base_model") else model
            hidden = causal.model(
                input_ids=inputs["input_ids"],
                position_ids=inputs["position_ids"],
                attention_mask=inputs["attention_mask"].to(next(causal.parameters()).device, dtype=causal.dtype),
                use_cache=False,
            ).last_hidden_state[:, :-1]
            kept = labels != IGNORED
            logits = causal.get_output_embeddings()(hidden[kept]).float()
            total = torch.nn.functional.cross_entropy(logits, labels[kept], reduction="sum")
            loss = total / (num_items_in_batch if num_items_in_batch is not None else kept.sum().clamp(min=1))
            return (loss, {"loss": loss}) if return_outputs else loss

    return AnswerSFTTrainer


def _recorder(folder: Path, say: Callable[[str], None], steps: int) -> Any:
    from transformers import TrainerCallback

    class Recorder(TrainerCallback):  # type: ignore[misc]
        """Keeps `metrics.csv`, says how far it is, and marks checkpoints complete."""

        def __init__(self) -> None:
            self.started = time.monotonic()
            self.first_step: int | None = None

        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self.started, self.first_step = time.monotonic(), state.global_step
            keep_metrics(folder / "metrics.csv", state.global_step)

        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **kwargs: Any) -> None:
            logs = logs or {}
            if "loss" not in logs and "eval_loss" not in logs:
                return
            row = [
                state.global_step,
                round(float(state.epoch or 0), 4),
                logs.get("loss", ""),
                logs.get("eval_loss", ""),
                logs.get("learning_rate", ""),
                round(time.monotonic() - self.started, 1),
            ]
            append_metrics(folder / "metrics.csv", row)
            done = state.global_step - (self.first_step or 0)
            left = (time.monotonic() - self.started) / max(done, 1) * (steps - state.global_step)
            kind = f"loss {logs['loss']:.3f}" if "loss" in logs else f"validation loss {logs['eval_loss']:.3f}"
            say(f"step {state.global_step}/{steps}  {kind}  about {left / 60:.1f} min left")

        def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            mark_complete(Path(args.output_dir) / f"checkpoint-{state.global_step}")

    return Recorder()
