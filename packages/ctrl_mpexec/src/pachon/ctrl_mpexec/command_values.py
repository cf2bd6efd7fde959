# SPDX-License-Identifier: BSD-3-Clause
"""From the options of a command line to what is asked of pipeline, graph and collections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pachon.base import InvalidInputError
from pachon.butler import Butler
from pachon.ctrl_mpexec.cli_options import pipeline_edits
from pachon.ctrl_mpexec.collection_plan import CollectionOptions, CollectionPlan
from pachon.ctrl_mpexec.graph_request import GraphRequest
from pachon.ctrl_mpexec.mocking import MockRequest, parse_mock_failure
from pachon.ctrl_mpexec.quantum_ids import quantum_id
from pachon.ctrl_mpexec.requests import PictureFile, PipelineRequest, Say, make_graph
from pachon.quantum_butler import QuantumGraph

__all__ = ["collection_values", "graph_request", "picture_files", "pipeline_request", "requested_graph"]


def requested_graph(
    options: Mapping[str, Any], butler: Butler, say: Say
) -> tuple[QuantumGraph | None, CollectionPlan | None]:
    """Build or load the graph that the options ask for, and print what is to be shown; see `make_graph`."""
    return make_graph(
        butler,
        pipeline_request(options),
        graph_request(options),
        location=options["qgraph"],
        explain=options["explain"],
        say=say,
    )


def pipeline_request(options: Mapping[str, Any]) -> PipelineRequest:
    """Take the options of a pipeline."""
    return PipelineRequest(
        location=options["pipeline"],
        edits=pipeline_edits(),
        select_tasks=options["select_tasks"],
        shows=options["shows"],
        save=options["save_pipeline"],
        pictures=tuple(picture_files(options)),
        allow_missing=options.get("allow_missing", False),
        class_map=options["class_map"],
        task_table=options.get("task_table"),
        check=options.get("check", True),
        mock=_mock_request(options),
    )


def _mock_request(options: Mapping[str, Any]) -> MockRequest | None:
    failures, unmocked = options.get("mock_failure", ()), options.get("unmocked_dataset_types", ())
    if not options.get("mock", False):
        if failures or unmocked:
            raise InvalidInputError("--mock-failure and --unmocked-dataset-types need --mock.")
        return None
    return MockRequest(failures=tuple(map(parse_mock_failure, failures)), unmocked=tuple(unmocked))


def picture_files(options: Mapping[str, Any]) -> Iterator[PictureFile]:
    """Take the options of pictures of the pipeline."""
    for kind in ("dot", "mermaid"):
        if path := options[f"pipeline_{kind}"]:
            yield PictureFile(path=path, kind=kind)
    for path in options["pipeline_picture"]:
        yield PictureFile(path=path)


def collection_values(options: Mapping[str, Any]) -> CollectionOptions:
    """Take the options of collections."""
    return CollectionOptions(
        inputs=options["inputs"],
        output=options["output"],
        output_run=options["output_run"],
        extend_run=options["extend_run"],
        replace_run=options["replace_run"],
        prune_replaced=options["prune_replaced"],
        rebase=options["rebase"],
    )


def graph_request(options: Mapping[str, Any]) -> GraphRequest:
    """Take the options of a graph."""
    return GraphRequest(
        collections=collection_values(options),
        where=options["where"],
        skip_existing_in=options["skip_existing_in"],
        skip_existing=options["skip_existing"],
        clobber=options["clobber"],
        constraint=options["constraint"],
        data_id_tables=options["data_id_tables"],
        retained_dataset_types=options["retained_dataset_types"],
        prune_unanchored=options["prune_unanchored_quanta"],
        node_ids=tuple(map(quantum_id, options["node_ids"])),
    )
