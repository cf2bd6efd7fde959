# SPDX-License-Identifier: BSD-3-Clause
from pachon.pipe_base import TaskMetadata, record_usage, timed_block


def test_every_mark_is_an_array_with_one_value_per_occurrence() -> None:
    metadata = TaskMetadata()
    record_usage(metadata, "prep")
    record_usage(metadata, "prep")
    expected = {
        "Utc", "CpuTime", "UserTime", "SystemTime", "MaxResidentSetSize", "MinorPageFaults", "MajorPageFaults",
        "BlockInputs", "BlockOutputs", "VoluntaryContextSwitches", "InvoluntaryContextSwitches",
    }  # fmt: skip
    assert {name.removeprefix("prep") for name in metadata.arrays} == expected
    assert all(len(values) == 2 for values in metadata.arrays.values())
    assert int(metadata.get_scalar("prepMaxResidentSetSize")) > 1_000_000


def test_a_block_is_recorded_even_if_it_fails() -> None:
    metadata = TaskMetadata()
    try:
        with timed_block(metadata, "work"):
            raise ValueError
    except ValueError:
        pass
    assert "workEndUtc" in metadata
