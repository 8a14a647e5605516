"""The film of maps over epochs: what passes to the browser; its script needs no help from outside."""

import json

from streamlit.testing.v1 import AppTest


def page() -> None:
    from ui.components.evolution_film import evolution_film

    film = {"show": "both", "epochs": [], "rows": [{"title": "<b>", "says": "", "tiles": []}]}
    evolution_film(film, key="film", at=None, on_move=lambda: None)


def test_data_reaches_the_browser_as_it_is() -> None:
    (component,) = AppTest.from_function(page, default_timeout=60).run().get("bidi_component")
    data = json.loads(component.proto.json)
    assert data["at"] is None
    assert data["film"]["rows"][0]["title"] == "<b>"


def test_the_script_is_one_module_without_outside_help() -> None:
    (component,) = AppTest.from_function(page, default_timeout=60).run().get("bidi_component")
    script = component.proto.js_content
    assert script.count("export default") == 1
    assert not [line for line in script.splitlines() if line.startswith("import ")]
    assert script.replace("http://www.w3.org/2000/svg", "").count("://") == 0
    assert "innerHTML" not in script
