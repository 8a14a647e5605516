"""Shifted windows: the paper's numbers on the page, sizes of the reader's own, and odd addresses."""

import json
from functools import partial

import pytest
from streamlit.testing.v1 import AppTest

from tests import opening

opened = partial(opening.opened, page="swin")


def layout(page: AppTest) -> dict[str, object]:
    (component,) = page.get("bidi_component")
    drawn: dict[str, object] = json.loads(component.proto.json)["layout"]
    return drawn


def numbers(page: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


@pytest.mark.parametrize(
    ("title", "windows", "padded", "apart"),
    [
        ("8 × 8, the paper's toy", "4", "9", "43.8%"),
        ("Swin-T, stage 1: 56 × 56", "64", "81", "11.9%"),
        ("Swin-T, stage 2: 28 × 28", "16", "25", "23.0%"),
        ("Swin-T, stage 3: 14 × 14", "4", "9", "43.0%"),
        ("Swin-T, stage 4: 7 × 7", "1", "1", "0.0%"),
    ],
)
def test_numbers_of_the_paper(app: AppTest, title: str, windows: str, padded: str, apart: str) -> None:
    page = opened(app, map=title)
    found = numbers(page)
    assert found["Windows, rolled"] == windows
    assert found["Windows, padded instead"] == padded
    assert found["Pairs kept apart by the mask"] == apart
    proofs = [text.value for text in page.markdown if "the same mask" in text.value]
    assert len(proofs) == (title != "Swin-T, stage 4: 7 × 7")


def test_four_numbers_make_other_regions_and_the_same_mask(app: AppTest) -> None:
    page = opened(app)
    nine = layout(page)
    page.toggle("swin.four").set_value(True).run()
    four = layout(page)
    assert max(nine["regions"]) == 8  # type: ignore[call-overload]
    assert max(four["regions"]) == 3  # type: ignore[call-overload]
    assert nine["groups"] == four["groups"]


def test_mask_and_shift_can_be_switched_off(app: AppTest) -> None:
    page = opened(app)
    assert len(set(layout(page)["groups"])) == 9  # type: ignore[call-overload]
    page.toggle("swin.mask").set_value(False).run()
    assert len(set(layout(page)["groups"])) == 4  # type: ignore[call-overload]
    page.toggle("swin.shift").set_value(False).run()
    assert (layout(page)["up"], layout(page)["left"]) == (0, 0)
    assert any("Nothing is rolled" in info.value for info in page.info)


def test_sizes_that_need_padding(app: AppTest) -> None:
    drawn = layout(opened(app, map="Your own sizes"))
    assert (drawn["height"], drawn["width"], drawn["rows"], drawn["columns"]) == (10, 9, 12, 12)
    assert len(drawn["groups"]) == 90  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("query", "said"),
    [({"step": "x"}, "There is no step"), ({"token": "1;2"}, "There is no token")],
)
def test_odd_addresses_get_a_sentence(app: AppTest, query: dict[str, str], said: str) -> None:
    (warning,) = opened(app, **query).warning
    assert said in warning.value


def test_a_token_of_another_map_is_none_of_this_one(app: AppTest) -> None:
    (component,) = opened(app, token="40,40").get("bidi_component")
    assert json.loads(component.proto.json)["token"] == [0, 0]
