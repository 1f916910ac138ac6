"""`raftsmith`: the one command line, a verb a stage.

The only place that sees all four packages; imports nothing heavy.
"""

from __future__ import annotations

import os
import sys
import traceback
from typing import TYPE_CHECKING

import click

from corpora.commands.backup import backup, restore
from corpora.commands.remove import remove
from corpora.commands.rights import rights
from corpora.commands.versions import versions
from corpora.errors import RaftsmithError
from raft.commands.evaluate import evaluate
from raft.commands.generate import generate
from raft.commands.models import models
from raft.commands.train import train
from retrieval.commands.add import add, sync
from retrieval.commands.documents import documents
from retrieval.commands.evaluate_retrieval import evaluate_retrieval
from retrieval.commands.index import index
from retrieval.commands.inspect import inspect
from retrieval.commands.search import search
from retrieval.commands.tune_encoder import tune_encoder
from retrieval.commands.tune_reranker import tune_reranker
from retrieval.commands.tune_search import tune_search
from serving.commands.annotate import annotate
from serving.commands.ask import ask
from serving.commands.demo import demo
from serving.commands.doctor import doctor
from serving.commands.init import init
from serving.commands.purge import purge
from serving.commands.serve import serve
from serving.commands.swap import swap
from serving.logs import LEVELS, configure_logging

if TYPE_CHECKING:
    from corpora.workspace.config import Sections


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="\b\nExample:\n  raftsmith demo",
)
@click.option("--debug", is_flag=True, help="Show a traceback when something fails.")
@click.option(
    "--log-level", default="info", show_default=True, type=click.Choice(LEVELS), help="What is logged to stderr; never content."
)
@click.option("--log-json", is_flag=True, help="Log lines as JSON objects.")
@click.version_option(package_name="raftsmith")
@click.pass_context
def raftsmith(context: click.Context, debug: bool, log_level: str, log_json: bool) -> None:
    """From a folder of confidential documents to a tuned assistant that answers with verbatim, verified quotes."""
    os.umask(0o077)  # whatever is written belongs to the user alone
    configure_logging(log_level, log_json)
    context.obj = _sections
    if debug:
        os.environ["RAFTSMITH_DEBUG"] = "1"


for command in (
    init,
    add,
    sync,
    documents,
    versions,
    rights,
    remove,
    purge,
    backup,
    restore,
    search,
    evaluate_retrieval,
    tune_search,
    tune_encoder,
    tune_reranker,
    index,
    inspect,
    annotate,
    generate,
    train,
    evaluate,
    ask,
    serve,
    swap,
    models,
    doctor,
    demo,
):
    raftsmith.add_command(command)


def _sections() -> Sections:
    """What the whole of raftsmith.toml is checked against; imported when a workspace is opened."""
    from serving.configuration import SECTIONS

    return SECTIONS


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 failed, 2 misused, 130 interrupted."""
    try:
        raftsmith.main(args=arguments, prog_name="raftsmith", standalone_mode=False)
    except click.ClickException as error:
        error.show(sys.stderr)
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted; what was committed is kept, and the same command goes on", err=True)
        sys.exit(130)
    except (RaftsmithError, ValueError, OSError) as error:
        if os.environ.get("RAFTSMITH_DEBUG"):
            traceback.print_exc()
        click.echo(f"raftsmith: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
