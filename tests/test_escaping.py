"""Words from outside stay words: names of classes, runs and files are never HTML, Markdown or script."""

import html
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from tests import synthetic
from tests.opening import opened
from training import own
from training.events import Event, Started
from training.pool import Pool
from training.runs import Runs
from ui import cached, evidence, predictions, prose, rows, stem_views
from viz.figures import attention, data, invariance
from viz.figures.agreement import agreement

ROOT = Path(__file__).parents[1]
SOURCES = [ROOT / "app.py", *(ROOT / "pages").rglob("*.py"), *(ROOT / "ui").rglob("*.py")]
SCRIPTS = [path for kind in ("*.js", "*.html") for path in (ROOT / "ui").rglob(kind)]
SCRIPTED = {"cards.py"}  # its two scripts are the Gallery's own
INTO_HTML = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|srcdoc|\beval\(|new Function"

PUNCTUATION = r"[!-/:-@\[-`{-~]"

TAG, LINK = "<img src=x onerror=alert(1)>", "![x](e.png)"  # a class is a folder: no slash in either
NAME = f"{TAG}{LINK}"


def test_no_page_takes_html_for_markdown() -> None:
    assert [path.name for path in SOURCES if "unsafe_allow_html" in path.read_text()] == []


def test_no_page_but_the_gallery_runs_scripts_of_its_own() -> None:
    assert {path.name for path in SOURCES if "unsafe_allow_javascript" in path.read_text()} == SCRIPTED


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_component_makes_html_of_text(path: Path) -> None:
    assert re.findall(INTO_HTML, path.read_text()) == []


class Tags(HTMLParser):
    """The elements of a piece of HTML, and what it says besides."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


anything = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40) | st.sampled_from(
    [NAME, "</td><script>alert(1)</script>", '" onmouseover="alert(1)', "&lt;b&gt;", "<!--", "]]>", "'"]
)


@settings(deadline=None, derandomize=True)
@given(anything)
def test_html_of_ours_says_any_name_letter_by_letter(name: str) -> None:
    row = predictions.Row(place=1, name=name, probability=0.5, logit=1.0, mark=name, chosen=True)
    plate = evidence.Plate(title=name, picture=name, alt=name, note=name, colour="#000")
    for shown, plain in (
        (predictions.table([row], "Title"), predictions.table([replace(row, name="x", mark="x")], "Title")),
        (
            evidence.row([plate], least=1),
            evidence.row([replace(plate, title="x", picture="x", note="x")], least=1),
        ),
        (rows.markup([{"Class": name}], name), rows.markup([{"Class": "x"}], "x")),
        (stem_views.figure(None, None, name, name), stem_views.figure(None, None, "x", "x")),
    ):
        found, expected = Tags(shown), Tags(plain)
        assert [tag for tag, _ in found.elements] == [tag for tag, _ in expected.elements]
        assert [set(each) for _, each in found.elements] == [set(each) for _, each in expected.elements]
        assert name in found.text


@settings(deadline=None, derandomize=True)
@given(anything)
def test_markdown_behind_literal_says_any_text_letter_by_letter(text: str) -> None:
    shown = prose.literal(text)
    assert re.sub(rf"\\({PUNCTUATION})", r"\1", shown) == " ".join(text.split())
    assert not re.search(PUNCTUATION, re.sub(rf"\\{PUNCTUATION}", "", shown))


def test_charts_say_names_letter_by_letter() -> None:
    """Plotly takes tags in its texts for tags."""
    line = invariance.Line(name=NAME, x=[0.0, 1.0], y=np.array([0.0, 1.0]))
    for figure in (
        data.balance([NAME, "x"], [1, 2], [1, 2]),
        agreement([NAME, "x"], np.eye(2)),
        attention.lens(np.zeros((3, 2)), [NAME, "x"]),
        invariance.curves([line], title="", axis="", y=""),
        invariance.bars([NAME], [0.5], title="", axis=""),
    ):
        drawn = json.dumps(figure.to_plotly_json(), default=str)
        assert html.escape(TAG) in drawn
        assert TAG not in drawn


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runs]:
    """A data set and a run whose names and classes somebody has chosen with care."""
    monkeypatch.setenv("ZOOLENS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("ZOOLENS_RUNS", str(tmp_path / "runs"))
    for name in (NAME, "plain"):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for number in range(6):
            Image.effect_noise((32, 32), 10 * number).save(tmp_path / "pictures" / name / f"{number}.png")
    own.add(tmp_path / "pictures", "theirs")

    def told() -> Iterator[Event]:
        for event in synthetic.events():
            yield replace(event, classes=(NAME, *event.classes[1:])) if isinstance(event, Started) else event

    id = synthetic.write(tmp_path / "runs", told=told())
    meta = tmp_path / "runs" / id / "meta.json"
    meta.write_text(json.dumps(json.loads(meta.read_text()) | {"title": NAME}))
    pool = Pool(Runs(tmp_path / "runs"), keep_warm=False)
    monkeypatch.setattr(cached, "pool", lambda: pool)
    cached.kept_runs.clear()
    yield pool.runs
    pool.close()


PAGES = {
    "data": ("data", {"set": "own:theirs"}),
    "a run": ("train", {"run": "made-up"}),
    "a race": ("race", {"runs": "made-up;made-up"}),
    "evolution": ("evolution", {"run": "made-up"}),
    "maps": ("cam", {"net": "resnet_classroom,weights:shipped:resnet_shapes", "photo": "own:theirs:1:1"}),
    "many": ("many", {"nets": "lenet,weights:shipped:lenet_shapes", "photo": "own:theirs:1:1"}),
    "a class": ("cam", {"net": "resnet_classroom,weights:shipped:resnet_shapes", "class": NAME}),
}


@pytest.mark.slow
@pytest.mark.parametrize(("page", "query"), PAGES.values(), ids=PAGES)
@pytest.mark.usefixtures("outside")
def test_pages_say_hostile_names_letter_by_letter(app: AppTest, page: str, query: dict[str, str]) -> None:
    assert unharmed(opened(app, page, **query)) or page == "race"  # whose lanes say what differs, and no name


@pytest.mark.slow
def test_the_name_of_an_uploaded_file(app: AppTest) -> None:
    page = opened(app, "cam", net="resnet_classroom,weights:shipped:resnet_shapes", photo="upload")
    file = io.BytesIO()
    Image.effect_noise((64, 64), 50).save(file, "PNG")
    page.file_uploader(key="cam.photo.upload").upload(f"{NAME}.png", file.getvalue(), "image/png").run()
    assert not page.exception
    assert unharmed(page)


def unharmed(page: AppTest) -> int:
    """How many elements show the name; AssertionError where it is anything but text."""
    shown = 0
    for node in (*page.main, *page.sidebar):
        kind, proto = node.type, getattr(node, "proto", None)
        texts = list(strings(proto)) if proto is not None else []
        shown += any("alert" in text for _, text in texts)
        for field, text in texts:
            if kind == "html":
                for _, attributes in Tags(text).elements:
                    assert not any(name.startswith("on") for name in attributes), text
                    assert attributes.get("src") not in ("x", "e.png"), text
            elif field in ("body", "label", "caption", "help", "content"):  # Markdown
                assert LINK not in text, (kind, field, text)
    return shown


def strings(proto: Any) -> Iterator[tuple[str, str]]:
    """All texts in a message, with the name of the field that holds each."""
    for field, value in proto.ListFields():
        for each in value if field.is_repeated else [value]:
            if isinstance(each, str):
                yield field.name, each
            elif hasattr(each, "ListFields"):
                yield from strings(each)
