"""The page Class-activation maps: what it shows of real predictions, and what it says of nothing."""

import re
from functools import partial

from streamlit.testing.v1 import AppTest

from tests import opening

opened = partial(opening.opened, page="cam")


def html(page: AppTest) -> str:
    return "\n".join(each.proto.body for each in page.get("html"))


def titles(page: AppTest) -> list[str]:
    """Of all plates, in order."""
    return re.findall(r'<div class="title">(.*?)</div>', html(page))


def test_it_opens_on_a_cat(app: AppTest) -> None:
    page = opened(app)
    assert not page.warning
    shown = titles(page)
    assert shown[0].startswith("Grad-CAM: ")
    assert "cat" in shown[0] or "tabby" in shown[0]
    assert shown[1:8] == ["Grad-CAM", "Grad-CAM++", "HiResCAM", "LayerCAM", "XGradCAM", "EigenCAM", "CAM"]
    assert shown[8:17] == ["stem", *(f"stages.{i}" for i in range(7)), "last"]
    said = "\n".join(text.value for text in page.markdown)
    assert "CAM divided by Z = 49" in said
    differs = re.search(r"differs from Grad-CAM by at most (\S+)\.", said)
    assert differs
    assert float(differs[1]) < 1e-6


def test_random_weights_of_a_small_network(app: AppTest) -> None:
    """Everything that does not need learnt weights, on one page: it takes a while to open."""
    page = opened(app, net="resnet_classroom", half="For and against", look="Contour and box")
    assert any("The weights of this network are random" in info.value for info in page.info)
    layer = page.selectbox(key="cam.layer.resnet_classroom")
    assert layer.value == "stages.2.0.relu2"
    page.select_slider(key="cam.depth").set_value("stages.0.0.relu2").run()
    assert not page.exception
    assert page.selectbox(key="cam.layer.resnet_classroom").value == "stages.0.0.relu2"
    said = "\n".join(text.value for text in (*page.markdown, *page.caption))
    assert "Not the advised layer" in said
    assert "so there is no CAM" in said
    page.selectbox(key="cam.method").set_value("eigencam").run()
    assert not page.exception
    assert any("whose sign is arbitrary" in caption.value for caption in page.caption)
    assert titles(page)[0].startswith("EigenCAM: class ")
    page.selectbox(key="cam.other").set_value("7" if "class 7" not in titles(page)[0] else "8").run()
    assert not page.exception
    assert "EigenCAM is not linear" in "\n".join(caption.value for caption in page.caption)


def test_tokens_and_what_is_not_defined_for_them(app: AppTest) -> None:
    page = opened(app, net="vit_classroom", method="Guided Grad-CAM")
    assert any("Not defined for GELU" in info.value for info in page.info)
    page.selectbox(key="cam.method").set_value("scorecam").run()
    assert not page.exception
    page.button(key="cam.score").click().run()
    assert not page.exception
