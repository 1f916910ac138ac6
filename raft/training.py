"""Tuning a base model on a RAFT dataset with TRL's SFTTrainer: QLoRA, LoRA or full, on a CPU or a GPU.

Writes a run folder: `config.json`, `metrics.csv`, `loss.png`, `checkpoints/`, `adapter/` (or `model/`), `README.md` (the model
card), and `run.json` last: its presence means the run is complete. Resumes from the newest complete checkpoint.
"""

from __future__ import annotations

import csv
import hashlib
import importlib.metadata
import json
import logging
import math
import platform
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from corpora.errors import TrainingError
from corpora.files import sha256_file, write_atomic, write_json
from raft.packing import IGNORED, PackedCollator, PackedSequence, pack
from raft.records import RaftExample
from raft.tokens import PromptEncoder
from retrieval.models import ModelFolder

log = logging.getLogger("raftsmith.training")
ADAPTERS = ("qlora", "lora", "none")
VERSIONED = ("torch", "transformers", "trl", "peft", "bitsandbytes", "accelerate")


@dataclass(frozen=True)
class TrainOptions:
    """How a model is tuned. Tokens, not characters; learning rate at its peak."""

    adapter: str = "qlora"
    rank: int = 16
    alpha: int = 32
    layers_fraction: float = 2 / 3
    """Share of the upper layers that get an adapter, in 0–1: what lies below needs no backward pass."""
    learning_rate: float = 1e-3
    warmup_fraction: float = 0.05
    epochs: float = 1.0
    batch_examples: int = 6
    """Examples an optimizer step, counted in questions; contexts are put together until they have about as many."""
    max_examples: int | None = None
    """At most so many training examples, whole contexts; None is all."""
    max_validation_examples: int = 24
    max_tokens: int = 1536
    share_prefix: bool = True
    evaluations: int = 3
    """How often the validation loss is taken, evenly over the run."""
    patience: int = 2
    """Stop after so many validations without a better loss."""
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises ValueError for a value out of its range."""
        if self.adapter not in ADAPTERS:
            raise ValueError(f"adapter is {self.adapter!r}; accepted: {', '.join(ADAPTERS)}")
        if not 0 < self.layers_fraction <= 1:
            raise ValueError(f"layers_fraction is {self.layers_fraction}; it must be above 0 and at most 1")
        for name in ("rank", "alpha", "learning_rate", "epochs", "batch_examples", "max_tokens", "evaluations", "patience"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be positive")


@dataclass(frozen=True)
class TrainingResult:
    """What a run ended with. `seconds` is of this process only; losses are mean negative log-likelihoods a token, in nats."""

    run: str
    folder: str
    steps: int
    examples: int
    train_loss: float
    validation_loss: float | None
    best_step: int | None
    stopped_early: bool
    seconds: float
    trained_parameters: int


def train(
    name: str,
    folder: Path,
    base: ModelFolder,
    dataset: str,
    dataset_digest: str,
    examples: Sequence[RaftExample],
    options: TrainOptions,
    say: Callable[[str], None] = lambda line: None,
) -> TrainingResult:
    """Run or resume the training `name` in `folder`. Raises TrainingError; see the module for what is written."""
    import torch
    from transformers import AutoTokenizer, EarlyStoppingCallback, PrinterCallback, set_seed
    from trl import SFTConfig

    config = _resolved(name, base, dataset, dataset_digest, options)
    resume = _prepare(folder, config)
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
    write_atomic(folder / "README.md", _model_card(config, result).encode())
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    digests = {path.name: sha256_file(path) for path in sorted(target.glob("*.safetensors"))}
    write_json(folder / "run.json", {**asdict(result), "folder": ".", "weights_sha256": digests})
    return result


def _resolved(name: str, base: ModelFolder, dataset: str, dataset_digest: str, options: TrainOptions) -> dict[str, Any]:
    return {
        "run": name,
        "base": base.name,
        "base_digest": base.digest,
        "dataset": dataset,
        "dataset_digest": dataset_digest,
        "options": asdict(options),
        "versions": {package: importlib.metadata.version(package) for package in VERSIONED},
        "python": platform.python_version(),
    }


def _prepare(folder: Path, config: dict[str, Any]) -> bool:
    """Make the run folder, or check that the one there is the same run unfinished; True when it is to be resumed."""
    path = folder / "config.json"
    if (folder / "run.json").exists():
        raise TrainingError(f"run {config['run']} is already complete in {folder}; choose another --run name")
    if path.exists():
        found = json.loads(path.read_text())
        flat, wanted = _flatten(found), _flatten(config)
        differ = sorted(key for key in flat.keys() | wanted.keys() if flat.get(key) != wanted.get(key))
        if differ:
            changes = "; ".join(f"{key}: {flat.get(key)} there, {wanted.get(key)} now" for key in differ[:5])
            raise TrainingError(
                f"run {config['run']} was started with another configuration ({changes}); "
                f"choose another --run name, or delete {folder}"
            )
        return True
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_json(path, config)
    return False


def _flatten(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, item in value.items():
        if isinstance(item, dict):
            flat.update(_flatten(item, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = item
    return flat


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
            _keep_rows(folder / "metrics.csv", state.global_step)

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
            _append_row(folder / "metrics.csv", row)
            done = state.global_step - (self.first_step or 0)
            left = (time.monotonic() - self.started) / max(done, 1) * (steps - state.global_step)
            kind = f"loss {logs['loss']:.3f}" if "loss" in logs else f"validation loss {logs['eval_loss']:.3f}"
            say(f"step {state.global_step}/{steps}  {kind}  about {left / 60:.1f} min left")

        def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            mark_complete(Path(args.output_dir) / f"checkpoint-{state.global_step}")

    return Recorder()


_COLUMNS = ("step", "epoch", "train_loss", "validation_loss", "learning_rate", "seconds")


def _append_row(path: Path, row: Sequence[Any]) -> None:
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        if new:
            writer.writerow(_COLUMNS)
        writer.writerow(row)


def _keep_rows(path: Path, last_step: int) -> None:
    """Drop the rows after the checkpoint that a run resumes from, so that no step stands twice."""
    if not path.exists():
        return
    with path.open(newline="", encoding="utf-8") as handle:
        header, *rows = list(csv.reader(handle)) or [list(_COLUMNS)]
    kept = [",".join(row) for row in [header, *(row for row in rows if int(row[0]) <= last_step)]]
    write_atomic(path, ("\n".join(kept) + "\n").encode())


def mark_complete(checkpoint: Path) -> None:
    """Write the manifest that makes a checkpoint count: name → SHA-256 of every file in it."""
    files = [path for path in sorted(checkpoint.iterdir()) if path.is_file() and path.name != "complete.json"]
    write_json(checkpoint / "complete.json", {path.name: sha256_file(path) for path in files})


def newest_complete_checkpoint(folder: Path) -> Path | None:
    """The checkpoint with the highest step whose files are all as its manifest says (promise R10), or None."""
    found = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]), reverse=True)
    for checkpoint in found:
        try:
            expected = json.loads((checkpoint / "complete.json").read_text())
            if expected and all(sha256_file(checkpoint / name) == digest for name, digest in expected.items()):
                return checkpoint
        except (OSError, ValueError):
            continue
    return None


def plot_losses(metrics: Path, target: Path) -> None:
    """Draw training and validation loss over steps as a PNG."""
    from matplotlib.figure import Figure

    with metrics.open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    for column, style, label in (("train_loss", "-", "training"), ("validation_loss", "o-", "validation (held-out documents)")):
        points = [(int(row["step"]), float(row[column])) for row in rows if row[column]]
        if points:
            axes.plot(*zip(*points, strict=True), style, label=label)
    axes.set(xlabel="optimizer step", ylabel="loss on answer tokens (nats)", title="Training")
    axes.legend()
    axes.grid(alpha=0.3)
    figure.savefig(target, dpi=120)


def _model_card(config: dict[str, Any], result: TrainingResult) -> str:
    options = "\n".join(f"- {key}: {value}" for key, value in config["options"].items())
    versions = ", ".join(f"{key} {value}" for key, value in config["versions"].items())
    return f"""---
base_model: {config["base"]}
library_name: peft
tags: [raft, raftsmith]
---
# {config["run"]}

Tuned with RAFT (arXiv 2403.10131) by raftsmith from `{config["base"]}` (weights {config["base_digest"]}) on the dataset
`{config["dataset"]}` ({config["dataset_digest"][:16]}). It answers from retrieved documents, quotes the sentence that answers, and
says so when no document does. It knows the documents it was tuned on: whoever may use it should be allowed to read them all.

Training: {result.examples} examples, {result.steps} steps, {result.trained_parameters:,} trained parameters, {result.seconds:.0f} s;
final training loss {result.train_loss}, best validation loss {result.validation_loss} at step {result.best_step}.
Whether it helps is for `raftsmith evaluate` to say; see the reports of the workspace.

## Options
{options}

Versions: {versions}.
"""
