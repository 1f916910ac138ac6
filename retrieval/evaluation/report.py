"""An evaluation of search as files: `results.json`, `queries.jsonl`, `report.md`, `report.png` and a TREC run a system."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from corpora.store.evidence_location import DocumentNames
from retrieval.evaluation.measures import ALL_MEASURES
from retrieval.evaluation.qrels import run_text
from retrieval.evaluation.report_parts import (
    BarStyle,
    interval_bars,
    interval_text,
    markdown_list,
    markdown_table,
    write_report_folder,
)
from retrieval.evaluation.significance import shown_p
from retrieval.evaluation.system_comparison import DECIDING, RetrievalEvaluation, SystemRun, headline, verdict

_PLOTTED = (DECIDING, "recall@5", "recall@10", "MRR@10")
_KEPT = 100
"""Items of a ranking in `queries.jsonl`, at most."""


def table(evaluation: RetrievalEvaluation) -> str:
    """The measures as a Markdown table: a row for each system, best first, with its difference to the best and the
    p-value.
    """
    best = evaluation.best
    header = ["system", *ALL_MEASURES, f"{DECIDING} − {best.name}", "p", "ms a query"]
    rows = []
    for score in sorted(evaluation.scores, key=lambda score: -score.intervals[DECIDING].value):
        values = [interval_text(score.intervals[DECIDING], 3)]
        values += [f"{score.intervals[name].value:.3f}" for name in ALL_MEASURES if name != DECIDING]
        change, p = "–", "–"
        if score.name != best.name:
            comparison = evaluation.comparison(score.name, best.name)
            change, p = interval_text(comparison.difference, 3, signed=True), _p(comparison.p_holm)
        speed = "–" if score.ms_per_query is None else f"{score.ms_per_query:.0f}"
        rows.append([score.name, *values, change, p, speed])
    return markdown_table(header, rows)


def _p(p: float) -> str:
    return shown_p(p).removeprefix("= ")


def to_markdown(evaluation: RetrievalEvaluation, facts: Mapping[str, Any]) -> str:
    """The evaluation's report in Markdown."""
    dropped = "\n".join(f"- {count} x {reason}" for reason, count in evaluation.judged.reasons().items()) or "- none"
    pairs = [
        [
            comparison.left,
            comparison.right,
            interval_text(comparison.difference, 3, signed=True),
            _p(comparison.p),
            _p(comparison.p_holm),
        ]
        for comparison in evaluation.comparisons
    ]
    compared = markdown_table(["system", "against", "nDCG@10", "p", "p, corrected"], pairs)
    return f"""# Evaluation of search

{verdict(evaluation)}

{len(evaluation.judged.queries)} queries of {evaluation.judged.name}; judged are {evaluation.judged.level}s. Measures as trec_eval
defines them, with 95 % bootstrap intervals over queries; p by a paired randomisation test, corrected after Holm for the number
of pairs.

{table(evaluation)}

Every pair:

{compared if pairs else "One system alone was measured."}

Queries left out:

{dropped}

About this evaluation:

{markdown_list(facts)}
"""


def plot(evaluation: RetrievalEvaluation) -> bytes:
    """The evaluation as a bar chart in PNG: a group for each measure, bars with intervals, the verdict as its title."""
    colours = ("#9aa5b1", "#bf8700", "#1f6feb", "#2da44e", "#8250df", "#cf222e", "#0a7ea4", "#57606a")
    return interval_bars(
        headline(evaluation),
        f"0 to 1, higher is better (n = {len(evaluation.judged.queries)}, 95 % intervals)",
        _PLOTTED,
        {score.name: [score.intervals[name] for name in _PLOTTED] for score in evaluation.scores},
        BarStyle(colours, 7 if len(evaluation.scores) <= 6 else None, cap_size=2, legend_columns=2),
    )


def as_json(evaluation: RetrievalEvaluation, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The evaluation without the rows of single queries, ready for JSON."""
    return {
        "judged": evaluation.judged.name,
        "level": evaluation.judged.level,
        "n": len(evaluation.judged.queries),
        "dropped": evaluation.judged.reasons(),
        "systems": [
            {
                "name": score.name,
                "ms_per_query": score.ms_per_query,
                "measures": {name: asdict(interval) for name, interval in score.intervals.items()},
            }
            for score in evaluation.scores
        ],
        "comparisons": [
            {**asdict(comparison), "measure": DECIDING, "better": comparison.better, "worse": comparison.worse}
            for comparison in evaluation.comparisons
        ],
        "best": evaluation.best.name,
        "verdict": verdict(evaluation),
        "about": dict(facts),
    }


def write_report(
    folder: Path, evaluation: RetrievalEvaluation, runs: Sequence[SystemRun], facts: Mapping[str, Any], names: DocumentNames
) -> dict[str, Any]:
    """Write the report's files, `results.json` last, and give its content.

    `names` are what the runs call the documents.
    """
    rankings = {run.name: run.run for run in runs}
    rows = []
    for position, query in enumerate(evaluation.judged.queries):
        for score in evaluation.scores:
            row = {
                "query_id": query.id,
                "query": query.text,
                "split": query.split,
                "system": score.name,
                **{name: score.values[name][position] for name in ALL_MEASURES},
                "relevant": dict(query.relevant),
                "found": [item for item, _ in rankings[score.name].get(query.id, ())][:_KEPT],
            }
            rows.append(json.dumps(row, ensure_ascii=False) + "\n")
    other_files = {"queries.jsonl": "".join(rows)}
    other_files |= {f"runs/{file_name(run.name)}.trec": trec_text(run, names) for run in runs}
    value = as_json(evaluation, facts)
    write_report_folder(folder, to_markdown(evaluation, facts), plot(evaluation), value, other_files)
    return value


def file_name(name: str) -> str:
    """A system's name as a part of a file's name."""
    return re.sub(r"[^\w.+-]+", "-", name).strip("-.") or "run"


def trec_text(run: SystemRun, names: DocumentNames) -> str:
    """The run as a TREC file. Documents are called by their labels, a document with several by each of them in turn.

    White space, which such a file cannot hold in an id, becomes "_".
    """
    labelled = {
        _plain(query): [(_plain(label), score) for item, score in ranking for label in names.labels.get(item, (item,))]
        for query, ranking in run.run.items()
    }
    return run_text(labelled, file_name(run.name))


def _plain(name: str) -> str:
    return "_".join(name.split())
