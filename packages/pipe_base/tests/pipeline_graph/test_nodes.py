# SPDX-License-Identifier: BSD-3-Clause
from pachon.pipe_base import GraphEdge, Input, Output, PrerequisiteInput
from pachon.pipe_base.pipeline_graph import make_task_node
from pachon.pipe_base.testing.sample_tasks import CombineTask, MeasureConfig, MeasureTask


def test_an_edge_keeps_every_option() -> None:
    edge = GraphEdge.from_connection(
        "t",
        Input(
            name="a.b", storage_class="X", dimensions=("visit",), multiple=True, minimum=2, defer_load=True,
            defer_binding=True, attribute="c",
        ),
    )  # fmt: skip
    assert (edge.dataset_type_name, edge.component, edge.full_name) == ("a", "b", "a.b")
    assert (edge.multiple, edge.minimum, edge.defer_load, edge.defer_binding) == (True, 2, True, True)
    assert edge.defer_graph_constraint  # a deferred binding implies it
    assert (edge.is_input, edge.is_init, edge.is_prerequisite) == (True, False, False)
    assert str(edge) == "task 't' (connection 'c')"
    looked_up = PrerequisiteInput(name="a", storage_class="X", lookup_function=print, attribute="c")
    assert GraphEdge.from_connection("t", looked_up).has_lookup_function
    assert not GraphEdge.from_connection("t", Output(name="a", storage_class="X", attribute="c")).is_input


def test_a_task_node_has_its_automatic_datasets() -> None:
    config = MeasureConfig()
    config.freeze()
    node = make_task_node("m", MeasureTask, config)
    assert node.dimension_names == ("instrument", "exposure", "detector")
    assert (list(node.inputs), list(node.prerequisite_inputs), list(node.outputs)) == (
        ["image"],
        ["bias"],
        ["measurement"],
    )
    assert list(node.init_outputs) == ["schema"]
    assert node.config_output.dataset_type_name == "m_config"
    assert node.metadata_output.dataset_type_name == "m_metadata"
    assert node.metadata_output.raw_dimensions == node.dimension_names
    assert node.log_output is not None
    assert node.log_output.storage_class == "ButlerLogRecords"
    assert (node.default_name, node.can_multiprocess, node.adjusts_quanta) == ("measure", True, False)
    assert node.is_imported


def test_logs_may_be_switched_off() -> None:
    config = CombineTask.config_class()
    config.saveLogOutput = False
    config.freeze()
    assert make_task_node("c", CombineTask, config).log_output is None
