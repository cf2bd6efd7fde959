# SPDX-License-Identifier: BSD-3-Clause
"""``butler simulate-raws``."""

import click

from pachon.base.counting import counted


@click.command("simulate-raws")
@click.argument("directory")
@click.option("--seed", type=int, default=1, show_default=True, help="All that is random follows from it.")
@click.option(
    "--visits", type=click.IntRange(min=0), default=4, show_default=True, help="Science exposures a filter and night."
)
@click.option("--biases", type=click.IntRange(min=0), default=5, show_default=True, help="Bias frames a night.")
@click.option("--flats", type=click.IntRange(min=0), default=4, show_default=True, help="Flats a filter and night.")
@click.option(
    "--multi-extension", is_flag=True, help="One file an exposure with a detector an HDU; else one file a detector."
)
def simulate_raws(*, directory: str, seed: int, visits: int, biases: int, flats: int, multi_extension: bool) -> None:
    """Make raw frames of a simulated four-CCD camera.

    DIRECTORY must be new or empty. The truth is in its folder truth: all stars, the standard stars, and the pointing,
    seeing and zero point of each exposure. The instrument is called simcam.
    """
    from pathlib import Path

    from pachon.obs_base.simcam.instrument import SimCam
    from pachon.obs_base.simcam.plan import SimulationPlan
    from pachon.obs_base.simcam.simulate import simulate_raws as simulate

    plan = SimulationPlan(seed=seed, visits=visits, biases=biases, flats=flats)
    files = simulate(Path(directory), SimCam().camera, plan, multi_extension=multi_extension)
    click.echo(f"Made {counted(len(files), 'raw file')} in {directory}; the truth is in {directory}/truth.")
