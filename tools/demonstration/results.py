# SPDX-License-Identifier: BSD-3-Clause
"""What the demonstration shows at its end: where things are, pictures, tables, and which calibration is used when."""

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt  # the backend is chosen first
import numpy as np
from astropy.visualization import ZScaleInterval

from pachon.butler import Butler


def show_results(output: Path) -> None:
    """Write the pictures and tables of a finished demonstration, and print where they are."""
    with Butler.open(str(output / "repo"), collections=["demo/science"]) as butler:
        print_calibrations(butler)
        coadds = sorted(butler.query_datasets("coadd", collections=["demo/science"]), key=lambda ref: ref.data_id)
        best = max(coadds, key=lambda ref: depth(butler, ref))
        draw_coadd(butler, best, output / "coadd.png")
        table = butler.get("coadd_catalog", best.data_id)
        table.write(output / "coadd-sources.ecsv", overwrite=True)
        print_sources(table, best)
        print_summaries(butler)
        has_zero_points = draw_zero_points(butler, output / "zero-points.png")
    print("\nFiles:")
    for name, what in (
        ("repo", "the repository; try: butler query-datasets repo --collections demo/science"),
        ("coadd.png", "the deepest coadd beside one raw frame of it"),
        ("coadd-sources.ecsv", "its sources"),
        ("zero-points.png", "zero points of the frames with standard stars"),
        ("pipeline.svg", "the pipeline graph"),
        ("graph.svg", "the quantum graph"),
        ("science.qg", "the quantum graph, to be shown or run again"),
        ("run-summary.json", "what became of each quantum"),
    ):
        if (output / name).exists() and (name != "zero-points.png" or has_zero_points):
            print(f"  {output / name}  {what}")


def depth(butler: Butler, ref: Any) -> int:
    """Give the largest number of images in a coadd."""
    counts = butler.get("coadd_n_images", ref.data_id)
    return int(counts.max())


def print_calibrations(butler: Butler) -> None:
    """Show which master calibration answers for the science frames of each night."""
    (instrument,) = butler.query_dimension_records("instrument")
    shown: set[tuple[int, str]] = set()
    print("\nCalibrations by validity range (find_dataset):")
    for visit in butler.query_dimension_records("visit", where=f"instrument='{instrument.name}'", order_by=["visit"]):
        key = (visit.day_obs, visit.physical_filter)
        if key in shown:
            continue
        shown.add(key)
        for kind in ("bias", "flat"):
            ref = butler.find_dataset(
                kind,
                instrument=instrument.name,
                detector=0,
                physical_filter=visit.physical_filter,
                collections=[f"{instrument.name}/calib/default"],
                timespan=visit.timespan,
            )
            found = "none" if ref is None else ref.run
            print(f"  night {visit.day_obs}, filter {visit.physical_filter}: {kind:4s} of run {found}")


def draw_coadd(butler: Butler, ref: Any, path: Path) -> None:
    """Draw a coadd beside a raw frame that went into it."""
    coadd = butler.get(ref)
    warps = list(butler.query_datasets("warp", collections=["demo/science"], data_id=ref.data_id.required))
    visit = warps[0].data_id
    raw_ref = next(
        iter(
            butler.query_datasets(
                "raw",
                collections=[f"{visit['instrument']}/raw/all"],
                where=f"instrument='{visit['instrument']}' AND visit={visit['visit']}",
            )
        )
    )
    raw = butler.get(raw_ref)
    figure, axes = plt.subplots(1, 2, figsize=(14, 7.4), layout="constrained")
    pixels = np.asarray(coadd.data, dtype=float)
    if coadd.mask is not None:
        pixels = np.where(coadd.mask, np.nan, pixels)
    for axis, image, title in (
        (axes[0], np.asarray(raw.data, dtype=float), f"raw frame, exposure {raw_ref.data_id['exposure']}"),
        (axes[1], cropped(pixels), f"coadd of {len(warps)} visits, band {ref.data_id['band']}"),
    ):
        low, high = ZScaleInterval().get_limits(image[np.isfinite(image)])
        colours = plt.get_cmap("gray").with_extremes(bad="0.3")
        axis.imshow(image, origin="lower", cmap=colours, vmin=low, vmax=high, interpolation="nearest")
        axis.set_title(title)
        axis.set_xlabel("x (pixels)")
        axis.set_ylabel("y (pixels)")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def cropped(image: np.ndarray) -> np.ndarray:
    """Cut away the borders of an image that hold no data (NaN)."""
    there = np.isfinite(image)
    rows, columns = np.flatnonzero(there.any(axis=1)), np.flatnonzero(there.any(axis=0))
    if not len(rows):
        return image
    return image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def print_sources(table: Any, ref: Any) -> None:
    """Print the brightest sources of a coadd."""
    flux = next(name for name in table.colnames if "flux" in name.lower() and "err" not in name.lower())
    bright = table[np.argsort(np.asarray(table[flux], dtype=float))[::-1][:10]]
    names = [name for name in table.colnames if table[name].ndim == 1][:9]
    print(f"\nThe brightest of {len(table)} sources in the coadd {ref.data_id}:")
    print("\n".join(f"  {line}" for line in bright[names].pformat(max_width=110)))


def print_summaries(butler: Butler) -> None:
    """Print the summary tables of all tracts."""
    print("\nSummary of each tract:")
    for ref in sorted(butler.query_datasets("tract_summary", collections=["demo/science"]), key=lambda r: r.data_id):
        table = butler.get(ref)
        print(f"  tract {ref.data_id['tract']}")
        print("\n".join(f"    {line}" for line in table.pformat(max_width=130)))


def draw_zero_points(butler: Butler, path: Path) -> bool:
    """Draw the zero points of all visits that have one; say whether there are any."""
    found: list[tuple[int, str, float, float]] = []
    for ref in butler.query_datasets("zero_point", collections=["demo/science"]):
        meta = butler.get(ref).meta
        found.append(
            (int(ref.data_id["visit"]), str(ref.data_id["band"]), meta["zero_point"], meta["zero_point_error"])
        )
    if not found:
        return False
    figure, axis = plt.subplots(figsize=(8, 5), layout="constrained")
    found.sort()
    place = {visit: i for i, visit in enumerate(dict.fromkeys(row[0] for row in found))}
    for band in sorted({row[1] for row in found}):
        rows = [row for row in found if row[1] == band]
        axis.errorbar(
            [place[r[0]] for r in rows], [r[2] for r in rows], yerr=[r[3] for r in rows], fmt="o", capsize=3, label=band
        )
    axis.set_xticks(list(place.values()), [str(visit) for visit in place], rotation=45, ha="right")
    axis.set_xlabel("visit")
    axis.set_ylabel("zero point (mag of 1 electron/s)")
    axis.legend(title="band")
    axis.grid(alpha=0.3)
    figure.savefig(path, dpi=110)
    plt.close(figure)
    return True
