"""Supervised fine-tuning on RAFT examples with TRL's SFTTrainer: QLoRA, LoRA or full.

The loss is on the answer's tokens alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from corpora.workspace.run_folder import ASSISTANT
from raft.prompts.tokenization import PromptEncoder
from raft.records import RaftExample
from raft.training.adapters import adapter_targets
from raft.training.answer_loss import answer_trainer_class, router_loss
from raft.training.attention_masks import form_for_shared_rows
from raft.training.base_model import halve_frozen_products, load_for_training
from raft.training.options import TrainOptions
from raft.training.packing import PackedCollator, as_dataset, pack
from raft.training.progress import TrainingProgress
from raft.training.resolved_options import ResolvedOptions, resolve, skeleton
from raft.training.run_record import Fitted, MethodDescription
from raft.training.trainer import make_schedule, on_gpu, process_count, run_trainer, trainer_arguments, trainer_callbacks
from retrieval.model_folders import ModelFolder

ABOUT = MethodDescription(
    kind=ASSISTANT,
    technique="RAFT (arXiv 2403.10131)",
    ability="It answers from retrieved documents, quotes the sentence that answers, and says so when no document does.",
    loss="loss on answer tokens (nats)",
)


def fit(
    examples: Sequence[RaftExample],
    validation: Sequence[RaftExample],
    base: ModelFolder,
    options: TrainOptions,
    progress: TrainingProgress,
) -> Fitted:
    """Tune `base` to write the completions of `examples`.

    Raises TrainingError when one is longer than `options.max_tokens`.
    """
    from transformers import AutoTokenizer
    from trl import SFTConfig

    tokenizer = AutoTokenizer.from_pretrained(base.path, local_files_only=True, trust_remote_code=False)
    encoder = PromptEncoder(tokenizer)
    rows = pack(examples, encoder, options.max_tokens, options.share_prefix)
    validation_rows = pack(validation, encoder, options.max_tokens, options.share_prefix)
    gpu = on_gpu()
    resolved = _resolved(base, options, [row.length for row in rows], gpu, progress)
    model, peft_config = load_for_training(base, options, resolved, gpu)
    if peft_config is not None and (left_out := adapter_targets(model, options).not_adapted):
        progress.say(f"no adapter on {', '.join(left_out)} (train.experts adapts them)")
    form = None
    if any(max(row.branch) > 1 for row in (*rows, *validation_rows)):
        reason = "its routers' balancing loss counts the tokens of whole rows" if router_loss(model.config) else ""
        form = form_for_shared_rows(model, rows) if not reason else None
        if form is None:
            reason = reason or "it takes no masks of ours, or other ones than it makes itself"
            progress.say(f"examples over the same documents share no row with this model: {reason}")
            rows = pack(examples, encoder, options.max_tokens, share=False)
            validation_rows = pack(validation, encoder, options.max_tokens, share=False)
    if peft_config is not None and not gpu and resolved.precision == "bfloat16":
        halve_frozen_products(model)
    schedule = make_schedule(len(rows), len(examples), options, process_count())
    progress.say(
        f"{len(examples)} examples in {len(rows)} rows of {sum(r.length for r in rows) // len(rows)} tokens on average, "
        f"{schedule.steps} steps of {schedule.rows_per_step * process_count()} rows"
    )
    arguments = SFTConfig(
        **trainer_arguments(progress.run, schedule, options, resolved, validated=bool(validation_rows)),
        remove_unused_columns=False,
        dataset_kwargs={"skip_prepare_dataset": True},
        max_length=None,
        prediction_loss_only=True,
    )
    arguments._n_gpu = min(arguments.n_gpu, 1)  # several GPUs need a launcher: DataParallel takes no masks of ours
    trainer = answer_trainer_class()(
        model=model,
        args=arguments,
        train_dataset=as_dataset(rows),
        eval_dataset=as_dataset(validation_rows) if validation_rows else None,
        processing_class=tokenizer,
        peft_config=peft_config,
        data_collator=PackedCollator(tokenizer.pad_token_id or 0, form),
        callbacks=trainer_callbacks(progress, options, validated=bool(validation_rows)),
    )
    return run_trainer(trainer, progress, options)


def _resolved(
    base: ModelFolder, options: TrainOptions, lengths: Sequence[int], gpu: bool, progress: TrainingProgress
) -> ResolvedOptions:
    """What the run began with, or what is chosen now, by the first process for all of them."""
    from accelerate import PartialState

    with PartialState(cpu=not gpu).main_process_first():
        begun = progress.run.resolved()
        resolved = ResolvedOptions(**begun) if begun else resolve(options, skeleton(base), lengths, gpu)
        if not begun:
            progress.run.record_resolved(asdict(resolved))
    progress.say(f"{resolved}")
    return resolved
