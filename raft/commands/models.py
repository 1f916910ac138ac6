"""The command `models`."""

from __future__ import annotations

import click

from corpora.commands.terminal import emit, say, with_example


@click.command("models", **with_example("raftsmith models --json"))
@click.option(
    "--tokens", default=768, show_default=True, type=click.IntRange(1), help="Row length that memory is computed for."
)
@click.option("--model", "extra", multiple=True, help="Also a folder or a hub id that is here already.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
def models(tokens: int, extra: tuple[str, ...], as_json: bool) -> None:
    """List what can be used here: parameters, context, licence, and the memory each way of using it needs."""
    from raft.model_selection.listing import list_models

    rows = list_models(extra, tokens, say)
    lines = [
        f"{'model':34} {'parameters':>11} {'context':>8} {'licence':12} {'inference':>9} {'LoRA':>7} {'QLoRA':>7} {'full':>7}"
    ]
    for row in rows:
        need = row["memory_gb"] or {}
        cells = [f"{need[key]:.1f} GB" if key in need else "–" for key in ("inference", "lora", "qlora", "full")]
        lines.append(
            f"{row['name']:34} {row['parameters'] / 1e6:>9.1f} M {row['context']:>8} {row['licence']:12} "
            f"{cells[0]:>9} {cells[1]:>7} {cells[2]:>7} {cells[3]:>7}"
        )
    lines.append(f"memory: peak of a process on a CPU, float32, for rows of {tokens} tokens")
    emit({"models": rows}, as_json, "\n".join(lines))
