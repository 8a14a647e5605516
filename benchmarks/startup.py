"""From starting the server to its first page: `python -m benchmarks.startup [FOLDER]`.

A fresh server each time. Seconds from its start until /_stcore/health answers, until the Gallery is drawn in
Chromium, and for the same once more, in a second window; by the clock, and in processor time of the server,
so that work of others on the machine does not count. Then what importing its parts takes, in a process of its
own. Medians of three. FOLDER is another checkout, to compare. Processor time is Linux's.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, sync_playwright

from benchmarks.browsing import shown
from tests.browser import driver

RUNS = 3
STEPS = ("healthy", "first page drawn", "second window drawn")
PARTS = ("streamlit.web.cli", "pandas", "torch", "zoo", "ui.shell", "ui.cached", "torchvision")
CHILD = """
import importlib, logging, sys, time
logging.disable()  # Streamlit remarks that it has no server here
for name in sys.argv[1:]:
    cpu, clock = time.process_time(), time.perf_counter()
    importlib.import_module(name)
    print(time.process_time() - cpu, time.perf_counter() - clock)
"""


def started(browser: Browser, root: Path) -> list[tuple[float, float]]:
    """Seconds of processor and clock up to each step."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true"]
    command += [f"--server.port={port}", "--server.address=127.0.0.1"]
    found: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=root, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=os.environ | {"OMP_NUM_THREADS": "1", "ZOOLENS_RUNS": folder},
        )  # fmt: skip
        try:
            while not healthy(base):
                time.sleep(0.02)
            found.append((processor(process.pid), time.perf_counter() - began))
            for _ in STEPS[1:]:
                opened, before = time.perf_counter(), found[-1]
                page = browser.new_page()
                page.goto(base)
                shown(page.locator(".zl-card").first)
                found.append((processor(process.pid), before[1] + time.perf_counter() - opened))
        finally:
            process.terminate()
            process.wait()
    return found


def healthy(base: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(f"{base}/_stcore/health", timeout=5):
        return True
    return False


def processor(process: int) -> float:
    """Seconds that a process has computed so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def imported(root: Path) -> list[tuple[float, float]]:
    """Seconds of processor and clock for each part."""
    command = [sys.executable, "-c", CHILD, *PARTS]
    run = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    return [(float(cpu), float(clock)) for cpu, clock in map(str.split, run.stdout.splitlines())]


def table(names: tuple[str, ...], runs: list[list[tuple[float, float]]]) -> None:
    print(f"{'':22} {'processor':>10} {'clock':>10}   median of {RUNS}")
    for row, name in enumerate(names):
        cpu, clock = (median(run[row][column] for run in runs) for column in (0, 1))
        print(f"{name:22} {cpu:8.2f} s {clock:8.2f} s")


def main() -> None:
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else driver.ROOT
    with sync_playwright() as playwright:
        path = driver.chromium(playwright)
        if path is None:
            sys.exit(driver.NO_CHROMIUM)
        browser = driver.launch(playwright, path)
        print("since the start")
        table(STEPS, [started(browser, root) for _ in range(RUNS)])
        browser.close()
    print("importing, each beyond those before")
    table(PARTS, [imported(root) for _ in range(RUNS)])


if __name__ == "__main__":
    main()
