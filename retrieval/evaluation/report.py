"""An evaluation of search as files: `results.json`, `queries.jsonl`, `report.md`, `report.png` and a TREC run a system."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from corpora.durable_files import write_atomic, write_json
from corpora.store.evidence_location import DocumentNames
from retrieval.evaluation.bootstrap import Interval
from retrieval.evaluation.measures import ALL_MEASURES
from retrieval.evaluation.qrels import run_text
from retrieval.evaluation.significance import shown_p
from retrieval.evaluation.system_comparison import DECIDING, RetrievalEvaluation, SystemRun, headline, verdict

_PLOTTED = (DECIDING, "recall@5", "recall@10", "MRR@10")
_KEPT = 100
"""Items of a ranking in `queries.jsonl`, at most."""


def shown(interval: Interval) -> str:
    """ "0.412 [0.330, 0.491]"."""
    return f"{interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def table(evaluation: RetrievalEvaluation) -> str:
    """The table as Markdown: a row a system, best first, and its difference to the best with the chance that it is noise."""
    best = evaluation.best
    header = ["system", *ALL_MEASURES, f"{DECIDING} − {best.name}", "p", "ms a query"]
    lines = [f"| {' | '.join(header)} |", f"|{'---|' * len(header)}"]
    for score in sorted(evaluation.scores, key=lambda score: -score.intervals[DECIDING].value):
        values = [shown(score.intervals[DECIDING])]
        values += [f"{score.intervals[name].value:.3f}" for name in ALL_MEASURES if name != DECIDING]
        change, p = "–", "–"
        if score.name != best.name:
            found = evaluation.comparison(score.name, best.name)
            change, p = (
                f"{found.difference.value:+.3f} [{found.difference.low:+.3f}, {found.difference.high:+.3f}]",
                _p(found.p_holm),
            )
        speed = "–" if score.ms_per_query is None else f"{score.ms_per_query:.0f}"
        lines.append(f"| {' | '.join([score.name, *values, change, p, speed])} |")
    return "\n".join(lines)


def _p(p: float) -> str:
    return shown_p(p).removeprefix("= ")


def to_markdown(evaluation: RetrievalEvaluation, facts: Mapping[str, Any]) -> str:
    """The report for people."""
    about = "\n".join(f"- {key}: {value}" for key, value in facts.items())
    dropped = "\n".join(f"- {count} x {reason}" for reason, count in evaluation.judged.reasons().items()) or "- none"
    pairs = ["| system | against | nDCG@10 | p | p, corrected |", "|---|---|---|---|---|"]
    for found in evaluation.comparisons:
        change = found.difference
        shown_change = f"{change.value:+.3f} [{change.low:+.3f}, {change.high:+.3f}]"
        pairs.append(f"| {found.left} | {found.right} | {shown_change} | {_p(found.p)} | {_p(found.p_holm)} |")
    compared = "\n".join(pairs) if evaluation.comparisons else "One system alone was measured."
    return f"""# Evaluation of search

{verdict(evaluation)}

{len(evaluation.judged.queries)} queries of {evaluation.judged.name}; judged are {evaluation.judged.level}s. Measures as trec_eval
defines them, with 95 % bootstrap intervals over queries; p by a paired randomisation test, corrected after Holm for the number
of pairs.

{table(evaluation)}

Every pair:

{compared}

Queries left out:

{dropped}

About this evaluation:

{about}
"""


def plot(evaluation: RetrievalEvaluation, target: Path) -> None:
    """Bars with intervals, a group a measure, who wins above them."""
    from matplotlib.figure import Figure

    scores = evaluation.scores
    figure = Figure(figsize=(10, 5.2), layout="constrained")
    axes = figure.add_subplot()
    width = 0.8 / len(scores)
    colours = ["#9aa5b1", "#bf8700", "#1f6feb", "#2da44e", "#8250df", "#cf222e", "#0a7ea4", "#57606a"]
    for number, score in enumerate(scores):
        colour = colours[number % len(colours)]
        for place, name in enumerate(_PLOTTED):
            interval = score.intervals[name]
            x = place + (number - (len(scores) - 1) / 2) * width
            error = [[interval.value - interval.low], [interval.high - interval.value]]
            axes.bar(x, interval.value, width * 0.92, color=colour, label=score.name if not place else "")
            axes.errorbar(x, interval.value, yerr=error, color="#24292f", capsize=2, linewidth=1)
            if len(scores) <= 6:
                axes.text(x, min(interval.high, 1.0) + 0.015, f"{interval.value:.2f}", ha="center", fontsize=7)
    axes.set_xticks(range(len(_PLOTTED)), list(_PLOTTED))
    axes.set_ylim(0, 1.12)
    axes.set_ylabel(f"0 to 1, higher is better (n = {len(evaluation.judged.queries)}, 95 % intervals)")
    figure.suptitle(headline(evaluation), fontsize=10, wrap=True)
    axes.legend(loc="upper left", fontsize=8, frameon=False, ncols=2)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(target, dpi=130)


def as_json(evaluation: RetrievalEvaluation, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Everything but the rows, ready for JSON."""
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
            {**asdict(found), "measure": DECIDING, "better": found.better, "worse": found.worse}
            for found in evaluation.comparisons
        ],
        "best": evaluation.best.name,
        "verdict": verdict(evaluation),
        "about": dict(facts),
    }


def write_report(
    folder: Path, evaluation: RetrievalEvaluation, runs: Sequence[SystemRun], facts: Mapping[str, Any], names: DocumentNames
) -> dict[str, Any]:
    """Write the report's files, `results.json` last, and give what it holds. `names` are what the runs call the documents."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = {run.name: run.run for run in runs}
    rows = []
    for place, query in enumerate(evaluation.judged.queries):
        for score in evaluation.scores:
            row = {
                "query_id": query.id,
                "query": query.text,
                "split": query.split,
                "system": score.name,
                **{name: score.values[name][place] for name in ALL_MEASURES},
                "relevant": dict(query.relevant),
                "found": [item for item, _ in found[score.name].get(query.id, ())][:_KEPT],
            }
            rows.append(json.dumps(row, ensure_ascii=False) + "\n")
    write_atomic(folder / "queries.jsonl", "".join(rows).encode())
    for run in runs:
        write_atomic(folder / "runs" / f"{file_name(run.name)}.trec", trec_text(run, names).encode())
    write_atomic(folder / "report.md", to_markdown(evaluation, facts).encode())
    plot(evaluation, folder / "report.png")
    value = as_json(evaluation, facts)
    write_json(folder / "results.json", value)
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
