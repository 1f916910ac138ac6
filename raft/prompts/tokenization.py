"""Prompts to token ids through the model's own chat template.

Text of documents and questions never becomes a control token. The template is rendered around placeholders; the pieces
between them are the template's and may hold control tokens, the contents are encoded with `split_special_tokens`, so
that "<|im_start|>" in a document stays text (promise S13). Knows no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from corpora.text.sentences import sentence_spans
from raft.prompts.format import Prompt

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_SYSTEM_SLOT, _USER_SLOT, _ANSWER_SLOT = "\ue0a1slot1\ue0a1", "\ue0a2slot2\ue0a2", "\ue0a3slot3\ue0a3"


@dataclass(frozen=True)
class PassageTokens:
    """Where one passage's text lies among the prompt's ids, and which of its tokens begin and end a sentence.

    `start` and `end` index the prompt's ids, end exclusive; the other two are indexes relative to `start`;
    `sentence_ends` are exclusive.
    """

    start: int
    end: int
    sentence_starts: tuple[int, ...]
    sentence_ends: tuple[int, ...]


@dataclass(frozen=True)
class EncodedPrompt:
    """Token ids of a prompt up to where the completion begins.

    `ids[:shared]` depend on system text and documents only.
    """

    ids: tuple[int, ...]
    shared: int
    passages: tuple[PassageTokens, ...]


@dataclass(frozen=True)
class _Frame:
    before_system: str
    between: str
    before_answer: str
    after_answer: str
    merge_system: bool


class PromptEncoder:
    """Encodes prompts and completions for one tokenizer. Raises ValueError when its chat template cannot hold them."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        """Renders the chat template once."""
        self._tokenizer = tokenizer
        self._frame = _frame(tokenizer)
        self.marker = lru_cache(maxsize=None)(self._content)

    def _content(self, text: str) -> tuple[int, ...]:
        return tuple(self._tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"])

    def _control(self, text: str) -> tuple[int, ...]:
        return tuple(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def encode(self, prompt: Prompt) -> EncodedPrompt:
        """Ids of the prompt, ready for the completion."""
        frame = self._frame
        ids: list[int] = [*self._control(frame.before_system)]
        if frame.merge_system:
            ids += self._content(prompt.system + "\n\n")
        else:
            ids += [*self._content(prompt.system), *self._control(frame.between)]
        passages = []
        for header, text in prompt.documents:
            ids += self._content(header)
            encoded, spans = self._with_offsets(f" {text}")
            passages.append(_passage_tokens(f" {text}", spans, len(ids)))
            ids += [*encoded, *self._content("\n")]
        shared = len(ids)
        ids += [*self._content(prompt.question), *self._control(frame.before_answer)]
        return EncodedPrompt(tuple(ids), shared, tuple(passages))

    def completion(self, text: str) -> tuple[int, ...]:
        """Ids of a completion with the end of turn, whose first token is where generation stops."""
        return (*self._content(text), *self._end_of_turn())

    def _end_of_turn(self) -> tuple[int, ...]:
        ids = self._control(self._frame.after_answer.rstrip())
        if ids:
            return ids[:1]
        eos = self._tokenizer.eos_token_id
        return (eos,) if isinstance(eos, int) else ()

    @property
    def stop_ids(self) -> tuple[int, ...]:
        """Ids that end a completion."""
        eos = self._tokenizer.eos_token_id
        return tuple(dict.fromkeys([*self._end_of_turn(), *([eos] if isinstance(eos, int) else [])]))

    def _with_offsets(self, text: str) -> tuple[tuple[int, ...], list[tuple[int, int]]]:
        encoding = self._tokenizer(text, add_special_tokens=False, split_special_tokens=True, return_offsets_mapping=True)
        return tuple(encoding["input_ids"]), list(encoding["offset_mapping"])


def _frame(tokenizer: PreTrainedTokenizerBase) -> _Frame:
    user = {"role": "user", "content": _USER_SLOT}
    answer = {"role": "assistant", "content": _ANSWER_SLOT}
    for system in ([{"role": "system", "content": _SYSTEM_SLOT}], []):
        try:
            prompt = tokenizer.apply_chat_template([*system, user], tokenize=False, add_generation_prompt=True)
            whole = tokenizer.apply_chat_template([*system, user, answer], tokenize=False)
        except Exception as error:  # a template may refuse a system message in its own words
            if system:
                continue
            raise ValueError(
                f"the tokenizer has no usable chat template: {error}; choose an instruction-tuned model"
            ) from error
        if not isinstance(prompt, str) or _USER_SLOT not in prompt or (system and _SYSTEM_SLOT not in prompt):
            continue
        head, _, before_answer = prompt.partition(_USER_SLOT)
        after_answer = str(whole).partition(_ANSWER_SLOT)[2]
        if system:
            before, _, between = head.partition(_SYSTEM_SLOT)
            return _Frame(before, between, before_answer, after_answer, merge_system=False)
        return _Frame(head, "", before_answer, after_answer, merge_system=True)
    raise ValueError("the tokenizer's chat template drops the user's message; choose an instruction-tuned model")


def _passage_tokens(text: str, spans: Sequence[tuple[int, int]], offset: int) -> PassageTokens:
    starts, ends = [], []
    for start, end in sentence_spans(text):
        covering = [i for i, (a, b) in enumerate(spans) if a < end and b > start]
        if covering:
            starts.append(covering[0])
            ends.append(covering[-1] + 1)
    return PassageTokens(offset, offset + len(spans), tuple(starts), tuple(ends))
