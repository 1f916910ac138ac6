"""An evaluation as files: `results.json`, `rows.jsonl`, `report.md`, and `report.png`, which a person reads at a glance."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from corpora.durable_files import write_atomic, write_json
from raft.evaluation.arms import Evaluation, as_json
from raft.evaluation.measures import Measure
from raft.evaluation.rows import BASE_ARM
from retrieval.evaluation.bootstrap import shown

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
    """One plain sentence: did tuning help, by how much, and how sure that is."""
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
    """The table as Markdown: a column an arm, a column a difference."""
    arms = list(measures[0].arms)
    tuned = [arm for arm in arms if arm != BASE_ARM]
    header = ["", *[_arm_name(arm) for arm in arms], *[f"{arm} − base" for arm in tuned if BASE_ARM in arms]]
    lines = [f"| {' | '.join(header)} |", f"|{'---|' * len(header)}"]
    for measure in measures:
        cells = [measure.name, *[shown(measure.arms[arm]) for arm in arms]]
        cells += [shown(measure.differences.get(arm), signed=True) for arm in tuned if BASE_ARM in arms]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _arm_name(arm: str) -> str:
    return "base + retrieval" if arm == BASE_ARM else f"{arm} + retrieval"


def to_markdown(evaluation: Evaluation, facts: Mapping[str, Any]) -> str:
    """The report for people."""
    tuned = [arm for arm in evaluation.measures[0].arms if arm != BASE_ARM]
    verdicts = "\n\n".join(verdict(evaluation, arm) for arm in tuned) or "The base model alone was judged."
    about = "\n".join(f"- {key}: {value}" for key, value in facts.items())
    retrieval = "\n".join(f"| {name} | {shown(value)} |" for name, value in evaluation.retrieval.items())
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

{about}
"""


def plot(evaluation: Evaluation, target: Path) -> None:
    """Bars with intervals for every arm, the verdict above them."""
    from matplotlib.figure import Figure

    chosen = [measure for measure in evaluation.measures if measure.name in PLOTTED]
    arms = list(evaluation.measures[0].arms)
    figure = Figure(figsize=(10, 5.2), layout="constrained")
    axes = figure.add_subplot()
    width = 0.8 / len(arms)
    colours = ["#9aa5b1", "#1f6feb", "#2da44e", "#bf8700", "#8250df"]
    for number, arm in enumerate(arms):
        label = _arm_name(arm)
        for place, measure in enumerate(chosen):
            interval = measure.arms[arm]
            x = place + (number - (len(arms) - 1) / 2) * width
            colour = colours[number % len(colours)]
            if interval is None:
                axes.text(x, 0.01, "none", ha="center", va="bottom", fontsize=7, color="#57606a", rotation=90)
                continue
            error = [[interval.value - interval.low], [interval.high - interval.value]]
            axes.bar(x, interval.value, width * 0.92, color=colour, label=label)
            label = ""
            axes.errorbar(x, interval.value, yerr=error, color="#24292f", capsize=3, linewidth=1)
            axes.text(x, min(interval.high, 1.0) + 0.015, f"{interval.value:.2f}", ha="center", fontsize=8)
    axes.set_xticks(range(len(chosen)), [measure.name.replace(" ", "\n", 1) for measure in chosen])
    axes.set_ylim(0, 1.12)
    axes.set_ylabel(f"0 to 1, higher is better (n = {evaluation.n}, 95 % intervals)")
    places = [place for place, measure in enumerate(chosen) if measure.name == "abstention precision"]
    for place in places:
        axes.hlines(evaluation.chance, place - 0.45, place + 0.45, colors="#cf222e", linestyles="dashed", linewidth=1)
        axes.text(place + 0.46, evaluation.chance, "chance", fontsize=7, color="#cf222e", va="center")
    tuned = [arm for arm in arms if arm != BASE_ARM]
    title = verdict(evaluation, tuned[0]) if tuned else "The base model over retrieved passages"
    figure.suptitle(title, fontsize=10, wrap=True)
    axes.legend(loc="upper left", fontsize=8, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(target, dpi=130)


def write_report(folder: Path, evaluation: Evaluation, facts: Mapping[str, Any]) -> None:
    """Write the report's files, `results.json` last."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    rows = "".join(json.dumps(_finite(asdict(row)), ensure_ascii=False) + "\n" for row in evaluation.rows)
    write_atomic(folder / "rows.jsonl", rows.encode())
    write_atomic(folder / "report.md", to_markdown(evaluation, facts).encode())
    plot(evaluation, folder / "report.png")
    tuned = [arm for arm in evaluation.measures[0].arms if arm != BASE_ARM]
    write_json(
        folder / "results.json",
        {**as_json(evaluation), "about": dict(facts), "verdicts": {arm: verdict(evaluation, arm) for arm in tuned}},
    )


def _finite(row: dict[str, Any]) -> dict[str, Any]:
    return {key: (None if isinstance(value, float) and value != value else value) for key, value in row.items()}
