"""The page of methods side by side: cards fill, scores, twins, badges, orders and links."""

import csv
import time
from functools import partial
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests import opening
from ui.method_cards import rank, signed
from ui.method_work import Card
from ui.methods import DEPTHS, depth_of
from viz.methods import BASELINES, METHODS

MEASURED = Path(__file__).parents[2] / "assets" / "measured" / "faithfulness.csv"
SMALL = "resnet_classroom,weights:shipped:resnet_shapes"  # 64 pixels: maps in no time


opened = partial(opening.opened, page="methods")


def finished(page: AppTest) -> AppTest:
    """The page when nothing is under way any more."""
    deadline = time.monotonic() + 90
    while any("maps, twins and scores are there" in text for text in progress(page)):
        assert time.monotonic() < deadline
        time.sleep(0.2)
        page.run()
        assert not page.exception
    return page


def progress(page: AppTest) -> list[str]:
    return [str(each.proto.text) for each in page.get("progress")]


def said(page: AppTest) -> str:
    return "\n".join(text.value for text in (*page.markdown, *page.caption))


def test_maps_fill_and_are_scored(app: AppTest) -> None:
    page = finished(opened(app, net=SMALL, scores="true"))
    text = said(page)
    for method in METHODS.values():
        assert f"**{method.title}**" in text
    assert "**Random**" in text
    assert text.count("ρ with its twin") == len(METHODS) - 2  # neither Score-CAM nor RISE is begun
    assert text.count("insertion 0.") == len(
        METHODS
    )  # of all but those two, and of the two that know nothing
    assert text.count("ρ with occlusion") == len(METHODS) - 1
    assert {button.key for button in page.button} >= {"methods.scorecam.go", "methods.rise.go"}
    assert "Whose map does not change" in "".join(each.value for each in page.subheader)


def test_the_scores_over_many_pictures(app: AppTest) -> None:
    """Of every method, and of what knows nothing."""
    page = opened(app, net=SMALL)
    with MEASURED.open() as file:
        rows = {row["method"]: row for row in csv.DictReader(file)}
    assert {*METHODS, *BASELINES} == set(rows)
    assert "Over many pictures" in [header.value for header in page.header]
    counts = " or ".join(sorted({row["insertion_n"] for row in rows.values()}, key=int))
    assert f"Over {counts} maps a method." in said(page)


def test_one_slow_map_begins_by_its_button(app: AppTest) -> None:
    page = opened(app, net=SMALL, show="Score-CAM", twin="no twin")
    assert "ms" not in said(page).partition("**Score-CAM**")[2].partition("\n")[0]
    page.button(key="methods.scorecam.go").click().run()
    finished(page)
    assert "ms" in said(page).partition("**Score-CAM**")[2].partition("\n")[0]


def test_what_is_not_defined_says_why(app: AppTest) -> None:
    page = finished(opened(app, net="vit_classroom", show="Deconvnet rule", twin="no twin"))
    assert "Not defined for this network" in said(page)
    assert "GELU" in said(page)
    assert not any("**Deconvnet rule** ·" in text.value for text in page.markdown)


def test_a_link_restores_the_controls(app: AppTest) -> None:
    page = opened(app, net=SMALL, order="Time", twin="1/4")
    assert page.select_slider(key="methods.twin").value == "1/4"
    assert not page.warning


def test_depths() -> None:
    assert [depth_of(share, 16) for share in DEPTHS] == [0, 1, 2, 4, 8, 12, 16]


def card(key: str, change: float | None) -> Card:
    return Card(
        method=METHODS[key], undefined=None, map=None, twin=None, curves=None, rank=None, change=change
    )


def test_cards_without_the_value_come_last() -> None:
    cards = [card("gradient", None), card("guided", 0.9), card("gradcam", 0.1), card("rise", float("nan"))]
    shown = sorted(cards, key=lambda each: rank("twin", each))
    assert [each.method.key for each in shown] == ["gradcam", "guided", "gradient", "rise"]
    assert [rank("listed", each) for each in cards] == [(False, 0.0)] * 4


@pytest.mark.parametrize(("value", "text"), [(0.314, "+0.31"), (-0.2, "−0.20"), (float("nan"), "–")])
def test_signed(value: float, text: str) -> None:
    assert signed(value) == text
