# SPDX-License-Identifier: BSD-3-Clause
"""``pipetask pre-exec-init-qbb``."""

from __future__ import annotations

import click


@click.command("pre-exec-init-qbb")
@click.argument("repo", metavar="REPO")
@click.argument("qgraph", metavar="QGRAPH")
@click.option("--no-versions", is_flag=True, help="Keep no versions of packages.")
def pre_exec_init_qbb(repo: str, qgraph: str, no_versions: bool) -> None:
    """Write configurations, versions and init-outputs of a graph, before its jobs run."""
    from pachon.ctrl_mpexec.batch_run import initialize_batch

    count = initialize_batch(qgraph, versions=not no_versions, root=repo)
    click.echo(f"{count} datasets written.", err=True)
