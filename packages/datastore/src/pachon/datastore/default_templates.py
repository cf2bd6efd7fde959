# SPDX-License-Identifier: BSD-3-Clause
"""The file templates of a datastore that configures none: the layout that the users of LSST's packages know."""

__all__ = ["DEFAULT_TEMPLATES"]

DEFAULT_TEMPLATES = {
    "default": (
        "{run:/}/{datasetType}.{component:?}/{tract:?}/{patch:?}/{day_obs|visit.day_obs|exposure.day_obs:?}/{band:?}/"
        "{subfilter:?}/{physical_filter:?}/{visit:?}/{exposure.obs_id|group:?}/"
        "{datasetType}_{component:?}_{instrument:?}_{tract:?}_{patch:?}_{band:?}_{physical_filter:?}_{visit:?}_"
        "{exposure.obs_id|group:?}_{detector.full_name:?}_{skymap:?}_{skypix:?}_{ssp_hypothesis_table:?}_"
        "{ssp_hypothesis_bundle:?}_{ssp_balanced_index:?}_{run}"
    ),
    "physical_filter+detector+exposure": (
        "{run:/}/{datasetType}.{component:?}/{day_obs|exposure.day_obs}/{exposure.obs_id}/"
        "{datasetType}_{component:?}_{instrument:?}_{physical_filter}_{exposure.obs_id}_{detector.full_name}_{run}"
    ),
}
"""Templates by lookup key."""
