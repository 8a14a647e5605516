"""What one place sees: three panels at one depth, what the address says, and networks that do not fit."""

import json
from functools import partial

from streamlit.testing.v1 import AppTest

from tests import opening

opened = partial(opening.opened, page="sees")


def panels(page: AppTest) -> list[dict[str, str]]:
    (component,) = page.get("bidi_component")
    found: list[dict[str, str]] = json.loads(component.proto.json)["panels"]
    return found


def test_three_panels_at_one_depth(app: AppTest) -> None:
    page = opened(app)
    cnn, vit, swin = panels(page)
    assert cnn["title"].startswith("CNN: ResNet")
    assert cnn["layer"].startswith("Stage 2, block 1 (3 of 6)")
    assert vit["layer"].startswith("Block 2 (2 of 3)")
    assert swin["layer"].startswith("Stage 2, block 1 (4 of 8)")
    assert [panel["can"] for panel in (cnn, vit, swin)] == ["28.2%", "100.0%", "56.2%"]
    assert all(panel["picture"].startswith("data:image/jpeg") for panel in (cnn, vit, swin))
    page.select_slider("sees.depth").set_value(0).run()
    assert [panel["can"] for panel in panels(page)] == ["0.9%", "1.6%", "0.4%"]


def test_the_answer_of_the_question(app: AppTest) -> None:
    page = opened(app, depth="80 %")
    assert [panel["can"] for panel in panels(page)] == ["100.0%", "100.0%", "100.0%"]
    page.select_slider("sees.depth").set_value(70).run()
    cnn, _, swin = panels(page)
    assert cnn["can"] != "100.0%"
    assert swin["can"] == "100.0%"
    page.query_params["sees.place"] = "0,0"
    page.select_slider("sees.depth").set_value(100).run()
    cnn, vit, swin = panels(page)
    assert cnn["can"] != "100.0%"
    assert (vit["can"], swin["can"]) == ("100.0%", "100.0%")


def test_attention_rolled_out_beside_the_gradient(app: AppTest) -> None:
    page = opened(app, by="attention rollout")
    cnn, vit, swin = panels(page)
    assert (cnn["by"], vit["by"], swin["by"]) == ("gradient", "rollout", "rollout")
    assert "No attention" in cnn["note"]
    page.session_state["sees.by"] = "gradient"
    page.run()
    assert not page.exception
    again = panels(page)
    assert [panel["by"] for panel in again] == ["gradient"] * 3
    assert [panel["can"] for panel in again] == [panel["can"] for panel in (cnn, vit, swin)]
    assert again[0]["picture"] == cnn["picture"]
    assert again[0]["note"] == ""
    assert all(now["does"] != then["does"] for now, then in zip(again[1:], (vit, swin), strict=True))


def test_a_network_for_another_panel_is_refused(app: AppTest) -> None:
    page = opened(app, cnn="vit_classroom,weights:shipped:vit_cifar10")
    assert any("is not for the panel of CNN" in warning.value.replace("\\", "") for warning in page.warning)
    assert panels(page)[0]["title"].startswith("CNN: ResNet")


def test_untrained_networks_say_so_and_odd_ones_say_why(app: AppTest) -> None:
    page = opened(app, cnn="nasnet_classroom")
    assert "take another" in panels(page)[0]["note"]
    assert any("structure of a network" in info.value for info in page.info)


def test_odd_places_are_told(app: AppTest) -> None:
    for odd in ("1", "40,1", "a,b", "1,-2"):
        page = opened(app, place=odd)
        assert any("There is no place" in warning.value for warning in page.warning), odd
