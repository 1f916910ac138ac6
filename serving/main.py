"""`raftsmith`: the one command line, a verb a stage. The only place that sees all four packages; imports nothing heavy."""

from __future__ import annotations

import os
import sys
import traceback

import click

from corpora.backup_cli import backup, restore
from corpora.cli import init, remove
from corpora.errors import RaftsmithError
from corpora.rights_cli import rights
from corpora.versions_cli import versions
from raft.cli import evaluate, generate, models, purge, train
from retrieval.cli import add, inspect, search, sync
from retrieval.documents_cli import documents
from retrieval.evaluate_cli import evaluate_retrieval
from retrieval.import_cli import import_faiss
from retrieval.index_cli import index
from retrieval.tune_cli import tune_search
from retrieval.tune_encoder_cli import tune_encoder
from retrieval.tune_reranker_cli import tune_reranker
from serving.annotate_cli import annotate
from serving.cli import ask, demo, doctor, serve, swap


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="\b\nExample:\n  raftsmith demo",
)
@click.option("--debug", is_flag=True, help="Show a traceback when something fails.")
@click.version_option(package_name="raftsmith")
def raftsmith(debug: bool) -> None:
    """From a folder of confidential documents to a tuned assistant that answers with verbatim, verified quotes."""
    os.umask(0o077)  # whatever is written belongs to the user alone
    if debug:
        os.environ["RAFTSMITH_DEBUG"] = "1"


for command in (
    init,
    add,
    sync,
    import_faiss,
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
