"""The command `tune-search`: weights of fusion learnt from questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from corpora.commands.terminal import Progress, emit, say, with_example, workspace_options
from corpora.errors import EvaluationError
from retrieval.commands.judgement_options import parsed_source, source_options

if TYPE_CHECKING:
    from retrieval.evaluation.judged_queries import JudgedQuery
    from retrieval.evaluation.judgement_sources import JudgedIndex
    from retrieval.tuning.fusion_tuning import LearntFusion, RankedQuery

_SEARCHED = 200


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

    judgement_source, workspace = parsed_source(source, workspace_folder)
    if write and workspace is None:
        raise click.UsageError("--write needs --workspace: a BEIR folder that is indexed for once has no raftsmith.toml")
    with open_judged_index(judgement_source, workspace, say, progress=Progress) as judged_index:
        learnt = learn(judged_index, choose_on or ("validation",))
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


def learn(judged_index: JudgedIndex, choose_on: Sequence[str]) -> LearntFusion:
    """The fusion learnt from both rankings of every query, each searched once.

    Raises EvaluationError when there are too few.
    """
    from retrieval.search.options import SearchOptions
    from retrieval.search.pipelines import fusion_of
    from retrieval.tuning.fusion_tuning import learn_fusion

    judged = judged_index.judged
    chunks = {chunk.id: chunk.document_id for chunk in judged_index.index.store.chunks()}
    item_of = chunks if judged.level == "document" else {chunk_id: chunk_id for chunk_id in chunks}
    choosing = [query for query in judged.queries if query.split in choose_on]
    held_out = [query for query in judged.queries if query.split == "test"]
    ranked = {query.id: query for query in rank_queries(judged_index, [*choosing, *held_out])}
    try:
        return learn_fusion(
            [ranked[query.id] for query in choosing],
            [ranked[query.id] for query in held_out],
            item_of,
            fusion_of(judged_index.config.options(SearchOptions)),
        )
    except ValueError as error:
        raise EvaluationError(
            f"{judged.name}: {error}; give more questions, raise generate.validation_fraction, "
            "or add --choose-on train when the encoder was not tuned on them"
        ) from error


def rank_queries(judged_index: JudgedIndex, queries: Sequence[JudgedQuery]) -> list[RankedQuery]:
    """The dense and the lexical ranking of every query, `_SEARCHED` chunks deep."""
    from retrieval.search.retriever import Retriever
    from retrieval.tuning.fusion_tuning import RankedQuery

    retriever = Retriever(judged_index.index.store, judged_index.index.root, judged_index.index.encoder, shown_ranks=_SEARCHED)
    progress = Progress("queries")
    ranked = []
    for first in range(0, len(queries), 32):
        part = queries[first : first + 32]
        for query, result in zip(part, retriever.search([query.text for query in part], _SEARCHED), strict=True):
            ranked.append(RankedQuery(query.id, result.rankings["dense"], result.rankings["lexical"], query.relevant))
        progress(len(ranked), len(queries))
    return ranked


def _toml(value: str | float) -> str:
    return f'"{value}"' if isinstance(value, str) else f"{value:g}"
