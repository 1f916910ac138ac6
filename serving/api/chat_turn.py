"""One chat turn: a question retrieved for, answered in a worker thread, and read back with citations. Knows no HTTP."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from threading import Lock
from typing import Protocol, runtime_checkable

import anyio
from starlette.concurrency import run_in_threadpool

from corpora.errors import RaftsmithError
from raft.answering.assistant import Assistant
from raft.answering.engine import Completion
from raft.prompts.format import Prompt
from raft.prompts.tokenization import EncodedPrompt
from raft.records import Answer
from retrieval.records import SearchResult
from serving.api.answer_stream import AnswerReader
from serving.api.chat_schemas import FinishReason


class TokenCounter(Protocol):
    """A tokenizer that counts the tokens of prompts and completions.

    `raft.prompts.tokenization.PromptEncoder` is one.
    """

    def encode(self, prompt: Prompt) -> EncodedPrompt:
        """Ids of the prompt."""
        ...

    def completion(self, text: str) -> tuple[int, ...]:
        """Ids of a completion with the end of turn."""
        ...


@runtime_checkable
class CountingEngine(Protocol):
    """An engine that shows its tokenizer, as the local one does.

    A stream of text does not tell how many tokens it was.
    """

    @property
    def encoder(self) -> TokenCounter:
        """What counts the tokens of its prompts and completions."""
        ...


@dataclass(frozen=True)
class ServedModel:
    """An assistant under the id that clients ask for."""

    name: str
    assistant: Assistant
    tokens: TokenCounter


def served_model(name: str, assistant: Assistant) -> ServedModel:
    """`assistant` made ready to serve. Raises RaftsmithError when its engine cannot count tokens."""
    if not isinstance(assistant.engine, CountingEngine):
        raise RaftsmithError(
            f"the engine of {name}, {type(assistant.engine).__name__}, has no `encoder` to count tokens with; "
            "serve a TransformersEngine, or give that engine one"
        )
    return ServedModel(name, assistant, assistant.engine.encoder)


@dataclass(frozen=True)
class Outcome:
    """The answer of a turn and why its generation ended.

    `finish_reason` is "length" when the completion ran into its limit before the answer was over.
    """

    answer: Answer
    finish_reason: FinishReason


class ChatTurn:
    """A question with its retrieved passages. Iterate over `pieces` to the end, then take the `outcome`."""

    def __init__(self, model: ServedModel, question: str, max_tokens: int, result: SearchResult) -> None:
        """`result` are the passages that go into the prompt; `max_tokens` is what the completion may have."""
        self._model, self._question, self._max_tokens, self._result = model, question, max_tokens, result
        self._prompt = model.assistant.prompt(question, result)
        self._abstention = model.assistant.abstention(question, result)
        self._completion = ""
        self._cut_short = False

    @classmethod
    async def begin(cls, model: ServedModel, question: str, token_limit: int | None) -> ChatTurn:
        """Retrieve for `question`. `token_limit` is the client's; the assistant's own is never exceeded."""
        (result,) = await run_in_threadpool(model.assistant.retrieve, [question])
        limit = model.assistant.max_tokens
        return cls(model, question, min(token_limit or limit, limit), result)

    async def pieces(self) -> AsyncGenerator[str, None]:
        """The readable answer as it is made. Closing the iterator stops the engine at its next piece.

        Generation ends with the answer: what a model rambles on after it is no part of it.
        """
        if self._abstention is not None:
            yield self._abstention.answer
            return
        reader = AnswerReader()
        source = _Source(self._model.assistant.engine.stream(self._prompt, self._max_tokens))
        try:
            while not reader.done:
                piece = await run_in_threadpool(source.next)
                if piece is None:
                    break
                self._completion += piece
                if text := reader.feed(piece):
                    yield text
            self._cut_short = not reader.done
        finally:
            with anyio.CancelScope(shield=True):
                await run_in_threadpool(source.close)
        if remainder := reader.finish():
            yield remainder

    async def outcome(self) -> Outcome:
        """The answer with its citations and token counts."""
        return await run_in_threadpool(self._interpret)

    def _interpret(self) -> Outcome:
        if self._abstention is not None:
            return Outcome(self._abstention, "stop")
        tokens = self._model.tokens
        prompt_tokens = len(tokens.encode(self._prompt).ids)
        completion_tokens = len(tokens.completion(self._completion)) - len(tokens.completion(""))
        finished = not (self._cut_short and completion_tokens >= self._max_tokens)
        completion = Completion(self._completion, prompt_tokens, completion_tokens, finished)
        answer = self._model.assistant.interpret(self._question, self._result, completion)
        return Outcome(answer, "stop" if finished else "length")


class _Source:
    """An engine's stream, pulled and closed by worker threads that may not be inside it at the same time."""

    def __init__(self, stream: Iterator[str]) -> None:
        self._stream = stream
        self._lock = Lock()

    def next(self) -> str | None:
        with self._lock:
            return next(self._stream, None)

    def close(self) -> None:
        close = getattr(self._stream, "close", None)
        if close is not None:
            with self._lock:
                close()
