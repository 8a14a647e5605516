"""Attention maps: what the page says of ViT and Swin, and of networks and addresses that it cannot show."""

import base64
import json
from functools import partial
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests import opening

SWIN = "swin_classroom,weights:shipped:swin_cifar10"


opened = partial(opening.opened, page="attention")


def sheet(page: AppTest) -> dict[str, Any]:
    (component,) = page.get("bidi_component")
    drawn: dict[str, Any] = json.loads(component.proto.json)["sheet"]
    return drawn


def headers(page: AppTest) -> list[str]:
    return [header.value for header in (*page.header, *page.subheader)]


def test_it_opens_on_vit_and_its_class_token(app: AppTest) -> None:
    page = opened(app)
    assert not page.warning
    drawn = sheet(page)
    assert (drawn["height"], drawn["width"], drawn["tokens"], drawn["hasClass"]) == (8, 8, 65, True)
    assert {"Every head of the block", "Which places are alike"} <= set(headers(page))
    largest = np.frombuffer(base64.b64decode(drawn["largest"]), np.float32)
    coded = np.frombuffer(base64.b64decode(drawn["bytes"]), np.uint8).reshape(65, 65)
    rest = np.frombuffer(base64.b64decode(drawn["rest"]), np.float32)
    sums = (coded / 255 * largest[:, None]).sum(1) + rest
    np.testing.assert_allclose(sums, 1, atol=0.03)  # in bytes, 65 of them
    assert (coded[:, 0] == 0).all()  # the class token has no place in the picture
    assert (coded.max(1) == 255).all()  # which is drawn by its brightest patch
    assert rest[0] > largest[0]  # though the class token keeps more to itself than it gives to any of them


def test_swin_shows_what_the_mask_is_worth(app: AppTest) -> None:
    page = opened(app, net=SWIN, head="1")
    assert {"What the mask is worth", "The learned bias for each offset"} <= set(headers(page))
    assert "What it costs on larger pictures" in headers(page)
    assert any("as if every token attended to all others" in caption.value for caption in page.caption)
    steps = page.table[0].value
    values = dict(zip(steps["step"], steps["value"], strict=True))
    total = sum(float(values[name]) for name in ("q · k / √d", "bias", "mask"))
    assert float(values["score"]) == pytest.approx(total, abs=3e-4)
    weight = float(values["exp(score − largest)"]) / float(values["sum over the row"])
    assert float(values["weight"]) == pytest.approx(weight, rel=0.02)
    page.toggle("attention.mask").set_value(False).run()
    assert not page.exception


def test_what_has_no_attention_is_said_with_a_way_on(app: AppTest) -> None:
    page = opened(app, net="resnet_classroom")
    assert any("no attention between tokens" in info.value for info in page.info)
    page.button("attention.way_on").click().run()
    assert not page.exception
    assert sheet(page)["hasClass"]


def test_random_weights_show_structure(app: AppTest) -> None:
    page = opened(app, net="vit_classroom")
    assert any("structure" in info.value for info in page.info)


@pytest.mark.parametrize("key", ["query", "other"])
def test_odd_tokens_get_a_sentence(app: AppTest, key: str) -> None:
    (warning,) = opened(app, **{key: "a;b"}).warning
    assert "There is no token" in warning.value
