"""The command `tune-search`: weights of fusion learnt from questions."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from corpora.commands.terminal import Progress, emit, say, with_example, workspace_options
from retrieval.commands.judgement_options import parsed_source, source_options


@click.command("tune-search", **with_example("raftsmith tune-search --questions questions.json --write"))
@source_options
@click.option(
    "--choose-on", type=click.Choice(["validation", "train"]), multiple=True, help="Splits that choose; default: validation."
)
@click.option("--write", is_flag=True, help="Write what wins into raftsmith.toml.")
@workspace_options
def tune_search(choose_on: tuple[str, ...], write: bool, workspace_folder: Path | None, as_json: bool, **source: Any) -> None:
    """Learn how search should weigh meaning against words, and say whether it is worth it.

    The fusion that is best on validation questions is used only when it beats the present one on the held-out ones,
    which did not choose it, by more than noise. Questions of the train split choose well too, unless the encoder was
    tuned on them.
    """
    from corpora.workspace.toml_edit import write_values
    from corpora.workspace.workspace import CONFIG
    from retrieval.evaluation.judgement_sources import open_judged_index
    from retrieval.tuning.fusion_tuning import toml_lines, verdict
    from retrieval.tuning.ranked_queries import tune_fusion

    judgement_source, workspace = parsed_source(source, workspace_folder)
    if write and workspace is None:
        raise click.UsageError("--write needs --workspace: a BEIR folder that is indexed for once has no raftsmith.toml")
    with open_judged_index(judgement_source, workspace, say, progress=Progress) as judged_index:
        learnt = tune_fusion(judged_index, choose_on or ("validation",), Progress("queries"))
    lines = toml_lines(learnt.chosen)
    text = [verdict(learnt)]
    if learnt.adopted and write and workspace is not None:
        path = workspace.root / CONFIG
        write_values(path, "search", lines)
        text.append(f"written into {path}; datasets and runs that were made before keep the search they were made with")
    elif learnt.adopted:
        text += [
            "in raftsmith.toml, or with --write:",
            "[search]",
            *(f"{key} = {_toml(value)}" for key, value in lines.items()),
        ]
    value = {
        "adopted": learnt.adopted,
        "written": learnt.adopted and write,
        "search": lines,
        "usual": toml_lines(learnt.usual),
        "validation": learnt.validation,
        "held_out": learnt.held_out,
        "tried": [{**toml_lines(fusion), "nDCG@10": mean} for fusion, mean in learnt.tried],
        "comparison": asdict(learnt.comparison) if learnt.comparison else None,
        "verdict": verdict(learnt),
    }
    emit(value, as_json, "\n".join(text))


def _toml(value: str | float) -> str:
    return f'"{value}"' if isinstance(value, str) else f"{value:g}"
