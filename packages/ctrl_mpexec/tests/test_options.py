# SPDX-License-Identifier: BSD-3-Clause
"""Options of ``pipetask run`` and ``qgraph`` beside those that other tests use."""

import json
import os
import pstats
import subprocess
import sys

import pytest
from click.testing import CliRunner

from pachon.base import InvalidInputError, NotFoundError, PachonError
from pachon.butler import Butler
from pachon.ctrl_mpexec.graph_fixup import OrderedQuanta
from pachon.ctrl_mpexec.memory_size import parse_memory
from pachon.ctrl_mpexec.program import pipetask
from pachon.ctrl_mpexec.progress.live import render
from pachon.ctrl_mpexec.progress.tally import Tally, duration
from pachon.ctrl_mpexec.run_options import PerTask
from pachon.ctrl_mpexec.testing.tasks import CorrectConnections, CorrectTask
from pachon.pipe_base import PipelineTask, PipelineTaskConfig, PipelineTaskConnections, Struct, TaskMetadata
from pachon.pipe_base.connections import InitInput, InitOutput, Input, Output
from pachon.pipe_base.execution.outcome import ExceptionInfo, QuantumOutcome, QuantumStatus
from pachon.quantum_butler import QuantumGraph


@pytest.fixture
def run(repository, pipeline_file):
    """Call a command with the repository and the first task of the pipeline."""

    def call(command, *arguments, select="#correct", check=0):
        words = [
            command, "-b", repository, "-p", f"{pipeline_file}{select}", "-i", "defaults", "-o", "me", *arguments,
            *(["--register-dataset-types"] if command == "run" else []),
        ]  # fmt: skip
        done = CliRunner().invoke(pipetask, [str(word) for word in words], catch_exceptions=True)
        if isinstance(done.exception, PachonError):
            raise done.exception
        assert done.exit_code == check, (done.output, done.exception)
        return done

    return call


def test_tables_of_data_ids(run, tmp_path):
    (tmp_path / "ids.csv").write_text("instrument,exposure\nCam,2\nCam,3\nCam,2\n")
    run("qgraph", "--data-id-table", tmp_path / "ids.csv", "-q", tmp_path / "g.qg")
    assert {
        data_id["exposure"] for data_id in QuantumGraph.open(tmp_path / "g.qg").quanta("correct").parts[0].data_ids
    } == {2, 3}
    # The instrument is the only one of the inputs; an expression may say which.
    for number, where in ((2, ""), (3, "instrument = 'Cam'")):
        (tmp_path / "short.csv").write_text(f"exposure\n{number}\n")
        run("qgraph", "--data-id-table", tmp_path / "short.csv", "-d", where, "-q", tmp_path / f"{number}.qg")
        (found,) = QuantumGraph.open(tmp_path / f"{number}.qg").quanta("correct").parts
        assert {data_id["exposure"] for data_id in found.data_ids} == {number}
    for text, message in (
        ("patch\n2\n", "needs skymap, tract too"),
        ("instrument,exposre\nCam,2\n", "exposre"),
        ("", "has no columns"),
    ):
        (tmp_path / "bad.csv").write_text(text)
        with pytest.raises(PachonError, match=message):
            run("qgraph", "--data-id-table", tmp_path / "bad.csv")


def test_progress_for_programs(run, capfd):
    run("run", "--json-progress", "-c", "correct:fail=no_work", "-c", "correct:fail_exposure=2")
    events = [json.loads(line) for line in capfd.readouterr().out.splitlines() if line.startswith("{")]
    assert [event["event"] for event in events[:3]] == ["begin", "start", "end"]
    assert events[0]["tasks"] == {"correct": 6}
    ends = [event for event in events if event["event"] == "end"]
    assert [event["status"] for event in ends] == ["success"] * 6
    assert {event.get("caveats") for event in ends} == {None, "*N"}
    assert events[-1]["event"] == "finish"
    assert events[-1]["tasks"] == {"correct": {"success": 6}}


def test_a_run_goes_on_when_nobody_reads_its_progress(repository, pipeline_file):
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [
            sys.executable, "-c", "from pachon.ctrl_mpexec.program import main; main()", "run", "-b", repository,
            "-p", f"{pipeline_file}#correct", "-i", "defaults", "-o", "me", "--register-dataset-types", "--json-progress",
        ],
        stdout=writing, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    os.close(writing)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("Nobody reads the progress") == 1
    assert "correct: 6 success" in done.stderr


def test_a_profile_a_debug_module_and_an_order(run, tmp_path, monkeypatch, repository):
    (tmp_path / "debug.py").write_text("IMPORTED = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    run(
        "run",
        "--profile",
        tmp_path / "profile",
        "--debug",
        "--graph-fixup",
        f"{__name__}.backwards",
        "--summary",
        tmp_path / "s.json",
    )
    assert sys.modules.pop("debug").IMPORTED
    assert pstats.Stats(str(tmp_path / "profile")).total_calls > 1000
    reports = json.loads((tmp_path / "s.json").read_text())["quantaReports"]
    assert [one["dataId"]["exposure"] for one in reports] == [3, 3, 2, 2, 1, 1]


@pytest.mark.parametrize("option", ["--profile", "--class-map"])
def test_a_folder_is_no_file(run, tmp_path, option):
    with pytest.raises(PachonError, match=str(tmp_path)):
        run("run", option, tmp_path)


def backwards():
    return OrderedQuanta("correct", ["exposure"], reverse=True)


def misspelled():
    return OrderedQuanta("corect", ["exposure"])


def test_an_order_of_a_task_without_quanta_is_told(run, caplog):
    run("run", "--graph-fixup", f"{__name__}.misspelled")
    assert "no quanta of task 'corect' to order; it has some of correct." in caplog.text


class Cutting:
    def fixup_graph(self, graph, quanta_by_task):
        graph.remove_edges_from(list(graph.edges))


class Circling:
    def fixup_graph(self, graph, quanta_by_task):
        graph.add_edges_from([(b, a) for a, b in graph.edges])


def test_what_is_wrong_is_found_before_a_collection_is_made(run, repository):
    for arguments, message in (
        (("--graph-fixup", f"{__name__}.Cutting"), "removed edges"),
        (("--graph-fixup", f"{__name__}.Circling"), "wait for each other"),
        (("--graph-fixup", f"{__name__}.parse_memory"), "without arguments"),
        (("--timeout", "corect=3"), "Did you mean 'correct'"),
        (("--timeout", "-3"), "more than 0"),
        (("--memory-limit", "correct=3XB"), "no amount of memory"),
        (("--priority", "3"), "LABEL=NUMBER"),
        (("--pdb",), "needs a terminal"),
        (("--mock-failure", "correct::"), "need --mock"),
        (("--qgraph-node-id", "nothing"), "no UUID"),
        (("--output-run", "../elsewhere"), "a folder that is not its own"),
        (("-t", "pachon.ctrl_mpexec.testing.tasks.AloneTask:correct", "-j", "2"), "must not run in a subprocess"),
    ):
        with pytest.raises(PachonError, match=message):
            run("run", *arguments, select="")
    with Butler.open(str(repository)) as butler:
        assert not butler.fetch_collections(["me", "../elsewhere"])


def test_nothing_is_replaced_for_a_run_that_cannot_begin(run, repository):
    run("run", "--output-run", "me/1")
    with pytest.raises(PachonError, match="must not run in a subprocess"):
        run(
            "run", "--replace-run", "--prune-replaced", "purge", "-j", "2",
            "-t", "pachon.ctrl_mpexec.testing.tasks.AloneTask:correct",
        )  # fmt: skip
    with Butler.open(str(repository), collections=["me"]) as butler:
        assert len(list(butler.query_datasets("corrected"))) == 6


def test_a_task_that_must_be_alone_is_alone_in_batch_jobs_too(run, repository, tmp_path):
    graph = tmp_path / "g.qg"
    run("qgraph", "-t", "pachon.ctrl_mpexec.testing.tasks.AloneTask:correct", "-q", graph)
    done = CliRunner().invoke(pipetask, ["run-qbb", str(repository), str(graph), "-j", "2"])
    assert "must not run in a subprocess" in str(done.exception)


def test_values_for_a_task_that_is_done(run, tmp_path):
    """A command that is given again with --extend-run means the same."""
    run("run")
    run("run", "--extend-run", "--timeout", "correct=60", "--priority", "correct=1", select="#correct,visit")
    done = run("run", "--extend-run", "--summary", tmp_path / "summary.json", select="#correct,visit")
    assert "Nothing to do" in done.stderr
    assert json.loads((tmp_path / "summary.json").read_text())["status"] == "success"


@pytest.mark.parametrize(
    "arguments",
    [
        ("--mock",),
        ("-d", "instrument='Cam' AND exposure=1"),
        ("--replace-run", "--prune-replaced", "purge"),
        ("--rebase",),
        ("--dataset-query-constraint", "off"),
    ],
)
def test_what_a_loaded_graph_cannot_follow_is_refused(run, repository, tmp_path, arguments):
    graph = tmp_path / "g.qg"
    run("qgraph", "-q", graph)
    words = ["run", "-b", str(repository), "-g", str(graph), "-o", "me", "--register-dataset-types"]
    done = CliRunner().invoke(pipetask, [*words, *arguments])
    assert f"{arguments[0] if arguments[0] != '-d' else '--data-query'}" in str(done.exception)
    assert CliRunner().invoke(pipetask, words).exit_code == 0


def test_changes_of_the_pipeline_from_an_options_file(run, tmp_path):
    saved, options = tmp_path / "saved.yaml", tmp_path / "options.yaml"
    options.write_text(
        "qgraph:\n"
        "  task: pachon.ctrl_mpexec.testing.tasks.CorrectTask:other\n"
        "  config: ['other:factor=2', 'correct:factor=3']\n"
        "  delete: other\n"
    )
    run("qgraph", "-@", options, "-s", saved, select="")
    text = saved.read_text()
    assert "other" not in text
    assert "3" in text
    run("qgraph", "-@", options, "-s", saved, "-c", "correct:factor=7", select="")
    assert "7" in saved.read_text()
    assert "3" not in saved.read_text()


def test_a_changed_configuration_is_an_error_also_if_its_task_is_done(run):
    run("run")
    change = ("--extend-run", "-c", "correct:factor=2")
    for select in ("#correct", "#correct,visit"):
        with pytest.raises(PachonError, match=r"another configuration of task 'correct': factor.*Use another run"):
            run("run", *change, select=select)
    run("run", *change, "--skip-init-writes", select="#correct,visit")
    # A new run may have what it likes, also if nothing is left for it.
    assert "Nothing to do" in run("run", "--output-run", "me/new", "--skip-existing-in", "me", *change[1:]).stderr


class NotingConnections(CorrectConnections, dimensions=("instrument", "exposure", "detector")):
    note = InitOutput(name="note", storage_class="StructuredDataDict")


class NotingConfig(PipelineTaskConfig, connections=NotingConnections):
    forgetful: bool = False
    broken: bool = False


class NotingTask(PipelineTask):
    config_class = NotingConfig
    default_name = "noting"

    def __init__(self, **arguments):
        super().__init__(**arguments)
        if self.config.broken:
            raise ValueError("not today")
        if not self.config.forgetful:
            self.note = {"a": 1}

    def run(self, *, raw, bias, data_id):
        return Struct(corrected={"value": 0})


class ReadingConnections(PipelineTaskConnections, dimensions=("instrument", "exposure", "detector")):
    corrected = Input(
        name="corrected", storage_class="StructuredDataDict", dimensions=("instrument", "exposure", "detector")
    )
    note = InitInput(name="note", storage_class="StructuredDataDict")
    read = Output(name="read", storage_class="StructuredDataDict", dimensions=("instrument", "exposure", "detector"))


class ReadingConfig(PipelineTaskConfig, connections=ReadingConnections):
    pass


class ReadingTask(PipelineTask):
    config_class = ReadingConfig
    default_name = "reading"

    def __init__(self, *, init_inputs=None, **arguments):
        super().__init__(init_inputs=init_inputs, **arguments)

    def run(self, *, corrected):
        return Struct(read=corrected)


def test_what_goes_wrong_before_any_quantum_names_the_task(run):
    tasks = ("--delete", "correct", "-t", f"{__name__}.NotingTask", "-t", f"{__name__}.ReadingTask")
    with pytest.raises(PachonError, match=r"Task 'noting' has no attribute 'note'; its constructor must set"):
        run("run", *tasks, "--output-run", "me/1", "-c", "noting:forgetful=True")
    done = run("run", *tasks, "--output-run", "me/2", "-c", "noting:broken=True", check=1)
    assert "Task 'noting' could not be made" in done.exception.__notes__[0]
    with pytest.raises(PachonError, match=r"Init-input 'note' is missing.*pre-exec-init-qbb"):
        run("run", *tasks, "--output-run", "me/3", "--skip-init-writes")


class BadNotesTask(CorrectTask):
    def run(self, *, raw, bias, data_id):
        self.metadata = {"no": "TaskMetadata"}
        return Struct(corrected=raw)


class EndlessNotesTask(CorrectTask):
    def run(self, *, raw, bias, data_id):
        self.metadata["endless"] = TaskMetadata()
        self.metadata["endless"]["endless"] = self.metadata["endless"]
        return Struct(corrected=raw)


@pytest.mark.parametrize("task", ["BadNotesTask", "EndlessNotesTask"])
def test_notes_that_cannot_be_kept_do_not_cost_the_log(run, repository, task):
    with pytest.raises(PachonError, match="6 of 6 quanta failed"):
        run("run", "--delete", "correct", "-t", f"{__name__}.{task}:bad")
    with Butler.open(str(repository), collections=["me"]) as butler:
        log = butler.get("bad_log", instrument="Cam", exposure=1, detector=0)
    assert log["exception"]["type_name"] in ("AttributeError", "RecursionError")
    assert log["metadata"]["metadata"]["quantum"]["arrays"]["prepUtc"]


def test_init_only_without_init_writes_writes_nothing(run, repository):
    run("run", "--init-only", "--skip-init-writes")
    with Butler.open(str(repository), collections=["me"]) as butler:
        assert not list(butler.query_datasets("correct_config"))


def test_pictures_and_places_of_quanta(run, tmp_path):
    done = run("qgraph", "--qgraph-dot", tmp_path / "g.dot", "--qgraph-mermaid", tmp_path / "g.mmd", "--show", "uri")
    dot, mermaid = (tmp_path / "g.dot").read_text(), (tmp_path / "g.mmd").read_text()
    assert dot.count("shape=box") == mermaid.count('["correct instrument') == 6
    assert dot.count(" -> ") == mermaid.count(" --> ") == 18
    assert done.stdout.count("/raws/raw/") == 6
    assert done.stdout.count("output corrected: file://") == 6


def test_mocks_from_the_command_line(run):
    with pytest.raises(PachonError, match=r"2 of 15 quanta failed.*Simulated failure"):
        run("run", "--mock", "--mock-failure", "correct::exposure=3", select="")


def test_values_for_all_tasks_and_for_one():
    values = PerTask(default=3, by_label={"isr": 5})
    assert (values.of("isr"), values.of("coadd")) == (5, 3)
    with pytest.raises(NotFoundError, match=r"--timeout: .* Did you mean 'isr'"):
        PerTask(default=None, by_label={"irs": 1}).check("--timeout", ("isr",))


@pytest.mark.parametrize(
    ("text", "number"), [("3GB", 3 * 10**9), ("3000", 3 * 10**9), ("1.5 MiB", 3 * 2**19), ("7b", 7)]
)
def test_amounts_of_memory(text, number):
    assert parse_memory(text) == number
    with pytest.raises(InvalidInputError, match="no amount"):
        parse_memory(f"-{text}")


def test_how_far_a_run_has_come():
    tally = Tally()
    tally.begin({"isr": 3, "coadd": 1})
    for number, status in enumerate((QuantumStatus.SUCCESS, QuantumStatus.FAILURE)):
        tally.started(number, "isr")
        error = None if status is QuantumStatus.SUCCESS else ExceptionInfo(type_name="ValueError", message="bad\nworse")
        tally.ended(
            number,
            QuantumOutcome(
                quantum_id=None,
                task_label="isr",
                data_id={"visit": number},
                status=status,
                seconds=number + 1.0,
                exception=error,
            ),
        )
    tally.started(2, "isr")
    assert (tally.done, tally.failed, tally.total, tally.tasks["isr"].running) == (1, 1, 4, 1)
    assert "1/4 quanta done, 1 failed, 1 running" in tally.line()
    assert "isr 1/3 (1 failed)" in tally.line()
    left = tally.seconds_left
    tally.blocked += 1
    assert tally.seconds_left < left, "what is blocked takes no time"
    assert "1 failed, 1 blocked, 1 running" in tally.line()
    assert "2/4 (1 blocked) in" in str(render(tally).renderables[1])
    assert list(tally.failures) == ["isr visit=1: bad"]
    assert max(tally.slowest) == (2.0, "isr visit=1")
    assert render(tally).renderables[0].row_count == 2
    assert [duration(s) for s in (7.26, 245, 7800)] == ["7.3 s", "4 min 05 s", "2 h 10 min"]
