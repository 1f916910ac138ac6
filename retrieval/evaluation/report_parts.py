"""The parts of evaluation reports: an interval in words, a Markdown table, bars with intervals, a folder of files.

Knows no evaluation.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpora.durable_files import write_atomic, write_json
from retrieval.evaluation.bootstrap import Interval


def interval_text(interval: Interval | None, digits: int = 2, signed: bool = False) -> str:
    """An interval in words, "0.41 [0.33, 0.49]"; a dash where the measure does not apply."""
    if interval is None:
        return "–"
    form = f"{'+' if signed else ''}.{digits}f"
    return f"{interval.value:{form}} [{interval.low:{form}}, {interval.high:{form}}]"


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; each of `rows` has as many cells as `header`."""
    lines = [f"| {' | '.join(header)} |", f"|{'---|' * len(header)}"]
    return "\n".join([*lines, *[f"| {' | '.join(row)} |" for row in rows]])


def markdown_list(facts: Mapping[str, Any]) -> str:
    """A Markdown list, "- key: value" for each fact."""
    return "\n".join(f"- {key}: {value}" for key, value in facts.items())


@dataclass(frozen=True)
class BarStyle:
    """The look of a bar chart: colours of the series, in turn, and sizes in points.

    `value_size` None writes no values above the bars.
    """

    colours: tuple[str, ...]
    value_size: int | None = 8
    cap_size: int = 3
    legend_columns: int = 1


def interval_bars(
    title: str,
    axis: str,
    groups: Sequence[str],
    series: Mapping[str, Sequence[Interval | None]],
    style: BarStyle,
    draw_more: Callable[[Any], None] = lambda axes: None,
) -> bytes:
    """A PNG of bars in 0–1 with their intervals, side by side: a bar a series in each of the groups, "none" for None.

    `axis` says what the bars measure; `draw_more` gets the matplotlib axes, with group number n at x = n.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 5.2), layout="constrained")
    axes = figure.add_subplot()
    width = 0.8 / len(series)
    for number, (name, intervals) in enumerate(series.items()):
        label = name
        for group, interval in enumerate(intervals):
            x = group + (number - (len(series) - 1) / 2) * width
            if interval is None:
                axes.text(x, 0.01, "none", ha="center", va="bottom", fontsize=7, color="#57606a", rotation=90)
                continue
            error = [[interval.value - interval.low], [interval.high - interval.value]]
            colour = style.colours[number % len(style.colours)]
            axes.bar(x, interval.value, width * 0.92, color=colour, label=label)
            label = ""
            axes.errorbar(x, interval.value, yerr=error, color="#24292f", capsize=style.cap_size, linewidth=1)
            if style.value_size is not None:
                top = min(interval.high, 1.0) + 0.015
                axes.text(x, top, f"{interval.value:.2f}", ha="center", fontsize=style.value_size)
    axes.set_xticks(range(len(groups)), list(groups))
    axes.set_ylim(0, 1.12)
    axes.set_ylabel(axis)
    draw_more(axes)
    figure.suptitle(title, fontsize=10, wrap=True)
    axes.legend(loc="upper left", fontsize=8, frameon=False, ncols=style.legend_columns)
    axes.spines[["top", "right"]].set_visible(False)
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=130)
    return drawn.getvalue()


def write_report_folder(
    folder: Path, report: str, picture: bytes, results: Mapping[str, Any], other_files: Mapping[str, str]
) -> None:
    """Write `report.md`, `report.png`, the `other_files` by name and, last, `results.json`, each whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, text in other_files.items():
        write_atomic(folder / name, text.encode())
    write_atomic(folder / "report.md", report.encode())
    write_atomic(folder / "report.png", picture)
    write_json(folder / "results.json", dict(results))
