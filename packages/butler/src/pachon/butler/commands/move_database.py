# SPDX-License-Identifier: BSD-3-Clause
"""``butler move-database``."""

import click

from pachon.base.cli import options, options_file_option


@click.command("move-database")
@options.repo_argument
@click.argument("url", metavar="URL")
@click.option(
    "--lock-timeout",
    type=float,
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for writers.",
)
@click.option("-v", "--verbose", is_flag=True, help="Print the number of rows of each table.")
@options_file_option
def move_database(repo: str, url: str, lock_timeout: float, verbose: bool) -> None:
    """Move the database of a repository, such as from SQLite to PostgreSQL.

    URL is the SQLAlchemy URL of an empty PostgreSQL database, or of a SQLite file that does not exist. All numbers and ids stay the
    same. Files of datasets stay where they are.
    """
    from pachon.butler.migration import move_database as move

    report = move(repo, url, lock_timeout=lock_timeout)
    for table, count in report.rows.items() if verbose else ():
        click.echo(f"{count:>12,}  {table}")
    click.echo(f"The repository uses {report.place} now; {sum(report.rows.values()):,} rows were copied.")
