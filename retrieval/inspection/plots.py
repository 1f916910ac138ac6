"""The pictures of an inspection as PNG.

No text of a document is drawn: fonts lack letters, and titles are for the page.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

from retrieval.inspection.records import Inspection

_COLOURS = (
    "#1f6feb", "#2da44e", "#bf8700", "#8250df", "#cf222e", "#0a7ea4",
    "#9aa5b1", "#953800", "#116329", "#bf3989", "#4d2d00", "#24292f",
)  # fmt: skip


def length_histogram(inspection: Inspection) -> bytes:
    """A histogram of document lengths in words, as PNG."""
    figure, axes = _figure()
    bars = inspection.lengths.histogram
    axes.bar(range(len(bars)), [count for *_, count in bars], width=0.9, color=_COLOURS[0])
    for position, (*_, count) in enumerate(bars):
        if count:
            axes.text(position, count, f"{count:,}", ha="center", va="bottom", fontsize=8)
    axes.set_xticks(range(len(bars)), [f"{low:,}–\n{high - 1:,}" for low, high, _ in bars], fontsize=8)
    axes.set_xlabel("words")
    axes.set_ylabel("documents")
    return _png(figure)


def topic_map(inspection: Inspection) -> bytes:
    """A map of the documents by two principal components of their vectors, as PNG: a colour for each topic, outliers
    ringed.
    """
    figure, axes = _figure()
    for number in range(len(inspection.topics)):
        points = [row.place for row in inspection.rows if row.topic == number and row.place]
        colour = _COLOURS[number % len(_COLOURS)]
        axes.scatter([x for x, _ in points], [y for _, y in points], s=14, color=colour, label=f"topic {number + 1}")
    far = {listed.document_id for listed in inspection.outliers.get("far from every topic", ())}
    points = [row.place for row in inspection.rows if row.document_id in far and row.place]
    if points:
        ring = {"s": 70, "facecolors": "none", "edgecolors": "#cf222e", "label": "far from every topic"}
        axes.scatter([x for x, _ in points], [y for _, y in points], **ring)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8, frameon=False)
    return _png(figure)


def _figure() -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.4), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _png(figure: Any) -> bytes:
    target = BytesIO()
    figure.savefig(target, format="png", dpi=130, metadata={"Software": None})
    return target.getvalue()
