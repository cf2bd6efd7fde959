# SPDX-License-Identifier: BSD-3-Clause
"""``pipetask build``."""

from __future__ import annotations

import click

from pachon.base.cli import options_file_option
from pachon.ctrl_mpexec import cli_options


@click.command("build")
@cli_options.pipeline_options
@cli_options.show_option
@click.option("-b", "--butler-config", "repo", metavar="REPO", help="Resolve the pipeline against this repository.")
@options_file_option
def build(
    pipeline: str | None,
    save_pipeline: str | None,
    select_tasks: str,
    pipeline_dot: str | None,
    pipeline_mermaid: str | None,
    pipeline_svg: str | None,
    shows: tuple[str, ...],
    repo: str | None,
) -> None:
    """Check, show, draw and write a pipeline."""
    from contextlib import AbstractContextManager, nullcontext
    from typing import Any

    from pachon.ctrl_mpexec.requests import PipelineRequest, make_pipeline

    request = PipelineRequest(
        location=pipeline, edits=cli_options.pipeline_edits(), select_tasks=select_tasks, shows=shows,
        save=save_pipeline, dot=pipeline_dot, mermaid=pipeline_mermaid, svg=pipeline_svg,
    )  # fmt: skip
    opened: AbstractContextManager[Any]
    if repo is None:
        opened = nullcontext(None)
    else:
        from pachon.butler import Butler

        opened = Butler.open(repo)
    with opened as butler:
        make_pipeline(request, butler, click.echo)
