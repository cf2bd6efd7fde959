# SPDX-License-Identifier: BSD-3-Clause
"""``butler fsck``."""

import click

from pachon.base.cli import options, options_file_option

_SHOWN = 10


@click.command("fsck")
@options.repo_argument
@click.option(
    "--repair",
    is_flag=True,
    help="Mend what can be mended; what might be a copy of something is moved to .lost+found, not removed.",
)
@click.option(
    "--min-age",
    type=click.FloatRange(min=0),
    default=3600.0,
    show_default=True,
    metavar="SECONDS",
    help="Leave files without rows alone that are younger. (Those of a writer at work are left alone at any age.)",
)
@click.option(
    "--verify",
    type=click.Choice(["existence", "size", "checksum"]),
    default="size",
    show_default=True,
    help="What of each file is compared with its row; checksums are computed by reading everything.",
)
@click.option(
    "--unstore-damaged",
    is_flag=True,
    help="With --repair: drop the rows of missing and damaged files, and move the damaged files to .lost+found; "
    "the datasets stay known, but not stored.",
)
@click.option(
    "--ignore", multiple=True, metavar="GLOB", help="Paths below the root, or names, that are nobody's business."
)
@click.option("-v", "--verbose", is_flag=True, help="Show every finding, not ten of each kind.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@options_file_option
@click.pass_context
def fsck(
    context: click.Context,
    repo: str,
    repair: bool,
    min_age: float,
    verify: str,
    unstore_damaged: bool,
    ignore: tuple[str, ...],
    verbose: bool,
    as_json: bool,
) -> None:
    """Compare files with the database, explain differences, and mend them.

    A repair removes only what was never registered by writers that ended well, and files of removed datasets. All else is moved to
    .lost+found/TIME in the folder of the files, with the folders of its path: look at it, and delete it to free the space. What lies
    there is not looked at by later checks.

    Exit code 0: nothing is wrong, or all was mended. 1: something is left.
    """
    import json

    from pachon.butler import Butler

    with Butler.open(repo, writeable=repair) as butler:
        report = butler.fsck(
            repair=repair,
            verify=verify,  # type: ignore[arg-type]  # click has checked it
            min_age=min_age,
            unstore_damaged=unstore_damaged,
            ignore=ignore,
        )
    if as_json:
        click.echo(json.dumps(report.to_document(), indent=2))
    else:
        from pachon.butler.fsck.rendering import render_report

        click.echo(render_report(report, most=None if verbose else _SHOWN))
    context.exit(0 if report.clean else 1)
