"""An inspection as plain lines for the terminal and as JSON, with what is to be done first. Knows no HTML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from retrieval.inspection.records import Inspection


def as_json(inspection: Inspection) -> dict[str, Any]:
    """The inspection, ready for JSON; `leaks` are the groups of `groups` that stand in more than one split."""
    return {**asdict(inspection), "leaks": [asdict(group) for group in inspection.leaks]}


def counted(counts: Mapping[str, int], limit: int = 6) -> str:
    """Counts in words, "4 pdf, 2 html", in the order given; those after the first `limit` are summed up."""
    parts = [f"{count:,} {name}" for name, count in list(counts.items())[:limit]]
    remaining = list(counts.values())[limit:]
    return ", ".join([*parts, *([f"{sum(remaining):,} of {len(remaining)} others"] if remaining else [])]) or "none"


def warnings_of(inspection: Inspection) -> list[str]:
    """The problems to solve before training, a sentence each with what to do; empty where there are none."""
    sentences = []
    if inspection.leaks:
        sentences.append(
            f"{len(inspection.leaks)} groups of near-duplicates stand in more than one split: what is trained on would be "
            "tested; `raftsmith remove` all but one of each."
        )
    for dataset in inspection.datasets:
        leaking = len(dataset.same) + len(dataset.near)
        if dataset.problem:
            sentences.append(f"Dataset {dataset.dataset}: {dataset.problem}.")
        elif leaking:
            sentences.append(f"Dataset {dataset.dataset} shows {leaking} documents in more than one split; generate it again.")
    sentences += inspection.split_notes
    sentences += [judgement.sentence for judgement in (inspection.diverse, inspection.focused) if not judgement.enough]
    failed = sum(len(failure.paths) for failure in inspection.failures)
    if failed:
        sentences.append(f"{failed} files could not be read: `raftsmith documents --failed`.")
    return sentences


def as_lines(inspection: Inspection) -> list[str]:
    """The summary of an inspection, in lines for the terminal."""
    lengths, personal = inspection.lengths, inspection.personal_data
    lines = [
        f"{inspection.documents:,} documents in {counted(inspection.collections)}; snapshot {inspection.snapshot}",
        f"{inspection.tokens:,} {inspection.token_unit}; {inspection.words:,} words in all, a document has {lengths.shortest:,} to "
        f"{lengths.longest:,}, half of them {lengths.median:,} or more",
        f"formats: {counted(inspection.formats)}",
        f"languages: {counted(inspection.languages)} (by their small words)",
        f"licences: {counted(inspection.licences)}",
        f"near-duplicates: {len(inspection.groups)} groups of {sum(len(group.documents) for group in inspection.groups)} "
        f"documents; {len(inspection.copies)} copies are not indexed",
        f"personal data in {personal.concerned} of {personal.searched} documents searched: {counted(personal.counts)}",
    ]
    lines += [
        f"topic {number}: {', '.join(topic.words) or '(no words)'} ({topic.documents} documents)"
        for number, topic in enumerate(inspection.topics, start=1)
    ]
    lines += [judgement.sentence for judgement in (inspection.diverse, inspection.focused) if judgement.enough]
    outliers = {kind: len(listed) for kind, listed in inspection.outliers.items() if listed}
    lines.append(f"outliers: {counted(outliers)}")
    lines.append(f"splits: {counted(inspection.splits)}")
    leaking = len(inspection.leaks) + sum(len(dataset.same) + len(dataset.near) for dataset in inspection.datasets)
    if not leaking:
        lines.append(f"no leak between splits, in the collections or in {len(inspection.datasets)} datasets")
    return [*lines, *(f"! {sentence}" for sentence in warnings_of(inspection))]
