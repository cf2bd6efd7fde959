# SPDX-License-Identifier: BSD-3-Clause
"""The program ``pipetask``: building and running quantum graphs on one machine."""

from typing import TYPE_CHECKING

from pachon.base import lazy_exports

if TYPE_CHECKING:
    from pachon.ctrl_mpexec.run_graph import run_quantum_graph as run_quantum_graph
    from pachon.ctrl_mpexec.run_options import RunOptions as RunOptions
    from pachon.ctrl_mpexec.run_report import QuantaFailedError as QuantaFailedError
    from pachon.ctrl_mpexec.run_report import RunReport as RunReport
    from pachon.ctrl_mpexec.scheduler import Schedule as Schedule

__all__ = ["QuantaFailedError", "RunOptions", "RunReport", "Schedule", "run_quantum_graph"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "QuantaFailedError": "pachon.ctrl_mpexec.run_report",
        "RunOptions": "pachon.ctrl_mpexec.run_options",
        "RunReport": "pachon.ctrl_mpexec.run_report",
        "Schedule": "pachon.ctrl_mpexec.scheduler",
        "run_quantum_graph": "pachon.ctrl_mpexec.run_graph",
    },
)
