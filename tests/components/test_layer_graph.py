"""The layer graph: its layout under node, and what passes between Python and the browser."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from streamlit import components
from streamlit.testing.v1 import AppTest

import ui.components.layer_graph  # noqa: F401, registers the component

if TYPE_CHECKING:
    from zoo.anatomy import Graph

HERE = Path(__file__).parent

GRAPH: "Graph" = {
    "rev": "r1",
    "title": "Tiny",
    "nodes": [
        {"id": "input", "parent": "", "label": "input", "kind": "input", "shape": [3, 8, 8],
         "params": 0, "macs": 0, "activations": 192, "rf": "1 × 1 px", "formula": ""},
        {"id": "stem.conv1", "parent": "stem", "label": "<b>Conv</b> 3×3", "kind": "conv", "shape": [4, 8, 8],
         "params": 108, "macs": None, "activations": 256, "rf": "3 × 3 px", "formula": ""},
    ],
    "groups": [
        {"id": "stem", "parent": "", "label": "stem", "cls": "Stem", "params": 108, "macs": 0,
         "activations": 256, "shape": [4, 8, 8], "repeat": 1},
    ],
    "edges": [("input", "stem.conv1")],
}  # fmt: skip


@pytest.mark.skipif(shutil.which("node") is None, reason="the layout tests need node: apt-get install nodejs")
def test_layout_under_node() -> None:
    done = subprocess.run(["node", "--test", str(HERE)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def page(graph: "Graph", selected: str | None, marks: dict[str, str] | None = None) -> None:
    """The script under test; AppTest takes its text, so nothing around it is known inside."""
    import streamlit as st

    from ui.components.layer_graph import layer_graph

    def picked() -> None:
        st.session_state["calls"] = st.session_state.get("calls", 0) + 1

    chosen = layer_graph(graph, key="lg", selected=selected, on_select=picked, height=500, marks=marks)
    st.text(f"chosen {chosen}")


@pytest.fixture
def open_page() -> Callable[[str | None], AppTest]:
    return lambda selected: AppTest.from_function(page, kwargs={"graph": GRAPH, "selected": selected})


def test_data_reaches_the_browser_as_it_is(open_page: Callable[[str | None], AppTest]) -> None:
    app = open_page("stem.conv1").run()
    component, wish = app.get("bidi_component")
    assert json.loads(component.proto.bytes) == {
        "name": "lg",
        "graph": json.loads(json.dumps(GRAPH)),  # tuples become lists on the way
        "height": 500,
        "marks": None,
    }
    assert json.loads(wish.proto.json) == {"name": "lg", "rev": "r1", "selected": "stem.conv1"}
    assert not app.exception


def test_another_choice_leaves_the_large_message_as_it_is(
    open_page: Callable[[str | None], AppTest],
) -> None:
    """To the byte: else the browser would be sent all of it again, not its digest."""
    one, other = (open_page(selected).run().get("bidi_component") for selected in (None, "stem"))
    assert one[0].proto.SerializeToString() == other[0].proto.SerializeToString()
    assert len(one[0].proto.SerializeToString()) > 50_000 > 2_000 > len(other[1].proto.SerializeToString())


def test_marks_reach_the_browser() -> None:
    marks = {"input": "same", "stem": "changed", "stem.conv1": "only"}
    app = AppTest.from_function(page, kwargs={"graph": GRAPH, "selected": None, "marks": marks}).run()
    component, _ = app.get("bidi_component")
    assert json.loads(component.proto.bytes)["marks"] == marks


def test_a_choice_in_the_browser_comes_back(open_page: Callable[[str | None], AppTest]) -> None:
    app = open_page(None).run()
    assert app.text[0].value == "chosen None"
    app.session_state["lg"] = {"selected": "stem"}
    app.run()
    assert app.text[0].value == "chosen stem"


def test_a_choice_made_in_another_graph_counts_no_more(open_page: Callable[[str | None], AppTest]) -> None:
    app = open_page(None).run()
    app.session_state["lg"] = {"selected": "stages.3.conv2"}
    app.run()
    assert app.text[0].value == "chosen None"


def test_one_registration_serves_all_runs(
    open_page: Callable[[str | None], AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Registering in each run would replace the component under the feet of the other readers."""
    monkeypatch.delattr(components.v2, "component")  # whoever registers from here on fails
    app = open_page(None).run().run()
    component, _ = app.get("bidi_component")
    assert not app.exception
    assert component.proto.component_name == "zoolens_layer_graph"


def test_the_script_is_one_module_without_outside_help(open_page: Callable[[str | None], AppTest]) -> None:
    """Joined from several files: one default export, no import, no address to fetch from."""
    component, _ = open_page(None).run().get("bidi_component")
    script = component.proto.js_content
    assert script.count("export default") == 1
    assert not [line for line in script.splitlines() if line.startswith("import ")]
    assert script.replace("http://www.w3.org/2000/svg", "").count("://") == 0
    assert "innerHTML" not in script
