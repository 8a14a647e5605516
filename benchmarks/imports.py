"""What `import zoo` costs beyond torch, with every family: `python -m benchmarks.imports`.

Fresh interpreters import torch, then the zoo, and say how long each took: in processor time, so that work of
others does not count, and by the clock. Medians of five. Files are compiled beforehand, as they are after the
first import on any machine.
"""

import subprocess
import sys
from pathlib import Path
from statistics import median

import zoo

RUNS = 5
CHILD = """
import time
def timed(name):
    cpu, clock = time.process_time(), time.perf_counter()
    __import__(name)
    print(time.process_time() - cpu, time.perf_counter() - clock)
timed("torch")
timed("zoo")
"""


def measured() -> list[list[float]]:
    """Seconds of processor and clock for torch, and of both for the zoo."""
    command = [sys.executable, "-c", CHILD]
    run = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=True)
    return [list(map(float, line.split())) for line in run.stdout.splitlines()]


def main() -> None:
    runs = [measured() for _ in range(RUNS)]
    print(f"{'':6} {'processor':>10} {'clock':>10}   median of {RUNS}")
    for row, name in enumerate(("torch", "zoo")):
        cpu, clock = (median(run[row][column] for run in runs) for column in (0, 1))
        print(f"{name:6} {cpu:8.3f} s {clock:8.3f} s")
    print(f"{len(zoo.FAMILIES)} families, {len(zoo.VARIANTS)} variants")


if __name__ == "__main__":
    main()
