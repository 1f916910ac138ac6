"""The local engine: transformers, in batches, with quotes that cannot be invented.

Between the quote markers only text of the prompt's own documents is possible: whole sentences, unless any words are asked
for. What the model chooses is which; a quote that is not in the retrieved text cannot be produced.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from raft.answering.engine import Completion
from raft.answering.greedy_decoding import Row, decode_greedily
from raft.prompts.format import Prompt
from raft.prompts.tokenization import PromptEncoder
from raft.quotes.constrained_decoding import CompletionConstraint, ConstraintProcessor, GrammarTokenizer
from raft.quotes.grammar import CompletionForm, QuoteUnit, completion_grammar
from retrieval.model_folders import ModelFolder

if TYPE_CHECKING:
    from transformers import TextIteratorStreamer


class TransformersEngine:
    """A base model, with an adapter or without, on the best device there is. One generation at a time."""

    def __init__(
        self,
        base: ModelFolder,
        adapter: Path | None = None,
        batch_size: int = 16,
        form: CompletionForm | None = "free",
        unit: QuoteUnit = "sentences",
        fast_forward: bool = True,
    ) -> None:
        """Load the model; with `form` None completions are not constrained. Raises ModelError or OSError when it cannot be."""
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache, GenerationConfig

        device = "cuda" if torch.cuda.is_available() else "cpu"
        dtype = torch.bfloat16 if device == "cuda" else torch.float32
        self._tokenizer = AutoTokenizer.from_pretrained(base.path, local_files_only=True, trust_remote_code=False)
        model: Any = AutoModelForCausalLM.from_pretrained(
            base.path, dtype=dtype, local_files_only=True, trust_remote_code=False, use_safetensors=True
        )
        if adapter is not None:
            from peft import PeftModel

            model = PeftModel.from_pretrained(model, str(adapter), local_files_only=True).merge_and_unload()
        # `generate` fills what it is not told from here: the hub's penalties and bans would punish quoting, also when greedy.
        model.generation_config = GenerationConfig()
        self._model = model.to(device).eval()
        self._device = device
        self._batch_size = batch_size
        self._form = form
        self._unit = unit
        self._fast_forward = fast_forward
        # A state cannot be read in pieces, and a window is counted in columns: there only one row can run ahead.
        self._stateful = bool(getattr(model, "_is_stateful", False))
        self._windowed = not self._stateful and any(DynamicCache(config=model.config).is_sliding)
        self._lock = Lock()
        self.encoder = PromptEncoder(self._tokenizer)
        self._stops = list(self.encoder.stop_ids)
        self._grammar_tokenizer = GrammarTokenizer(self._tokenizer, self._stops) if form else None

    def complete(self, prompts: Sequence[Prompt], max_tokens: int) -> list[Completion]:
        """Greedy completions, in the order of the prompts; prompts of like length are batched together."""
        encoded = [self.encoder.encode(prompt).ids for prompt in prompts]
        order = sorted(range(len(encoded)), key=lambda i: len(encoded[i]))
        completions: dict[int, Completion] = {}
        for first in range(0, len(order), self._batch_size):
            part = order[first : first + self._batch_size]
            rows = [Row(list(encoded[i]), self._constraint(prompts[i])) for i in part]
            self._decode(rows, max_tokens)
            for i, row in zip(part, rows, strict=True):
                text = self._tokenizer.decode(row.completion, skip_special_tokens=True, clean_up_tokenization_spaces=False)
                length = len(row.completion)
                completions[i] = Completion(text, len(encoded[i]), length, finished=row.stopped)
        return [completions[i] for i in range(len(encoded))]

    def stream(self, prompt: Prompt, max_tokens: int) -> Iterator[str]:
        """Pieces of one greedy completion. Leaving the iterator early stops the generation at its next token."""
        from transformers import TextIteratorStreamer

        row = Row(list(self.encoder.encode(prompt).ids), self._constraint(prompt))
        streamer = TextIteratorStreamer(self._tokenizer, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        stop = _Stop()
        failure: list[BaseException] = []

        def work() -> None:
            try:
                self._decode([row], max_tokens, streamer, stop)
            except BaseException as error:  # handed to the reader below
                failure.append(error)
            finally:
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

    def _constraint(self, prompt: Prompt) -> CompletionConstraint | None:
        if self._grammar_tokenizer is None or self._form is None:
            return None
        passages = [text for _, text in prompt.documents]
        grammar = completion_grammar(passages, self._unit, self._form, self._grammar_tokenizer.can_write)
        return self._grammar_tokenizer.constraint(grammar)

    def _decode(
        self, rows: Sequence[Row], max_tokens: int, streamer: TextIteratorStreamer | None = None, stop: _Stop | None = None
    ) -> None:
        import torch

        stop = stop or _Stop()
        with self._lock, torch.inference_mode():
            if self._stateful or (self._windowed and len(rows) > 1):
                self._generate(rows, max_tokens, streamer, stop)
                return

            def put(tokens: list[int]) -> None:
                if streamer is not None:
                    streamer.put(torch.tensor(tokens))

            decode_greedily(self._model, rows, self._stops, max_tokens, self._fast_forward, put, lambda: stop.requested)

    def _generate(self, rows: Sequence[Row], max_tokens: int, streamer: TextIteratorStreamer | None, stop: _Stop) -> None:
        """The same by the library, a token a pass, for models whose cache only it knows to handle."""
        import torch
        from transformers import GenerationConfig, LogitsProcessorList, StoppingCriteriaList

        pad = self._tokenizer.pad_token_id if self._tokenizer.pad_token_id is not None else self._stops[0]
        width = max(len(row.unread) for row in rows)
        ids = torch.tensor([[pad] * (width - len(row.unread)) + row.unread for row in rows])
        mask = torch.tensor([[0] * (width - len(row.unread)) + [1] * len(row.unread) for row in rows])
        constraints = [row.constraint for row in rows if row.constraint is not None]
        output = self._model.generate(
            ids.to(self._device),
            attention_mask=mask.to(self._device),
            generation_config=GenerationConfig(
                max_new_tokens=max_tokens,
                do_sample=False,
                num_beams=1,
                eos_token_id=self._stops,
                pad_token_id=pad,
                use_cache=True,
            ),
            logits_processor=LogitsProcessorList([ConstraintProcessor(constraints, width, self._stops)] if constraints else []),
            stopping_criteria=StoppingCriteriaList([stop]),
            streamer=_Generated(streamer) if streamer is not None else None,
        )
        for row, tokens in zip(rows, output[:, width:].tolist(), strict=True):
            length = next((i for i, token in enumerate(tokens) if token in self._stops), len(tokens))
            row.completion = tokens[:length]
            row.stopped = length < len(tokens)


class _Stop:
    """A stopping criterion that a reader can set."""

    requested = False

    def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
        import torch

        return torch.full((input_ids.shape[0],), self.requested, dtype=torch.bool, device=input_ids.device)


class _Generated:
    """What `generate` streams, without the prompt that it begins with; its end is that of the thread."""

    def __init__(self, streamer: TextIteratorStreamer) -> None:
        self._streamer = streamer
        self._prompt = True

    def put(self, value: Any) -> None:
        if not self._prompt:
            self._streamer.put(value)
        self._prompt = False

    def end(self) -> None:
        pass
