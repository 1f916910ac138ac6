"""Judgements and runs: TREC's and BEIR's forms, and measures that are trec_eval's own on what was written."""

import gzip
import itertools
import json
from pathlib import Path

import ir_measures
import numpy as np
import pytest
import pytrec_eval
from hypothesis import given
from hypothesis import strategies as st

from corpora.errors import EvaluationError
from retrieval.evaluation.beir import read_beir, read_corpus, read_queries
from retrieval.evaluation.measures import ALL_MEASURES, retrieval_measures
from retrieval.evaluation.qrels import read_qrels, read_run, run_text

TREC_EVAL = {
    "nDCG@10": "ndcg_cut_10",
    "recall@1": "recall_1",
    "recall@5": "recall_5",
    "recall@10": "recall_10",
    "recall@100": "recall_100",
    "MAP": "map",
}


def drawn(seed: int, queries: int = 12) -> tuple[dict[str, dict[str, int]], dict[str, list[tuple[str, float]]]]:
    """Random graded judgements and a run with tied scores over them; some queries have no hit at all."""
    generator = np.random.default_rng(seed)
    documents = [f"d{number}" for number in range(150)]
    qrels, run = {}, {}
    for number in range(queries):
        judged = generator.choice(documents, 8, replace=False)
        qrels[f"q{number}"] = {str(name): int(grade) for name, grade in zip(judged, generator.integers(0, 4, 8), strict=True)}
        qrels[f"q{number}"][str(judged[0])] = 2
        found = generator.choice(documents, 120, replace=False)
        scores = sorted(generator.integers(0, 30, 120).astype(float), reverse=True)
        run[f"q{number}"] = [(str(name), score) for name, score in zip(found, scores, strict=True)] if number % 5 else []
    return qrels, run


def test_measures_are_trec_evals() -> None:
    qrels, run = drawn(1)
    ours = retrieval_measures(qrels, {query: [item for item, _ in found] for query, found in run.items()}, ALL_MEASURES)
    scored = {query: {item: float(-place) for place, (item, _) in enumerate(found)} for query, found in run.items() if found}
    theirs = pytrec_eval.RelevanceEvaluator(qrels, set(TREC_EVAL.values())).evaluate(scored)
    for place, query in enumerate(qrels):
        for name, trec in TREC_EVAL.items():
            assert ours[name][place] == pytest.approx(theirs[query][trec] if query in theirs else 0.0, abs=1e-6), (query, name)
        first = next((rank for rank, (item, _) in enumerate(run[query][:10], 1) if qrels[query].get(item, 0) > 0), None)
        assert ours["MRR@10"][place] == pytest.approx(1 / first if first else 0.0)


def test_what_is_written_is_judged_as_what_was_searched(tmp_path: Path) -> None:
    """Ties and all: trec_eval would order them in its own way, were they written as they are."""
    qrels, run = drawn(2)
    (tmp_path / "run").write_text(run_text(run, "ours"))
    rows = [f"{query} 0 {document} {grade}\n" for query, judged in qrels.items() for document, grade in judged.items()]
    (tmp_path / "qrels").write_text("".join(rows))
    searched = retrieval_measures(qrels, {query: [item for item, _ in found] for query, found in run.items()}, ALL_MEASURES)
    read = ir_measures.iter_calc(
        [ALL_MEASURES["nDCG@10"], ALL_MEASURES["MAP"]],
        ir_measures.read_trec_qrels(str(tmp_path / "qrels")),
        ir_measures.read_trec_run(str(tmp_path / "run")),
    )
    names = list(qrels)
    for metric in read:
        name = "MAP" if str(metric.measure) == "AP" else "nDCG@10"
        assert metric.value == pytest.approx(searched[name][names.index(metric.query_id)], abs=1e-9)
    assert read_qrels(tmp_path / "qrels") == qrels
    again = read_run(tmp_path / "run")
    assert {query: [item for item, _ in found] for query, found in again.items()} == {
        query: [item for item, _ in found] for query, found in run.items() if found
    }


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=20))
def test_written_scores_fall(scores: list[float]) -> None:
    ranking = [(f"d{place}", score) for place, score in enumerate(sorted(scores, reverse=True))]
    written = [np.float32(line.split()[4]) for line in run_text({"q": ranking}, "t").splitlines()]
    assert all(later < earlier for earlier, later in itertools.pairwise(written))


def test_beir_and_trec_judgements_are_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("query-id\tcorpus-id\tscore\nq 1\td1\t1\nq 1\td2\t0\n")
    assert read_qrels(tmp_path / "a.tsv") == {"q 1": {"d1": 1, "d2": 0}}
    (tmp_path / "b.txt").write_text("q1 0 d1 1\nq1 Q0 d2 0\n")
    assert read_qrels(tmp_path / "b.txt") == {"q1": {"d1": 1, "d2": 0}}
    with gzip.open(tmp_path / "c.gz", "wt") as handle:
        handle.write("q1 0 d1 2\n")
    assert read_qrels(tmp_path / "c.gz") == {"q1": {"d1": 2}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("q1 d1\n", "line 1 has 2 columns"),
        ("q1 0 d1 good\n", "'good' is no grade"),
        ("query-id\tcorpus-id\tscore\n", "no judgement"),
        ("\n\n", "empty"),
    ],
)
def test_what_is_no_judgement_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "q").write_text(text)
    with pytest.raises(EvaluationError, match=message):
        read_qrels(tmp_path / "q")


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "r").write_text("q1 Q0 d1 1 0.5\n")
    with pytest.raises(EvaluationError, match="5 columns"):
        read_run(tmp_path / "r")
    (tmp_path / "r").write_text("q1 Q0 d1 1 high tag\n")
    with pytest.raises(EvaluationError, match="'high' is no score"):
        read_run(tmp_path / "r")
    with pytest.raises(EvaluationError, match="nothing"):
        read_run(tmp_path / "nothing")
    with pytest.raises(EvaluationError, match="white space"):
        run_text({"q 1": [("d", 1.0)]}, "tag")


def beir_folder(folder: Path) -> Path:
    (folder / "qrels").mkdir(parents=True)
    rows = [{"_id": "d1", "title": "Lease", "text": "A LEASE IN CAPITALS"}, {"_id": "d2", "text": "Rent is due.\n\nIn May."}]
    with gzip.open(folder / "corpus.jsonl.gz", "wt") as handle:
        handle.write("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "queries.jsonl").write_text('{"_id": "q1", "text": "when is  rent due"}\n{"_id": "q2", "text": "x"}\n')
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td2\t1\n")
    return folder


def test_a_beir_folder(tmp_path: Path) -> None:
    found = read_beir(beir_folder(tmp_path / "little"))
    assert (found.name, found.queries, found.qrels) == ("little", {"q1": "when is rent due"}, {"q1": {"d2": 1}})
    readings = list(read_corpus(found.corpus))
    assert [(r.part, r.title) for r in readings] == [("d1", "Lease"), ("d2", None)]
    assert [block.text for block in readings[0].blocks] == ["A LEASE IN CAPITALS"]  # no heading: a heading is no chunk
    assert [block.text for block in readings[1].blocks] == ["Rent is due.", "In May."]


def test_a_beir_folder_says_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"no corpus\.jsonl"):
        read_beir(tmp_path)
    folder = beir_folder(tmp_path / "little")
    with pytest.raises(EvaluationError, match="splits there: test"):
        read_beir(folder, "dev")
    (folder / "qrels" / "test.tsv").write_text("q9\td1\t1\n")
    with pytest.raises(EvaluationError, match=r"1 judged queries are not in queries\.jsonl, e\.g\. q9"):
        read_beir(folder)
    (folder / "queries.jsonl").write_text('{"text": "x"}\n')
    with pytest.raises(EvaluationError, match="line 1 has the fields text; accepted: _id and text"):
        read_queries(folder / "queries.jsonl")
    (folder / "corpus.jsonl").write_text('{"_id": "d1", "text": "x"}\n{"_id": "d1", "text": "y"}\n')
    with pytest.raises(EvaluationError, match="line 2 has the _id d1 a second time"):
        list(read_corpus(folder / "corpus.jsonl"))
