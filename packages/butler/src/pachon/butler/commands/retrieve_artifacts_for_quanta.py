# SPDX-License-Identifier: BSD-3-Clause
"""``butler retrieve-artifacts-for-quanta``."""

from typing import Any

import click

from pachon.base.cli import options, options_file_option
from pachon.base.cli.splitting import split_commas_callback


@click.command("retrieve-artifacts-for-quanta")
@click.argument("graph")
@options.repo_argument
@click.argument("dest")
@options.transfer_option(default="copy")
@click.option(
    "--preserve-path/--no-preserve-path",
    default=True,
    show_default=True,
    help="Keep the folders of the repository below the destination.",
)
@click.option(
    "--clobber/--no-clobber", "overwrite", default=False, show_default=True, help="Replace files that are there."
)
@click.option(
    "--qgraph-node-id",
    "node_ids",
    multiple=True,
    callback=split_commas_callback,
    metavar="UUID",
    help="Of these quanta only; repeat or separate by commas.",
)
@click.option("--include-inputs/--no-include-inputs", default=True, show_default=True, help="Copy what they read.")
@click.option("--include-outputs/--no-include-outputs", default=True, show_default=True, help="Copy what they wrote.")
@options_file_option
def retrieve_artifacts_for_quanta(graph: str, repo: str, dest: str, **chosen: Any) -> None:
    """Copy the files that quanta of a graph read and wrote out of the repository."""
    from pachon.butler.commands._graph_root import graph_and_root, quantum_ids
    from pachon.butler.quanta_artifacts import retrieve_for_quanta

    opened, root = graph_and_root(graph, repo)
    files = retrieve_for_quanta(
        opened,
        dest,
        quanta=quantum_ids(chosen["node_ids"]),
        root=root,
        inputs=chosen["include_inputs"],
        outputs=chosen["include_outputs"],
        transfer=chosen["transfer"],
        preserve_path=chosen["preserve_path"],
        overwrite=chosen["overwrite"],
    )
    click.echo(f"Number of artifacts retrieved into destination {dest}: {len(files)}")
