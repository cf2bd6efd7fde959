# SPDX-License-Identifier: BSD-3-Clause
"""Task: summary of a tract."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pachon.pipe_base import Input, Output, PipelineTask, PipelineTaskConfig, PipelineTaskConnections, Struct

__all__ = ["SummaryConfig", "SummaryConnections", "SummaryTask"]


class SummaryConnections(PipelineTaskConnections, dimensions=("instrument", "skymap", "tract")):
    """All that was measured in a tract."""

    catalogs = Input(
        name="source_catalog",
        storage_class="AstropyTable",
        dimensions=("instrument", "visit", "detector"),
        multiple=True,
        defer_load=True,
        doc="Sources of the visits.",
    )
    registration = Input(
        name="registration",
        storage_class="AstropyTable",
        dimensions=("instrument", "skymap", "tract"),
        doc="Registration of the visits.",
    )
    zero_points = Input(
        name="zero_point",
        storage_class="AstropyTable",
        dimensions=("instrument", "visit"),
        multiple=True,
        defer_load=True,
        minimum=0,
        doc="Zero points of the visits that have one.",
    )
    coadd_catalogs = Input(
        name="coadd_catalog",
        storage_class="AstropyTable",
        dimensions=("skymap", "tract", "patch", "band"),
        multiple=True,
        defer_load=True,
        minimum=0,
        doc="Sources of the coadds.",
    )
    summary = Output(
        name="tract_summary",
        storage_class="AstropyTable",
        dimensions=("instrument", "skymap", "tract"),
        doc="A row a visit and a row a coadd: depth, seeing, registration, zero point, number of sources.",
    )


class SummaryConfig(PipelineTaskConfig, connections=SummaryConnections):
    """Configuration of `SummaryTask`."""


class SummaryTask(PipelineTask):
    """Gather depth, seeing, registration, zero points and numbers of sources of a tract."""

    config_class = SummaryConfig
    default_name = "summary"
    config: SummaryConfig

    def run(
        self,
        *,
        catalogs: Sequence[Any],
        registration: Any,
        zero_points: Sequence[Any] = (),
        coadd_catalogs: Sequence[Any] = (),
    ) -> Struct:
        """Make the table; all inputs but the registration are handles."""
        from pachon.pipe_tasks.tract_summary import summarize_tract

        by_visit: dict[int, dict[int, Any]] = {}
        for handle in catalogs:
            by_visit.setdefault(int(handle.data_id["visit"]), {})[int(handle.data_id["detector"])] = handle.get()
        table = summarize_tract(
            by_visit,
            registration,
            {int(handle.data_id["visit"]): handle.get() for handle in zero_points},
            {(int(h.data_id["patch"]), str(h.data_id["band"])): h.get() for h in coadd_catalogs},
        )
        self.log.info(
            "%d of %d visits used, %d coadds, median registration rms %.3f pixels",
            table.meta["n_used"],
            table.meta["n_visits"],
            table.meta["n_coadds"],
            table.meta["median_rms"],
        )
        return Struct(summary=table)
