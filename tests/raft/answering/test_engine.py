"""The local engine: inside the quote markers only sentences of the prompt's own documents are possible."""

from __future__ import annotations

import random

import pytest
import torch
from transformers import AutoTokenizer

from corpora.text.sentences import sentence_spans
from raft.answering.transformers_engine import TransformersEngine
from raft.prompts.format import BEGIN_QUOTE, END_QUOTE, label, parse_completion, render_prompt
from raft.prompts.tokenization import PromptEncoder
from raft.quotes.constrained_decoding import QuoteConstraint
from raft.records import Passage
from retrieval.model_folders import ModelFolder

PASSAGES = [
    Passage("c1", "d1", "Deposits", "", "The deposit is protected within 30 days. The tenant gets the prescribed information."),
    Passage("c2", "d2", "Deposits", "", "The deposit is capped at five weeks' rent. The cap is six weeks from £50,000."),
]
SENTENCES = {p.text[a:b] for p in PASSAGES for a, b in sentence_spans(p.text)}


@pytest.fixture(scope="module")
def encoder(packaged: ModelFolder) -> PromptEncoder:
    return PromptEncoder(AutoTokenizer.from_pretrained(packaged.path))


def _constraint(encoder: PromptEncoder) -> QuoteConstraint:
    prompt = encoder.encode(render_prompt(PASSAGES, "When?", [2, 1]))
    begin = [encoder.marker(BEGIN_QUOTE), encoder.marker(f" {BEGIN_QUOTE}")]
    labels = [[encoder.marker(label(i)), encoder.marker(f" {label(i)}")] for i in (1, 2)]
    return QuoteConstraint(prompt, begin, encoder.marker(f" {END_QUOTE}"), labels)


def test_any_walk_through_the_allowed_tokens_is_a_run_of_whole_sentences(encoder: PromptEncoder, packaged: ModelFolder) -> None:
    tokenizer = AutoTokenizer.from_pretrained(packaged.path)
    constraint, end = _constraint(encoder), encoder.marker(f" {END_QUOTE}")
    seen = set()
    for seed in range(60):
        draw = random.Random(seed)
        generated = list(encoder.marker("##Reason: " + BEGIN_QUOTE))
        start = len(generated)
        while (allowed := constraint.allowed(generated)) is not None:
            generated.append(draw.choice(sorted(allowed)))
        assert tuple(generated[-len(end) :]) == end
        quote = tokenizer.decode(generated[start : -len(end)]).strip()
        assert any(quote in passage.text for passage in PASSAGES)
        assert any(quote.startswith(sentence) for sentence in SENTENCES)
        assert any(quote.endswith(sentence) for sentence in SENTENCES)
        seen.add(quote)
    assert seen >= SENTENCES


def test_a_quote_after_a_document_s_number_is_of_that_document(encoder: PromptEncoder, packaged: ModelFolder) -> None:
    tokenizer = AutoTokenizer.from_pretrained(packaged.path)
    constraint = _constraint(encoder)
    for number in (1, 2):
        generated = list(encoder.marker(f"##Reason: [{number}] {BEGIN_QUOTE}"))
        start = len(generated)
        for _ in range(5):
            generated.append(min(constraint.allowed(generated) or ()))
        assert tokenizer.decode(generated[start:]).strip() in PASSAGES[number - 1].text


def test_outside_a_quote_everything_is_allowed(encoder: PromptEncoder) -> None:
    constraint = _constraint(encoder)
    assert constraint.allowed(encoder.marker("##Reason: the")) is None
    closed = encoder.marker(f"##Reason: {BEGIN_QUOTE} The deposit is protected within 30 days. {END_QUOTE}")
    assert constraint.allowed(closed) is None


def test_a_random_model_cannot_invent_a_quote(tiny: ModelFolder) -> None:
    """Adversary: a model that always wants to open a quote, and otherwise writes noise."""
    engine = TransformersEngine(tiny)
    opening = engine.encoder.marker(f" {BEGIN_QUOTE}")
    forward = engine._model.forward

    def eager_to_quote(*args: object, **kwargs: object) -> object:
        output = forward(*args, **kwargs)
        step = engine._step = getattr(engine, "_step", -1) + 1
        output.logits = torch.randn_like(output.logits)
        if step < len(opening):
            output.logits[:, -1, opening[step]] = 1e4
        return output

    torch.manual_seed(3)
    engine._model.forward = eager_to_quote
    completion = engine.complete([render_prompt(PASSAGES, "When?", [2, 1])], 120)[0]
    quotes = parse_completion(completion.text).quotes
    assert quotes and all(any(quote in passage.text for passage in PASSAGES) for _, quote in quotes)


def test_batched_alone_and_streamed_completions_are_the_same(packaged: ModelFolder) -> None:
    engine = TransformersEngine(packaged, batch_size=3)
    prompts = [
        render_prompt(PASSAGES, q, [1, 2])
        for q in ("How soon is it protected?", "What is the cap?", "Why is it so, and since when?")
    ]
    together = engine.complete(prompts, 16)
    alone = [engine.complete([prompt], 16)[0] for prompt in prompts]
    assert [c.text for c in together] == [c.text for c in alone]
    assert "".join(engine.stream(prompts[0], 16)) == together[0].text
    assert together[0].completion_tokens <= 16 and together[0].prompt_tokens > 50
