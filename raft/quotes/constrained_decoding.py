"""Constrained decoding of quotes: a quote can only be a sentence of the prompt's documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from raft.prompts.tokenization import EncodedPrompt

if TYPE_CHECKING:
    pass


class QuoteConstraint:
    """Which token ids may come next inside a quote. Pure; one instance a prompt."""

    def __init__(
        self,
        prompt: EncodedPrompt,
        begin: Sequence[tuple[int, ...]],
        end: Sequence[int],
        labels: Sequence[Sequence[tuple[int, ...]]] = (),
    ) -> None:
        """`begin` are the ways to tokenise the opening marker; `end` is the closing one after a sentence.

        `labels[i]` are the ways to tokenise the name of passage i: a quote that follows it is of that passage only.
        """
        self._bodies = [(prompt.ids[p.start : p.end], p.sentence_starts, frozenset(p.sentence_ends)) for p in prompt.passages]
        self._begin = tuple(tuple(marker) for marker in begin)
        self._end = tuple(end)
        self._labels = labels

    def allowed(self, generated: Sequence[int]) -> frozenset[int] | None:
        """Ids that may follow `generated` (ids of the completion so far), or None when anything may."""
        ids = tuple(generated)
        opened = self._open_quote(ids)
        if opened is None:
            return None
        before, inside = opened
        labelled = [i for i, ways in enumerate(self._labels) if any(before[-len(way) :] == way for way in ways)]
        bodies = [self._bodies[i] for i in labelled] or self._bodies
        options: set[int] = set()
        for body in bodies:
            options |= self._continuations(body, inside)
        return frozenset(options) or None

    def _continuations(self, body: tuple[Sequence[int], Sequence[int], frozenset[int]], inside: tuple[int, ...]) -> set[int]:
        ids, starts, ends = body
        n = len(inside)
        options: set[int] = set()
        for start in starts:
            for end in ends:
                quoted = tuple(ids[start:end])
                if end <= start or inside[: len(quoted)] != quoted[:n]:
                    continue
                if n < len(quoted):
                    options.add(quoted[n])
                elif inside[len(quoted) :] == self._end[: n - len(quoted)]:
                    options.add(self._end[n - len(quoted)])
        return options

    def _open_quote(self, ids: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
        """The ids before the opening marker of the last quote, and those inside it; None when it is closed."""
        opened = begun = -1
        for marker in self._begin:
            for position in range(len(ids) - len(marker), -1, -1):
                if ids[position : position + len(marker)] == marker:
                    if position + len(marker) > opened:
                        begun, opened = position, position + len(marker)
                    break
        if opened < 0:
            return None
        inside = ids[opened:]
        for position in range(len(inside) - len(self._end) + 1):
            if inside[position : position + len(self._end)] == self._end:
                return None
        return ids[:begun], inside


class QuoteProcessor:
    """Applies one constraint a row to the scores of the next token."""

    def __init__(self, constraints: Sequence[QuoteConstraint], prompt_width: int) -> None:
        self._constraints = constraints
        self._width = prompt_width

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """The scores `(rows, vocabulary)`, at minus infinity for every token that may not follow."""
        for row, constraint in enumerate(self._constraints):
            allowed = constraint.allowed(input_ids[row, self._width :].tolist())
            if allowed is not None:
                keep = list(allowed)
                allowed_scores = scores[row, keep].clone()
                scores[row] = float("-inf")
                scores[row, keep] = allowed_scores
        return scores
