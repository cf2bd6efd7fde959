# SPDX-License-Identifier: BSD-3-Clause
"""Settings of `define-visits` in the language of task configurations."""

from __future__ import annotations

from collections.abc import Iterable

from pachon.obs_base.instrument import Instrument
from pachon.obs_base.visit_region import BoresightRegion, VisitRegionPolicy
from pachon.pipe_base.config import ChoiceRegistry, Config, ConfigOverrider, RegistryChoice, choice_field
from pachon.pipe_base.instrument import override_files

__all__ = ["DefineVisitsConfig", "read_visits_config", "region_of_config"]

groupings = ChoiceRegistry()
regions = ChoiceRegistry()


@groupings.registered("one-to-one")
class OneToOneConfig(Config):
    """Every exposure is a visit."""


@groupings.registered("by-group-metadata")
class ByGroupMetadataConfig(Config):
    """Exposures of the same group are a visit."""


@groupings.registered("one-to-one-and-by-counter")
class ByCounterConfig(Config):
    """Every exposure is a visit, and those of one sequence are one more."""


@regions.registered("instrument")
class InstrumentRegionConfig(Config):
    """As the instrument says."""


@regions.registered("single-raw-wcs")
class BoresightRegionConfig(Config):
    """Polygons from boresight and rotation."""

    padding: int = 250
    """Pixels by which each detector is grown."""


class DefineVisitsConfig(Config):
    """How visits are defined."""

    groupExposures: RegistryChoice = choice_field(groupings, "one-to-one", doc="How exposures are grouped.")  # noqa: N815
    computeVisitRegions: RegistryChoice = choice_field(regions, "instrument", doc="How regions are made.")  # noqa: N815
    ignoreNonScienceExposures: bool = True  # noqa: N815
    """Whether exposures that do not see the sky are left out; else they are an error."""
    updateObsCoreTable: bool = True  # noqa: N815
    """Accepted for the sake of files that set it; there is no such table here."""


def read_visits_config(instrument: Instrument, files: Iterable[str] = ()) -> DefineVisitsConfig:
    """Give the configuration: defaults, then the instrument's overrides, then files, frozen."""
    config = DefineVisitsConfig()
    overrider = ConfigOverrider(config)
    for file in (*override_files(instrument, "defineVisits"), *files):
        overrider.run_file(file)
    config.freeze()
    return config


def region_of_config(config: DefineVisitsConfig) -> VisitRegionPolicy | None:
    """Give the policy that a configuration chooses; None: as the instrument says."""
    choice = config.computeVisitRegions
    if choice.name != "single-raw-wcs":
        return None
    active = choice.active
    assert isinstance(active, BoresightRegionConfig)
    return BoresightRegion(padding=active.padding)
