# SPDX-License-Identifier: BSD-3-Clause
"""``butler zip-from-graph``."""

import click

from pachon.base.cli import options, options_file_option
from pachon.base.counting import counted


@click.command("zip-from-graph")
@click.argument("graph")
@options.repo_argument
@click.argument("dest")
@options.dataset_type_option
@click.option("--clobber/--no-clobber", default=False, show_default=True, help="Replace an archive that is there.")
@options_file_option
def zip_from_graph(graph: str, repo: str, dest: str, dataset_types: tuple[str, ...], clobber: bool) -> None:
    """Put the outputs of a graph into a zip archive with an index.

    DEST is a folder, in which the archive is named by the graph's id, or a name that ends in .zip.
    """
    from pachon.butler.commands._graph_root import graph_and_root
    from pachon.butler.quanta_artifacts import zip_outputs

    opened, root = graph_and_root(graph, repo)
    place, count = zip_outputs(opened, dest, dataset_types=dataset_types or ("*",), root=root, overwrite=clobber)
    click.echo(f"{place}: {counted(count, 'dataset')}")
