# SPDX-License-Identifier: BSD-3-Clause
"""Jobs whose repository has its database on a server and its files in an object store notice what was changed since the build."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from s3_server import Requests, noted_requests, running_server, temporary_bucket

from pachon.butler import Butler
from pachon.butler.migration import migrate_repository
from pachon.ctrl_mpexec.program import pipetask
from pachon.ctrl_mpexec.testing.repository import PIPELINE, make_repository
from pachon.datasets import DatasetType
from pachon.quantum_butler import QuantumGraph
from pachon.quantum_butler.definition_marks import check_definitions
from pachon.quantum_butler.errors import GraphMismatchError
from pachon.registry.testing.postgresql import PostgresServer
from pachon.resources import ResourcePath


@pytest.fixture
def requests() -> Iterator[Requests]:
    with noted_requests() as noted:
        yield noted


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch, requests: Requests) -> Iterator[str]:
    with running_server(verbose=True) as address, temporary_bucket(address, "changes", monkeypatch) as uri:
        yield f"{uri}the files/"


@pytest.fixture(params=["sqlite", "postgresql"])
def repository(request: pytest.FixtureRequest, bucket: str, tmp_path: Path) -> Iterator[Path]:
    root = tmp_path / "repo"
    if request.param == "sqlite":
        make_repository(root, files=bucket)
        yield root
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with server.database() as url:
        make_repository(root, files=bucket, database=url)
        yield root


def run(*arguments: object) -> Result:
    return CliRunner().invoke(pipetask, [str(argument) for argument in arguments])


def replace_type(repository: Path, storage_class: str) -> None:
    with Butler.open(str(repository), writeable=True) as butler:
        known = butler.dataset_types.get("corrected")
        butler.dataset_types.remove("corrected")
        butler.dataset_types.register(DatasetType(known.name, known.dimensions, storage_class))


def test_changes_between_build_and_run(repository: Path, bucket: str, tmp_path: Path, requests: Requests) -> None:
    (tmp_path / "pipeline.yaml").write_text(PIPELINE)
    graph = tmp_path / "g.qg"
    done = run(
        "qgraph", "-b", repository, "-p", f"{tmp_path}/pipeline.yaml#correct", "-i", "defaults", "--output-run", "me/run",
        "-q", graph,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    loaded, root = QuantumGraph.open(str(graph)), ResourcePath(bucket, force_directory=True)
    with Butler.open(str(repository), writeable=True) as butler:
        for dataset_type in loaded.dataset_types.values():
            butler.dataset_types.register(dataset_type)

    def refuse(said: str) -> None:
        for place in (bucket, repository):
            for command in ("pre-exec-init-qbb", "run-qbb"):
                refused = run(command, place, graph)
                assert isinstance(refused.exception, GraphMismatchError), refused.output
                assert said in str(refused.exception)
        assert not ResourcePath(f"{bucket}me/", force_directory=True).exists()

    requests.seen.clear()
    check_definitions(loaded, root)
    assert len(requests.seen) == 1, requests.seen
    replace_type(repository, "StructuredDataList")
    refuse(
        "'corrected' was removed and registered anew since the graph was built: it has storage class StructuredDataList"
    )
    replace_type(repository, loaded.dataset_types["corrected"].storage_class)
    for command in ("pre-exec-init-qbb", "run-qbb"):
        assert run(command, bucket, graph).exit_code == 0
    with Butler.open(str(repository), writeable=True) as butler:
        assert butler.transfer_from_graph(str(graph)) > 0
        butler.remove_runs("me/run")
        document: dict[str, Any] = copy.deepcopy({**butler.universe.document})
    document["version"] += 1
    document["elements"]["detector"]["metadata"].append({"name": "serial", "type": "string", "length": 16})
    migrate_repository(str(repository), universe=document)
    refuse("dimensions were changed since the graph was built: they are daf_butler version 9")
    with Butler.open(str(repository)) as butler:
        assert butler.fsck().clean
