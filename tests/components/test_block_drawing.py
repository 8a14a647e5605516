"""The drawing of two blocks: what passes to the browser, and that its script needs no help from outside."""

import json

from streamlit.testing.v1 import AppTest


def page() -> None:
    from ui.components.block_drawing import Row, Side, block_drawing

    row = Row(
        id="input", lane="branch", kind="input", label="<b>", product="", cin=3, cout=3, size=8,
        value="", share="", bar=0, explain="A map.",
    )  # fmt: skip
    side = Side(title="A", shapes="", amount="1", unit="MACs", parts="", fork="input", rows=[row])
    block_drawing((side, side), {"input": "#123456"}, rev="r1", key="drawing")


def test_data_reaches_the_browser_as_it_is() -> None:
    (component,) = AppTest.from_function(page, default_timeout=60).run().get("bidi_component")
    data = json.loads(component.proto.json)
    assert set(data) == {"sides", "colours", "rev"}
    assert data["sides"][0] == data["sides"][1]
    assert data["sides"][0]["rows"][0]["label"] == "<b>"
    assert (data["colours"], data["rev"]) == ({"input": "#123456"}, "r1")


def test_the_script_is_one_module_without_outside_help() -> None:
    (component,) = AppTest.from_function(page, default_timeout=60).run().get("bidi_component")
    script = component.proto.js_content
    assert script.count("export default") == 1
    assert not [line for line in script.splitlines() if line.startswith("import ")]
    assert script.replace("http://www.w3.org/2000/svg", "").count("://") == 0
    assert "innerHTML" not in script
