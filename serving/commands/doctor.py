"""The command `doctor`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from corpora.commands.terminal import emit, with_example, workspace_options


@click.command("doctor", **with_example("raftsmith doctor"))
@click.option("--repair", is_flag=True, help="Delete what is derived and damaged; it is made again when needed.")
@workspace_options
def doctor(repair: bool, workspace_folder: Path | None, as_json: bool) -> None:
    """Find what is wrong here: the machine, the models, the workspace. Exit code 1 when something is."""
    from serving.doctor import diagnose

    findings = diagnose(workspace_folder, repair)
    text = "\n".join(f"{'ok   ' if finding.ok else 'WRONG'}  {finding.what}: {finding.detail}" for finding in findings)
    wrong = sum(not finding.ok for finding in findings)
    emit({"ok": not wrong, "findings": [asdict(finding) for finding in findings]}, as_json, text)
    if wrong:
        raise SystemExit(1)
