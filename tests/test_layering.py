"""Imports point one way: app.py, pages -> ui -> training, viz -> zoo. Never sideways, never up.

So the zoo can be read without the app, a method tested without Streamlit, and a run trained without a server.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

BELOW = {
    "zoo": {"zoo"},
    "viz": {"viz", "zoo"},
    "training": {"training", "zoo"},
    "ui": {"ui", "training", "viz", "zoo"},
    "pages": {"ui", "training", "viz", "zoo"},  # not "pages": a page is nobody's library
    "app.py": {"ui"},
}
ROOMS = {*BELOW, "app", "tests", "benchmarks"}  # what an import may name; all else comes from outside
SEES_STREAMLIT = {"ui", "pages", "app.py"}
FILES = [Path("app.py")] + [
    path.relative_to(ROOT) for room in BELOW for path in sorted((ROOT / room).rglob("*.py"))
]
PAGES = [path for path in FILES if path.parts[0] == "pages"]


def imported(source: str) -> list[str]:
    """The dotted names that a file imports, wherever in the file it does so."""
    names = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:  # a relative import stays in its room
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def offences(path: Path, source: str) -> list[str]:
    """The imports that a file at this path may not have."""
    room = path.parts[0]
    forbidden = (ROOMS - BELOW[room]) | (set() if room in SEES_STREAMLIT else {"streamlit"})
    if room == "pages" or path.parts[:2] == ("viz", "figures"):
        forbidden |= {"torch", "torchvision"}  # pages call ui, figures draw numpy
    return [name for name in imported(source) if name.partition(".")[0] in forbidden]


@pytest.mark.parametrize("path", FILES, ids=str)
def test_imports_point_down(path: Path) -> None:
    assert offences(path, (ROOT / path).read_text()) == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("zoo/families/vgg.py", "import viz.cam"),
        ("viz/cam.py", "def f():\n    from training import loop"),
        ("viz/figures/heat.py", "import torch.nn as nn"),
        ("training/loop.py", "import streamlit as st"),
        ("ui/cached.py", "from pages import gallery"),
        ("pages/gallery.py", "from pages.inspect import table"),
        ("pages/gallery.py", "from torch import nn"),
        ("app.py", "import zoo"),
    ],
)
def test_a_wrong_import_is_found(path: str, source: str) -> None:
    assert len(offences(Path(path), source)) == 1


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_page_starts_with_the_guard(path: Path) -> None:
    body = ast.parse((ROOT / path).read_text()).body
    statements = [ast.unparse(node) for node in body[1:] if not isinstance(node, ast.Import | ast.ImportFrom)]
    assert statements[0] == "shell.guard()", "the page is not safe to open by its address"


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_page_is_short(path: Path) -> None:
    lines = len((ROOT / path).read_text().splitlines())
    assert lines <= 100, "what is not control, call, figure or words belongs in ui/ or viz/"
