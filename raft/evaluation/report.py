"""The report of an evaluation: `report.md`, `report.png`, `rows.jsonl` and `results.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from raft.evaluation.arms import Evaluation, as_json
from raft.evaluation.measures import Measure
from raft.evaluation.rows import BASE_ARM
from retrieval.evaluation.report_parts import (
    BarStyle,
    interval_bars,
    interval_text,
    markdown_list,
    markdown_table,
    write_report_folder,
)

PLOTTED = (
    "token F1",
    "exact match",
    "citation precision",
    "citation recall",
    "verbatim quotes",
    "abstention precision",
    "abstention recall",
)


def verdict(evaluation: Evaluation, arm: str) -> str:
    """Whether tuning helped, by how much and how sure that is, in one sentence."""
    first = evaluation.measures[0]
    change = first.differences.get(arm)
    if change is None:
        return f"{arm}: nothing to compare with; evaluate the base model on the same questions."
    gain = f"{change.value:+.2f} token F1 (95 % interval {change.low:+.2f} to {change.high:+.2f}, n = {change.n})"
    if change.low > 0:
        return f"Tuning helped: {arm} answers better than the base model over the same passages, {gain}."
    if change.high < 0:
        return f"Tuning hurt: {arm} answers worse than the base model over the same passages, {gain}; keep the base model."
    return f"No difference shown: {arm} against the base model over the same passages is {gain}; plain retrieval is as good."


def table(measures: Sequence[Measure]) -> str:
    """The measures as a Markdown table: a column an arm, then a column a difference to the base."""
    arms = list(measures[0].arms)
    tuned = [arm for arm in arms if arm != BASE_ARM and BASE_ARM in arms]
    header = ["", *[_arm_name(arm) for arm in arms], *[f"{arm} − base" for arm in tuned]]
    rows = []
    for measure in measures:
        differences = [interval_text(measure.differences.get(arm), signed=True) for arm in tuned]
        rows.append([measure.name, *[interval_text(measure.arms[arm]) for arm in arms], *differences])
    return markdown_table(header, rows)


def _arm_name(arm: str) -> str:
    return "base + retrieval" if arm == BASE_ARM else f"{arm} + retrieval"


def to_markdown(evaluation: Evaluation, facts: Mapping[str, Any]) -> str:
    """The report as Markdown: verdicts, measures, retrieval, and what the measures mean."""
    tuned = [arm for arm in evaluation.measures[0].arms if arm != BASE_ARM]
    verdicts = "\n\n".join(verdict(evaluation, arm) for arm in tuned) or "The base model alone was judged."
    retrieval = "\n".join(f"| {name} | {interval_text(value)} |" for name, value in evaluation.retrieval.items())
    meanings = "\n".join(f"- **{measure.name}**: {measure.explanation}" for measure in evaluation.measures)
    return f"""# Evaluation

{verdicts}

{evaluation.n} questions about documents that no model was tuned on; every model saw the same retrieved passages. Values with
95 % paired-bootstrap intervals. Abstaining at random would have a precision of {evaluation.chance:.2f}.

{table(evaluation.measures)}

Retrieval on the answerable questions:

| | |
|---|---|
{retrieval}

What the lines mean:

{meanings}

About this evaluation:

{markdown_list(facts)}
"""


def plot(evaluation: Evaluation) -> bytes:
    """The report's chart, a PNG: every arm's measures with intervals, the verdict above them."""
    chosen = [measure for measure in evaluation.measures if measure.name in PLOTTED]
    arms = list(evaluation.measures[0].arms)

    def draw_chance(axes: Any) -> None:
        for position, measure in enumerate(chosen):
            if measure.name == "abstention precision":
                x, y = position, evaluation.chance
                axes.hlines(y, x - 0.45, x + 0.45, colors="#cf222e", linestyles="dashed", linewidth=1)
                axes.text(x + 0.46, y, "chance", fontsize=7, color="#cf222e", va="center")

    tuned = [arm for arm in arms if arm != BASE_ARM]
    return interval_bars(
        verdict(evaluation, tuned[0]) if tuned else "The base model over retrieved passages",
        f"0 to 1, higher is better (n = {evaluation.n}, 95 % intervals)",
        [measure.name.replace(" ", "\n", 1) for measure in chosen],
        {_arm_name(arm): [measure.arms[arm] for measure in chosen] for arm in arms},
        BarStyle(("#9aa5b1", "#1f6feb", "#2da44e", "#bf8700", "#8250df")),
        draw_chance,
    )


def write_report(folder: Path, evaluation: Evaluation, facts: Mapping[str, Any]) -> None:
    """Write the report's files, `results.json` last."""
    rows = "".join(json.dumps(_finite(asdict(row)), ensure_ascii=False) + "\n" for row in evaluation.rows)
    tuned = [arm for arm in evaluation.measures[0].arms if arm != BASE_ARM]
    results = {**as_json(evaluation), "about": dict(facts), "verdicts": {arm: verdict(evaluation, arm) for arm in tuned}}
    write_report_folder(folder, to_markdown(evaluation, facts), plot(evaluation), results, {"rows.jsonl": rows})


def _finite(row: dict[str, Any]) -> dict[str, Any]:
    return {key: (None if isinstance(value, float) and value != value else value) for key, value in row.items()}
