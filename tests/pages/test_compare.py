"""Compare: presets, pickers, tokens of the address, impossible networks, figures, and what is measured."""

import json
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

import zoo
from ui import cached, compare, controls
from ui.controls import Study
from zoo.timing import Timing

Open = Callable[..., AppTest]


@pytest.fixture
def page(app: AppTest) -> Open:
    def opened(**query: str) -> AppTest:
        app.run()
        app.switch_page("pages/compare.py")
        for name, value in query.items():
            app.query_params[name] = value
        app.run()
        assert not app.exception
        return app

    return opened


def shown(page: AppTest) -> list[str]:
    """The networks in the pickers."""
    assert not page.exception
    return [str(box.value) for box in page.selectbox if box.key and box.key.endswith(".variant")]


def drawn(page: AppTest, what: str) -> list[object]:
    """What every graph was given."""
    data = [json.loads(one.proto.bytes or one.proto.json) for one in page.get("bidi_component")]
    return [one[what] for one in data if what in one]


def test_tokens_there_and_back() -> None:
    for word in ("vgg16", "resnet50,size:160,classes:10,depths.2:4", "swin_t,classes:7"):
        assert Study.from_token(word).token == word
    assert Study.from_token("resnet50,size:224,classes:1000").token == "resnet50"  # as published: not said
    everything = {name for name in zoo.VARIANTS for name in zoo.knobs(name)}
    assert not everything & {"size", "classes", "weights", "variant"}  # or a token would be read wrongly
    assert not [name for name in everything if set(name) & set(";,:")]
    for name in zoo.VARIANTS:
        assert Study.from_token(name).token == name


def test_the_nearest_of_a_wrong_token() -> None:
    assert controls.nearest_token("resnet5,size:9999,classes:10,depths.2:400").token == "resnet50,classes:10"
    with pytest.raises(ValueError, match="Did you mean resnet50"):
        Study.from_token("resnet5")
    with pytest.raises(ValueError, match="knob"):
        Study.from_token("resnet50,no_knob:3")


def test_presets_are_networks_and_have_titles_of_their_own() -> None:
    assert {name for preset in compare.PRESETS for name in preset} <= set(zoo.VARIANTS)
    assert len({row.title for row in zoo.VARIANTS.values()}) == len(zoo.VARIANTS)


def test_first_sight_and_a_preset(page: Open) -> None:
    app = page()
    assert shown(app) == ["vgg16", "resnet34"]
    assert all(isinstance(marks, dict) and len(marks) > 30 for marks in drawn(app, "marks"))
    app.pills(key="compare.preset").set_value("densenet121;resnet50").run()
    assert shown(app) == ["densenet121", "resnet50"]
    assert app.query_params["nets"] == "densenet121;resnet50"


def test_figures_against_the_first(page: Open) -> None:
    """Numbers as torchvision publishes them: 138,357,544 and 21,797,672 parameters."""
    table = page(nets="vgg16;resnet34").table[0].value
    first, second = (table.loc[table[""] == "Parameters", column].item() for column in table.columns[1:])
    assert first == "138 M"
    assert second == "**21.8 M** · −117 M · ×0.158"
    assert any("different recipes" in warning.value for warning in page().warning)


def test_four_networks_and_their_places(page: Open) -> None:
    app = page(nets="plain34;resnet34;resnet50;swin_t,classes:7")
    assert shown(app) == ["plain34", "resnet34", "resnet50", "swin_t"]
    assert not [button for button in app.button if button.key == "compare.add"]
    app.button(key="compare.1.swap").click().run()
    assert shown(app)[:2] == ["resnet34", "plain34"]
    app.button(key="compare.0.remove").click().run()
    assert shown(app) == ["plain34", "resnet50", "swin_t"]
    assert app.query_params["nets"] == "plain34;resnet50;swin_t,classes:7"
    app.button(key="compare.add").click().run()
    assert len(shown(app)) == 4


def test_pick_and_turn(page: Open) -> None:
    app = page(nets="resnet50;resnet18")
    app.selectbox(key="compare.1.variant").set_value("resnet34").run()
    app.session_state["compare.0.turn"] = True
    app.session_state["compare.1.turn"] = True
    app.run()
    app.number_input(key="compare.0.size").set_value(160).run()
    app.select_slider(key="compare.1.knob.depths.2").set_value(3).run()
    assert app.query_params["nets"] == "resnet50,size:160;resnet34,depths.2:3"
    app.button(key="compare.1.reset").click().run()
    assert app.query_params["nets"] == "resnet50,size:160;resnet34"


@pytest.mark.parametrize(
    ("nets", "sentence", "way"),
    [
        ("vgg166;resnet34", "Did you mean vgg16?", "Show VGG-16 (D) and ResNet-34"),
        ("resnet34", "two networks", "Show ResNet-34 and VGG-16 (D)"),
        (";".join(["swin_t"] * 5), "at most 4", "Show Swin-T and Swin-T and Swin-T and Swin-T"),
        ("vgg16;resnet34,size:abc", "whole number", "Show VGG-16 (D) and ResNet-34"),
        ("<b>;;x", "no variant", "Show ResNet-50 and ResNet-50"),
    ],
)  # fmt: skip
def test_a_wrong_address_gets_a_sentence_and_a_way_on(page: Open, nets: str, sentence: str, way: str) -> None:
    app = page(nets=nets)
    assert sentence in app.error[0].value.replace("\\", "")
    assert app.button(key="compare.way_on").label == way
    app.button(key="compare.way_on").click().run()
    assert len(shown(app)) >= 2


def test_an_impossible_size(page: Open) -> None:
    app = page(nets="vgg16;densenet121,size:8")
    assert "8 × 8 px" in app.error[0].value
    assert shown(app) == ["vgg16", "densenet121"]
    app.button(key="compare.1.use").click().run()
    assert not app.error
    assert app.query_params["nets"].startswith("vgg16;densenet121,size:")


def test_the_selected_part_beside_its_counterpart(page: Open) -> None:
    app = page(nets="resnet50;resnext50_32x4d", layer="0:stages.1.0.conv2")
    assert drawn(app, "selected") == ["stages.1.0.conv2"] * 2
    table = app.table[1].value.set_index("")
    assert list(table.loc["Weights"]) == [
        "128×128×3×3",
        "256×8×3×3",
    ]  # 256 in 32 groups
    assert list(table.loc["Mark"]) == ["≠ changed"] * 2


@pytest.mark.parametrize("layer", ["0:stages.9", "7:stem", "stem", ":", "<b>"])
def test_a_wrong_selection_gets_a_sentence(page: Open, layer: str) -> None:
    app = page(nets="resnet50;resnet34", layer=layer)
    assert any("There is no" in w.value or "has no part" in w.value for w in app.warning)


def test_the_table_for_slides(page: Open) -> None:
    app = page(nets="resnet50;swin_t", format="latex")
    code = app.code[-1].value
    assert code.startswith(r"\begin{tabular}{lrrrrrrrr}")
    assert "25,557,032" in code
    assert "Swin-T" in code


def timing_of(*arguments: object) -> Timing:
    return Timing(
        forward_s=0.02, training_s=0.08, peak_bytes=10**8, training_peak_bytes=3 * 10**8, batch=8, repeats=9,
        threads=1, machine="A test, 2 cores, torch 2", backward_s=0.06, layers={},
    )  # fmt: skip


def test_measured_on_request_only(page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def measure(*arguments: object) -> Timing:
        asked.append(arguments)
        return timing_of()

    monkeypatch.setattr(cached, "timing", measure)
    app = page(nets="resnet18;resnet34", batch="8")
    assert not asked
    app.button(key="compare.measure").click().run()
    assert [json.loads(str(a[1]))["name"] for a in asked if isinstance(a, tuple)] == ["resnet18", "resnet34"]
    assert any("A test, 2 cores" in caption.value.replace("\\", "") for caption in app.caption)


def test_too_large_for_the_memory_is_said_before_trying(page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cached, "timing", timing_of)
    monkeypatch.setattr("zoo.timing.free", lambda: 300_000_000)  # ResNet-18's two copies of 47 MB fit
    app = page(nets="resnet18;vgg16")  # two copies of 553 MB do not
    app.button(key="compare.measure").click().run()
    (said,) = [w.value for w in app.warning if "not tried" in w.value]
    assert said.startswith("VGG")
