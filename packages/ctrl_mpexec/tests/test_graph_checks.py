# SPDX-License-Identifier: BSD-3-Clause
"""A graph is run in the repository that it was built for, and as it was then."""

import json
import logging
import shutil

import pytest

from pachon.base import InvalidInputError
from pachon.butler import Butler
from pachon.ctrl_mpexec.graph_checks import GraphMismatchError, check_graph
from pachon.ctrl_mpexec.task_checks import task_versions
from pachon.datasets import DatasetType
from pachon.dimensions import DimensionUniverse
from pachon.pipe_base import Pipeline, build_quantum_graph
from pachon.quantum_butler import QuantumGraph


class WithoutDatastore:
    """The documents of a graph that does not say where its files are."""

    document_names = ("universe", "pipeline")

    def __init__(self, graph):
        self._documents = {"universe": dict(graph.universe.document), "pipeline": dict(graph.pipeline)}

    def document(self, name):
        return self._documents[name]


def make_graph(butler, pipeline_file, **options):
    pipeline = Pipeline.read(str(pipeline_file))
    graph = build_quantum_graph(pipeline, butler, input_collections=["defaults"], output_run="me/run", **options)
    for dataset_type in graph.dataset_types.values():
        butler.dataset_types.register(dataset_type)
    return graph


def test_nothing_has_changed(repository, pipeline_file, caplog):
    versions = task_versions(Pipeline.read(str(pipeline_file)).to_graph())
    assert set(versions) == {"pachon.ctrl_mpexec"}
    with Butler.open(str(repository), writeable=True) as butler, caplog.at_level(logging.WARNING):
        check_graph(butler, make_graph(butler, pipeline_file, metadata={"task_versions": versions}))
    assert not caplog.records


def test_tasks_of_another_version_are_warned_of(repository, pipeline_file, caplog):
    with Butler.open(str(repository), writeable=True) as butler, caplog.at_level(logging.WARNING):
        check_graph(
            butler, make_graph(butler, pipeline_file, metadata={"task_versions": {"pachon.ctrl_mpexec": "0.0.7"}})
        )
    (record,) = caplog.records
    assert "built with pachon.ctrl_mpexec 0.0.7, and its tasks will run with 0" in record.getMessage()


def test_another_repository(repository, pipeline_file, tmp_path):
    with Butler.open(str(repository), writeable=True) as butler:
        graph = make_graph(butler, pipeline_file)
    shutil.copytree(repository, tmp_path / "copy")
    with (
        Butler.open(str(tmp_path / "copy")) as butler,
        pytest.raises(GraphMismatchError, match=f"built for a repository with files below .*{repository.name}.*/copy/"),
    ):
        check_graph(butler, graph)


def test_a_dataset_type_was_changed(repository, pipeline_file):
    with Butler.open(str(repository), writeable=True) as butler:
        graph = make_graph(butler, pipeline_file)
        butler.dataset_types.remove("visit_total")
        with pytest.raises(InvalidInputError, match="lacks the dataset types visit_total"):
            check_graph(butler, graph)
        changed = DatasetType("visit_total", ["instrument", "day_obs"], "StructuredDataList", universe=butler.universe)
        butler.dataset_types.register(changed)
        with pytest.raises(
            GraphMismatchError,
            match=r"'visit_total' has changed.*dimensions \{instrument, day_obs\} instead of \{instrument, visit\} and "
            "storage class StructuredDataList instead of StructuredDataDict.* Build the graph again",
        ):
            check_graph(butler, graph)


def test_the_universe_was_changed(repository, pipeline_file, tmp_path):
    with Butler.open(str(repository), writeable=True) as butler:
        graph = make_graph(butler, pipeline_file)
    document = json.loads(json.dumps(dict(DimensionUniverse.default().document)))
    document["version"] += 1
    document["elements"]["instrument"]["doc"] = "Another one."
    with Butler.create(str(tmp_path / "other"), universe=document) as butler:
        graph = QuantumGraph(graph.header, graph.structure, graph.columns, WithoutDatastore(graph))
        with pytest.raises(GraphMismatchError, match=r"built with dimensions \S+ version \d+ .* repository has"):
            check_graph(butler, graph)
