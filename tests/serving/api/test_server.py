"""The server process: where it listens, what it refuses, and how it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import httpx
import pytest

from corpora.errors import RaftsmithError
from serving.api.app import create_app
from serving.http.server import bind, url_of

SCRIPT = """
import sys, time
from raft.answering.assistant import Assistant
from raft.prompts.tokenization import EncodedPrompt
from retrieval.records import SearchResult
from serving.api.app import create_app
from serving.http.server import serve

class Nothing:
    def search(self, queries, k, mode="hybrid"):
        return [SearchResult((), 1) for _ in queries]

class Counter:
    def encode(self, prompt): return EncodedPrompt((), 0, ())
    def completion(self, text): return ()

class Slow:
    encoder = Counter()
    def complete(self, prompts, max_tokens): raise NotImplementedError
    def stream(self, prompt, max_tokens):
        yield "##Answer:"
        for number in range(15):
            time.sleep(0.1)
            yield f" {number}"

serve(create_app({"slow": Assistant(Nothing(), Slow(), None)}), "127.0.0.1", 0)
print("ended")
"""


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.1", "example.org", ""])
def test_other_than_loopback_addresses_are_refused(host) -> None:
    with pytest.raises(RaftsmithError, match="only loopback addresses"):
        bind(host, 0)


def test_a_taken_port_is_said_to_be_taken() -> None:
    with bind("localhost", 0) as listener:
        assert url_of(listener).startswith("http://127.0.0.1:")
        with pytest.raises(RaftsmithError, match="is taken by another program"):
            bind("127.0.0.1", listener.getsockname()[1])
    with pytest.raises(RaftsmithError, match="cannot listen"):
        bind("127.0.0.1", 70000)


def test_small_answers_do_not_wait_for_nagle() -> None:
    listener = bind("127.0.0.1", 0)
    assert listener.proto == socket.IPPROTO_TCP  # what asyncio asks before it sets TCP_NODELAY
    listener.close()


def test_nothing_to_serve_is_refused() -> None:
    with pytest.raises(RaftsmithError, match="no assistant"):
        create_app({})


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_fails_readiness_at_once_and_lets_the_running_answer_finish(stop) -> None:
    root = Path(__file__).parents[3]
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SCRIPT)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    try:
        line = process.stderr.readline()
        assert line.startswith("raftsmith serves http://127.0.0.1:")
        url = line.split()[-1]
        assert httpx.get(f"{url}/ready").status_code == 200
        body = {"model": "slow", "stream": True, "messages": [{"role": "user", "content": "When?"}]}
        with httpx.stream("POST", f"{url}/v1/chat/completions", json=body, timeout=30) as response:
            lines = response.iter_lines()
            next(lines)
            process.send_signal(stop)
            time.sleep(0.05)
            assert httpx.get(f"{url}/ready").status_code == 503
            refused = httpx.post(f"{url}/v1/chat/completions", json=body)
            assert refused.status_code == 503 and refused.json()["error"]["code"] == "stopping"
            assert list(lines)[-2:] == ["data: [DONE]", ""]
        out, err = process.communicate(timeout=20)
        assert (process.returncode, out, err) == (0, "ended\n", "")
    finally:
        process.kill()
        process.communicate()
