"""Supervised fine-tuning on RAFT examples with TRL's SFTTrainer: QLoRA, LoRA or full.

The loss is on the answer's tokens alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from corpora.workspace.run_folder import ASSISTANT
from raft.prompts.tokenization import PromptEncoder
from raft.records import RaftExample
from raft.training.answer_loss import answer_trainer_class
from raft.training.base_model import load_for_training
from raft.training.options import TrainOptions
from raft.training.packing import PackedCollator, as_dataset, pack
from raft.training.progress import TrainingProgress
from raft.training.run_record import Fitted, MethodDescription
from raft.training.trainer import make_schedule, on_gpu, run_trainer, trainer_arguments, trainer_callbacks
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
    schedule = make_schedule(len(rows), len(examples), options)
    progress.say(
        f"{len(examples)} examples in {len(rows)} rows of {sum(r.length for r in rows) // len(rows)} tokens on average, "
        f"{schedule.steps} steps of {schedule.rows_per_step} rows"
    )
    arguments = SFTConfig(
        **trainer_arguments(progress.run, schedule, options, validated=bool(validation_rows)),
        remove_unused_columns=False,
        dataset_kwargs={"skip_prepare_dataset": True},
        max_length=None,
        prediction_loss_only=True,
    )
    model, peft_config = load_for_training(base, options, on_gpu())
    trainer = answer_trainer_class()(
        model=model,
        args=arguments,
        train_dataset=as_dataset(rows),
        eval_dataset=as_dataset(validation_rows) if validation_rows else None,
        processing_class=tokenizer,
        peft_config=peft_config,
        data_collator=PackedCollator(tokenizer.pad_token_id or 0),
        callbacks=trainer_callbacks(progress, options, validated=bool(validation_rows)),
    )
    return run_trainer(trainer, progress, options)
