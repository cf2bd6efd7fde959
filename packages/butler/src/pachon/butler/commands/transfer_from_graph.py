# SPDX-License-Identifier: BSD-3-Clause
"""``butler transfer-from-graph``."""

import click

from pachon.base.cli import options, options_file_option


@click.command("transfer-from-graph")
@click.argument("graph")
@click.argument("dest")
@options.dataset_type_option
@click.option("--register-dataset-types", is_flag=True, help="Register the dataset types that the repository lacks.")
@click.option(
    "--transfer-dimensions/--no-transfer-dimensions",
    default=False,
    show_default=True,
    help="Insert the dimension records that the repository lacks.",
)
@click.option("--update-output-chain", is_flag=True, help="Put the output run in front of the output chain.")
@options.dry_run_option
@options_file_option
def transfer_from_graph(
    graph: str,
    dest: str,
    dataset_types: tuple[str, ...],
    register_dataset_types: bool,
    transfer_dimensions: bool,
    update_output_chain: bool,
    dry_run: bool,
) -> None:
    """Register what the jobs of a quantum graph wrote in a repository."""
    from pachon.butler import Butler

    with Butler.open(dest, writeable=not dry_run) as butler:
        number = butler.transfer_from_graph(
            graph,
            dataset_types=dataset_types or ("*",),
            register_dataset_types=register_dataset_types,
            dimension_records=transfer_dimensions,
            update_output_chain=update_output_chain,
            dry_run=dry_run,
        )
    click.echo(f"Number of datasets {'that would be transferred' if dry_run else 'transferred'}: {number}")
