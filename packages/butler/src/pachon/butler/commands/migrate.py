# SPDX-License-Identifier: BSD-3-Clause
"""``butler migrate``."""

import click

from pachon.base.cli import options, options_file_option


@click.command()
@options.repo_argument
@click.option("--universe", metavar="URI", help="YAML file of the new version of the dimension universe, or 'default'.")
@options.dry_run_option(help="Print what would be done, with its SQL, and change nothing.")
@click.option("-v", "--verbose", is_flag=True, help="Print the SQL.")
@click.option(
    "--lock-timeout",
    type=float,
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for writers.",
)
@options_file_option
def migrate(repo: str, universe: str | None, dry_run: bool, verbose: bool, lock_timeout: float) -> None:
    """Bring the database of a repository to the version of this program."""
    from pachon.butler.migration import migrate_repository

    report = migrate_repository(repo, universe=universe, dry_run=dry_run, lock_timeout=lock_timeout)
    for step in report.steps:
        click.echo(f"{'Would do' if dry_run else 'Done'}: {step.title}")
        for statement in step.statements if verbose or dry_run else ():
            click.echo(f"  {' '.join(statement.split())}")
    if not report.steps:
        click.echo(f"Nothing to do: the schema version is {report.to_version}, {report.universe!r}.")
