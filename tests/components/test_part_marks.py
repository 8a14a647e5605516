"""Marks on pictures: what passes to the browser, and that its script needs no help from outside."""

import json

from streamlit.testing.v1 import AppTest


def page() -> None:
    from ui.components.part_marks import Part, Picture, part_marks

    part_marks(
        [Picture(title="<b>", src="data:image/png;base64,")],
        [Part(name="tip", letter="A", colour="#e69f00", ink="#000000")],
        [[(100, 200)]],
        key="marks",
        side=0.2,
        on_mark=lambda: None,
    )


def test_data_reaches_the_browser_as_it_is() -> None:
    (component,) = AppTest.from_function(page, default_timeout=60).run().get("bidi_component")
    data = json.loads(component.proto.json)
    assert data["pictures"] == [{"title": "<b>", "src": "data:image/png;base64,"}]
    assert data["parts"][0]["letter"] == "A"
    assert (data["marks"], data["side"]) == ([[[100, 200]]], 0.2)


def test_the_script_is_one_module_without_outside_help() -> None:
    (component,) = AppTest.from_function(page, default_timeout=60).run().get("bidi_component")
    script = component.proto.js_content
    assert script.count("export default") == 1
    assert not [line for line in script.splitlines() if line.startswith("import ")]
    assert script.count("://") == 0
    assert "innerHTML" not in script
