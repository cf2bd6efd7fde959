# SPDX-License-Identifier: BSD-3-Clause
"""The demonstration: shows each command as a user would type it, runs it, and ends with pictures and tables.

usage: run.py --top CHECKOUT [--data DIR] [--output DIR] [-j N]        (through tools/demo)
"""

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

MARK = "made-by-the-pachon-demonstration"


class DemoError(Exception):
    """Something that the user can mend."""


@dataclass
class Source:
    """The raw frames, and what belongs to them."""

    folder: Path
    instrument: str
    """Registered name."""
    standards: Path | None
    """Table of standard stars."""
    regex: str
    sky_map: tuple[str, ...]
    """Pixels and patches of the sky map, such that a field fits into one patch."""


@dataclass
class Demo:
    """One demonstration in an output folder."""

    output: Path
    processes: int
    seconds: list[tuple[str, float]] = field(default_factory=list)

    def run(self, *words: str) -> None:
        """Show a command and run it; stop if it fails."""
        print(f"\n$ {' '.join(map(quoted, words))}", flush=True)
        begin = time.monotonic()
        done = subprocess.run(words, cwd=self.output, check=False)
        self.seconds.append((" ".join(words[:2]), time.monotonic() - begin))
        if done.returncode:
            raise DemoError(f"the command above ended with exit code {done.returncode}.")

    def heading(self, text: str) -> None:
        """Begin a part."""
        print(f"\n== {text}", flush=True)


def quoted(word: str) -> str:
    """Quote a word for a shell, as a person would."""
    if "'" in word and not set(word) & set('"$`\\!'):
        return f'"{word}"'
    return shlex.quote(word)


def main() -> int:
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--top", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help="folder of raw frames of the Nickel camera (searched recursively)")
    parser.add_argument("--output", type=Path, help="where the repository and the results go")
    parser.add_argument("-j", "--processes", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    try:
        demonstrate(options)
    except DemoError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    return 0


def demonstrate(options: argparse.Namespace) -> None:
    begin = time.monotonic()
    data = find_data(options)
    demo = Demo(
        output=prepare_output(options.output or options.top / "demo-output"), processes=max(1, options.processes)
    )
    source = nickel_source(data) if data is not None else simulated_source(demo)
    print(f"Raw frames: {source.folder}\nResults:    {demo.output}")
    reduce_frames(demo, source)
    from results import show_results

    demo.heading("Results")
    show_results(demo.output)
    print("\nTime by command (s):")
    for name, seconds in demo.seconds:
        print(f"  {seconds:6.1f}  {name}")
    print(f"  {time.monotonic() - begin:6.1f}  in all")


def find_data(options: argparse.Namespace) -> Path | None:
    """Give the folder of raw frames, or `None` for simulated ones."""
    if options.data is not None:
        chosen = options.data
    elif os.environ.get("PACHON_DEMO_DATA"):
        chosen = Path(os.environ["PACHON_DEMO_DATA"])
    else:
        default = options.top.parent / "shared" / "data" / "nickel"
        return default.resolve() if default.is_dir() else None
    if not chosen.is_dir():
        raise DemoError(f"there is no folder {str(chosen)!r} with raw frames.")
    return chosen.resolve()


def prepare_output(folder: Path) -> Path:
    """Make an empty folder; one that an earlier demonstration made is emptied, another is left alone."""
    folder = folder.resolve()
    if folder.exists():
        if any(folder.iterdir()) and not (folder / MARK).exists():
            raise DemoError(f"{str(folder)!r} holds something that is not of an earlier demonstration; name another.")
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / MARK).touch()
    return folder


def nickel_source(folder: Path) -> Source:
    standards = folder / "reference" / "landolt_sa111.ecsv"
    return Source(
        folder=folder,
        instrument="nickel",
        standards=standards if standards.is_file() else None,
        regex=r"\.fits(\.fz)?$",
        # Regions of visits are padded by the error of the pointing, 0.03 degrees, which the map can do without.
        sky_map=(
            "skyMap.pixelScale=0.37",
            "skyMap.patchInnerDimensions=[1600, 1600]",
            "skyMap.patchBorder=0",
            "borderSize=-0.03",
        ),
    )


def simulated_source(demo: Demo) -> Source:
    demo.heading("A simulated camera, as there are no real frames")
    demo.run("butler", "simulate-raws", "raws")
    folder = demo.output / "raws"
    return Source(
        folder=folder,
        instrument="simcam",
        standards=folder / "truth" / "reference_stars.ecsv",
        regex=r"\.fits$",
        sky_map=("skyMap.pixelScale=0.5", "skyMap.patchInnerDimensions=[1800, 1800]", "skyMap.patchBorder=0"),
    )


def reduce_frames(demo: Demo, source: Source) -> None:
    """Run the main job."""
    progress = ["--progress"] if sys.stderr.isatty() else []
    demo.heading("A repository with an instrument and its raw frames")
    demo.run("butler", "create", "repo")
    demo.run("butler", "register-instrument", "repo", source.instrument)
    demo.run("butler", *progress, "ingest-raws", "repo", str(source.folder), "--regex", source.regex, "-t", "copy")
    demo.run("butler", "define-visits", "repo", source.instrument)
    demo.run("butler", "write-curated-calibrations", "repo", source.instrument, "default")
    demo.run("butler", "query-collections", "repo")
    name, nights = calibration_nights(demo.output)
    calibrations = f"{name}/calib/default"

    demo.heading("Master calibrations of each night, certified for their time")
    pipelines = f"resource://pachon.pipe_tasks/pipelines/{source.instrument}"
    for night in nights:
        run = f"{name}/calib/{night.day}"
        demo.run(
            "pipetask", *progress, "run", "-b", "repo", "-p", f"{pipelines}/calibration.yaml",
            "-i", f"{name}/raw/all,{calibrations}", "--output-run", run, "--register-dataset-types",
            "-j", str(demo.processes),
            "-d", f"instrument='{name}' AND exposure.day_obs={night.day} "
            "AND exposure.observation_type IN ('bias', 'flat')",
        )  # fmt: skip
        for kind in ("bias", "flat"):
            span = ["--begin-date", night.begin, *(["--end-date", night.end] if night.end else [])]
            demo.run("butler", "certify-calibrations", "repo", run, calibrations, kind, *span)

    demo.heading("A sky map, and stars of known brightness")
    settings = [word for setting in source.sky_map for word in ("-c", setting)]
    demo.run(
        "butler", "make-discrete-skymap", "repo", source.instrument, "--each-field", "--skymap-id", "demo", *settings
    )
    chain = [f"{name}/raw/all", calibrations, "skymaps"]
    if source.standards is not None:
        demo.run("butler", "ingest-reference-stars", "repo", str(source.standards), "standards")
        chain.append("refcats/standards")
    demo.run("butler", "collection-chain", "repo", f"{name}/defaults", ",".join(chain))

    demo.heading("From raw frames to coadds")
    demo.run(
        "pipetask", *progress, "run", "-b", "repo", "-p", f"{pipelines}/science.yaml", "-i", f"{name}/defaults",
        "-o", "demo/science", "-d", f"instrument='{name}' AND skymap='demo'", "--register-dataset-types",
        "-j", str(demo.processes), "--pipeline-svg", "pipeline.svg", "-q", "science.qg", "--qgraph-svg", "graph.svg",
        "--summary", "run-summary.json",
    )  # fmt: skip
    demo.run("butler", "query-datasets", "repo", "coadd", "--collections", "demo/science", "--find-first")
    demo.run("pipetask", "report", "repo", "science.qg")


@dataclass(frozen=True)
class Night:
    """A night with calibration frames, and the time for which its calibrations are to hold (ISO, TAI)."""

    day: int
    begin: str
    end: str | None


def calibration_nights(output: Path) -> tuple[str, list[Night]]:
    """Ask the repository for its instrument, and for the nights in which bias frames were taken."""
    from pachon.butler import Butler
    from pachon.dimensions.timespan import iso_from_ns

    with Butler.open(str(output / "repo")) as butler:
        (instrument,) = butler.query_dimension_records("instrument")
        where = f"instrument='{instrument.name}'"
        begins: dict[int, int] = {}
        with_bias: set[int] = set()
        for record in butler.query_dimension_records("exposure", where=where):
            begins[record.day_obs] = min(begins.get(record.day_obs, record.timespan.begin_ns), record.timespan.begin_ns)
            if record.observation_type == "bias":
                with_bias.add(record.day_obs)
    if not with_bias:
        raise DemoError("there are no bias frames among the raw frames; nothing can be calibrated.")
    days = sorted(with_bias)
    # Whole seconds, rounded down: the first frame of the night must lie inside.
    starts = [iso_from_ns(begins[day] // 10**9 * 10**9) for day in days]
    ends = [*starts[1:], None]
    return instrument.name, [Night(day, begin, end) for day, begin, end in zip(days, starts, ends, strict=True)]


if __name__ == "__main__":
    sys.exit(main())
