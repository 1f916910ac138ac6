"""The command `index`: what searches the vectors, why it was chosen, and what was measured of it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from corpora.commands.terminal import Progress, emit, opened, say, with_example, workspace_options

if TYPE_CHECKING:
    from retrieval.chunk_vectors.dense_index import DenseIndex


@click.command("index", **with_example("raftsmith index"))
@click.option("--rebuild", is_flag=True, help="Choose, build and measure it anew.")
@click.option("--fill", is_flag=True, help="Make the vectors that are missing; can be stopped, and goes on when run again.")
@click.option("--drop-others", is_flag=True, help="Take out the vectors of other encoders, which stay beside until then.")
@workspace_options
def index(rebuild: bool, fill: bool, drop_others: bool, workspace_folder: Path | None, as_json: bool) -> None:
    """Show the index of vectors: its kind and why, its measured recall and time, its size, what changed since it was
    built.

    It is made by `add` and whatever searches; it can be deleted, and is made again.
    """
    from retrieval.indexing.index_maintenance import maintain_index

    dense_index, missing = maintain_index(
        opened(workspace_folder), rebuild=rebuild, fill=fill, drop_others=drop_others, say=say, progress=Progress
    )
    emit(_value(dense_index, missing), as_json, "\n".join(_lines(dense_index, missing)))


def _value(dense_index: DenseIndex, missing: int) -> dict[str, Any]:
    from pydantic import TypeAdapter

    from retrieval.vector_index.calibration import Measured

    main = dense_index.vectors.main
    return {
        "encoder": dense_index.cache.encoder,
        "vectors": len(dense_index),
        "unencoded": missing,
        "snapshot": dense_index.snapshot,
        "added_since": len(dense_index.vectors.delta),
        "removed_since": dense_index.vectors.gone,
        "plan": asdict(main.plan),
        "measured": TypeAdapter(Measured).dump_python(main.measured, by_alias=True),
    }


def _lines(dense_index: DenseIndex, missing: int) -> list[str]:
    main, added = dense_index.vectors.main, len(dense_index.vectors.delta)
    plan, measured = main.plan, main.measured
    lines = [f"{len(dense_index):,} vectors by {dense_index.cache.encoder} (snapshot {dense_index.snapshot})", plan.why]
    if main.exact:
        lines.append(f"recall 1, {measured.search_ms:.2g} ms a search")
    else:
        whose = "given questions" if measured.asked == "given" else "stored vectors, moved as questions are"
        lines.append(
            f"recall@10 {measured.recall:.3f} against exact search over {measured.queries} {whose} (target {measured.target:g}), "
            f"{measured.search_ms:.2g} ms a search, built and measured in {measured.seconds:.0f} s"
        )
    lines.append(
        f"{plan.memory_bytes / 1e6:.1f} MB in memory at full speed, {plan.disk_bytes / 1e6:.1f} MB of files; since it was built "
        f"{added:,} added and {dense_index.vectors.gone:,} removed"
    )
    if missing:
        lines.append(f"{missing:,} passages have no vector yet: `raftsmith index --fill` makes them")
    return lines
