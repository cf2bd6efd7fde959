# SPDX-License-Identifier: BSD-3-Clause
import pytest
from hypothesis import settings

from pachon.quantum_butler import QuantumGraph
from pachon.quantum_butler.testing import example_graph

# Machines are noisy: a slow example is no fault.
settings.register_profile("pachon", deadline=None)
settings.load_profile("pachon")


@pytest.fixture
def graph():
    return example_graph()


@pytest.fixture(params=["memory", "file"])
def any_graph(request, graph, tmp_path):
    """The example, as it was built and as it was opened."""
    if request.param == "memory":
        return graph
    path = tmp_path / "example.qg"
    graph.write(str(path))
    return QuantumGraph.open(str(path))
