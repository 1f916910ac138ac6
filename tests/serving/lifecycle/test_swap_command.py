"""The command `swap` and the real server: processes, signals, two runs that were really trained. The fakes' twin (promise R16)."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import termios
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import openai
import pytest

from corpora.chunking.chunker import ChunkOptions
from corpora.errors import ServerError
from corpora.questions import read_questions
from corpora.store.corpus_store import CorpusStore
from corpora.workspace.run_folder import RunFolder
from corpora.workspace.workspace import create_workspace, open_workspace
from raft.answering.open_assistant import open_assistant
from raft.examples.assembly import build_examples
from raft.examples.grounding import ground, search_questions
from raft.examples.options import ExampleOptions
from raft.training.options import TrainOptions
from raft.training.train import train
from raft.training.training_data import TrainingData
from retrieval.encoders.hashing import HashingEncoder
from retrieval.indexing.add_files import add_files
from retrieval.model_folders import ModelFolder
from retrieval.search.retriever import Retriever
from serving.configuration import SECTIONS
from serving.lifecycle.options import ServeOptions
from serving.lifecycle.server_lock import ServerState, announce, hold_server_lock, running_server

ROOT = Path(__file__).resolve().parents[3]
SAMPLES = ROOT / "corpora" / "samples"
QUESTION = "How long may a deposit be held before it is protected?"
# So large steps that two runs of seconds each say something else.
OPTIONS = TrainOptions(
    "lora", layers_fraction=1, learning_rate=5e-2, max_examples=12, max_validation_examples=4, max_tokens=4096
)
ENVIRONMENT = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="module")
def workspace(tiny: ModelFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve legal notes, the runs `first` and `second` of a tiny model, and `broken`, a damaged copy of the first."""
    root = tmp_path_factory.mktemp("w")
    config = create_workspace(root, SECTIONS)
    text = config.read_text().replace('"all-MiniLM-L6-v2"', '"hashing-128"')
    config.write_text(text.replace('"SmolLM2-135M-Instruct"', f'"{tiny.path}"').replace("max_tokens = 96", "max_tokens = 24"))
    store, encoder = CorpusStore(root / "corpus.db"), HashingEncoder(128)
    add_files(store, root, encoder, sorted((SAMPLES / "legal").iterdir())[:12], "legal", ChunkOptions(20))
    questions = list(read_questions(SAMPLES / "questions" / "legal.json").questions)
    options = ExampleOptions()
    grounding = ground(questions, store, options)
    examples = build_examples(grounding, search_questions(grounding, Retriever(store, root, encoder), options), options)
    store.close()
    for run, epochs in (("first", 1), ("second", 2)):
        asked = replace(OPTIONS, epochs=epochs, seed=epochs)
        train(RunFolder(run, root / "runs" / run), tiny, TrainingData("d", "digest", examples), asked)
    shutil.copytree(root / "runs" / "first", root / "runs" / "broken")
    weights = root / "runs" / "broken" / "adapter" / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    return root


@pytest.fixture
def server(workspace: Path) -> Iterator[tuple[subprocess.Popen[str], str, Path]]:
    """The process that serves `first`, its URL, and the file that its stderr goes to."""
    log = workspace / "stderr.txt"
    words = [sys.executable, "-m", "serving.main", "serve", "--run", "first", "--port", "0", "--workspace", str(workspace)]
    with log.open("w") as stderr:
        process = subprocess.Popen(words, stderr=stderr, stdin=subprocess.DEVNULL, text=True, cwd=ROOT, env=ENVIRONMENT)
    try:
        while "raftsmith serves " not in log.read_text():
            assert process.poll() is None, log.read_text()
            time.sleep(0.05)
        yield process, log.read_text().partition("raftsmith serves ")[2].split()[0], log
    finally:
        process.kill()
        process.wait()


def swap(workspace: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "serving.main", "swap", *words, "--workspace", str(workspace)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=ENVIRONMENT, check=False, timeout=120)


def test_runs_are_swapped_while_clients_ask(workspace: Path, server, client_of) -> None:
    process, url, log = server
    texts: dict[str | None, set[str]] = defaultdict(set)
    failures: list[Exception] = []
    stop = threading.Event()

    def ask(stream: bool) -> None:
        client, messages = client_of(url), [{"role": "user", "content": QUESTION}]
        while not stop.is_set():
            try:
                if stream:
                    chunks = list(client.chat.completions.create(model="raftsmith", messages=messages, stream=True))
                    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
                    texts[chunks[-1].raftsmith["run"]].add(text)
                else:
                    whole = client.chat.completions.create(model="raftsmith", messages=messages)
                    assert whole.model == (whole.raftsmith["run"] or "raftsmith-base")
                    texts[whole.raftsmith["run"]].add(whole.choices[0].message.content)
            except Exception as error:
                failures.append(error)

    clients = [threading.Thread(target=ask, args=[number % 2 == 0]) for number in range(3)]
    for client in clients:
        client.start()
    for words, run in ((["--run", "second"], "second"), (["--base"], None), (["--run", "second"], "second")):
        done = swap(workspace, *words, "--json")
        assert json.loads(done.stdout) == {"url": url, "run": run, "pid": process.pid}, done.stderr
        while run not in texts and not failures:
            time.sleep(0.05)
    broken = swap(workspace, "--run", "broken")
    assert broken.returncode == 1 and broken.stdout == ""
    assert "goes on with second" in broken.stderr and "is missing or damaged; train the run again" in broken.stderr
    assert open_workspace(workspace).options(ServeOptions).run == "second"
    unknown = swap(workspace, "--run", "third")
    assert unknown.returncode == 1 and "runs here: " in unknown.stderr and "first" in unknown.stderr
    stop.set()
    for client in clients:
        client.join(60)
    assert not failures
    assert set(texts) == {"first", "second", None} and all(len(found) == 1 for found in texts.values()), texts
    assert len(set.union(*texts.values())) == 3, "each run says something else"
    with pytest.raises(openai.NotFoundError, match="always served"):
        client_of(url).chat.completions.create(model="first", messages=[{"role": "user", "content": QUESTION}])

    place, store = open_workspace(workspace), CorpusStore(workspace / "corpus.db")
    for run, found in texts.items():
        retriever = Retriever(store, workspace, HashingEncoder(128))
        (answer,) = open_assistant(place, retriever, run).answer([QUESTION])
        assert found.pop().startswith(answer.answer)
    store.close()

    (workspace / "raftsmith.toml").write_text("[serve\n")
    process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + 30
    while "goes on with second; what to load is not known" not in log.read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "goes on with second; what to load is not known" in log.read_text()
    (workspace / "raftsmith.toml").unlink()
    create_workspace(workspace, SECTIONS)

    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    said = log.read_text()
    assert "answers with second now" in said and "raftsmith goes on with second; broken cannot be loaded" in said
    ended = swap(workspace, "--base")
    assert ended.returncode == 1 and "no server runs" in ended.stderr and "raftsmith serve" in ended.stderr


def test_what_a_killed_server_left_is_not_taken_for_one(workspace: Path, server) -> None:
    process, url, _ = server
    assert running_server(workspace).url == url
    process.kill()
    process.wait()
    left = workspace / "serve.json"
    assert json.loads(left.read_text())["pid"] == process.pid
    left.write_text(left.read_text().replace(str(process.pid), str(os.getpid())))  # the number is somebody else's by now
    before = (workspace / "raftsmith.toml").read_bytes()
    done = swap(workspace, "--run", "second")
    assert done.returncode == 1 and "no server runs" in done.stderr
    assert (workspace / "raftsmith.toml").read_bytes() == before


def test_one_server_of_a_workspace_is_told(tmp_path: Path) -> None:
    with hold_server_lock(tmp_path) as held:
        assert held
        with pytest.raises(ServerError, match="is starting or stopping"):
            running_server(tmp_path)
        first = ServerState(1, "http://127.0.0.1:1", None)
        announce(tmp_path, first)
        with hold_server_lock(tmp_path, wait_s=0.1) as second:
            assert not second and running_server(tmp_path) == first
        assert running_server(tmp_path) == first
    with pytest.raises(ServerError, match="no server runs"):
        running_server(tmp_path)


def test_a_terminal_that_is_closed_ends_the_server_and_a_signal_does_not(tmp_path: Path) -> None:
    script = (
        "import signal, time\nfrom serving.http.server import at_hang_up\n"
        f"told = open({str(tmp_path / 'told')!r}, 'w', buffering=1)\n"
        "with at_hang_up(lambda: print('reload', file=told)):\n"
        "    print('ready', file=told)\n    time.sleep(60)\n"
    )
    controller, terminal = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=terminal,
        cwd=ROOT,
        env=ENVIRONMENT,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(terminal)
    told = tmp_path / "told"

    def wait_for(text: str) -> None:
        end = time.monotonic() + 20
        while not told.exists() or told.read_text() != text:
            assert time.monotonic() < end and process.poll() is None
            time.sleep(0.02)

    try:
        wait_for("ready\n")
        process.send_signal(signal.SIGHUP)
        wait_for("ready\nreload\n")
        os.close(controller)
        assert process.wait(20) == -signal.SIGTERM and told.read_text() == "ready\nreload\n"
    finally:
        process.kill()
        process.wait()
