# SPDX-License-Identifier: BSD-3-Clause
"""Run LSST's side of the benchmark and add the processor time of each phase to what it writes; run by its interpreter.

usage: peer_clock.py PEER.py OUT.json [arguments of PEER.py]

The script takes the time by the clock alone, with `time.perf_counter` before and after each phase. Here each of its calls notes the
processor time too. OUT.json gets a third table, CPU, beside its T and C.
"""

import json
import runpy
import sys
import time
from itertools import pairwise
from pathlib import Path

_plain = time.perf_counter
_marks: list[tuple[float, float]] = []


def main() -> None:
    script, out = sys.argv[1], Path(sys.argv[2])

    def noting() -> float:
        now = _plain()
        if sys._getframe(1).f_code.co_filename == script:
            _marks.append((now, time.process_time()))
        return now

    sys.argv = sys.argv[1:]
    sys.path.insert(0, str(Path(script).parent))
    time.perf_counter = noting
    runpy.run_path(script, run_name="__main__")
    cpu = {end - start: after - before for (start, before), (end, after) in pairwise(_marks)}
    found = json.loads(out.read_text())
    found["CPU"] = {name: cpu[seconds] for name, seconds in found["T"].items() if seconds in cpu}
    out.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
