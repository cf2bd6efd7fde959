# SPDX-License-Identifier: BSD-3-Clause
import gc
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from pachon.base.cli import make_program
from pachon.base.testing import run_command

COMMANDS = '''
    import sys
    import click
    from pachon.base import InvalidInputError
    from pachon.base.cli import confirm_or_stop, options, options_file_option, print_table

    LOADED = True

    @click.command()
    @options.repo_argument
    @options.collections_option
    @options.limit_option(default=0)
    @options.where_option
    @options.format_options
    @options_file_option
    def query_things(repo, collections, limit, where, format):
        """Find things in a repository. And more
        about it.

        Second paragraph."""
        print_table({"repo": [repo], "collections": [",".join(collections)], "limit": [limit], "where": [where]}, format=format)

    @click.command()
    @options.confirm_option
    def remove_things(confirm):
        """Remove things."""
        confirm_or_stop("Remove?", confirm=confirm)
        print("removed")

    @click.command()
    @click.argument("how")
    def fail(how):
        """Fail in many ways."""
        import logging
        logging.getLogger("pachon.tests").info("failing")
        if how == "ours":
            error = InvalidInputError("The value 3 is wrong.")
            error.add_note("It was read from a.yaml.")
            raise error
        if how == "group":
            raise ExceptionGroup("two", [InvalidInputError("One."), ExceptionGroup("in", [InvalidInputError("Two.")])])
        if how == "mixed":
            raise ExceptionGroup("two", [InvalidInputError("One."), KeyError("defect")])
        if how == "refused":
            raise PermissionError(13, "Permission denied", "/some/file")
        if how == "full":
            raise OSError(28, "No space left on device")
        if how == "interrupt":
            raise KeyboardInterrupt
        if how == "exit":
            click.get_current_context().exit(5)
        raise KeyError(how)
'''
ENTRIES = {
    "query-things": "cmd_mod:query_things",
    "remove-things": "cmd_mod:remove_things",
    "fail": "cmd_mod:fail",
    "absent": "cmd_absent:cmd",
}


@pytest.fixture
def program(install, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delitem(sys.modules, "cmd_mod", raising=False)
    install("cmds", "test.commands", ENTRIES, {"cmd_mod": COMMANDS})
    return make_program("tested", entry_points="test.commands", distribution="pachon-base", help="A tested program.")


def test_help_lists_commands_without_importing_them(program) -> None:
    result = run_command(program, "--help")
    assert result.exit_code == 0
    lines = [line.strip() for line in result.stdout.splitlines()]
    assert "query-things   Find things in a repository" in lines
    assert "remove-things  Remove things" in lines
    assert "absent" in lines
    assert "cmd_mod" not in sys.modules


def test_help_of_a_command_points_to_the_global_help(program) -> None:
    result = run_command(program, "query-things", "-h")
    assert result.exit_code == 0
    assert "tested --help" in result.stdout
    assert "--collections TEXT" in result.stdout


def test_options_are_split_and_rendered(program) -> None:
    result = run_command(program, "query-things", "repo", "--collections", "a,b", "--collections", "c[1,2]", "--json")
    assert result.exit_code == 0
    assert (
        result.stdout
        == '[\n {\n  "repo": "repo",\n  "collections": "a,b,c[1,2]",\n  "limit": 0,\n  "where": ""\n }\n]\n'
    )
    assert run_command(program, "query-things", "r", "--format", "csv").stdout.startswith("repo,collections")


def test_where_from_a_file(program, tmp_path: Path) -> None:
    (tmp_path / "where.txt").write_text("visit > 3\n")
    result = run_command(program, "query-things", "r", "--where", f"@{tmp_path}/where.txt", "--format", "csv")
    assert "visit > 3" in result.stdout
    assert run_command(program, "query-things", "r", "--where", "@/no/such").exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["qery-things"], "There is no command 'qery-things'. Did you mean 'query-things'?"),
        (["query-things"], "Missing argument 'REPO'"),
        (["query-things", "r", "--limt", "3"], "--limit"),
        (["--log-level", "debg", "fail", "x"], "Did you mean 'DEBUG'?"),
        (["--log-label", "a", "fail", "x"], "'a' is not of the form KEY=VALUE."),
    ],
)
def test_wrong_usage(program, arguments: list[str], message: str) -> None:
    result = run_command(program, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_missing_command_module_is_one_line(program) -> None:
    result = run_command(program, "absent")
    assert result.exit_code == 1
    assert result.stderr.startswith(
        "Error: Plug-in 'absent' of 'test.commands' (cmd_absent:cmd) cannot be loaded: ModuleNotFound"
    )
    assert result.stderr.count("\n") == 1


def test_our_errors_are_one_line(program) -> None:
    result = run_command(program, "--log-level", "WARNING", "fail", "ours")
    assert result.exit_code == 1
    assert result.stderr == "Error: The value 3 is wrong. It was read from a.yaml.\n"
    group = run_command(program, "--log-level", "WARNING", "fail", "group")
    assert group.stderr == "Error: One.\nError: Two.\n"


def test_a_file_that_the_system_refuses_is_one_line(program) -> None:
    result = run_command(program, "--log-level", "WARNING", "fail", "refused")
    assert (result.exit_code, result.stderr) == (1, "Error: /some/file: permission denied.\n")
    assert "Traceback" in run_command(program, "--log-level", "DEBUG", "fail", "refused").stderr
    full = run_command(program, "--log-level", "WARNING", "fail", "full")
    assert (full.exit_code, full.stderr) == (1, "Error: The output: no space left on device.\n")


def test_traceback_on_debug_and_for_defects(program) -> None:
    result = run_command(program, "--log-level", "debug", "fail", "ours")
    assert "Traceback" in result.stderr
    assert result.stderr.endswith("Error: The value 3 is wrong. It was read from a.yaml.\n")
    for how in ("other", "mixed"):
        defect = run_command(program, "fail", how)
        assert defect.exit_code == 1
        assert "KeyError" in defect.stderr


def test_logging_options(program, tmp_path: Path) -> None:
    file = tmp_path / "log.json"
    run_command(program, "--log-file", file, "--no-log-tty", "--log-label", "a=b", "fail", "exit")
    assert '"MDC": {"A": "b"}' in file.read_text()
    assert "pachon.tests INFO: failing" in run_command(program, "fail", "exit").stderr


def test_exit_codes(program) -> None:
    assert run_command(program, "fail", "interrupt").exit_code == 130
    assert run_command(program, "fail", "exit").exit_code == 5
    assert run_command(program, "--version").stdout == "tested 0.1.0\n"
    assert run_command(program).exit_code == 2


def test_confirmation(program) -> None:
    assert run_command(program, "remove-things", "--no-confirm").stdout == "removed\n"
    assert run_command(program, "remove-things", answers="y\n", interactive=True).stdout == "removed\n"
    refused = run_command(program, "remove-things", answers="\n", interactive=True)
    assert (refused.exit_code, refused.stdout) == (0, "")
    unasked = run_command(program, "remove-things", answers="y\n")
    assert (unasked.exit_code, unasked.stdout) == (1, "")
    assert "--no-confirm" in unasked.stderr


def test_options_file(program, tmp_path: Path) -> None:
    file = tmp_path / "options.yaml"
    file.write_text("query-things:\n  collections: [a, b]\n  limit: 3\n  repo: from-file\nother: {x: 1}\n")
    run = ["query-things", "--format", "csv", "-@", file]
    assert run_command(program, *run).stdout.splitlines()[1] == 'from-file,"a,b",3,'
    assert run_command(program, *run, "r", "--limit", "5").stdout.splitlines()[1] == 'r,"a,b",5,'
    file.write_text("other: {x: 1}\n")
    assert run_command(program, *run, "r").exit_code == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("query-things: {limt: 3}", "unknown option 'limt'. Did you mean 'limit'?"),
        ("[1]", "must be a mapping"),
        ("query-things: 3", "must hold a mapping"),
        ("a: [", "is not YAML"),
        ("query-things: {limit: many}", "'many' is not a valid integer"),
    ],
)
def test_bad_options_file(program, tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "options.yaml"
    file.write_text(text)
    result = run_command(program, "query-things", "-@", file, "r")
    assert result.exit_code == 2
    assert message in result.stderr.replace("\n", " ")


def test_options_file_by_uri(program, install, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pachon.base.cli.options_file.READERS", "test.readers")
    install(
        "reader",
        "test.readers",
        {"uri": "reader_mod:read"},
        {"reader_mod": "read = lambda uri: 'query-things: {limit: 9}'"},
    )
    result = run_command(program, "query-things", "-@", "s3://bucket/o.yaml", "r", "--format", "csv")
    assert result.stdout.splitlines()[1] == "r,,9,"


RUNNER = """
    import signal, sys
    import builtins, gc
    builtins.COLLECTOR = gc.get_threshold()
    # Whoever started the tests in the background let them ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.path.insert(0, sys.argv.pop(1))
    from pachon.base.cli import make_program, run_program
    run_program(make_program("tested", entry_points="test.commands", distribution="pachon-base", help="x"))
"""
SLOW = '''
    import click, time, warnings
    from pachon.base.cli import options
    @click.command()
    def wait():
        """Wait."""
        print("waiting", flush=True)
        time.sleep(60)
    class Deaf:
        """Whose finalizer is interrupted, where Python cannot raise anything."""
        def __del__(self):
            import signal
            signal.raise_signal(signal.SIGINT)
            for _ in range(100):
                pass
    @click.command()
    def finalize():
        """Wait, interrupted before that."""
        Deaf()
        time.sleep(60)
    @click.command()
    def pour():
        """Write much."""
        for i in range(1000000):
            print(i)
    @click.command()
    def greet():
        """Greet."""
        print("café")
    @click.command()
    @options.where_option
    def wonder(where):
        """Wonder."""
        if where == "wondered about":
            warnings.warn("There are more than 3 of them.", stacklevel=1)
            warnings.warn("An old way.", DeprecationWarning, stacklevel=1)
    @click.command()
    @click.option("--others", is_flag=True)
    def collect(others):
        """Tell when objects in cycles are collected."""
        import gc
        from pachon.base.cli.collector import collect_for_others
        class Knot:
            def __init__(self, name):
                self.name, self.itself = name, self
            def __del__(self):
                print(self.name)
        if others:
            collect_for_others()
        at_start = gc.get_threshold()
        Knot("collected")
        gc.collect(0)
        print(at_start[0] > 100000, gc.get_threshold() == COLLECTOR)
        Knot("left")
'''


@pytest.fixture
def process(install, tmp_path: Path) -> list[str]:
    install(
        "slow",
        "test.commands",
        {name: f"slow_mod:{name}" for name in ("wait", "finalize", "pour", "greet", "collect", "wonder")},
        {"slow_mod": SLOW},
    )
    return [sys.executable, "-c", textwrap.dedent(RUNNER), str(tmp_path / "slow")]


def test_interrupt_exits_with_130(process) -> None:
    with subprocess.Popen([*process, "wait"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "waiting\n"
        os.kill(child.pid, signal.SIGINT)
        _, stderr = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "Traceback" not in stderr


def test_an_interrupt_of_a_finalizer_is_not_lost(process) -> None:
    result = subprocess.run([*process, "finalize"], capture_output=True, text=True, timeout=50, check=False)
    assert result.returncode == 130
    assert result.stderr.strip() == ""


def test_garbage_is_collected_after_the_start_and_left_at_the_exit(process) -> None:
    def run(*arguments: str) -> list[str]:
        command = [*process, "collect", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()

    assert run() == ["collected", "True True"]
    assert run("--others") == ["collected", "False True", "left"]


def test_what_an_expression_makes_a_command_wonder_about_is_one_line(process) -> None:
    def run(where: str) -> list[str]:
        command = [process[0], "-W", "always::DeprecationWarning:slow_mod", *process[1:], "wonder", "--where", where]
        return subprocess.run(command, capture_output=True, text=True, check=True).stderr.splitlines()

    first, *others = run("wondered about")
    assert first == "Warning: There are more than 3 of them."
    # What is for whoever wrote the code goes into the log, with its place.
    assert "DeprecationWarning: An old way." in "\n".join(others)
    assert others[0].startswith("py.warnings WARNING: ")
    assert run("harmless") == []


def test_a_program_within_another_leaves_the_collector_alone(program) -> None:
    before = gc.get_threshold()
    assert run_command(program, "fail", "exit").exit_code == 5
    assert gc.get_threshold() == before
    assert before[0] < 100_000


def test_broken_pipe_is_silent(process) -> None:
    with subprocess.Popen([*process, "pour"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.readline()
        child.stdout.close()
        stderr = child.stderr.read()
        child.wait(timeout=60)
    assert stderr == ""


@pytest.mark.skipif(os.name != "posix", reason="closes a descriptor of the child")
def test_standard_output_that_was_closed_is_no_failure(process) -> None:
    command = ["sh", "-c", 'exec "$@" >&-', "sh", *process, "greet"]
    result = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


def test_signs_that_the_terminal_lacks_are_replaced(process) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    result = subprocess.run([*process, "greet"], env=environment, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, "caf?\n")
