"""The readable text of a completion as it arrives: the answer without markers, then the quotes. Pure; knows no HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from raft.prompts.format import ABSTENTION, ANSWER, begins_in_form, parse_completion, without_thoughts
from raft.records import Citation


class AnswerReader:
    """Gives the text of the answer piece by piece, in whatever pieces the completion comes.

    What it gives adds up to `parse_completion(completion).answer`, or to the abstention sentence when that is empty.
    The reason before the answer marker is held back, and so is all of a completion that does not begin in the form: its
    beginning may turn out to be a thought. `done` tells that nothing more can come, so that generation may stop.
    """

    def __init__(self) -> None:
        """Nothing is read yet."""
        self.done = False
        self._before = ""
        self._answering = False
        self._started = False
        self._gap = ""
        self._hash = False

    def feed(self, piece: str) -> str:
        """The readable text that `piece` completes; often none."""
        if self.done:
            return ""
        if not self._answering:
            self._before += piece
            spoken = without_thoughts(self._before) if ANSWER in self._before else ""
            _, marker, piece = spoken.partition(ANSWER)
            if not marker or not begins_in_form(spoken):
                return ""
            self._answering = True
        return "".join(self._readable(piece))

    def finish(self) -> str:
        """The readable text that was held back, once the completion is over."""
        remainder = ""
        if not self._answering:
            remainder = parse_completion(self._before).answer
            self._started = bool(remainder)
        elif self._hash and not self.done:
            remainder = self._emit("#")
        self.done = True
        return remainder if self._started else ABSTENTION

    def _readable(self, piece: str) -> Iterator[str]:
        for char in piece:
            if char == "#" and self._hash:
                self.done = True
            elif char == "#":
                self._hash = True
            else:
                if self._hash:
                    self._hash = False
                    yield self._emit("#")
                if char.isspace():
                    self._gap += char
                elif not self.done:
                    yield self._emit(char)
            if self.done:
                return

    def _emit(self, char: str) -> str:
        """`char` after what white space before it means: a space, or, for a blank line, the end of the answer."""
        if self._started and self._gap.count("\n") >= 2:
            self.done = True
            return ""
        space = " " if self._started and self._gap else ""
        self._gap, self._started = "", True
        return space + char


def readable_quotes(citations: Sequence[Citation]) -> str:
    """The verified quotes as they follow an answer, each once, with the title of its document; "" for none."""
    verified = dict.fromkeys((citation.quote, citation.title) for citation in citations if citation.verified)
    return "".join(f'\n\n> "{_one_line(quote)}"\n> -- {_one_line(title)}' for quote, title in verified)


def _one_line(text: str) -> str:
    return " ".join(text.split())
