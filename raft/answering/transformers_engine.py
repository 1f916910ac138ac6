"""The local engine: transformers, in batches, with quotes that cannot be invented.

Between the quote markers the local engine may only continue a sentence of the prompt's own documents, from its
beginning to its end. What the model chooses is which; a quote that is not in the retrieved text cannot be produced.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from raft.answering.engine import Completion
from raft.prompts.format import BEGIN_QUOTE, END_QUOTE, Prompt, label
from raft.prompts.tokenization import EncodedPrompt, PromptEncoder
from raft.quotes.constrained_decoding import QuoteConstraint, QuoteProcessor
from retrieval.model_folders import ModelFolder

if TYPE_CHECKING:
    import torch


class TransformersEngine:
    """A base model, with an adapter or without, on the best device there is. One generation at a time."""

    def __init__(self, base: ModelFolder, adapter: Path | None = None, batch_size: int = 16, constrain: bool = True) -> None:
        """Load the model. Raises ModelError or OSError when it cannot be."""
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        device = "cuda" if torch.cuda.is_available() else "cpu"
        dtype = torch.bfloat16 if device == "cuda" else torch.float32
        self._tokenizer = AutoTokenizer.from_pretrained(base.path, local_files_only=True, trust_remote_code=False)
        model: Any = AutoModelForCausalLM.from_pretrained(
            base.path, dtype=dtype, local_files_only=True, trust_remote_code=False, use_safetensors=True
        )
        if adapter is not None:
            from peft import PeftModel

            model = PeftModel.from_pretrained(model, str(adapter), local_files_only=True).merge_and_unload()
        self._model = model.to(device).eval()
        self._device = device
        self._batch_size = batch_size
        self._constrain = constrain
        self._lock = Lock()
        self.encoder = PromptEncoder(self._tokenizer)

    def complete(self, prompts: Sequence[Prompt], max_tokens: int) -> list[Completion]:
        """Greedy completions, in the order of the prompts; prompts of like length are batched together."""
        encoded = [self.encoder.encode(prompt) for prompt in prompts]
        order = sorted(range(len(encoded)), key=lambda i: len(encoded[i].ids))
        completions: dict[int, Completion] = {}
        for first in range(0, len(order), self._batch_size):
            part = order[first : first + self._batch_size]
            for i, completion in zip(part, self._batch([encoded[i] for i in part], max_tokens), strict=True):
                completions[i] = completion
        return [completions[i] for i in range(len(encoded))]

    def stream(self, prompt: Prompt, max_tokens: int) -> Iterator[str]:
        """Pieces of one greedy completion. Leaving the iterator early stops the generation at its next token."""
        from transformers import TextIteratorStreamer

        encoded = self.encoder.encode(prompt)
        streamer = TextIteratorStreamer(self._tokenizer, skip_prompt=True, skip_special_tokens=True)
        stop = _Stop()
        failure: list[BaseException] = []

        def work() -> None:
            try:
                self._generate([encoded], max_tokens, streamer=streamer, stop=stop)
            except BaseException as error:  # handed to the reader below
                failure.append(error)
                streamer.end()

        thread = Thread(target=work, daemon=True)
        thread.start()
        try:
            yield from streamer
        finally:
            stop.requested = True
            thread.join()
        if failure:
            raise failure[0]

    def _batch(self, prompts: Sequence[EncodedPrompt], max_tokens: int) -> list[Completion]:
        output = self._generate(prompts, max_tokens)
        width = max(len(prompt.ids) for prompt in prompts)
        stops = set(self.encoder.stop_ids)
        completions = []
        for prompt, row in zip(prompts, output[:, width:].tolist(), strict=True):
            length = next((i for i, token in enumerate(row) if token in stops), len(row))
            text = self._tokenizer.decode(row[:length], skip_special_tokens=True, clean_up_tokenization_spaces=False)
            completions.append(Completion(text, len(prompt.ids), length, finished=length < len(row) or length < max_tokens))
        return completions

    def _generate(self, prompts: Sequence[EncodedPrompt], max_tokens: int, **extra: Any) -> torch.Tensor:
        import torch
        from transformers import GenerationConfig, LogitsProcessorList, StoppingCriteriaList

        stops = list(self.encoder.stop_ids)
        pad = self._tokenizer.pad_token_id if self._tokenizer.pad_token_id is not None else stops[0]
        width = max(len(prompt.ids) for prompt in prompts)
        ids = torch.full((len(prompts), width), pad, dtype=torch.long)
        mask = torch.zeros_like(ids)
        for i, prompt in enumerate(prompts):
            ids[i, width - len(prompt.ids) :] = torch.tensor(prompt.ids)
            mask[i, width - len(prompt.ids) :] = 1
        processors = LogitsProcessorList([QuoteProcessor(self._constraints(prompts), width)] if self._constrain else [])
        stop = extra.pop("stop", None)
        config = GenerationConfig(
            max_new_tokens=max_tokens, do_sample=False, num_beams=1, eos_token_id=stops, pad_token_id=pad, use_cache=True
        )
        with self._lock, torch.inference_mode():
            output: torch.Tensor = self._model.generate(
                ids.to(self._device),
                attention_mask=mask.to(self._device),
                generation_config=config,
                logits_processor=processors,
                stopping_criteria=StoppingCriteriaList([stop] if stop else []),
                **extra,
            )
        return output.cpu()

    def _constraints(self, prompts: Sequence[EncodedPrompt]) -> list[QuoteConstraint]:
        begin = [self.encoder.marker(BEGIN_QUOTE), self.encoder.marker(f" {BEGIN_QUOTE}")]
        end = self.encoder.marker(f" {END_QUOTE}")
        max_passages = max((len(prompt.passages) for prompt in prompts), default=0)
        labels = [[self.encoder.marker(label(i)), self.encoder.marker(f" {label(i)}")] for i in range(1, max_passages + 1)]
        return [QuoteConstraint(prompt, begin, end, labels[: len(prompt.passages)]) for prompt in prompts]


class _Stop:
    """A stopping criterion that a reader can set."""

    requested = False

    def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
        import torch

        return torch.full((input_ids.shape[0],), self.requested, dtype=torch.bool, device=input_ids.device)
