"""Prompts and completions to token ids, the same in training, evaluation and serving and in the model's own template.

A prompt is encoded as one text in the frame of the chat template, so its ids are those of the template's own rendering;
where documents and sentences lie is read from the tokenizer's character offsets. Text of documents and questions never
becomes a control token: "<|im_start|>" in a document stays text (promise S13). Knows no torch.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING

from corpora.errors import ModelError
from corpora.text.sentences import sentence_spans
from raft.prompts.chat_frame import SYSTEM_IN_USER, chat_frame
from raft.prompts.format import REASON, Prompt

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_SEPARATORS = ("\u2060", "\u200b", "\ue0a0", " ")
_BYTE = re.compile(r"<0x[0-9A-F]{2}>")
_CONTROL_SHAPE = re.compile(
    r"<[|\uff5c].*[|\uff5c]>|<\|.*>|<.*\|>|</?(?:think|tool_call|tool_response|tools|answer|s|bos|eos|start_of_turn|end_of_turn)>"
    r"|\[/?(?:INST|THINK|TOOL_CALLS|AVAILABLE_TOOLS|TOOL_RESULTS|SYSTEM_PROMPT)\]",
    re.S,
)


@dataclass(frozen=True)
class PassageTokens:
    """Where one passage's text lies among the prompt's ids, and which of its tokens begin and end a sentence.

    `start` and `end` index the prompt's ids, end exclusive; the other two are indexes relative to `start`;
    `sentence_ends` are exclusive. A token that only partly belongs to the text, as a full stop with the line break after
    it, counts as the text's.
    """

    start: int
    end: int
    sentence_starts: tuple[int, ...]
    sentence_ends: tuple[int, ...]


@dataclass(frozen=True)
class EncodedPrompt:
    """Token ids of a prompt up to where the completion begins.

    `ids[:shared]` lie before the question; for tokenizers that look no further than a line they depend on system text
    and documents only. Who shares them compares them.
    """

    ids: tuple[int, ...]
    shared: int
    passages: tuple[PassageTokens, ...]


@dataclass(frozen=True)
class _Piece:
    """A part of a text: `own` is the frame's, with control tokens; the rest is content, without."""

    text: str
    own: bool


@dataclass(frozen=True)
class _Encoded:
    """Ids with the characters that each begins and ends at; both never fall."""

    ids: tuple[int, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]


class PromptEncoder:
    """Encodes prompts and completions for one tokenizer.

    `answer_lead` is what the frame has between the prompt's last id and the answer, a space in some templates: the first
    token of a completion takes it in, so it is the completion's.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        """Render the chat template once.

        Raises ModelError when the template cannot hold a prompt, when nothing ends a turn, or when the tokenizer has
        no character offsets.
        """
        if not tokenizer.is_fast:
            raise ModelError(
                f"{type(tokenizer).__name__} gives no character offsets; choose a model whose tokenizer has a tokenizer.json"
            )
        self._tokenizer = tokenizer
        self.frame = chat_frame(tokenizer)
        self._control = _control_tokens(tokenizer)
        # special or not, these stand for characters that the vocabulary lacks
        self._characters = {i for i, text in self._control.items() if i == tokenizer.unk_token_id or _BYTE.fullmatch(text)}
        self._end_text, self._end_ids = self._end_of_turn()
        self.answer_lead = self._answer_lead()
        self._before_answer = self.frame.before_answer[: len(self.frame.before_answer) - len(self.answer_lead)]
        self._before_answer_ids = self._encoded([_Piece(self._before_answer, own=True)]).ids
        self.marker = lru_cache(maxsize=None)(self._in_completion)

    def encode(self, prompt: Prompt) -> EncodedPrompt:
        """Ids of the prompt, ready for the completion."""
        frame, system, user = self.frame, prompt.system.strip(), prompt.user
        if frame.merge_system:
            pieces = [_Piece(frame.before_system, own=True), _Piece(system + SYSTEM_IN_USER + user, own=False)]
        else:
            pieces = [_Piece(frame.before_system, own=True), _Piece(system, own=False)]
            pieces += [_Piece(frame.between, own=True), _Piece(user, own=False)]
        user_start = sum(len(piece.text) for piece in pieces) - len(user)
        encoded = self._encoded([*pieces, _Piece(self._before_answer, own=True)])
        at = user_start - prompt.stripped
        passages = []
        for header, text in prompt.documents:
            at += len(header) + 1
            passages.append(_passage_tokens(encoded, at, text))
            at += len(text) + 1
        return EncodedPrompt(encoded.ids, bisect_right(encoded.ends, max(at, user_start)), tuple(passages))

    def completion(self, text: str) -> tuple[int, ...]:
        """Ids of a completion with the end of turn, as training learns it; generation stops at the first of `stop_ids`."""
        return (*self._in_completion(self.answer_lead + text, self._end_text), *self._end_ids)

    @property
    def stop_ids(self) -> tuple[int, ...]:
        """Ids that end a completion: the template's end of turn and the tokenizer's end of sequence."""
        eos = self._tokenizer.eos_token_id
        return tuple(dict.fromkeys([self._end_ids[0], *([eos] if isinstance(eos, int) else [])]))

    def _in_completion(self, text: str, end_text: str = "") -> tuple[int, ...]:
        """Ids of a text as it stands after the frame, not at the beginning of a text, where some tokenizers add a space."""
        content = [_Piece(text, own=False), _Piece(end_text, own=True)]
        ids = self._encoded([_Piece(self._before_answer, own=True), *content]).ids
        before = self._before_answer_ids
        return ids[len(before) :] if ids[: len(before)] == before else self._encoded(content).ids

    def _end_of_turn(self) -> tuple[str, tuple[int, ...]]:
        """The text between the answer and its end, and the ids of the end: control tokens without text between them.

        Without one in the template it is the tokenizer's end of sequence.
        """
        after = self.frame.after_answer
        encoded = self._encoded([_Piece(after, own=True)])
        end: list[int] = []
        text, position = "", 0
        for token, start, stop in zip(encoded.ids, encoded.starts, encoded.ends, strict=True):
            control = after[start:stop].strip() == self._control.get(token)
            if end and not (control and start == position):
                break
            if control:
                text = text if end else after[: after.index(self._control[token], start)]
                end.append(token)
                position = stop
        if end and not text.strip():
            return text, tuple(end)
        eos = self._tokenizer.eos_token_id
        if not isinstance(eos, int):
            raise ModelError("neither the chat template nor the tokenizer has a token that ends a turn; set its eos_token")
        return "", (eos,)

    def _answer_lead(self) -> str:
        before, length = self.frame.before_answer, 0
        while True:
            head, lead = before[: len(before) - length], before[len(before) - length :]
            alone = self._encoded([_Piece(head, own=True)]).ids
            if self._encoded([_Piece(head, own=True), _Piece(lead + REASON, own=False)]).ids[: len(alone)] == alone:
                return lead
            length += 1

    def _encoded(self, pieces: Sequence[_Piece]) -> _Encoded:
        """Ids of the joined pieces, with control tokens in the frame's own only.

        Where a control token would come out of content, a separator is put into its text and taken out of the ids.
        Raises ModelError when no separator helps.
        """
        text = "".join(piece.text for piece in pieces)
        edges = list(accumulate((len(piece.text) for piece in pieces), initial=0))
        content = [(edges[i], edges[i + 1]) for i, piece in enumerate(pieces) if not piece.own]
        for separator in _SEPARATORS:
            breaks: set[int] = set()
            while True:
                encoded = self._broken(text, sorted(breaks), separator)
                found = self._forged(text, encoded, content) if encoded else set()
                if encoded and not found:
                    return encoded
                if not found - breaks:
                    break
                breaks |= found
        raise ModelError("the tokenizer makes control tokens of plain text, which no separator prevents; choose another model")

    def _forged(self, text: str, encoded: _Encoded, content: Sequence[tuple[int, int]]) -> set[int]:
        """Places in the text, one inside each control token that came out of content."""
        places = set()
        for token, start, end in zip(encoded.ids, encoded.starts, encoded.ends, strict=True):
            if token not in self._control:
                continue
            core = text[start:end].strip()
            if token in self._characters and core != self._control[token]:
                continue
            first = start + text[start:end].find(core)
            if any(first < b and first + len(core) > a for a, b in content):
                places.add(first + 1)
        return places

    def _broken(self, text: str, breaks: Sequence[int], separator: str) -> _Encoded | None:
        """Ids of the text with a separator at each of `breaks`, without the separators' own; None when one merged."""
        parts = [text[a:b] for a, b in zip([0, *breaks], [*breaks, len(text)], strict=True)]
        encoding = self._tokenizer(
            separator.join(parts),
            add_special_tokens=False,
            split_special_tokens=False,
            return_offsets_mapping=True,
            return_attention_mask=False,
            verbose=False,
        )
        ids, starts, ends = [], [], []
        inserted = [place + i for i, place in enumerate(breaks)]
        for token, (start, end) in zip(encoding["input_ids"], encoding["offset_mapping"], strict=True):
            before, until = bisect_left(inserted, start), bisect_left(inserted, end)
            if until > before and separator != " ":
                if end - start > until - before:
                    return None
                continue
            ids.append(token)
            starts.append(start - before)
            ends.append(end - until)
        return _Encoded(tuple(ids), tuple(accumulate(starts, max)), tuple(accumulate(ends, max)))


def _control_tokens(tokenizer: PreTrainedTokenizerBase) -> dict[int, str]:
    """Ids with their text that content must not yield: special tokens, and added ones that steer a conversation."""
    template = tokenizer.get_chat_template() if tokenizer.chat_template else ""
    control = {
        index: token.content
        for index, token in tokenizer.added_tokens_decoder.items()
        if token.special
        or _CONTROL_SHAPE.fullmatch(token.content)
        or (token.content[:1] in "<[" and token.content[-1:] in ">]" and token.content in template)
    }
    control |= dict(zip(tokenizer.all_special_ids, tokenizer.all_special_tokens, strict=True))
    return {index: text for index, text in control.items() if len(text.strip()) > 1}


def _passage_tokens(encoded: _Encoded, at: int, text: str) -> PassageTokens:
    """The tokens of the `text` that stands at character `at`."""

    def covering(start: int, end: int) -> tuple[int, int]:
        return bisect_right(encoded.ends, at + start), bisect_left(encoded.starts, at + end)

    first, last = covering(0, len(text)) if text else (bisect_right(encoded.ends, at),) * 2
    spans = [(a - first, b - first) for a, b in (covering(*span) for span in sentence_spans(text)) if b > a]
    return PassageTokens(first, last, tuple(a for a, _ in spans), tuple(b for _, b in spans))
