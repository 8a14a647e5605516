"""One picture, many networks: links, who is a stranger to photos, what is impossible; and the other way."""

import re
import time

import pytest
from streamlit.testing.v1 import AppTest

from ui import many, subject
from zoo import Specimen, weights

LENET = "lenet_classroom,weights:shipped:lenet_shapes"
RESNET = "resnet_classroom,weights:shipped:resnet_shapes"
PICTURES = "One network, many pictures"


def opened(app: AppTest, **query: str) -> AppTest:
    """The page when all that it has begun is done."""
    app.run()
    app.switch_page("pages/many.py")
    for name, value in query.items():
        app.query_params[f"many.{name}"] = value
    app.run()
    until = time.monotonic() + 50
    while (
        'class="wait"' in html(app) or ('<div class="zl-many-sheet">' in html(app) and not done(app))
    ) and (time.monotonic() < until):
        time.sleep(0.2)
        app.run()
    assert not app.exception
    return app


def html(page: AppTest) -> str:
    return "\n".join(part.proto.body for part in page.get("html"))


def done(page: AppTest) -> bool:
    return any("8 right" in text.value or "right or wrong" in text.value for text in page.markdown)


def test_each_network_answers_in_its_own_words(app: AppTest) -> None:
    page = opened(app, nets=f"{LENET};{RESNET}")
    assert not page.warning
    shown = html(page)
    assert re.findall(r"<h3>(.*?)</h3><p>(.*?)</p>", shown) == [
        ("LeNet, classroom size", "has learnt Shapes"), ("ResNet, classroom size", "has learnt Shapes"),
    ]  # fmt: skip
    assert shown.count("Without the square") == 2
    assert shown.count("data:image/jpeg") == 4
    assert "has learnt Shapes" in page.caption[0].value
    assert len(page.get("download_button")) == 3
    assert page.get("plotly_chart")
    page.button_group(key="many.maps").set_value("occlusion").run()
    assert not page.exception


def test_nobody_is_shown_where_the_reader_wants_nobody(app: AppTest) -> None:
    page = opened(app, nets="")
    assert "Choose a network" in page.info[0].value


def test_odd_addresses(app: AppTest) -> None:
    page = opened(
        app, nets=f"nothing;{LENET};resnet_classroom,weights:run:gone@last;lenet_classroom,classes:2"
    )
    nothing, gone = (warning.value for warning in page.warning)
    assert "nothing" in nothing
    assert "gone" in gone
    assert html(page).count("<article>") == 2
    assert "has learnt nothing yet" in html(page)


def test_only_the_first_eight(app: AppTest) -> None:
    page = opened(app, nets=";".join(f"lenet_classroom,classes:{count}" for count in range(2, 11)))
    assert "first 8 of 9" in page.warning[0].value
    assert html(page).count("<article>") == 8


def test_those_who_know_photos_come_first() -> None:
    imagenet = Specimen("efficientnet_lite0", weights="imagenet")
    shapes = weights.specimen_of("shipped:lenet_shapes")
    assert many.first([imagenet, shapes]) == [imagenet, shapes]  # one alone has nobody to agree with
    other = Specimen("mobilenet_v2", weights="imagenet")
    assert many.first([imagenet, shapes, other]) == [imagenet, other]
    assert len(many.first([shapes] * 20)) == many.MOST


def test_one_network_many_pictures(app: AppTest) -> None:
    page = opened(app, view=PICTURES, net=RESNET, source="Shapes", count="8")
    shown = html(page)
    assert shown.count("<figure>") == 8
    right = shown.count('class="right"')
    assert f"**{right} of 8 right**" in page.markdown[1].value
    assert right >= 6


@pytest.mark.parametrize("net", [RESNET])
def test_samples_have_no_label_for_a_network_of_shapes(app: AppTest, net: str) -> None:
    page = opened(app, view=PICTURES, net=net)
    assert html(page).count("<figure>") >= 5
    assert "nothing here is right or wrong" in page.markdown[1].value


def test_words_of_the_address_are_those_of_the_networks() -> None:
    assert subject.token(subject.parse(RESNET)) == RESNET


def test_networks_of_one_title_are_told_apart() -> None:
    one, other = Specimen("lenet_classroom"), weights.specimen_of("shipped:lenet_shapes")
    assert many.names([other]) == ["LeNet, classroom size"]
    assert many.names([one, other]) == [
        "LeNet, classroom size: lenet_classroom", "LeNet, classroom size: lenet_shapes",
    ]  # fmt: skip
