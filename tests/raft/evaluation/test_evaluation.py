"""Judging answers, the table, the verdict and the report."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests_collection import Collection

from raft.answering.assistant import Assistant
from raft.answering.engine import Completion
from raft.evaluation.arms import evaluate, held_out
from raft.evaluation.report import verdict, write_report
from raft.evaluation.rows import BASE_ARM
from raft.examples.dataset import DatasetQuestion
from raft.examples.grounding import ground
from raft.examples.options import ExampleOptions
from raft.prompts.format import Prompt, render_abstention, render_completion
from retrieval.encoders.hashing import HashingEncoder
from retrieval.search.options import SearchOptions
from retrieval.search.pipelines import SearchContext, make_searcher


class ScriptedEngine:
    """Completes a prompt by a rule of the test; its twin with a real model is tests/raft/answering/test_engine.py."""

    def __init__(self, held: Sequence[DatasetQuestion], right: bool) -> None:
        self._by_text = {item.question.text: item for item in held}
        self._right = right

    def complete(self, prompts: Sequence[Prompt], max_tokens: int) -> list[Completion]:
        return [Completion(self._text(prompt), 10, 5, True) for prompt in prompts]

    def stream(self, prompt: Prompt, max_tokens: int) -> Iterator[str]:
        yield self._text(prompt)

    def _text(self, prompt: Prompt) -> str:
        question = self._by_text[prompt.question.partition("Question: ")[2]].question
        shown = "\n".join(text for _, text in prompt.documents)
        if not self._right:
            return "I think that it depends on many things."
        if not question.answerable or question.evidence[0].text not in shown:
            return render_abstention()
        return render_completion([(1, question.evidence[0].text)], question.answers[0])


@pytest.fixture(scope="module")
def held(collection: Collection) -> list[DatasetQuestion]:
    grounding = ground(collection.questions, collection.store, ExampleOptions())
    every = [
        DatasetQuestion(g.question, g.split, tuple(c.id for c in g.oracles), tuple(c.document_id for c in g.oracles))
        for g in grounding.questions
    ]
    return held_out(every, 40)


def test_a_perfect_reader_scores_what_retrieval_lets_it_and_a_rambler_nothing(
    collection: Collection, held: list[DatasetQuestion], tmp_path: Path
) -> None:
    arms = {
        name: (lambda name=name, right=right: Assistant(collection.retriever, ScriptedEngine(held, right), name))
        for name, right in ((BASE_ARM, False), ("tuned", True))
    }
    evaluation = evaluate(held, collection.retriever, arms)
    values = {measure.name: measure for measure in evaluation.measures}
    rows = [row for row in evaluation.rows if row.arm == "tuned"]
    quoting = [row for row in rows if row.answerable and not row.abstained]
    answerable = [row for row in rows if row.answerable]
    tuned = values["token F1"].arms["tuned"]
    assert tuned is not None and tuned.value == pytest.approx(len(quoting) / len(answerable))
    for name in ("citation precision", "verbatim quotes", "abstention precision"):
        interval = values[name].arms["tuned"]
        assert interval is not None and interval.value == 1.0, name
    assert values["citation precision"].arms[BASE_ARM] is None
    base = values["token F1"].arms[BASE_ARM]
    assert base is not None and base.value < 0.1
    assert verdict(evaluation, "tuned").startswith("Tuning helped: ")
    write_report(tmp_path, evaluation, {"dataset": "d"})
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["n"] == len(held) >= 30 and results["measures"][0]["differences"]["tuned"]["low"] > 0
    assert len((tmp_path / "rows.jsonl").read_text().splitlines()) == 2 * len(held)
    assert (tmp_path / "report.png").read_bytes().startswith(b"\x89PNG")
    assert "Tuning helped" in (tmp_path / "report.md").read_text()


def test_equal_models_are_reported_as_no_difference(collection: Collection, held: list[DatasetQuestion]) -> None:
    arms = {
        name: (lambda name=name: Assistant(collection.retriever, ScriptedEngine(held, True), name))
        for name in (BASE_ARM, "tuned")
    }
    assert verdict(evaluate(held, collection.retriever, arms), "tuned").startswith("No difference shown")


class RecordingEngine:
    """Keeps the prompts and abstains; its twin with a real model is tests/raft/answering/test_engine.py."""

    def __init__(self) -> None:
        self.prompts: list[Prompt] = []

    def complete(self, prompts: Sequence[Prompt], max_tokens: int) -> list[Completion]:
        self.prompts += prompts
        return [Completion(render_abstention(), 10, 5, True) for _ in prompts]

    def stream(self, prompt: Prompt, max_tokens: int) -> Iterator[str]:
        yield render_abstention()


@pytest.mark.parametrize("passages", [3, 20])
@pytest.mark.parametrize("per_source", [0, 1])
def test_the_prompts_that_are_judged_are_those_that_ask_makes(
    collection: Collection, held: list[DatasetQuestion], passages: int, per_source: int
) -> None:
    options = SearchOptions(max_per_source=per_source)
    index = SearchContext(collection.store, collection.root, HashingEncoder(128))
    searcher = make_searcher(index, options, lambda name: pytest.fail("no reranker is asked for"))
    judged, asked = RecordingEngine(), RecordingEngine()
    evaluation = evaluate(held[:6], searcher, {BASE_ARM: lambda: Assistant(searcher, judged, None, passages)})
    for item in held[:6]:
        Assistant(searcher, asked, None, passages).answer([item.question.text])
    assert judged.prompts == asked.prompts
    assert max(len(prompt.documents) for prompt in judged.prompts) == passages
    usual = evaluate(held[:6], searcher, {BASE_ARM: lambda: Assistant(searcher, asked, None)})
    assert evaluation.retrieval == usual.retrieval
