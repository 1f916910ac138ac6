"""The API through OpenAI's own client on a real socket: answers, streams, errors, bounds, and who may speak to it."""

from __future__ import annotations

import json
import logging
import threading
import time
from dataclasses import replace

import httpx
import openai
import pytest

from raft.abstention import AbstentionModel
from raft.answering.transformers_engine import TransformersEngine
from raft.prompts.format import ABSTENTION, render_abstention
from retrieval.model_folders import BASE_MODEL, resolve_model
from serving.api.app import create_app
from serving.api.chat_schemas import MAX_QUESTION_CHARACTERS
from serving.api.model_catalog import BASE_MODEL_ID, CURRENT_ID

QUESTION = "How many tablets of aspirin do adults take?"
ASK = {"model": BASE_MODEL_ID, "messages": [{"role": "user", "content": QUESTION}]}


def until(condition, seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


@pytest.fixture
def base(collection, fake, served):
    """The URL of an application with a base model and one run."""
    app = create_app({BASE_MODEL_ID: collection.assistant(fake()), "first": collection.assistant(fake(), "first")})
    with served(app) as url:
        yield url


def check_answer_and_stream(client: openai.OpenAI, model: str, max_tokens: int | None = None):
    """One question both ways; gives the whole answer after checking that the stream says the same."""
    extra = {} if max_tokens is None else {"max_tokens": max_tokens}
    whole = client.chat.completions.create(model=model, messages=ASK["messages"], **extra)
    chunks = list(
        client.chat.completions.create(
            model=model, messages=ASK["messages"], stream=True, stream_options={"include_usage": True}, **extra
        )
    )
    assert chunks[0].choices[0].delta.role == "assistant"
    choices = [chunk.choices[0] for chunk in chunks if chunk.choices]
    assert "".join(choice.delta.content or "" for choice in choices) == whole.choices[0].message.content
    assert [choice.finish_reason for choice in choices[:-1]] == [None] * (len(choices) - 1)
    assert choices[-1].finish_reason == whole.choices[0].finish_reason
    streamed = [item for choice in choices for item in getattr(choice.delta, "annotations", None) or []]
    assert [item["file_citation"] for item in streamed] == [item.file_citation for item in whole.choices[0].message.annotations]
    assert whole.model_dump_json()
    assert not chunks[-1].choices and chunks[-1].usage == whole.usage
    assert chunks[-2].raftsmith == whole.raftsmith
    assert whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens
    return whole


def test_an_answer_has_usage_and_verified_citations_and_streams_alike(base, client_of, collection) -> None:
    whole = check_answer_and_stream(client_of(base), "first")
    message = whole.choices[0].message
    (annotation,) = message.annotations
    citation = annotation.file_citation
    assert annotation.type == "file_citation" and citation["verified"] is True and citation["index"] == 0
    assert collection.store.document(citation["document_id"]).text[citation["start"] : citation["end"]] == citation["quote"]
    assert citation["filename"] == "aspirin.txt" and citation["source"].endswith("/in/aspirin.txt")
    answer, quote, title = message.content.split("\n\n> ")[0], *message.content.split("\n> ")[-2:]
    assert "##" not in message.content and answer
    assert quote.endswith(f'"{citation["quote"]}"') and title == f"-- {citation['title']}"
    assert whole.model == "first" and whole.raftsmith == {"snapshot": 1, "run": "first", "abstained": False}
    assert whole.usage.prompt_tokens > 20 and whole.usage.completion_tokens > 5


def test_the_real_engine_answers_and_streams_alike(collection, served, client_of) -> None:
    """The twin of the fake: SmolLM2 through the same socket and client."""
    engine = TransformersEngine(resolve_model(BASE_MODEL))
    with served(create_app({BASE_MODEL_ID: collection.assistant(engine)})) as url:
        whole = check_answer_and_stream(client_of(url), BASE_MODEL_ID, max_tokens=16)
        assert whole.choices[0].message.content
        assert 0 < whole.usage.completion_tokens <= 16 < whole.usage.prompt_tokens
        assert whole.raftsmith["run"] is None
        for annotation in whole.choices[0].message.annotations:
            assert annotation.file_citation["verified"]


def test_an_abstention_is_the_sentence_alone(collection, fake, served, client_of) -> None:
    engine = fake(lambda prompt: render_abstention())
    with served(create_app({BASE_MODEL_ID: collection.assistant(engine)})) as url:
        whole = check_answer_and_stream(client_of(url), BASE_MODEL_ID)
    assert whole.choices[0].message.content == ABSTENTION and whole.choices[0].message.annotations == []
    assert whole.raftsmith["abstained"] is True


def test_too_little_found_is_an_abstention_without_the_model(collection, fake, served, client_of) -> None:
    engine = fake()
    sure = AbstentionModel(3, (0.0,) * 11, (1.0,) * 11, (0.0,) * 11, -2.0, fitted_on=99)  # .12, whatever is asked
    unsure = replace(collection.assistant(engine, "r"), support=sure)
    answering = replace(unsure, min_support=0.1)
    with served(create_app({"unsure": unsure, "answering": answering})) as url:
        whole = check_answer_and_stream(client_of(url), "unsure")
        assert whole.choices[0].message.content == ABSTENTION and whole.choices[0].message.annotations == []
        assert whole.raftsmith["abstained"] is True and whole.choices[0].finish_reason == "stop"
        assert whole.usage.total_tokens == 0 and engine.started == 0
        assert (
            client_of(url)
            .chat.completions.create(model="answering", messages=[{"role": "user", "content": "Aspirin?"}])
            .choices[0]
            .message.annotations
        )


def test_a_quote_that_is_in_no_passage_is_marked_and_not_shown(collection, fake, served, client_of) -> None:
    engine = fake(lambda prompt: "##Reason: ##begin_quote## Made up. ##end_quote##\n##Answer: two")
    with served(create_app({BASE_MODEL_ID: collection.assistant(engine)})) as url:
        message = check_answer_and_stream(client_of(url), BASE_MODEL_ID).choices[0].message
    assert message.content == "two"
    assert [item.file_citation["verified"] for item in message.annotations] == [False]


def test_a_cut_answer_finishes_by_length_and_a_server_limit_is_never_exceeded(collection, fake, served, client_of) -> None:
    engine = fake(lambda prompt: "##Answer: " + "word " * 50)
    with served(create_app({BASE_MODEL_ID: collection.assistant(engine, max_tokens=9)})) as url:
        client = client_of(url)
        for asked, tokens in ((4, 4), (5000, 9), (None, 9)):
            whole = check_answer_and_stream(client, BASE_MODEL_ID, max_tokens=asked)
            assert (whole.choices[0].finish_reason, whole.usage.completion_tokens) == ("length", tokens)


def test_generation_ends_with_the_answer(collection, fake, served, client_of) -> None:
    engine = fake(lambda prompt: "##Answer: six\n\nyears" + " and so on" * 50)
    with served(create_app({BASE_MODEL_ID: collection.assistant(engine)})) as url:
        whole = check_answer_and_stream(client_of(url), BASE_MODEL_ID)
    assert whole.choices[0].message.content == "six" and whole.choices[0].finish_reason == "stop"
    assert whole.usage.completion_tokens < 5


def test_only_the_last_user_message_is_the_question(collection, fake, served, client_of) -> None:
    prompts = []
    engine = fake(lambda prompt: prompts.append(prompt) or render_abstention())
    history = [
        {"role": "system", "content": "You are a pirate."},
        {"role": "user", "content": "What about the lease?"},
        {"role": "assistant", "content": "Nothing."},
        {"role": "user", "content": [{"type": "text", "text": "And the"}, {"type": "text", "text": "contract?"}]},
    ]
    with served(create_app({BASE_MODEL_ID: collection.assistant(engine)})) as url:
        client_of(url).chat.completions.create(model=BASE_MODEL_ID, messages=history, temperature=0.7, top_p=0.5, user="me")
    assert prompts[0].question.endswith("And the\ncontract?")
    assert "pirate" not in prompts[0].user + prompts[0].system and "What about" not in prompts[0].user


def test_models_are_listed_and_an_unknown_one_is_not_found(base, client_of) -> None:
    client = client_of(base)
    assert [model.id for model in client.models.list()] == [CURRENT_ID, BASE_MODEL_ID, "first"]
    assert client.models.retrieve("first").owned_by == "raftsmith"
    for call in (
        lambda: client.models.retrieve("gpt-5"),
        lambda: client.chat.completions.create(model="gpt-5", messages=ASK["messages"]),
    ):
        with pytest.raises(openai.NotFoundError) as caught:
            call()
        assert caught.value.code == "model_not_found" and caught.value.param == "model"


SECRET = "Zanzibar-7731"


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"n": 2}, "n"),
        ({"n": 0}, "n"),
        ({"tools": [{"type": "function", "function": {"name": SECRET}}]}, "tools"),
        ({"logprobs": True}, "logprobs"),
        ({"stop": ["."]}, "stop"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"presence_penalty": 1}, "presence_penalty"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 10**30}, "max_tokens"),
        ({"max_completion_tokens": -1}, "max_completion_tokens"),
        ({"temperature": 3}, "temperature"),
        ({"temperature": "NaN"}, "temperature"),
        ({"top_p": -0.1}, "top_p"),
        ({"seed": 2**70}, "seed"),
        ({"user": "u" * 513}, "user"),
        ({"model": ""}, "model"),
        ({"model": 7}, "model"),
        ({"stream": SECRET}, "stream"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user", "content": SECRET}] * 513}, "messages"),
        ({"messages": [{"role": "system", "content": SECRET}]}, "messages"),
        ({"messages": [{"role": "user", "content": " \n"}]}, "messages"),
        ({"messages": [{"role": "user", "content": SECRET + "a" * MAX_QUESTION_CHARACTERS}]}, "messages"),
        ({"messages": [{"role": SECRET, "content": "a"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": "lone \ud800 surrogate"}]}, "messages[0].content[0].text"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "text": SECRET}]}]}, "messages[0].content[0].type"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}] * 65}]}, "messages[0].content"),
    ],
)
def test_every_parameter_is_bounded_and_named_when_it_is_wrong(base, change, param) -> None:
    body = json.dumps({**ASK, **change})
    response = httpx.post(f"{base}/v1/chat/completions", content=body, headers={"content-type": "application/json"})
    error = response.json()["error"]
    assert response.status_code == 400 and error["param"] == param
    assert set(error) == {"message", "type", "param", "code"} and error["type"] == "invalid_request_error"
    assert SECRET not in response.text


def test_the_client_raises_bad_request(base, client_of) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client_of(base).chat.completions.create(model=BASE_MODEL_ID, messages=ASK["messages"], n=3)
    assert caught.value.param == "n" and caught.value.code == "unsupported_value"


def test_the_longest_question_is_answered(base) -> None:
    question = " ".join(f"w{number}" for number in range(2000))[:MAX_QUESTION_CHARACTERS]
    body = {
        **ASK,
        "messages": [{"role": "user", "content": question}],
        "unknown": {"field": 1},
        "n": 1,
        "stop": None,
        "tools": [],
    }
    assert httpx.post(f"{base}/v1/chat/completions", json=body, timeout=30).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [
        ("GET", "/nowhere", b"", 404),
        ("GET", "/docs", b"", 404),
        ("GET", "/v1/chat/completions", b"", 405),
        ("POST", "/v1/chat/completions", b"{", 400),
        ("POST", "/v1/chat/completions", b"", 400),
        ("POST", "/v1/chat/completions", b"[" * 100_000, 400),
        ("POST", "/v1/chat/completions", b'{"max_tokens": ' + b"9" * 5000 + b"}", 400),
        ("POST", "/v1/chat/completions", b"\xff\xfe", 400),
        ("POST", "/v1/chat/completions", b" " * (1 << 20) + b"{}", 413),
    ],
)
def test_every_error_has_openais_shape(base, method, path, content, status) -> None:
    response = httpx.request(method, base + path, content=content, headers={"content-type": "application/json"})
    assert response.status_code == status
    assert set(response.json()["error"]) == {"message", "type", "param", "code"}


def test_a_body_without_a_length_is_bounded_while_it_streams_in(base) -> None:
    sent = []

    def body():
        for _ in range(400):
            sent.append(1)
            yield b"x" * 65536

    try:
        response = httpx.post(f"{base}/v1/chat/completions", content=body(), headers={"content-type": "application/json"})
        assert response.status_code == 413
    except (httpx.WriteError, httpx.ReadError):  # the server has closed before the client was done sending
        assert len(sent) < 400
    assert httpx.get(f"{base}/health").status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "localhost:80"}, 200),
        ({"host": "127.9.9.9"}, 200),
        ({"host": "[::1]:8321"}, 200),
        ({"host": "evil.example"}, 403),
        ({"host": "localhost.evil.example"}, 403),
        ({"host": "10.0.0.1"}, 403),
        ({"host": "a@localhost"}, 400),
        ({"host": ""}, 400),
        ({"origin": "http://localhost:8321", "host": "localhost:8321"}, 200),
        ({"origin": "http://localhost", "host": "localhost:80"}, 200),
        ({"origin": "http://localhost:9", "host": "localhost:8321"}, 403),
        ({"origin": "https://localhost:8321", "host": "localhost:8321"}, 403),
        ({"origin": "http://evil.example", "host": "localhost:8321"}, 403),
        ({"origin": "null", "host": "localhost:8321"}, 403),
    ],
)
def test_only_this_machine_and_its_own_pages_may_speak(base, headers, status) -> None:
    response = httpx.get(f"{base}/v1/models", headers=headers)
    assert response.status_code == status
    assert not [name for name in response.headers if name.startswith("access-control")]
    preflight = httpx.options(f"{base}/v1/chat/completions", headers={"access-control-request-method": "POST", **headers})
    assert preflight.status_code == (405 if status == 200 else status)


def test_a_form_post_as_a_foreign_page_can_send_it_is_not_read(base) -> None:
    response = httpx.post(f"{base}/v1/chat/completions", content=json.dumps(ASK), headers={"content-type": "text/plain"})
    assert response.status_code == 400


def test_a_full_queue_refuses_at_once_and_before_retrieval(collection, fake, served) -> None:
    engine = fake(hold=threading.Event())
    app = create_app({BASE_MODEL_ID: collection.assistant(engine)}, waiting=2)
    with served(app) as url:
        statuses: list[int] = []

        def ask() -> None:
            statuses.append(httpx.post(f"{url}/v1/chat/completions", json=ASK, timeout=30).status_code)

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        until(lambda: app.state.admission.inside == 3 and engine.started == 1)
        searched = collection.searches.count
        began = time.monotonic()
        response = httpx.post(f"{url}/v1/chat/completions", json=ASK)
        assert time.monotonic() - began < 1
        assert response.status_code == 503 and int(response.headers["retry-after"]) > 0
        assert response.json()["error"]["code"] == "overloaded" and collection.searches.count == searched == 1
        engine.hold.set()
        for thread in threads:
            thread.join()
        assert statuses == [200, 200, 200] and engine.started == engine.closed == 3
        assert httpx.post(f"{url}/v1/chat/completions", json=ASK, timeout=30).status_code == 200


@pytest.mark.parametrize("stream", [True, False])
def test_leaving_stops_generation_and_frees_the_slot(collection, fake, served, stream) -> None:
    engine = fake(hold=threading.Event())
    app = create_app({BASE_MODEL_ID: collection.assistant(engine)})
    with served(app) as url:

        def leave() -> None:
            with pytest.raises(httpx.ReadTimeout):
                httpx.post(f"{url}/v1/chat/completions", json={**ASK, "stream": stream}, timeout=0.5)

        threads = [threading.Thread(target=leave) for _ in range(3)]  # one generates, two wait in the queue
        for thread in threads:
            thread.start()
        until(lambda: app.state.admission.inside == 3)
        for thread in threads:
            thread.join()
        until(lambda: app.state.admission.inside == 0, seconds=1)
        assert engine.closed == engine.started
        engine.hold.set()
        assert httpx.post(f"{url}/v1/chat/completions", json=ASK, timeout=30).status_code == 200


def test_health_and_readiness(collection, fake, served) -> None:
    warm = threading.Event()
    app = create_app({BASE_MODEL_ID: collection.assistant(fake())}, ready=warm.is_set)
    with served(app) as url:
        assert httpx.get(f"{url}/health").json() == {"status": "ok"}
        response = httpx.get(f"{url}/ready")
        assert response.status_code == 503 and response.json()["error"]["code"] == "not_ready"
        warm.set()
        assert httpx.get(f"{url}/ready").json() == {"ready": True}


def test_failures_say_nothing_of_what_was_asked(collection, fake, served, client_of, caplog) -> None:
    def fail(prompt):
        raise RuntimeError(f"could not cope with {SECRET}: {prompt.user}")

    caplog.set_level(logging.DEBUG)
    with served(create_app({BASE_MODEL_ID: collection.assistant(fake(fail)), "ok": collection.assistant(fake())})) as url:
        response = httpx.post(f"{url}/v1/chat/completions", json=ASK)
        assert response.status_code == 500 and response.json()["error"]["type"] == "server_error"
        streamed = httpx.post(f"{url}/v1/chat/completions", json={**ASK, "stream": True})
        assert streamed.status_code == 200 and "internal_error" in streamed.text and "[DONE]" not in streamed.text
        with pytest.raises(openai.APIError):
            list(client_of(url).chat.completions.create(model=BASE_MODEL_ID, messages=ASK["messages"], stream=True))
        assert httpx.post(f"{url}/v1/chat/completions", json={**ASK, "model": "ok"}).status_code == 200
    for text in (response.text, streamed.text, caplog.text):
        assert SECRET not in text and "aspirin" not in text.lower()
    assert "RuntimeError at" in caplog.text and "answered: model=ok" in caplog.text
