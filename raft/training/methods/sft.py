"""Tuning a base model on a RAFT dataset with TRL's SFTTrainer: QLoRA, LoRA or full, on a CPU or a GPU.

Writes a run folder: `config.json`, `metrics.csv`, `loss.png`, `checkpoints/`, `adapter/` (or `model/`), `support.json`,
`README.md` (the model card), and `run.json` last: its presence means the run is complete. Resumes from the newest complete checkpoint.
"""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from corpora.durable_files import sha256_file, write_atomic, write_json
from corpora.errors import TrainingError
from corpora.workspace.run_folder import newest_complete_checkpoint, prepare_folder
from raft.abstention import AbstentionModel, write_support
from raft.examples.dataset import leaks
from raft.prompts.tokenization import PromptEncoder
from raft.records import RaftExample
from raft.training.answer_loss import answer_trainer_class
from raft.training.base_model import load_for_training
from raft.training.example_rows import as_dataset, limited_examples
from raft.training.options import TrainOptions
from raft.training.packing import PackedCollator, pack
from raft.training.progress import progress_recorder
from raft.training.run_record import TrainingResult, model_card, plot_losses, resolved_config
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
    support: AbstentionModel | None = None,
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
    chosen = limited_examples([e for e in examples if e.split == "train"], options.max_examples)
    held = limited_examples([e for e in examples if e.split == "validation"], options.max_validation_examples)
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
    model, peft_config = load_for_training(base, options, gpu)
    recorder = progress_recorder(folder, say, steps)
    callbacks: list[Any] = [recorder]
    if validation:
        callbacks.append(EarlyStoppingCallback(early_stopping_patience=options.patience))
    trainer = answer_trainer_class()(
        model=model,
        args=args,
        train_dataset=as_dataset(rows),
        eval_dataset=as_dataset(validation) if validation else None,
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
