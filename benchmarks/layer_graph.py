"""The layer graph in Chromium: time to drawn, time to open, and frames per second while dragging.

    python -m benchmarks.layer_graph

Three networks, each alone on a page of a throwaway Streamlit server: ResNet-50 as it appears (about 20
boxes), GoogLeNet with everything open (about 200), DenseNet-201 with everything open (about 700, and 2,500
edges). "drawn" counts from the request for the page to the graph on screen, Streamlit's own start included;
the row "empty" is that start alone. "layout" and "DOM" are the component's own times for the picture with
that many boxes; "open" is from the last click on "Open level" to the painted frame. Frames are counted while
a real mouse drags the graph, at reading size and after Fit. Medians of three loads.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, Page, sync_playwright

import zoo
import zoo.anatomy

ROOT = Path(__file__).parents[1]
NETWORKS = {"resnet50": False, "googlenet": True, "densenet201": True}  # name: open everything?
LOADS = 3
DRAG_STEPS = 90

PAGE = f"""
import json, sys
from pathlib import Path
sys.path.insert(0, {str(ROOT)!r})
import streamlit as st
from ui.components.layer_graph import layer_graph
st.set_page_config(layout="wide")
name = st.query_params.get("net")
if name:
    graph = json.loads(Path(f"{{name}}.json").read_text())
    layer_graph(graph, key="graph", selected=None, on_select=lambda: None)
else:
    st.write("empty")
"""

# At the second frame after a click its effect is on screen.
TIMED_CLICK = """button => new Promise(done => {
    const start = performance.now();
    button.click();
    requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - start)));
})"""
COUNT_FRAMES = """() => {
    window.frames = 0;
    const tick = () => { frames++; requestAnimationFrame(tick); };
    tick();
}"""


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """A Streamlit server on a free port, its address, and its end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--server.headless=true", "--server.fileWatcherType=none", "--browser.gatherUsageStats=false"]
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "page.py", f"--server.port={port}", *options],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}/"
    try:
        for _ in range(150):
            try:
                urllib.request.urlopen(address + "_stcore/health").close()
                break
            except OSError:
                time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait()


def load(page: Page, address: str, name: str) -> float:
    """Seconds from the request to the graph, or to the words of the empty page."""
    start = time.perf_counter()
    page.goto(f"{address}?net={name}" if name else address)
    page.locator('.layer-graph[data-ready="1"]' if name else "text=empty").wait_for()
    return time.perf_counter() - start


def open_all(page: Page) -> float:
    """Opens level after level; milliseconds that the last one took."""
    button = page.get_by_label("Open one level more")
    took = 0.0
    while page.locator('.layer-graph [aria-expanded="false"]').count():
        took = button.evaluate(TIMED_CLICK)
    return took


def frames_per_second(page: Page) -> float:
    """While the mouse drags the graph up and down."""
    box = page.locator(".layer-graph .canvas").bounding_box()
    assert box is not None
    x, y = box["x"] + 40, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    start, before = time.perf_counter(), page.evaluate("() => frames")
    for step in range(DRAG_STEPS):
        page.mouse.move(x, y - 120 + abs(step % 40 - 20) * 12)
    rate: float = (page.evaluate("() => frames") - before) / (time.perf_counter() - start)
    page.mouse.up()
    return rate


def measure(browser: Browser, address: str, name: str) -> dict[str, float]:
    """One load of one network."""
    page = browser.new_page(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    try:
        row = {"drawn": load(page, address, name)}
        if not name:
            return row
        row["open"] = open_all(page) if NETWORKS[name] else float("nan")
        stat = json.loads(page.locator(".layer-graph").get_attribute("data-stat") or "{}")
        row |= {key: float(stat[key]) for key in ("visible", "links", "layout", "dom")}
        page.evaluate(COUNT_FRAMES)
        row["reading"] = frames_per_second(page)
        page.get_by_label("Fit the graph").click()
        row["fitted"] = frames_per_second(page)
        return row
    finally:
        page.close()


def main() -> None:
    chromium = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        (Path(folder) / "page.py").write_text(PAGE, encoding="utf-8")
        for name in NETWORKS:
            graph = zoo.anatomy.graph(zoo.anatomy.dissect(zoo.build(name), (3, 224, 224)), name)
            (Path(folder) / f"{name}.json").write_text(json.dumps(graph), encoding="utf-8")
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
        )
        with server(Path(folder)) as address:
            measure(browser, address, "")  # the first visit fills the browser's cache
            print(f"{'':12} {'boxes':>6} {'edges':>6} {'drawn':>8} {'layout':>8} {'DOM':>8} {'open':>8}"
                  f" {'drag, reading':>14} {'drag, fitted':>13}")  # fmt: skip
            for name in ("", *NETWORKS):
                loads = [measure(browser, address, name) for _ in range(LOADS)]
                row = {key: median(each[key] for each in loads) for key in loads[0]}
                line = f"{name or 'empty':12}"
                if name:
                    line += f" {row['visible']:6.0f} {row['links']:6.0f} {row['drawn']:6.2f} s"
                    line += f" {row['layout']:5.0f} ms {row['dom']:5.0f} ms"
                    line += f" {row['open']:5.0f} ms" if NETWORKS[name] else f" {'-':>8}"
                    line += f" {row['reading']:10.0f} fps {row['fitted']:8.0f} fps"
                else:
                    line += f" {'':13} {row['drawn']:6.2f} s"
                print(line)
        browser.close()


if __name__ == "__main__":
    main()
