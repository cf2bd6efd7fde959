# SPDX-License-Identifier: BSD-3-Clause
from pachon.datasets import DatasetRef, DatasetType, Quantum, StorageClasses, new_id
from pachon.dimensions import DataCoordinate, DimensionUniverse
from pachon.pipe_base import PipelineTaskConnections
from pachon.pipe_base.connections import Input
from pachon.pipe_base.execution.context import ButlerQuantumContext
from pachon.pipe_base.testing import MemoryDatasets, MemoryHandle

UNIVERSE = DimensionUniverse.default()


class TwoConnections(PipelineTaskConnections, dimensions=("instrument",)):
    """The whole at once, and a component of the same dataset later."""

    image = Input(name="image", storage_class="CCDData", dimensions=("instrument",))
    wcs = Input(name="image.wcs", storage_class="WCS", dimensions=("instrument",), defer_load=True)


def test_a_dataset_and_its_component_are_read_each_as_its_connection_says():
    data_id = DataCoordinate.standardize(instrument="Cam", universe=UNIVERSE)
    image = DatasetRef(DatasetType("image", ["instrument"], "CCDData", universe=UNIVERSE), data_id, "run")
    wcs = image.with_dataset_type(image.dataset_type.component_type("wcs", StorageClasses.default()))
    quantum = Quantum(
        id=new_id(), task_label="two", data_id=data_id, inputs={"image": (image,), "wcs": (wcs,)}, outputs={},
        init_inputs={}, init_outputs={},
    )  # fmt: skip
    context = ButlerQuantumContext(MemoryDatasets({image.id: "pixels"}), quantum, TwoConnections())
    assert context.get(image) == "pixels"
    assert isinstance(context.get(wcs), MemoryHandle)
