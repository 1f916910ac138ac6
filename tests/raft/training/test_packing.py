"""Training rows: nothing is cut (promise R12), only answers are learnt, and sharing a prefix changes no loss."""

from __future__ import annotations

import pytest
import torch
from tests_collection import Collection
from transformers import AutoModelForCausalLM, AutoTokenizer

from corpora.errors import TrainingError
from raft.examples.assembly import build_examples
from raft.examples.grounding import ground, search_questions
from raft.examples.options import ExampleOptions
from raft.prompts.tokenization import PromptEncoder
from raft.records import RaftExample
from raft.training.attention_masks import MaskForm, form_for_shared_rows
from raft.training.packing import IGNORED, PackedCollator, PackedSequence, as_row, pack
from retrieval.model_folders import ModelFolder


@pytest.fixture(scope="module")
def examples(collection: Collection) -> list[RaftExample]:
    options = ExampleOptions()
    grounding = ground(collection.questions, collection.store, options)
    return build_examples(grounding, search_questions(grounding, collection.retriever, options), options)[:24]


@pytest.fixture(scope="module")
def encoder(packaged: ModelFolder) -> PromptEncoder:
    return PromptEncoder(AutoTokenizer.from_pretrained(packaged.path))


def test_labels_are_exactly_the_completions(examples: list[RaftExample], encoder: PromptEncoder) -> None:
    rows = pack(examples, encoder, 4096)
    learnt = [tuple(token for token in row.labels if token != IGNORED) for row in rows]
    wanted: dict[str, tuple[int, ...]] = {}
    for example in examples:
        wanted[example.context] = wanted.get(example.context, ()) + encoder.completion(example.completion)
    assert learnt == list(wanted.values())


def test_one_token_too_long_is_an_error_before_training_and_exactly_long_enough_is_not(
    examples: list[RaftExample], encoder: PromptEncoder
) -> None:
    longest = max(row.length for row in pack(examples, encoder, 4096, share=False))
    pack(examples, encoder, longest, share=False)
    with pytest.raises(TrainingError, match=rf"\d of {len(examples)} examples .* at least {longest}"):
        pack(examples, encoder, longest - 1, share=False)


def test_a_row_never_passes_the_limit_and_loses_no_example(examples: list[RaftExample], encoder: PromptEncoder) -> None:
    limit = max(row.length for row in pack(examples, encoder, 4096, share=False)) + 5
    rows = pack(examples, encoder, limit)
    assert max(row.length for row in rows) <= limit
    assert sum(max(row.branch) for row in rows) == len(examples)


def _nll(model: torch.nn.Module, rows: list[PackedSequence], masks: MaskForm | None) -> torch.Tensor:
    collator = PackedCollator(0, masks)
    total = torch.zeros(())
    for row in rows:
        batch = collator([as_row(row)])
        labels = batch.pop("labels")[:, 1:]
        logits = model(**batch, use_cache=False).logits[:, :-1]
        total = total + torch.nn.functional.cross_entropy(logits[labels != IGNORED], labels[labels != IGNORED], reduction="sum")
    return total


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_sharing_the_prefix_gives_the_loss_and_gradients_of_separate_rows(
    examples: list[RaftExample], encoder: PromptEncoder, tiny: ModelFolder, attention: str
) -> None:
    some = [example for example in examples if example.context in {e.context for e in examples[:6]}]
    shared, separate = pack(some, encoder, 4096), pack(some, encoder, 4096, share=False)
    assert sum(row.length for row in shared) < 0.75 * sum(row.length for row in separate)
    gradients = []
    for rows in (shared, separate):
        model = AutoModelForCausalLM.from_pretrained(tiny.path, attn_implementation=attention)
        loss = _nll(model, rows, form_for_shared_rows(model, shared) if rows is shared else None)
        loss.backward()
        gradients.append((loss.detach(), model.model.layers[0].self_attn.q_proj.weight.grad.clone()))
    torch.testing.assert_close(gradients[0][0], gradients[1][0], rtol=1e-5, atol=1e-3)
    torch.testing.assert_close(gradients[0][1], gradients[1][1], rtol=1e-3, atol=1e-4)
