# SPDX-License-Identifier: BSD-3-Clause
"""The same facts give the same graph: same order, same edges, and the same ids where these are asked for."""

import os
import subprocess
import sys

import pytest

from pachon.ctrl_mpexec.testing.pixel_tasks import PIXEL_PIPELINE
from pachon.ctrl_mpexec.testing.sky_survey import PIPELINE, make_survey

BUILD = """
import hashlib, json, sys
from pachon.butler import Butler
from pachon.pipe_base import Pipeline, build_quantum_graph

root, pipeline, ids = sys.argv[1:]
with Butler.open(root) as butler:
    graph = build_quantum_graph(
        Pipeline.read(pipeline), butler, where="instrument='Cam' AND skymap='sky'", input_collections=["defaults"],
        output_run="me/run", reproducible_ids=ids == "ids",
    )
document = graph.structure.to_document()
if ids != "ids":
    for item in (*document["tasks"], *document["init"]):
        item.pop("id_range", item.pop("id", None))
digest = hashlib.sha256(json.dumps(document).encode())
read = 0
for table in graph.columns.tables:
    for column in graph.columns.tables[table]:
        if ids != "ids" and column == "id":
            continue
        values = graph.columns.read(f"{table}/{column}")
        digest.update(f"{table}/{column}".encode() + (repr(values.tolist()).encode()))
        read += 1
print(read, digest.hexdigest())
"""


def build(root, pipeline, ids, seed):
    surroundings = {**os.environ, "PYTHONHASHSEED": str(seed)}
    command = [sys.executable, "-c", BUILD, str(root), str(pipeline), ids]
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.split()


@pytest.mark.parametrize("pipeline", [PIPELINE, PIXEL_PIPELINE], ids=["patches", "pixels"])
def test_processes_whose_sets_have_other_orders_build_the_same(tmp_path, pipeline):
    make_survey(tmp_path / "repo", visits=2)
    (tmp_path / "p.yaml").write_text(pipeline)
    for ids in ("ids", "new"):
        (read, first), *others = (build(tmp_path / "repo", tmp_path / "p.yaml", ids, seed) for seed in (1, 2))
        assert int(read) > 50
        assert [digest for _, digest in others] == [first]
