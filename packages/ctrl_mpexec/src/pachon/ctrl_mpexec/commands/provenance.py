# SPDX-License-Identifier: BSD-3-Clause
"""``butler provenance``."""

from __future__ import annotations

import click

from pachon.base.cli import options
from pachon.base.cli.splitting import split_commas_callback


@click.command("provenance")
@options.repo_argument
@click.argument("ids", nargs=-1, required=True, metavar="UUID...")
@click.option("--up/--no-up", default=None, help="What it was made of; the default.")
@click.option("--down", is_flag=True, help="What was made of it.")
@click.option("--depth", type=click.IntRange(min=0), help="How many quanta are gone through; all if left out.")
@click.option(
    "--graph",
    "graphs",
    multiple=True,
    metavar="URI",
    callback=split_commas_callback,
    help="Graph files that are not kept in the repository; repeat or separate by commas.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def provenance(
    repo: str,
    ids: tuple[str, ...],
    up: bool | None,
    down: bool,
    depth: int | None,
    graphs: tuple[str, ...],
    as_json: bool,
) -> None:
    """Say where a dataset or quantum comes from: inputs, calibrations, configuration, versions, who and when.

    Each UUID is that of a dataset or of a quantum. Lineage goes from run to run.
    """
    import json

    from pachon.butler import Butler
    from pachon.ctrl_mpexec.provenance_query import ProvenanceFinder, lineage_document, lineage_lines
    from pachon.ctrl_mpexec.quantum_ids import quantum_id

    directions = [name for name, wanted in (("up", up if up is not None else not down), ("down", down)) if wanted]
    wanted = [quantum_id(text) for text in ids]
    with Butler.open(repo) as butler:
        finder = ProvenanceFinder(butler, graphs)
        found = [(name, finder.lineage(one, name, depth=depth)) for one in wanted for name in directions]  # type: ignore[arg-type]  # one of the two
    if as_json:
        click.echo(
            json.dumps([{"direction": name, **lineage_document(node)} for name, node in found], indent=1, default=str)
        )
        return
    for name, node in found:
        if len(found) > 1:
            click.echo("Made of:" if name == "up" else "Made into:")
        for line in lineage_lines(node):
            click.echo(line)
