"""The page Deconvnet: figure 1, a real descent, the rules, and what it says where there is none."""

import re
from functools import partial

from streamlit.testing.v1 import AppTest

from tests import opening

SHAPES = "zfnet_classroom,weights:shipped:zfnet_shapes"


opened = partial(opening.opened, page="deconvnet")


def html(page: AppTest) -> str:
    return "\n".join(each.proto.body for each in page.get("html"))


def said(page: AppTest) -> str:
    return "\n".join(info.value.replace("\\", "") for info in page.info)


def test_it_opens_on_figure_1_and_a_real_descent(app: AppTest) -> None:
    page = opened(app, net=SHAPES)
    assert not page.warning
    assert not page.info
    assert len(page.get("bidi_component")) == 2
    shown = html(page)
    titles = re.findall(r'<div class="title">(.*?)</div>', shown)
    assert titles[-3:] == ["Deconvnet", "Guided backpropagation", "Gradient"]
    assert re.findall(r"<tr><th>(\S+?)</th>", shown) == [f"stages.{i}.relu" for i in (3, 2, 1, 0)]
    data = str(page.get("bidi_component")[1].proto)
    assert "as a picture, contrast stretched" in data
    assert "numbers go on" in data


def test_layer_map_and_place(app: AppTest) -> None:
    page = opened(app, net=SHAPES, layer="stages.1.relu", unit="5.3.4")
    assert page.selectbox(key="deconvnet.layer.list").value == "stages.1.relu"
    values = [page.number_input(key=f"deconvnet.unit.{name}").value for name in ("map", "row", "column")]
    assert values == [5, 3, 4]
    page.number_input(key="deconvnet.unit.map").set_value(7).run()
    assert not page.exception
    assert page.query_params["deconvnet.unit"] in ("7", ["7"])
    page = page.button(key="deconvnet.unit.first").click().run()
    assert "deconvnet.unit" not in page.query_params


def test_what_there_is_not(app: AppTest) -> None:
    page = opened(app, net=SHAPES, step="many", unit="999.0.0", down="x")
    warnings = "\n".join(warning.value.replace("\\", "") for warning in page.warning)
    assert "There is no step 'many'" in warnings
    assert "There is no step 'x'" in warnings
    assert "There is no unit '999.0.0'" in warnings


def test_a_network_that_is_no_chain(app: AppTest) -> None:
    """Its projections are there, and a sentence why there are no steps."""
    page = opened(app, net="resnet_classroom,weights:shipped:resnet_shapes")
    assert "put together from several layers" in said(page)
    assert len(page.get("bidi_component")) == 1
    assert html(page).count('alt="Projection: ') == 3


def test_a_network_without_rectifiers(app: AppTest) -> None:
    page = opened(app, net="convnext_classroom")
    assert "Not defined for GELU" in said(page)
    shown = html(page)
    assert shown.count("Not defined for GELU") == 2
    assert shown.count('alt="Projection: Gradient"') == 1
