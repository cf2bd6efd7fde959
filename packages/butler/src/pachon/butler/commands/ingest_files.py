# SPDX-License-Identifier: BSD-3-Clause
"""``butler ingest-files``."""

from typing import Literal

import click

from pachon.base.cli import options, options_file_option
from pachon.base.cli.splitting import split_key_values_callback
from pachon.base.counting import counted

ID_MODES = ("unique", "dataid_type", "dataid_type_run")


@click.command("ingest-files")
@options.repo_argument
@click.argument("dataset_type")
@click.argument("run")
@click.argument("table_file")
@click.option("--formatter", metavar="NAME", help="Formatter that reads the files; default is by configuration.")
@click.option(
    "--id-generation-mode",
    type=click.Choice(ID_MODES, case_sensitive=False),
    default="unique",
    show_default=True,
    help="How ids are made; the last two are the same in every repository.",
)
@click.option(
    "--data-id",
    multiple=True,
    metavar="KEY=VALUE",
    callback=split_key_values_callback,
    help="Values of dimensions that all files share.",
)
@click.option("--prefix", metavar="URI", help="Folder that relative file names are below; default is the current one.")
@click.option(
    "--skip-existing",
    "on_conflict",
    flag_value="skip",
    default="error",
    help="Leave out datasets that the run has already; without it, nothing is ingested if there are any.",
)
@options.track_file_attrs_option
@options.transfer_option
@options_file_option
def ingest_files(
    repo: str,
    dataset_type: str,
    run: str,
    table_file: str,
    formatter: str | None,
    id_generation_mode: str,
    data_id: dict[str, str],
    prefix: str | None,
    on_conflict: Literal["error", "skip"],
    track_file_attrs: bool,
    transfer: str,
) -> None:
    """Ingest the files that a table lists.

    TABLE_FILE is anything that astropy reads as a table. Its first column names the files and the others are dimensions;
    several rows may name one file.
    """
    from pachon.butler import Butler
    from pachon.butler.ingest_table import read_ingest_table
    from pachon.datasets import IdMode
    from pachon.registry.errors import MissingDatasetTypeError

    with Butler.open(repo, run=run) as butler:
        try:
            registered = butler.dataset_types.get(dataset_type)
        except MissingDatasetTypeError as error:
            error.add_note("'butler register-dataset-type' registers one.")
            raise
        files = read_ingest_table(table_file, registered, shared=data_id, prefix=prefix, formatter=formatter)
        refs = butler.ingest(
            files,
            run=run,
            transfer=transfer,
            track=track_file_attrs,
            id_mode=IdMode(id_generation_mode.lower()),
            on_conflict=on_conflict,
        )
    click.echo(f"Ingested {counted(len(refs), 'dataset')} from {counted(len(files), 'file')}.")
