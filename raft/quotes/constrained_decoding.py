"""Decoding under a grammar: which tokens may come next, and which must. For every tokenizer, as grammars speak of bytes.

llguidance holds the grammar's state and knows the bytes of every token. Any tokenisation of an allowed text is allowed,
until one continuation is left: that is given in the tokens which the tokenizer makes of it, as training did.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from llguidance import LLMatcher, LLParserLimits, LLTokenizer, TokenizerWrapper
from llguidance.hf import from_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# Enough for fifty passages of twenty sentences; an error must not repeat the grammar, which holds the documents.
_LIMITS = LLParserLimits(initial_lexer_fuel=50_000_000, step_lexer_fuel=20_000_000, verbose_errors=False)


class GrammarTokenizer:
    """A tokenizer as grammars need it. Building one takes about half a second; do it once a model."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, stop_ids: Sequence[int]) -> None:
        """`stop_ids` end a completion, and may where the grammar can end.

        Raises ValueError when the bytes of the tokens cannot be told.
        """
        stops = list(stop_ids)
        self._pieces: _Pieces | None = None
        try:
            self._tokens = from_tokenizer(tokenizer, eos_token=stops)
        except ValueError:  # it reads the decoders ByteLevel and ByteFallback; SentencePiece without byte fallback has neither
            self._pieces = _Pieces(tokenizer, stops[0])
            self._tokens = LLTokenizer(TokenizerWrapper(self._pieces), eos_token=stops)

    def can_write(self, text: str) -> bool:
        """True when there are tokens for all of `text`; without bytes among the tokens a rare character may have none."""
        return self._pieces is None or self._pieces.unknown not in self._pieces(text)

    def constraint(self, grammar: str) -> CompletionConstraint:
        """A constraint at the beginning of a completion. Raises ValueError when the grammar is none."""
        return CompletionConstraint(LLMatcher(self._tokens, grammar, log_level=0, limits=_LIMITS))


class CompletionConstraint:
    """Which tokens may follow in one completion."""

    def __init__(self, matcher: LLMatcher) -> None:
        """Takes the matcher over; raises ValueError when it has no grammar."""
        self._matcher = matcher
        self._check()

    def allowed(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """True for the ids that may come next, bool `(tokens,)`; where one continuation is left, its next token alone."""
        mask = self._matcher.compute_bitmask()
        self._check()
        return np.unpackbits(np.frombuffer(mask, np.uint8), bitorder="little").view(np.bool_)

    def forced(self) -> list[int]:
        """The ids of the one continuation that is left, or none; its last characters are the model's to tokenise."""
        tokens = self._matcher.compute_ff_tokens()
        self._check()
        return tokens

    def accept(self, token: int) -> bool:
        """Go on by one token that is no stop. False, and the constraint is spent, when it may not follow."""
        return self._matcher.consume_token(token)

    @property
    def complete(self) -> bool:
        """True when the completion may end here."""
        return self._matcher.is_accepting()

    def _check(self) -> None:
        if self._matcher.is_error():
            raise ValueError(f"the constraint of the completion failed: {self._matcher.get_error()}")


class ConstraintProcessor:
    """A logits processor for `generate`: one constraint a row, given what the row has generated."""

    def __init__(self, constraints: Sequence[CompletionConstraint], prompt_width: int, stop_ids: Sequence[int]) -> None:
        """`prompt_width` is the length of the padded prompts."""
        self._constraints = constraints
        self._seen = prompt_width
        self._stops = frozenset(stop_ids)
        self._ended = [False] * len(constraints)

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """The scores `(rows, vocabulary)`, at minus infinity for every token that may not follow."""
        for row, constraint in enumerate(self._constraints):
            for token in input_ids[row, self._seen :].tolist():
                self._ended[row] = self._ended[row] or token in self._stops
                if not self._ended[row]:
                    constraint.accept(token)
            if not self._ended[row]:
                scores[row] = constrained(scores[row], constraint)
        self._seen = input_ids.shape[1]
        return scores


def constrained(scores: Any, constraint: CompletionConstraint) -> Any:
    """The scores `(vocabulary,)`, at minus infinity for every token that may not follow.

    A model may have more scores than its tokenizer has tokens, or fewer.
    """
    import torch

    allowed = np.zeros(scores.shape[0], np.bool_)
    known = constraint.allowed()[: scores.shape[0]]
    allowed[: len(known)] = known
    return scores.masked_fill(~torch.from_numpy(allowed).to(scores.device), float("-inf"))


_UNKNOWN = "\ue000"


class _Pieces:
    """The vocabulary of a SentencePiece tokenizer for llguidance: `▁` is a space, and a control token no text."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, stop_id: int) -> None:
        self._tokenizer = tokenizer
        self.eos_token_id = stop_id
        self.bos_token_id = None
        self.unknown = tokenizer.unk_token_id
        self.special_token_ids = sorted({*tokenizer.all_special_ids, stop_id})
        names = cast(list[str], tokenizer.convert_ids_to_tokens(list(range(len(tokenizer)))))
        if not any("▁" in name for name in names):
            raise ValueError(f"{type(tokenizer).__name__}: its tokens are neither bytes nor SentencePiece's")
        self.tokens = [name.replace("▁", " ").encode() for name in names]

    def __call__(self, text: str) -> list[int]:
        if isinstance(text, bytes):
            raise TypeError("text is wanted")  # how llguidance asks which of the two it may give
        # Behind a character of no word: at the beginning of a text most of these tokenizers put a space that is not there.
        encoding = self._tokenizer(
            _UNKNOWN + text, add_special_tokens=False, split_special_tokens=True, return_offsets_mapping=True
        )
        pairs = zip(encoding["input_ids"], encoding["offset_mapping"], strict=True)
        return [token for token, (start, _) in pairs if start >= len(_UNKNOWN)]
