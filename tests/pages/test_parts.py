"""The page Parts and ablations: real numbers, links, marks of one's own, and what cannot be."""

import json
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest

import zoo
from tests import opening
from ui import part_sets, parts
from viz import images
from viz.correspondence import RANDOM, Consistency, correspond

SMALL = "lenet_classroom,weights:shipped:lenet_shapes"
OWN = "shapes:arrow:2:alike~100.100_200.200_300.300_400.400_500.500_600.600"


opened = partial(opening.opened, page="parts")


def marks(page: AppTest) -> dict[str, Any]:
    (component,) = page.get("bidi_component")
    return json.loads(component.proto.json)


def said(page: AppTest) -> str:
    return "\n".join(text.value for text in page.markdown)


def test_it_opens_on_real_parts_of_drawn_arrows(app: AppTest) -> None:
    page = opened(app)
    data = marks(page)
    assert [part["name"] for part in data["parts"]] == ["tip", "upper barb", "tail"]
    assert len(data["pictures"]) == 5
    posed = part_sets.drawn("arrow", 5, "alike").places
    np.testing.assert_allclose(np.array(data["marks"]) / 1000, posed.transpose(1, 0, 2), atol=1e-3)
    assert said(page).count("random ones:") == 2
    assert not page.warning
    assert not page.error


def test_numbers_are_those_of_the_method(app: AppTest) -> None:
    page = opened(app, net=SMALL, shape="Star", count="3")
    loaded = zoo.load(zoo.weights.specimen_of("shipped:lenet_shapes"))
    chosen = part_sets.drawn("star", 3, "alike")
    side = loaded.preprocess.size
    edge = round(side / 5)
    boxes = {}
    for at, name in enumerate(chosen.parts):
        corners = np.clip(np.rint(side * chosen.places[at] - edge / 2), 0, side - edge).astype(int)
        boxes[name] = [(x, y, x + edge, y + edge) for x, y in corners.tolist()]
    pictures = torch.cat([loaded.preprocess(photo.image) for photo in chosen.photos])
    path = page.selectbox(key="parts.top.lenet_classroom").value
    assert path is not None
    found = correspond(loaded.model, pictures, boxes, [path], cover=torch.zeros(1))[path]
    mean = np.mean([each.delta for name, each in found.items() if name != RANDOM])
    assert f"random ones: {mean:.3f} against" in said(page)


def test_marks_of_ones_own_stand_in_the_address_and_can_be_put_back(app: AppTest) -> None:
    before = said(opened(app, net=SMALL, count="2"))
    page = opened(app, net=SMALL, count="2", marks=OWN)
    assert marks(page)["marks"][1] == [[400, 400], [500, 500], [600, 600]]
    assert said(page) != before
    assert "Two pictures make one pair" in "\n".join(each.value for each in page.caption)
    page.button(key="parts.back").click().run()
    assert marks(page)["marks"][1] != [[400, 400], [500, 500], [600, 600]]
    assert said(page) == before


def test_marks_of_other_pictures_are_not_taken(app: AppTest) -> None:
    page = opened(app, net=SMALL, count="2", shape="Star", marks=OWN)
    assert marks(page)["marks"][1] != [[400, 400], [500, 500], [600, 600]]
    assert not page.warning


@pytest.mark.parametrize("odd", ["", "1.2", "a.b_" * 6, "9.9_" * 200, "1.2_3.4_5.6_1.2_3.4_99999.1"])
def test_odd_marks(app: AppTest, odd: str) -> None:
    page = opened(app, net=SMALL, count="2", marks=f"shapes:arrow:2:alike~{odd}")
    (warning,) = page.warning
    assert "marks that these pictures cannot have" in warning.value


def test_two_faces(app: AppTest) -> None:
    page = opened(app, net=SMALL, **{"from": "Two faces"})
    assert [part["name"] for part in marks(page)["parts"]] == ["left eye", "right eye", "nose"]
    assert "never seen a face" in "\n".join(each.value for each in page.caption)


def test_items_of_a_data_set_are_marked_by_the_reader(app: AppTest) -> None:
    page = opened(app, net=SMALL, **{"from": "A data set"})
    assert [part["name"] for part in marks(page)["parts"]] == ["first part", "second part", "third part"]
    assert "Mark the parts yourself" in "\n".join(each.value for each in page.caption)


def test_pictures_of_ones_own(app: AppTest) -> None:
    page = opened(app, net=SMALL, **{"from": "My own"})
    assert not page.get("bidi_component")
    assert "two pictures or more" in page.info[0].value
    for at in range(3):
        content = images.png(Image.new("RGB", (40 + at, 50), (at, 90, 90)))
        page.file_uploader[0].upload(f"{at}.png", content, "image/png")
    page.file_uploader[0].upload("no.png", b"nothing", "image/png").run()
    assert not page.exception
    assert "cannot be used" in page.warning[0].value
    assert len(marks(page)["pictures"]) == 3


def test_a_network_that_has_learned_nothing_says_so(app: AppTest) -> None:
    page = opened(app, net="lenet_classroom")
    assert "has not learned anything" in page.info[0].value


def test_the_sentence_below_a_chart() -> None:
    def layer(*deltas: float) -> dict[str, Consistency]:
        names = ["one", "other", RANDOM]
        return {
            name: Consistency(distances=delta * (1 - np.eye(2)), chance=0.5, changed=1)
            for name, delta in zip(names, deltas, strict=True)
        }

    def verdict(*deltas: float) -> str:
        return parts.verdict(parts.bars(layer(*deltas)))

    assert "**50% less** than random ones: 0.100 against 0.200." in verdict(0.1, 0.1, 0.2)
    assert "**no less**" in verdict(0.2, 0.2, 0.2)
    assert "Nothing in this layer" in verdict(0, 0, 0)


def test_the_table_and_the_sheet() -> None:
    group = parts.bars(
        {
            "one": Consistency(distances=np.array([[0, 0.1], [0.1, 0]]), chance=0.5, changed=0.7),
            RANDOM: Consistency(distances=np.array([[0, 0.2], [0.2, 0]]), chance=0.5, changed=0.7),
        }
    )
    rows = parts.table({"conv5": group})
    assert [row["delta"] for row in rows] == [0.1, 0.2]
    assert rows[1]["part"] == "random parts"
    assert rows[0]["standard_error"] is None


def test_table_3_stands_below_and_leads_to_its_races(app: AppTest) -> None:
    page = opened(app, net=SMALL)
    (table,) = [each for each in page.get("html") if "71.3 %" in each.proto.body]
    assert "97.3 k" in table.proto.body
    links = [each.proto for each in page.get("page_link") if each.proto.label.startswith("Race: ")]
    assert [link.page for link in links] == ["race", "race"]
    assert "race.preset=ZFNet+without+some+of+its+layers" in links[0].query_string
