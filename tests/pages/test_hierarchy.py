"""The page Hierarchy: its rungs, an opened tile, and networks that it cannot show."""

from functools import partial

from streamlit.testing.v1 import AppTest

from tests import opening

SHAPES = "zfnet_classroom,weights:shipped:zfnet_shapes"


opened = partial(opening.opened, page="hierarchy")


def test_it_opens_on_five_rungs_and_a_tile(app: AppTest) -> None:
    page = opened(app, net=SHAPES)
    assert not page.warning
    assert not page.info
    ladder = page.get("bidi_component")[0].proto
    data = str(ladder)
    for at in range(1, 6):
        assert f"Layer {at} of 5: stages.{at - 1}.relu" in data
    page.session_state["hierarchy.ladder"] = {"opened": None}
    page.query_params["hierarchy.tile"] = "stages.1.relu:9999"
    page.run()
    assert any("not among the strongest" in warning.value for warning in page.warning)


def test_a_network_that_it_cannot_show(app: AppTest) -> None:
    page = opened(app, net="convnext_classroom")
    assert any("Not defined for GELU" in info.value.replace("\\", "") for info in page.info)
