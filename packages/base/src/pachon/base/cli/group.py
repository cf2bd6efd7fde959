# SPDX-License-Identifier: BSD-3-Clause
"""A click group whose commands are entry points, imported when one of them is used."""

from typing import Any

import click

from pachon.base.cli.short_help import find_short_help
from pachon.base.errors import NotFoundError
from pachon.base.plugins import find_plugin, load_plugin, plugin_entries, plugin_names
from pachon.base.suggest import closest

__all__ = ["LazyGroup"]


class LazyGroup(click.Group):
    """A group of the commands that an entry-point group lists.

    Listing the commands reads their names from the installed distributions and their one-line help from their source;
    no command module is imported before its command is used.

    Parameters
    ----------
    entry_points
        Name of the entry-point group, one entry point a command; its value is a click command.
    """

    def __init__(self, *args: Any, entry_points: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.entry_points = entry_points
        self.chosen: click.Command | None = None
        """The command that was resolved last; of it errors speak."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *plugin_names(self.entry_points)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        known = super().get_command(ctx, cmd_name)
        if known is not None:
            return known
        try:
            command = load_plugin(self.entry_points, cmd_name)
        except NotFoundError:
            return None
        if not isinstance(command, click.Command):
            raise click.ClickException(
                f"The plug-in for {cmd_name!r} is no click command but a {type(command).__name__}."
            )
        if command.epilog is None:
            command.epilog = f"Run '{ctx.find_root().info_name} --help' for options that come before the command."
        self.add_command(command, cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None and not ctx.resilient_parsing:
            ctx.fail(f"There is no command {name!r}.{closest(name, self.list_commands(ctx))}")
        resolved = super().resolve_command(ctx, args)
        self.chosen = resolved[1]
        return resolved

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, self._short_help(ctx, name)) for name in self.list_commands(ctx)]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)

    def _short_help(self, ctx: click.Context, name: str) -> str:
        known = super().get_command(ctx, name)
        if known is not None:
            return known.get_short_help_str(limit=1000)
        if len({entry.value for entry in plugin_entries(self.entry_points)[name]}) > 1:
            try:
                find_plugin(self.entry_points, name)
            except ValueError:
                return "(offered by two packages)"
        entry = find_plugin(self.entry_points, name)
        return find_short_help(entry.module, entry.attribute)
