"""The Inspect page: every control changes what is shown, and no address ends in a traceback."""

import csv
import io
import json
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from zoo import FAMILIES

Open = Callable[..., AppTest]


@pytest.fixture
def inspect(app: AppTest) -> Open:
    """Opens the page at an address: `inspect(variant="resnet50", size="64")`."""

    def opened(**query: str) -> AppTest:
        app.switch_page("pages/inspect.py")
        for name, value in query.items():
            app.query_params[name] = value
        app.run()
        assert not app.exception
        return app

    return opened


def figures(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def words(app: AppTest) -> str:
    """All prose on the page, as it reads."""
    parts = (*app.title, *app.header, *app.markdown, *app.caption, *app.warning, *app.error)
    return "\n".join(part.value for part in parts).replace("\\", "").replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("resnet50", "25,557,032 parameters, 4,089,184,256 MACs"),
        ("densenet121", "7,978,856 parameters, 2,834,161,664 MACs"),
        ("googlenet", "13,378,280 parameters, 1,582,671,872 MACs"),
    ],
)
def test_counts_are_the_published_ones(inspect: Open, name: str, counts: str) -> None:
    """torchvision's metadata for two of them; for the third its prototxt."""
    assert f"{counts} for an image of 224 × 224 px." in words(inspect(variant=name))


def test_headline(inspect: Open) -> None:
    """By hand: 4 bytes for each parameter, 50 layers, and 427 px from the strides of table 1."""
    assert figures(inspect()) == {
        "Parameters": "25.6 M",
        "MACs": "4.09 GMACs",
        "Activations": "150 MB",
        "Weight file": "102 MB",
        "Depth": "50 layers",
        "Receptive field": "427 px",
        "Published top-1 / top-5": "76.1 / 92.9 %",
    }


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("resnet18", "435 px"),
        ("vit_b_32", "whole image"),
        ("swin_t", "by windows"),
        ("convnext_tiny", "1,688 px"),
    ],
)
def test_receptive_field_of_the_features(inspect: Open, name: str, field: str) -> None:
    """Attention over all tokens sees everything at once; attention inside windows has no single field."""
    assert figures(inspect(variant=name))["Receptive field"] == field


def test_axes_are_named_where_they_are_known(inspect: Open) -> None:
    assert "64 × 112 × 112 channels × rows × columns" in words(inspect(layer="stem.conv1"))
    swin = inspect(variant="swin_t", layer="stem.norm")
    assert "56 × 56 × 96 rows × columns × channels" in words(swin)


def test_a_difference_has_its_reason(inspect: Open) -> None:
    shown = words(inspect(variant="resnet50"))
    assert "Published (torchvision resnet50): the same." in shown
    assert "3.8 G MACs, 7.1% less than here: the paper strides in the first 1x1" in shown


def test_auxiliary_heads_are_named(inspect: Open) -> None:
    assert "Parameters that only training uses: aux (6,379,728)" in words(inspect(variant="googlenet"))


def test_flops_are_two_for_each_mac(inspect: Open) -> None:
    app = inspect()
    app.segmented_control(key="inspect.count").set_value("flops").run()
    assert figures(app)["FLOPs"] == "8.18 GFLOPs"
    assert "8,178,368,512 FLOPs" in words(app)


def test_batch_multiplies_only_the_activations(inspect: Open) -> None:
    app = inspect()
    before = figures(app)
    app.segmented_control(key="inspect.batch").set_value("32").run()
    changed = {label for label, value in figures(app).items() if value != before[label]}
    assert changed == {"Activations"}
    assert figures(app)["Activations"] == "4.81 GB"


def test_a_knob(inspect: Open) -> None:
    """Stage 3 with three blocks more: 9 layers more, and 3 x 1,117,184 parameters."""
    app = inspect()
    app.select_slider(key="inspect.knob.depths.2").set_value(9).run()
    assert figures(app)["Depth"] == "59 layers"
    assert f"{25_557_032 + 3 * 1_117_184:,} parameters" in words(app)
    assert "Published for ResNet-50 untouched (1,000 classes, 224 px)" in words(app)
    assert app.metric[0].delta == "+3.35 M"
    app.button(key="inspect.reset").click().run()
    assert figures(app)["Depth"] == "50 layers"
    assert app.select_slider(key="inspect.knob.depths.2").value == 6


def test_every_knob_changes_the_counts(inspect: Open) -> None:
    app = inspect()
    sliders = {f"inspect.knob.depths.{stage}": 1 for stage in range(4)} | {"inspect.knob.width": 8}
    assert {slider.key for slider in app.select_slider} == sliders.keys()
    seen = {words(app)}

    def changed(key: str) -> None:
        assert not app.exception
        assert words(app) not in seen, key
        seen.add(words(app))

    for key, first in sliders.items():
        app.select_slider(key=key).set_value(first).run()
        changed(key)
    for key, choice in {"inspect.knob.stem": "deep", "inspect.knob.stride_in": "1x1"}.items():
        app.segmented_control(key=key).set_value(choice).run()
        changed(key)
    app.selectbox(key="inspect.knob.shortcut").set_value("none").run()
    changed("inspect.knob.shortcut")


def test_classes_and_size(inspect: Open) -> None:
    app = inspect()
    app.number_input(key="inspect.classes").set_value(10).run()
    assert f"{25_557_032 - 990 * 2049:,} parameters" in words(app)
    app.number_input(key="inspect.size").set_value(448).run()
    assert "for an image of 448 × 448 px" in words(app)
    assert figures(app)["Parameters"] == "23.5 M"


@pytest.mark.parametrize(("field", "published"), [("size", 224), ("classes", 1000)])
def test_an_empty_field_means_as_published(inspect: Open, field: str, published: int) -> None:
    app = inspect(**{field: "64"})
    assert app.number_input(key=f"inspect.{field}").value == 64
    app.number_input(key=f"inspect.{field}").set_value(None).run()
    assert field not in app.query_params
    assert app.number_input(key=f"inspect.{field}").value == published
    assert "25,557,032 parameters, 4,089,184,256 MACs" in words(app)


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("size", 999_999, "whole number of pixels from 1 to 1024, not '999999'"),
        ("size", -5, "whole number of pixels from 1 to 1024, not '-5'"),
        ("classes", 0, "between 1 and 100,000, not 0"),
        ("classes", 100_001, "between 1 and 100,000, not 100001"),
    ],
)
def test_a_number_that_cannot_be(inspect: Open, field: str, typed: int, sentence: str) -> None:
    app = inspect(knobs="depths.2:9")
    app.number_input(key=f"inspect.{field}").set_value(typed).run()
    assert not app.exception
    assert sentence in words(app)
    app.button(key="inspect.way_on").click().run()
    assert figures(app)["Depth"] == "59 layers"


def test_family_and_variant(inspect: Open) -> None:
    app = inspect(variant="resnet18", knobs="width:32", size="64")
    app.selectbox(key="inspect.variant").set_value("resnet34").run()
    assert app.title[0].value == "Inspect ResNet-34"
    assert "21,797,672 parameters" in words(app)
    app.selectbox(key="inspect.family").set_value("vgg").run()
    assert app.selectbox(key="inspect.family").value == "vgg"
    assert "138,357,544 parameters" in words(app)


@pytest.mark.parametrize("key", list(FAMILIES))
def test_every_family(inspect: Open, key: str) -> None:
    """Its classroom network, with the story and table open."""
    app = inspect(variant=f"{key}_classroom", section="paper")
    assert FAMILIES[key].story.trick in words(app)
    assert len(app.dataframe[0].value) == len(FAMILIES[key].variants)


def test_a_layer(inspect: Open) -> None:
    app = inspect(variant="resnet50", layer="stem.conv1")
    shown = words(app)
    assert "64 × 3 × 7 × 7 × 112 × 112 = 118,013,952 MACs" in shown
    assert "64 × 3 × 7 × 7 = 9,408 parameters" in shown
    assert "7 × 7 px" in shown
    assert app.slider(key="inspect.unit.row").value == 56
    app.slider(key="inspect.unit.row").set_value(0).run()
    assert app.slider(key="inspect.unit.row").value == 0


def test_a_layer_chosen_in_the_graph(inspect: Open) -> None:
    app = inspect()
    app.session_state["inspect.graph"] = {"selected": "head"}
    app.query_params["layer"] = "head"  # what the callback writes; AppTest cannot call it
    app.run()
    assert "1000 × 2048 + 1000 = 2,049,000 parameters" in words(app)
    assert "return self.head(" in app.code[0].value


def test_the_unit_moves_in_both_directions(inspect: Open) -> None:
    app = inspect(layer="stem.conv1")
    app.slider(key="inspect.unit.row").set_value(0).run()
    app.slider(key="inspect.unit.column").set_value(111).run()
    assert app.query_params["unit"] == "0,111"
    assert app.slider(key="inspect.unit.row").value == 0


def test_none_is_selected_any_more(inspect: Open) -> None:
    app = inspect(layer="stem.conv9", unit="1,1")
    app.button(key="inspect.unselect").click().run()
    assert not app.warning
    assert not {"layer", "unit"} & app.query_params.keys()


@pytest.mark.parametrize(
    ("area", "total"), [("params", "25.6 M"), ("macs", "4.09 G"), ("activations", "37.6 M")]
)
def test_areas(inspect: Open, area: str, total: str) -> None:
    """Activations by hand: the headline's 150 MB in numbers of 4 bytes."""
    app = inspect()
    app.segmented_control(key="inspect.area").set_value(area).run()
    treemap = json.loads(app.get("plotly_chart")[0].proto.spec)
    assert treemap["layout"]["title"]["text"].endswith(f" by block, {total} in all")
    assert app.query_params.get("area", "params") == area


def test_shares_are_of_what_runs(inspect: Open) -> None:
    """GoogLeNet's head, 1000 x 1025 of the 6,998,552 parameters beside the auxiliary heads, is 14.6 %."""
    base = "without the auxiliary heads, which do not run"
    app = inspect(variant="googlenet", layer="stages.5")
    assert f"of the network {base}" in words(app)
    layout = json.loads(app.get("plotly_chart")[-2].proto.spec)["layout"]
    assert layout["title"]["text"] == "Parameters by block, 7 M in all"
    assert layout["title"]["subtitle"]["text"] == base.capitalize()
    table = inspect(variant="googlenet", section="layers")
    assert f"The parameters are those {base}." in words(table)
    rows = table.dataframe[0].value
    assert rows["Parameters"].sum() == 6_998_552
    block = rows[rows["Layer"].str.startswith("stages.5.")]["Parameters"].sum()
    assert f"Parameters {block:,}, {block / 6_998_552:.1%} of the network" in words(app).replace("*", "")


def test_configurations_of_the_paper(inspect: Open) -> None:
    """Table 1: blocks in each stage, and a page for each row."""
    table = inspect(section="paper").dataframe[0].value.set_index("Variant")
    assert "" not in table.columns
    assert table.loc["ResNet-50", "depths"] == "3, 4, 6, 3"
    assert table.loc["ResNet-152", "depths"] == "3, 8, 36, 3"
    assert table.loc["ResNet-152", "Page"] == "/inspect?variant=resnet152"


def test_fields_by_channel(inspect: Open) -> None:
    """inception3a: 27 px behind 1x1, 43 behind 3x3 and behind pooling, 59 behind 5x5."""
    app = inspect(variant="googlenet", layer="stages.3.a.concat")
    table = app.dataframe[0].value
    assert list(table["Channels"]) == ["0 to 63", "64 to 191, 224 to 255", "192 to 223"]
    assert list(table["Sees"]) == ["27 × 27 px", "43 × 43 px", "59 × 59 px"]


def test_a_block(inspect: Open) -> None:
    """By hand: 1x1, 3x3 and 1x1 convolutions and the projection, with two numbers for each channel."""
    app = inspect(variant="resnet50", layer="stages.3.0")
    assert app.header[0].value == "Bottleneck"
    weights = 1024 * 512 + 512 * 512 * 9 + 512 * 2048 + 1024 * 2048
    params = weights + 2 * (512 + 512 + 2048 + 2048)
    assert f"Parameters {params:,}, {params / 25_557_032:.1%} of the network" in words(app).replace("*", "")
    assert "class Bottleneck" in app.code[0].value


@pytest.mark.parametrize(
    ("section", "seen"),
    [("layers", "Save as CSV"), ("code", "class BasicBlock"), ("paper", "Deep Residual Learning")],
)
def test_sections(inspect: Open, section: str, seen: str) -> None:
    app = inspect(section=section)
    labels = [button.label for button in app.download_button]
    assert seen in "\n".join((words(app), *(code.value for code in app.code), *labels))


def test_table_of_layers(inspect: Open) -> None:
    app = inspect(section="layers")
    table = app.dataframe[0].value
    assert table["Parameters"].sum() == 25_557_032
    assert table["MACs"].sum() == 4_089_184_256
    app.button_group(key="inspect.kinds").set_value(["linear"]).run()
    assert list(app.dataframe[0].value["Layer"]) == ["head"]
    assert list(app.dataframe[0].value["Kind"]) == ["linear"]
    app.button_group(key="inspect.kinds").set_value(["conv", "linear"]).run()
    assert app.query_params["kinds"] == "conv,linear"
    assert set(app.dataframe[0].value["Kind"]) == {"convolution", "linear"}
    assert len(app.dataframe[0].value) == 53 + 1  # 49, a shortcut's projection for each of 4 stages, the head


def test_csv_holds_the_totals() -> None:
    from ui import costs, export
    from zoo import Specimen
    from zoo.anatomy import dissect

    text = export.as_csv(costs.layer_rows(dissect(Specimen("resnet18").skeleton(), (3, 224, 224))))
    rows = list(csv.DictReader(io.StringIO(text)))
    assert sum(int(row["MACs"]) for row in rows) == 1_814_073_344


HOSTILE = [
    ({"variant": "<script>alert(1)</script>"}, "There is no variant called"),
    ({"variant": "resnet5O"}, "Did you mean resnet50?"),
    ({"variant": "![x](http://example.org/a.png)"}, "There is no variant called"),
    ({"variant": "x" * 5000}, "There is no variant called"),
    ({"knobs": "width:1e9"}, "width of ResNet-50 cannot be '1e9'"),
    ({"knobs": "__class__:1"}, "ResNet-50 has no knob called '__class__'"),
    ({"knobs": ":::,,,"}, "ResNet-50 has no knob called ''"),
    ({"classes": "-1"}, "The number of classes must be a whole number"),
    ({"classes": "9" * 390}, "The number of classes must be"),
    ({"size": "abc"}, "The input size must be a whole number of pixels"),
    ({"size": "0"}, "The input size must be a whole number of pixels"),
    ({"size": "²"}, "The input size must be a whole number of pixels"),
    ({"size": "1000000"}, "The input size must be a whole number of pixels"),
    ({"weights": "../../etc/passwd"}, "There are no weights called"),
]


@pytest.mark.parametrize(("query", "sentence"), HOSTILE, ids=[str(query)[:40] for query, _ in HOSTILE])
def test_wrong_addresses(inspect: Open, query: dict[str, str], sentence: str) -> None:
    """A sentence, the controls still there, and one click to the nearest network."""
    app = inspect(**query)
    assert sentence in words(app)
    assert len(app.error) == 1
    assert app.selectbox(key="inspect.family").value == "resnet"
    app.button(key="inspect.way_on").click().run()
    assert not app.error
    assert figures(app)["Parameters"] == "25.6 M"


def test_weights_of_imagenet(inspect: Open) -> None:
    """They change nothing of what is shown here; a network that has none says so."""
    assert figures(inspect(weights="imagenet"))["Parameters"] == "25.6 M"
    app = inspect(variant="lenet_classroom", weights="imagenet")
    assert "Nobody has published ImageNet weights for LeNet" in words(app)
    app.button(key="inspect.way_on").click().run()
    assert not app.error
    assert app.query_params == {"variant": "lenet_classroom"}


def test_the_way_on_keeps_what_is_right(inspect: Open) -> None:
    """One knob of three is right, and so are the classes, the layer and the batch."""
    knobs = "width:1e9,depths.2:9,stem:thin"
    app = inspect(variant="Resnet5O", size="0", classes="10", knobs=knobs, layer="head", batch="32")
    app.button(key="inspect.way_on").click().run()
    assert not app.error
    assert app.query_params == {
        "variant": "resnet50", "classes": "10", "knobs": "depths.2:9", "layer": "head", "batch": "32",
    }  # fmt: skip
    assert figures(app)["Depth"] == "59 layers"


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"layer": "../../x"}, "This network has no layer called '../../x'"),
        ({"layer": "stem.conv"}, "Did you mean stem.conv1?"),
        ({"layer": "STEM.CONV1"}, "Did you mean stem.conv1?"),
        ({"layer": "Maxpool"}, "Did you mean stem.pool?"),
        ({"layer": "layer9"}, "Its parts are stem, stages.0, stages.1, stages.2, stages.3, pool, head."),
        ({"layer": "fc"}, "Its parts are stem, stages.0, stages.1, stages.2, stages.3, pool, head."),
        ({"layer": "backbone.head"}, "Did you mean head?"),
        ({"variant": "googlenet", "layer": "inception3a"}, "Did you mean stages.3.a?"),
        ({"variant": "googlenet", "layer": "inception_5b"}, "Did you mean stages.5.b?"),
        ({"count": "hp"}, "There is no count called 'hp'"),
        ({"batch": "1e9"}, "There is no batch called '1e9'"),
        ({"section": "costs"}, "Did you mean cost?"),
        ({"area": "mac"}, "There is no area called 'mac'. Did you mean macs?"),
        ({"section": "layers", "kinds": "evil"}, "There is no kind called 'evil'. Known are conv, "),
        ({"section": "layers", "kinds": "linear,convolution"}, "'convolution'. Did you mean conv?"),
    ],
)
def test_wrong_views_of_a_right_network(inspect: Open, query: dict[str, str], sentence: str) -> None:
    app = inspect(**query)
    assert sentence in words(app)
    assert figures(app)["Parameters"] == ("13.4 M" if "variant" in query else "25.6 M")


@pytest.mark.parametrize("unit", ["a,b", "-1", "9999,9,9", "0,112", "²,1"])
def test_units_that_do_not_exist(inspect: Open, unit: str) -> None:
    app = inspect(layer="stem.conv1", unit=unit)
    assert f"There is no unit '{unit}' among 112 × 112; (56, 56) is in the middle." in words(app)
    assert app.slider(key="inspect.unit.row").value == 56


def test_knobs_that_do_not_fit_together(inspect: Open) -> None:
    app = inspect(variant="vit_l_16", knobs="heads:6")
    assert "6 heads do not divide 1024 channels." in words(app)
    assert [button.key for button in app.button if button.key != "inspect.reset"] == ["inspect.back"]
    app.button(key="inspect.back").click().run()
    assert figures(app)["Parameters"] == "304 M"


def test_an_image_that_is_too_small(inspect: Open) -> None:
    """VGG-16 halves the map five times: below 32 pixels nothing is left."""
    app = inspect(variant="vgg16", size="16")
    assert "stages.4" in words(app)
    assert "The smallest input that works is 32 × 32 px." in words(app)
    app.button(key="inspect.use").click().run()
    assert "for an image of 32 × 32 px" in words(app)
    app = inspect(variant="vgg16", size="1")
    app.button(key="inspect.back").click().run()
    assert "for an image of 224 × 224 px" in words(app)


def test_an_image_that_does_not_fit(inspect: Open) -> None:
    """Patches of 16 pixels do not divide 225."""
    app = inspect(variant="vit_b_16", size="225")
    assert "The nearest input that works is 224 × 224 px." in words(app)
    app.button(key="inspect.use").click().run()
    assert "for an image of 224 × 224 px" in words(app)


@pytest.mark.parametrize("name", [family.classroom.name for family in FAMILIES.values()])
@pytest.mark.parametrize("size", ["1", "17"])
def test_no_size_ends_in_a_traceback(inspect: Open, name: str, size: str) -> None:
    app = inspect(variant=name, size=size)
    assert app.metric or app.error


def test_a_way_to_compare(inspect: Open) -> None:
    """ResNeXt grew from ResNet; LeNet from nothing, so what grew from it stands beside it."""
    for name, other in (("resnext50_32x4d", "ResNet-50"), ("lenet5", "AlexNet")):
        labels = [link.label for link in inspect(variant=name).page_link]
        assert labels[0].startswith(f"Compare with {other}")


def test_a_way_to_train_it(inspect: Open) -> None:
    """The network itself where it reads small pictures, and else the family's small one."""

    def way(app: AppTest) -> str:
        (link,) = (one for one in app.get("page_link") if one.proto.page == "train")
        return f"{link.proto.label} {link.proto.query_string}"

    assert way(inspect(variant="resnet50")) == "Train ResNet, classroom size "
    assert way(inspect(variant="vgg_classroom", knobs="norm:none", classes="7")).endswith(
        "train.variant=vgg_classroom&train.knobs=norm%3Anone"
    )
