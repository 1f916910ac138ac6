"""OpenAI's chat completions as schemas, with every number and list bounded (promise S19).

Unknown fields are accepted and ignored, as OpenAI's clients send many. A parameter that would change the result and
cannot be honoured is refused, so that nobody takes one answer for another.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
)
from pydantic_core import PydanticCustomError

MAX_MESSAGES = 512
MAX_PARTS = 64
MAX_PART_CHARACTERS = 500_000
MAX_QUESTION_CHARACTERS = 8_000


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class TextPart(_Request):
    """A piece of a message. Only text is understood."""

    type: Literal["text"]
    text: str = Field(max_length=MAX_PART_CHARACTERS)


def _as_parts(content: Any) -> Any:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


class Message(_Request):
    """One message; `content` may come as a string or as parts, and is parts here."""

    role: Literal["system", "developer", "user", "assistant"]
    content: Annotated[list[TextPart], BeforeValidator(_as_parts)] = Field(max_length=MAX_PARTS)

    @property
    def text(self) -> str:
        """The parts joined."""
        return "\n".join(part.text for part in self.content)


class StreamOptions(_Request):
    """Options of a streamed answer."""

    include_usage: bool = Field(False, description="Send the token counts in a last chunk of their own.")


class ChatRequest(_Request):
    """A chat-completions request."""

    model: str = Field(min_length=1, max_length=200, description="An id that GET /v1/models lists.")
    messages: list[Message] = Field(
        min_length=1,
        max_length=MAX_MESSAGES,
        description="The last user message is the question. The others are ignored: each question is looked up on its own.",
    )
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: int | None = Field(
        None, ge=1, le=1_000_000, description="Tokens the completion may have; never more than the server's own limit."
    )
    max_completion_tokens: int | None = Field(None, ge=1, le=1_000_000, description="The newer name; it goes before the older.")
    temperature: float | None = Field(None, ge=0, le=2, description="No effect: decoding is greedy.")
    top_p: float | None = Field(None, ge=0, le=1, description="No effect: decoding is greedy.")
    seed: int | None = Field(None, ge=-(2**63), lt=2**63, description="No effect: decoding is greedy and repeats itself.")
    user: str | None = Field(None, max_length=512, description="Ignored, and not logged.")
    n: int | None = Field(None, ge=1, le=128, description="Only 1.")
    frequency_penalty: float | None = Field(None, ge=-2, le=2, description="Only 0.")
    presence_penalty: float | None = Field(None, ge=-2, le=2, description="Only 0.")
    stop: Any = Field(None, description="Only none.")
    tools: Any = Field(None, description="Only none.")
    functions: Any = Field(None, description="Only none.")
    logprobs: Any = Field(None, description="Only false.")
    top_logprobs: Any = Field(None, description="Only none.")
    logit_bias: Any = Field(None, description="Only none.")
    response_format: Any = Field(None, description="Only text.")

    @field_validator(
        "stop", "tools", "functions", "logprobs", "top_logprobs", "logit_bias", "frequency_penalty", "presence_penalty"
    )
    @classmethod
    def _unset(cls, value: Any) -> Any:
        if value:
            raise PydanticCustomError("unsupported_parameter", "this server cannot honour it; leave it out")
        return value

    @field_validator("n")
    @classmethod
    def _single_choice(cls, value: int | None) -> int | None:
        if value not in (None, 1):
            raise PydanticCustomError("unsupported_value", "this server gives one answer, as decoding is greedy; leave it out")
        return value

    @field_validator("response_format")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        if value not in (None, {"type": "text"}):
            raise PydanticCustomError("unsupported_value", "this server answers in text only; leave it out")
        return value

    @field_validator("messages")
    @classmethod
    def _asks(cls, value: list[Message]) -> list[Message]:
        question = next((message.text for message in reversed(value) if message.role == "user"), "")
        if not question.strip():
            raise PydanticCustomError(
                "invalid_value", "the last user message is the question, and there is none or it is empty"
            )
        if len(question) > MAX_QUESTION_CHARACTERS:
            raise PydanticCustomError(
                "invalid_value",
                "the last user message has {characters} characters; at most {limit} are accepted",
                {"characters": len(question), "limit": MAX_QUESTION_CHARACTERS},
            )
        return value

    @property
    def question(self) -> str:
        """The last user message, stripped."""
        return next(message.text for message in reversed(self.messages) if message.role == "user").strip()

    @property
    def token_limit(self) -> int | None:
        """What the client allows a completion, or None."""
        return self.max_completion_tokens if self.max_completion_tokens is not None else self.max_tokens


class _Sparse(BaseModel):
    """Fields that are None are left out."""

    @model_serializer(mode="wrap")
    def _present(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in handler(self).items() if value is not None}


class FileCitation(BaseModel):
    """A quote and its offsets: characters of the cleaned document, end exclusive; -1 and "" when it was not found."""

    index: int
    document_id: str
    chunk_id: str
    title: str
    filename: str
    source: str
    start: int
    end: int
    quote: str
    verified: bool
    page: int | None


class Annotation(BaseModel):
    """One citation, in the place where OpenAI's answers have theirs."""

    type: Literal["file_citation"] = "file_citation"
    file_citation: FileCitation


class Usage(BaseModel):
    """Token counts."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Extension(BaseModel):
    """What OpenAI's shape has no place for: the index snapshot and the run that answered (None: the base model)."""

    snapshot: int
    run: str | None
    abstained: bool


class AssistantMessage(BaseModel):
    """The answer."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None
    annotations: list[Annotation]


FinishReason = Literal["stop", "length"]


class Choice(BaseModel):
    """The one choice of an answer."""

    index: int = 0
    message: AssistantMessage
    logprobs: None = None
    finish_reason: FinishReason


class ChatCompletion(BaseModel):
    """The answer to a request that is not streamed."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    raftsmith: Extension


class Delta(_Sparse):
    """What one chunk adds to the message."""

    role: Literal["assistant"] | None = None
    content: str | None = None
    annotations: list[Annotation] | None = None


class ChunkChoice(BaseModel):
    """The one choice of a chunk."""

    index: int = 0
    delta: Delta
    logprobs: None = None
    finish_reason: FinishReason | None = None


class ChatCompletionChunk(_Sparse):
    """One event of a streamed answer.

    The chunk with the finish reason has the extension, one without choices the usage.
    """

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: Usage | None = None
    raftsmith: Extension | None = None


class Model(BaseModel):
    """A model that can be asked."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "raftsmith"


class ModelList(BaseModel):
    """All models that can be asked."""

    object: Literal["list"] = "list"
    data: list[Model]
