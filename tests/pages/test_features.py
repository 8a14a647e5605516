"""The page Features: maps and tiles of a real network, links, and what is not defined for a network."""

import json
import re
import time
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from ui import cached, subject
from viz import deconvnet

NET = "zfnet_classroom,weights:shipped:zfnet_shapes"
GELU = "convnext_classroom"


def opened(app: AppTest, **query: str) -> AppTest:
    app.run()
    app.switch_page("pages/features.py")
    for name, value in ({"net": NET, "set": "shapes"} | query).items():
        app.query_params[f"features.{name}"] = value
    app.run()
    return finished(app)


def finished(page: AppTest) -> AppTest:
    """The page once all its maps are there."""
    assert not page.exception
    end = time.monotonic() + 90
    while len(cards(page)) < 16:
        assert time.monotonic() < end
        time.sleep(0.05)
        page.run()
        assert not page.exception
    return page


def cards(page: AppTest) -> list[dict[str, Any]]:
    found = page.get("bidi_component")
    return json.loads(found[0].proto.json)["cards"] if found else []


def said(page: AppTest) -> str:
    texts = (*page.markdown, *page.info, *page.warning, *page.caption)
    return "\n".join(text.value for text in texts)


def test_sixteen_maps_with_values_and_classes(app: AppTest) -> None:
    page = opened(app, layer="stages.4.relu")
    shown = cards(page)
    assert [card["title"] for card in shown] == [f"Map {number}" for number in range(16)]
    assert all(len(card["tiles"]) == 9 for card in shown)
    assert all(grid["uri"].startswith("data:image/jpeg") for card in shown for grid in card["grids"])
    awake = next(card for card in shown if card["aside"] != "asleep")
    rank, _, rest = awake["tiles"][0].partition(": ")
    label, value = rest.rsplit(", ", 1)
    assert rank == "1"
    assert label in cached.loaded(subject.parse(NET)).labels
    assert float(value) > 0


def test_a_tile_tells_the_truth(app: AppTest) -> None:
    page = opened(app, layer="stages.1.relu", map="20", tile="21.2")
    (chosen,) = [card for card in cards(page) if card["chosen"]]
    assert chosen["name"] == "20"
    assert cards(page)[0]["name"] == "16"
    specimen = subject.parse(NET)
    pictures = cached.picture_set("shapes", "", cached.loaded(specimen).preprocess)
    says = next(card for card in cards(page) if card["name"] == "21")["tiles"][1]
    (number,) = (
        int(found[1]) for text in page.caption if (found := re.search(r"of picture (\d+)", text.value))
    )
    projection = deconvnet.project(
        cached.loaded(specimen).model, pictures.tensor(number), "stages.1.relu", 21
    )
    assert says == f"2: {pictures.label(number)}, {projection.activation:.3g}"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"map": "64", "layer": "stages.1.relu"}, "no map"),
        ({"map": "-1"}, "no map"),
        ({"tile": "99.1"}, "no activation"),
        ({"tile": "1.10"}, "no activation"),
        ({"tile": "<b>"}, "no activation"),
        ({"set": "nowhere"}, "not on this disk"),
        ({"rule": "magic"}, "which there is not"),
    ],
)
def test_a_wrong_link_says_so_and_goes_on(app: AppTest, query: dict[str, str], words: str) -> None:
    page = opened(app, **query)
    assert words in said(page)


def test_next_and_by_number(app: AppTest) -> None:
    page = opened(app, layer="stages.2.relu")
    page.button(key="features.next").click().run()
    assert [card["name"] for card in cards(finished(page))][::15] == ["16", "31"]
    page.number_input(key="features.map.number").set_value(90).run()
    shown = cards(finished(page))
    assert [card["name"] for card in shown][::15] == ["80", "95"]
    assert [card["name"] for card in shown if card["chosen"]] == ["90"]
    assert page.button(key="features.next").disabled


def test_patches_alone_where_no_rule_is_defined(app: AppTest) -> None:
    page = opened(app, net=GELU)
    assert "GELU" in said(page)
    projections, patches = cards(page)[0]["grids"]
    assert projections["uri"] is None
    assert projections["why"] == "Not defined here."
    assert patches["uri"]
    page.segmented_control(key="features.rule").set_value("gradient").run()
    assert cards(finished(page))[0]["grids"][0]["uri"]


def test_patches_are_all_that_a_transformer_has(app: AppTest) -> None:
    page = opened(app, net="vit_classroom")
    (layer,) = page.selectbox(key="features.layer.list").options
    assert layer.startswith("Layer 1: ")
    assert "random filters" in said(page)
