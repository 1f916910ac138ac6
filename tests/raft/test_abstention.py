"""When to abstain: features of rankings, the fitted probability, and how it is measured, kept and used."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from tests_collection import Collection

from corpora.errors import ModelError
from corpora.workspace.toml_edit import with_value
from corpora.workspace.workspace import create_workspace, open_workspace
from raft.abstention import (
    FILE,
    LEAST,
    AbstentionCase,
    AbstentionModel,
    as_text,
    features,
    fit_support,
    measure_support,
    read_support,
    write_support,
)
from raft.answering.assistant import Assistant
from raft.examples.generate import support_splits
from raft.examples.grounding import ground, observations, search_questions
from raft.examples.options import ExampleOptions
from raft.prompts.format import ABSTENTION
from retrieval.records import SearchResult
from serving.configuration import SECTIONS


def result(best: float, drop: float) -> SearchResult:
    """Two rankings that agree on their first; `drop` is what a place costs."""
    dense = tuple((f"{place}", best - drop * place) for place in range(12))
    return SearchResult((), 1, {"dense": dense, "lexical": tuple((item, 10 * score) for item, score in dense)})


def drawn(n: int, seed: int) -> list[AbstentionCase]:
    """Sharp rankings where the evidence was found, flat ones where it was not, with noise."""
    draw = random.Random(seed)
    rows = []
    for number in range(n):
        found = number % 3 != 0
        drop = max(0.0, draw.gauss(0.04 if found else 0.015, 0.015))
        rows.append(AbstentionCase("What is it", result(draw.uniform(0.4, 0.8), drop), found))
    return rows


def test_features_by_hand() -> None:
    values = features("one two", result(0.9, 0.1))
    assert values == pytest.approx([0.9, 0.1, 0.4, 0.9, 9.0, 1.0, 4.0, 9.0, 1.0, 5.0, 4.5])
    assert features("nothing found", SearchResult((), 1)) == [0.0] * 11


def test_a_fit_tells_found_from_missed_on_questions_it_did_not_see() -> None:
    model = fit_support(drawn(300, 0), passages=5)
    assert model is not None and model.fitted_on == 300
    measure = measure_support(model, drawn(300, 1), threshold=0.5)
    assert measure is not None and measure.auc > 0.8 and measure.chance == pytest.approx(1 / 3, abs=0.01)
    assert measure.precision is not None and measure.precision.low > measure.chance
    assert "n = 300" in as_text(measure)
    none = measure_support(model, drawn(30, 1), threshold=0.0)
    assert none is not None and none.abstained == 0 and none.precision is None and "precision –" in as_text(none)


def test_too_few_of_a_kind_give_no_model() -> None:
    found = [row for row in drawn(200, 0) if row.supported]
    missed = [row for row in drawn(200, 0) if not row.supported]
    assert fit_support(found + missed[: LEAST - 1], 5) is None
    assert fit_support(found + missed[:LEAST], 5) is not None
    model = fit_support(found + missed, 5)
    assert model is not None and measure_support(model, found, 0.5) is None and measure_support(model, [], 0.5) is None


def test_it_is_kept_exactly_and_damage_is_named(tmp_path: Path) -> None:
    model = fit_support(drawn(120, 0), 5)
    assert model is not None
    write_support(tmp_path, model)
    assert read_support(tmp_path) == model
    assert read_support(tmp_path / "elsewhere") is None
    (tmp_path / FILE).write_text('{"passages": 5}')
    with pytest.raises(ModelError, match="is damaged"):
        read_support(tmp_path)


def test_observations_of_a_real_collection(collection: Collection) -> None:
    options = ExampleOptions()
    grounding = ground(collection.questions, collection.store, options)
    found = search_questions(grounding, collection.retriever, options)
    rows = observations(grounding, found, ["train"], 5)
    members = sorted((g for g in grounding.questions if g.split == "train"), key=lambda g: g.question.id)
    assert [row.question for row in rows] == [g.question.text for g in members]
    for row, g in zip(rows, members, strict=True):
        shown = {hit.chunk.id for hit in collection.retriever.search([g.question.text], 5)[0].hits}
        assert row.supported == (bool(g.oracles) and {c.id for c in g.oracles} <= shown)
    assert fit_support(rows, 5) is not None


class NeverAsked:
    """An engine that fails when it is used."""

    def complete(self, prompts: object, max_tokens: int) -> list[object]:
        raise AssertionError("asked")


def test_an_assistant_abstains_without_asking_the_model(collection: Collection) -> None:
    low = AbstentionModel(5, (0.0,) * 11, (1.0,) * 11, (0.0,) * 11, -1.0, fitted_on=99)
    assistant = Assistant(collection.retriever, NeverAsked(), "r", support=low)  # type: ignore[arg-type]
    (answer,) = assistant.answer(["What is the dose?"])
    assert answer.abstained and answer.answer == ABSTENTION and answer.citations == ()
    assert answer.support == pytest.approx(0.2689, abs=1e-4)
    with pytest.raises(AssertionError, match="asked"):
        replace(assistant, min_support=0.2).answer(["What is the dose?"])


@pytest.mark.parametrize("key", [("models", "encoder"), ("search", "rerank")])
def test_abstaining_is_not_fitted_on_questions_that_search_was_tuned_to(tmp_path: Path, key: tuple[str, str]) -> None:
    path = create_workspace(tmp_path, SECTIONS)
    assert support_splits(open_workspace(tmp_path)) == (["train"], ["validation", "test"])
    path.write_text(with_value(path.read_text(), *key, "runs/statutes/mini-statutes"))
    assert support_splits(open_workspace(tmp_path)) == (["train"], ["validation", "test"])
    (tmp_path / "runs" / "statutes").mkdir(parents=True)
    (tmp_path / "runs" / "statutes" / "trained.json").write_text("{}")
    assert support_splits(open_workspace(tmp_path)) == (["validation"], ["test"])
