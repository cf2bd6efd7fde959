# SPDX-License-Identifier: BSD-3-Clause
"""``butler collection-chain``."""

import click

from pachon.base.cli import options, options_file_option
from pachon.base.cli.splitting import split_commas_callback

MODES = ("redefine", "extend", "remove", "prepend", "pop")


@click.command("collection-chain")
@options.repo_argument
@click.argument("parent")
@click.argument("children", nargs=-1, callback=split_commas_callback)
@click.option(
    "--mode",
    type=click.Choice(MODES),
    default="redefine",
    show_default=True,
    help="What is done with the children; for pop they are positions in the chain, by default 0.",
)
@click.option(
    "--flatten/--no-flatten", default=False, show_default=True, help="Put the members of given chains, not the chains."
)
@click.option("--doc", default="", help="Documentation, if the chain is made now.")
@options_file_option
def collection_chain(repo: str, parent: str, children: tuple[str, ...], mode: str, flatten: bool, doc: str) -> None:
    """Make a chain of collections, or change one."""
    from pachon.butler import Butler
    from pachon.butler.chain_edit import edit_chain

    with Butler.open(repo, writeable=True) as butler:
        chain = edit_chain(butler.collections, parent, children, mode=mode, flatten=flatten, doc=doc)
    click.echo(f"[{', '.join(chain)}]")
