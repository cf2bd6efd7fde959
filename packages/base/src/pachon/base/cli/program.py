# SPDX-License-Identifier: BSD-3-Clause
"""A command-line program: its global options, its errors and its exit codes."""

import errno
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from textwrap import indent
from typing import Any, NoReturn, TypeGuard

import click

from pachon.base.cli.collector import collect_after_start, leave_memory_at_exit
from pachon.base.cli.group import LazyGroup
from pachon.base.cli.lost_interrupts import hearing_lost_interrupts
from pachon.base.cli.option_names import with_option_names
from pachon.base.cli.splitting import split_commas_callback
from pachon.base.errors import InvalidInputError, PachonError

__all__ = ["describe_error", "make_program", "run_program"]

FAILED, WRONG_USAGE, INTERRUPTED = 1, 2, 130
"""Exit codes beside 0."""

_REFUSALS = frozenset(
    {
        errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT,
        # A folder where a file is meant or the other way round, names that no file can have.
        errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP,
    }
)  # fmt: skip


def make_program(name: str, *, entry_points: str, distribution: str, help: str) -> LazyGroup:
    """Make the group of a program, with the global options that come before the command.

    Parameters
    ----------
    name
        Name of the program, such as ``butler``.
    entry_points
        Entry-point group of its commands, such as ``pachon.butler.commands``.
    distribution
        The distribution whose version ``--version`` prints.
    help
        The text above the list of commands.
    """
    return LazyGroup(
        name,
        entry_points=entry_points,
        help=help,
        callback=_apply_global_options,
        params=_global_options(name, distribution),
        context_settings={"help_option_names": ["-h", "--help"]},
        no_args_is_help=True,
    )


def _global_options(program: str, distribution: str) -> list[click.Parameter]:
    def print_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
        if value:
            from importlib.metadata import version  # 30 ms, for this option only

            click.echo(f"{program} {version(distribution)}")
            ctx.exit()

    several: dict[str, Any] = {"multiple": True, "callback": split_commas_callback}
    return [
        click.Option(
            ["--log-level", "log_levels"],
            metavar="LEVEL|COMPONENT=LEVEL",
            help="CRITICAL, ERROR, WARNING, INFO, VERBOSE, DEBUG or TRACE, of the project, of a component, or of all (.=LEVEL).",
            **several,
        ),
        click.Option(["--long-log"], is_flag=True, help="Log time, label and source line too."),
        click.Option(
            ["--log-file", "log_files"],
            metavar="FILE",
            help="File to append the log to; the suffix .json gives one JSON document a line.",
            **several,
        ),
        click.Option(["--log-tty/--no-log-tty"], default=True, help="Log to the terminal (stderr); the default."),
        click.Option(["--log-label", "log_labels"], metavar="KEY=VALUE", help="Label for each log record.", **several),
        click.Option(
            ["--progress/--no-progress"],
            default=None,
            help="Show progress bars; the default is no, but for commands that run quanta.",
        ),
        click.Option(
            ["--version"],
            is_flag=True,
            expose_value=False,
            is_eager=True,
            callback=print_version,
            help="Show the version and exit.",
        ),
    ]


def _apply_global_options(
    *,
    log_levels: Sequence[str],
    long_log: bool,
    log_files: Sequence[str],
    log_tty: bool,
    log_labels: Sequence[str],
    progress: bool | None,
) -> None:
    # Not at the top: `--help` does without logging.
    from pachon.base.cli.splitting import split_key_values
    from pachon.base.log_configuration import configure_logging
    from pachon.base.progress_bar import enable_progress

    try:
        configure_logging(
            log_levels, long=long_log, files=log_files, tty=log_tty, labels=split_key_values(log_labels, commas=False)
        )
    except InvalidInputError as error:
        raise click.UsageError(str(error)) from error
    enable_progress(progress)


def run_program(program: click.Group, arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a program and end the process.

    Exit codes are 0 for done, 1 for failed (or what the error's attribute ``exit_code`` says), 2 for wrong usage, 130 when
    interrupted. An error of pachon is one line on stderr, with a traceback when the project logs at DEBUG, and so is a file
    that the system refuses to write or read; any other error is a defect, and its traceback is shown.
    """
    if arguments is None:  # else the process has other things to do
        collect_after_start()
        leave_memory_at_exit()
    with hearing_lost_interrupts():
        code = _run(program, arguments)
    sys.exit(code)


def _run(program: click.Group, arguments: Sequence[str] | None) -> int:
    _tolerate_narrow_terminals()
    try:
        try:
            code = program.main(arguments, prog_name=program.name, standalone_mode=False)
            if sys.stdout is not None:  # it may have been closed before we began
                sys.stdout.flush()
        except click.ClickException as error:
            error.show()
            return error.exit_code
        except click.Abort as error:
            if isinstance(error.__cause__, KeyboardInterrupt):
                return INTERRUPTED
            click.echo("Aborted.", err=True)
            return FAILED
        except KeyboardInterrupt:
            return INTERRUPTED
        except BrokenPipeError:
            raise
        except Exception as error:  # noqa: BLE001 (the last resort of a program)
            _report(error, program.chosen if isinstance(program, LazyGroup) else None)
            return _exit_code(error)
    except BrokenPipeError:
        # Whoever read our output has gone. What is still in the buffer must not fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return FAILED
    return code if isinstance(code, int) and not isinstance(code, bool) else 0


def _exit_code(error: Exception) -> int:
    """Give the exit code that an error asks for by its attribute ``exit_code``, else that of a failure."""
    code = getattr(error, "exit_code", FAILED)
    return code if isinstance(error, PachonError) and isinstance(code, int) and code else FAILED


def _tolerate_narrow_terminals() -> None:
    """Replace signs that the terminal's encoding lacks instead of failing on them."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def _report(error: Exception, command: click.Command | None) -> None:
    from pachon.base.hidden_secrets import hide_secrets  # for failures only

    ours = list(_own_errors(error))
    if not ours or _debugging():
        import traceback  # for failures only

        click.echo(hide_secrets("".join(traceback.format_exception(error))), err=True, nl=False)
    for one in ours:
        click.echo(f"Error: {hide_secrets(describe_error(one, command))}", err=True)


def _own_errors(error: BaseException) -> Iterator[BaseException]:
    """Give the errors in an error or group, if all are of pachon or the system's; nothing if any other is among them."""
    errors = list(_leaves(error))
    if all(isinstance(one, PachonError) or _is_refusal(one) for one in errors):
        yield from errors


def _is_refusal(error: BaseException) -> TypeGuard[OSError]:
    """Whether the system refuses a file for a reason that its user can mend: rights, space, a folder of that name."""
    # A standard output that is full has no name.
    return (
        isinstance(error, OSError)
        and error.errno in _REFUSALS
        and (error.filename is not None or error.errno == errno.ENOSPC)
    )


def _leaves(error: BaseException) -> Iterable[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _leaves(one)
    else:
        yield error


def _debugging() -> bool:
    import logging  # already imported by whoever configured it

    return logging.getLogger("pachon").isEnabledFor(logging.DEBUG)


def describe_error(error: BaseException, command: click.Command | None = None) -> str:
    """Give the message of an error and the notes that the layers above added, in one line.

    Notes of several lines follow it, indented: they show a place (a line of text, and a caret below it). Arguments that the
    line names are the options of the command, if one is given.
    """
    message = str(error) or type(error).__name__
    if _is_refusal(error):
        where = "The output" if error.filename is None else error.filename
        message = f"{where}: {(error.strerror or message).lower()}."
    notes = getattr(error, "__notes__", ())
    parts = [message, *(note for note in notes if "\n" not in note)]
    shown = [indent(note, "  ") for note in notes if "\n" in note]
    line = " ".join(" ".join(part.split()) for part in parts)
    return "\n".join([line if command is None else with_option_names(line, command), *shown])
