# SPDX-License-Identifier: BSD-3-Clause
"""``pipetask pre-exec-init-qbb``."""

from __future__ import annotations

from typing import Any

import click

from pachon.base.cli import options_file_option
from pachon.base.counting import counted
from pachon.ctrl_mpexec import cli_options


@click.command("pre-exec-init-qbb")
@click.argument("repo", metavar="REPO")
@click.argument("qgraph", metavar="QGRAPH")
@click.option("--qgraph-id", hidden=True, help="Was for other graph files; ignored.")
@click.option("--config-search-path", multiple=True, hidden=True, help="A graph holds its configuration; ignored.")
@click.option("--no-versions", is_flag=True, help="Keep no versions of packages.")
@click.option(
    "--check-repository",
    is_flag=True,
    help="Compare the graph with the repository's database first: dimensions, dataset types, outputs of other graphs.",
)
@cli_options.coverage_options
@options_file_option
def pre_exec_init_qbb(repo: str, qgraph: str, no_versions: bool, check_repository: bool, **options: Any) -> None:
    """Write configurations, versions and init-outputs of a graph, before its jobs run."""
    from pachon.ctrl_mpexec.batch_run import initialize_batch
    from pachon.ctrl_mpexec.coverage_measurement import measured_coverage

    if check_repository:
        # The one thing here that needs a database, so it must be asked for.
        from pachon.ctrl_mpexec import graph_checks
        from pachon.quantum_butler import QuantumGraph

        graph_checks.check_repository(QuantumGraph.open(qgraph), repo)
    with measured_coverage(options):
        count = initialize_batch(qgraph, versions=not no_versions, root=repo)
    click.echo(f"{counted(count, 'dataset')} written.", err=True)
