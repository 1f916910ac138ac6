"""The response to a chat-completions request, streamed or whole: both are made from the same pieces, so they agree."""

from __future__ import annotations

import json
import logging
import time
import uuid
from contextlib import aclosing
from pathlib import PurePath

from fastapi import Response
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

from raft.records import Answer, Citation
from serving.api.answer_stream import readable_quotes
from serving.api.chat_schemas import (
    Annotation,
    AssistantMessage,
    ChatCompletion,
    ChatCompletionChunk,
    ChatRequest,
    Choice,
    ChunkChoice,
    Delta,
    Extension,
    FileCitation,
    FinishReason,
    Usage,
)
from serving.api.chat_turn import ChatTurn, Outcome, ServedModel
from serving.http.admission import Admission
from serving.http.errors import error_response, internal, log_failure

log = logging.getLogger("raftsmith.serving")


class ChatResponse(Response):
    """The response of a chat turn: waits for the slot, retrieves, generates and sends.

    All in one piece of control flow, so that leaving it frees everything.
    """

    def __init__(self, request: ChatRequest, model: ServedModel, admission: Admission) -> None:
        """Nothing is done before the response is called."""
        super().__init__()
        self._request, self._model, self._admission = request, model, admission
        self._id = f"chatcmpl-{uuid.uuid4().hex}"
        self._created = int(time.time())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer. Raises ApiError 503 before any work when there is no place in the queue."""
        began = time.monotonic()
        async with self._admission.slot():
            turn = await ChatTurn.begin(self._model, self._request.question, self._request.token_limit)
            if self._request.stream:
                await self._stream(turn, send, began)
                return
            async with aclosing(turn.pieces()) as pieces:
                content = "".join([piece async for piece in pieces])
            outcome = await turn.outcome()
        self._log(outcome, began)
        body = _json(self._completion(content, outcome))
        await Response(body, media_type="application/json")(scope, receive, send)

    async def _stream(self, turn: ChatTurn, send: Send, began: float) -> None:
        headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})

        async def event(data: str) -> None:
            await send({"type": "http.response.body", "body": f"data: {data}\n\n".encode(), "more_body": True})

        try:
            await event(self._chunk(Delta(role="assistant", content="")))
            async with aclosing(turn.pieces()) as pieces:
                async for piece in pieces:
                    await event(self._chunk(Delta(content=piece)))
            outcome = await turn.outcome()
            answer = outcome.answer
            if answer.citations:
                quotes = readable_quotes(answer.citations) or None
                await event(self._chunk(Delta(content=quotes, annotations=cited(answer.citations))))
            await event(self._chunk(Delta(), outcome.finish_reason, extension(answer)))
            if self._request.stream_options and self._request.stream_options.include_usage:
                chunk = ChatCompletionChunk(
                    id=self._id, created=self._created, model=self._model.name, choices=[], usage=usage(answer)
                )
                await event(_json(chunk))
            await event("[DONE]")
            self._log(outcome, began)
        except Exception as error:  # the status is sent: an error event is all that can still be said
            log_failure(error)
            await event(bytes(error_response(internal()).body).decode())
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _chunk(self, delta: Delta, finish_reason: FinishReason | None = None, raftsmith: Extension | None = None) -> str:
        choice = ChunkChoice(delta=delta, finish_reason=finish_reason)
        chunk = ChatCompletionChunk(
            id=self._id, created=self._created, model=self._model.name, choices=[choice], raftsmith=raftsmith
        )
        return _json(chunk)

    def _completion(self, content: str, outcome: Outcome) -> ChatCompletion:
        answer = outcome.answer
        message = AssistantMessage(content=content + readable_quotes(answer.citations), annotations=cited(answer.citations))
        return ChatCompletion(
            id=self._id,
            created=self._created,
            model=self._model.name,
            choices=[Choice(message=message, finish_reason=outcome.finish_reason)],
            usage=usage(answer),
            raftsmith=extension(answer),
        )

    def _log(self, outcome: Outcome, began: float) -> None:
        answer = outcome.answer
        log.info(
            "answered: model=%s snapshot=%d abstained=%s citations=%d prompt_tokens=%d completion_tokens=%d seconds=%.2f",
            self._model.name,
            answer.snapshot,
            answer.abstained,
            len(answer.citations),
            answer.prompt_tokens,
            answer.completion_tokens,
            time.monotonic() - began,
        )


def cited(citations: tuple[Citation, ...]) -> list[Annotation]:
    """The citations of an answer as annotations, in its order.

    The unverified ones too: they are marked, not hidden.
    """
    return [
        Annotation(
            file_citation=FileCitation(
                index=index,
                document_id=citation.document_id,
                chunk_id=citation.chunk_id,
                title=citation.title,
                filename=PurePath(citation.source).name,
                source=citation.source,
                start=citation.start,
                end=citation.end,
                quote=citation.quote,
                verified=citation.verified,
                page=citation.page,
            )
        )
        for index, citation in enumerate(citations)
    ]


def usage(answer: Answer) -> Usage:
    """The token counts of an answer."""
    prompt, completion = answer.prompt_tokens, answer.completion_tokens
    return Usage(prompt_tokens=prompt, completion_tokens=completion, total_tokens=prompt + completion)


def extension(answer: Answer) -> Extension:
    """The response's extension of OpenAI's shape: snapshot and run that answered, and whether they abstained."""
    return Extension(snapshot=answer.snapshot, run=answer.run, abstained=answer.abstained)


def _json(model: BaseModel) -> str:
    """ASCII only: some clients take U+2028 for the end of a line of an event stream."""
    return json.dumps(model.model_dump(), separators=(",", ":"))
