# SPDX-License-Identifier: BSD-3-Clause
"""``pipetask update-graph-run``."""

from __future__ import annotations

import click

from pachon.base.counting import counted


@click.command("update-graph-run")
@click.argument("qgraph", metavar="QGRAPH")
@click.argument("run", metavar="RUN")
@click.argument("output_qgraph", metavar="OUTPUT_QGRAPH")
@click.option("--metadata-run-key", hidden=True, help="Was for other graph files; ignored.")
@click.option("--update-graph-id", is_flag=True, hidden=True, help="The new graph always has an id of its own.")
@click.option("--overwrite", is_flag=True, help="Replace a graph file that is there.")
def update_graph_run(
    qgraph: str, run: str, output_qgraph: str, metadata_run_key: str | None, update_graph_id: bool, overwrite: bool
) -> None:
    """Write a graph anew for another output run, with new ids for quanta and outputs.

    Datasets of the old run that existed when the graph was built are inputs, and stay where they are.
    """
    import logging

    from pachon.ctrl_mpexec.graph_request import check_run_name
    from pachon.quantum_butler import QuantumGraph

    if metadata_run_key or update_graph_id:
        logging.getLogger("pachon.ctrl_mpexec").warning("--metadata-run-key and --update-graph-id have no effect.")
    check_run_name(run)
    graph = QuantumGraph.open(qgraph)
    graph.with_output_run(run).write(output_qgraph, overwrite=overwrite)
    click.echo(
        f"{output_qgraph}: {counted(len(graph), 'quantum', 'quanta')} for run {run} instead of {graph.header.output_run}.",
        err=True,
    )
