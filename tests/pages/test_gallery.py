"""The Gallery: every control changes what is shown, and what is chosen leads to Inspect."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from zoo import FAMILIES, VARIANTS, family_of

PUBLISHED = {name: v.published for name, v in VARIANTS.items() if v.published}


@pytest.fixture
def gallery(app: AppTest) -> AppTest:
    app.run()
    assert not app.exception
    return app


def chart(gallery: AppTest) -> Mapping[str, Any]:
    """The timeline as it was sent to the browser."""
    assert not gallery.exception
    return json.loads(gallery.get("plotly_chart")[0].proto.spec)


def drawn(gallery: AppTest) -> set[str]:
    """The variants that have a point."""
    return {name for trace in chart(gallery)["data"] for (name,) in trace.get("customdata", [])}


def traces(gallery: AppTest) -> list[str]:
    return [trace["name"] for trace in chart(gallery)["data"]]


def titles(gallery: AppTest) -> list[str]:
    """The titles of the cards, in order."""
    assert not gallery.exception
    return re.findall('<a href="/inspect[?]variant=[^"]+">([^<]+)</a>', grid(gallery))


def grid(gallery: AppTest) -> str:
    """The cards, of which there may be none."""
    return "".join(part.proto.body for part in gallery.get("html") if "zl-cards" in part.proto.body)


def everything() -> list[str]:
    return [family.title for family in FAMILIES.values()]


def test_at_first_all_that_has_an_accuracy(gallery: AppTest) -> None:
    measured = {name for name, p in PUBLISHED.items() if p.top1 is not None}
    assert drawn(gallery) == measured
    (left_out,) = (text.value for text in gallery.caption if "accuracy" in text.value)
    assert left_out.startswith(f"{len(PUBLISHED) - len(measured)} of the {len(PUBLISHED)} networks")
    assert titles(gallery) == everything()
    assert "Grew from" not in traces(gallery), "of fifty families that would be a thicket"
    assert "Pareto front" not in traces(gallery)


def test_axes(gallery: AppTest) -> None:
    gallery.selectbox(key="gallery.x").set_value("params").run()
    assert chart(gallery)["layout"]["xaxis"]["title"]["text"] == "Parameters"
    assert chart(gallery)["layout"]["xaxis"]["type"] == "log"
    gallery.selectbox(key="gallery.y").set_value("macs").run()
    assert drawn(gallery) == set(PUBLISHED), "everything has parameters and MACs"
    assert not any("accuracy" in text.value for text in gallery.caption)


def test_both_axes_cannot_be_the_same(gallery: AppTest) -> None:
    gallery.selectbox(key="gallery.x").set_value("top1").run()
    assert gallery.selectbox(key="gallery.y").value == "macs"
    gallery.selectbox(key="gallery.y").set_value("top1").run()
    assert gallery.selectbox(key="gallery.x").value == "macs"
    assert drawn(gallery)


def test_both_axes_the_same_in_a_link(app: AppTest) -> None:
    app.query_params.update({"gallery.x": "MACs", "gallery.y": "MACs"})
    app.run()
    assert drawn(app) == set(PUBLISHED)
    assert any("show the same" in text.value for text in app.caption)


def test_area(gallery: AppTest) -> None:
    def sizes() -> dict[str, float]:
        found = {}
        for trace in chart(gallery)["data"]:
            for (name,), size in zip(trace.get("customdata", []), trace["marker"]["size"], strict=False):
                found[name] = size
        return found

    by_params = sizes()
    assert by_params["vgg16"] > by_params["resnet152"], "138 million to 60 million parameters"
    gallery.selectbox(key="gallery.area").set_value("macs").run()
    assert sizes() != by_params


def test_lines(gallery: AppTest) -> None:
    gallery.selectbox(key="gallery.lineage").set_value("Of all families").run()
    assert "Grew from" in traces(gallery)
    gallery.toggle(key="gallery.front").set_value(True).run()
    assert "Pareto front" in traces(gallery)


def test_the_lineage_of_a_family_stands_out(gallery: AppTest) -> None:
    def seen() -> set[str]:
        """The families that have not faded."""
        return {
            family_of(name).key
            for trace in chart(gallery)["data"]
            for (name,), strength in zip(
                trace.get("customdata", []), trace["marker"].get("opacity", ()) or (), strict=False
            )
            if strength > 0.5
        }

    gallery.selectbox(key="gallery.lineage").set_value("VGG").run()
    assert "Grew from" in traces(gallery)
    children = {key for key, family in FAMILIES.items() if "vgg" in family.parents}
    assert {"alexnet", "vgg", "resnet"} <= seen() <= {"lenet", "alexnet", "vgg"} | children


def test_a_chosen_point_opens_inspect(gallery: AppTest) -> None:
    gallery.session_state["gallery.timeline"] = {"selection": {"points": [{"customdata": ["vgg16"]}]}}
    gallery.run()
    scripts = [part.proto.body for part in gallery.get("html") if "<script>" in part.proto.body]
    assert scripts[-1] == '<script>document.zoolensOpen("/inspect?variant=vgg16")</script>'


def test_a_card_is_a_link_to_the_network_that_was_named(gallery: AppTest) -> None:
    assert '<a href="/inspect?variant=vgg16">VGG</a>' in grid(gallery)
    gallery.text_input(key="gallery.search").set_value("vgg19").run()
    assert "VGG" in titles(gallery)
    assert '<a href="/inspect?variant=vgg19">VGG</a>' in grid(gallery)


def test_search(gallery: AppTest) -> None:
    gallery.text_input(key="gallery.search").set_value("zisserman").run()
    assert titles(gallery) == [f.title for f in FAMILIES.values() if "Zisserman" in f.authors]
    assert "VGG" in titles(gallery)
    assert drawn(gallery) > {"resnet50", "vgg16"}, "the timeline stays whole"
    gallery.text_input(key="gallery.search").set_value("Kaiming He").run()
    by_he = [family.title for family in FAMILIES.values() if "He" in re.findall(r"\w+", family.authors)]
    assert titles(gallery) == by_he
    assert {"ResNet", "ResNeXt"} <= set(by_he)
    assert any(text.value == "No family has Kaiming." for text in gallery.caption)


def test_kind(gallery: AppTest) -> None:
    gallery.pills(key="gallery.kind").set_value(["attention", "mobile"]).run()
    assert titles(gallery) == [f.title for f in FAMILIES.values() if f.kind in ("attention", "mobile")]


def test_years(gallery: AppTest) -> None:
    gallery.slider(key="gallery.years").set_value((2014, 2015)).run()
    assert titles(gallery) == [f.title for f in FAMILIES.values() if f.year in (2014, 2015)]


def test_parameters(gallery: AppTest) -> None:
    gallery.select_slider(key="gallery.params").set_value((0.0, 1e6)).run()
    small = {name for name, p in PUBLISHED.items() if p.params <= 1e6}
    assert titles(gallery) == [f.title for f in FAMILIES.values() if any(v.name in small for v in f.variants)]
    assert 0 < len(titles(gallery)) < len(FAMILIES)


def test_order(gallery: AppTest) -> None:
    gallery.selectbox(key="gallery.order").set_value("By name").run()
    assert titles(gallery) == sorted(everything(), key=str.casefold)


def test_nothing_found_and_the_way_back(gallery: AppTest) -> None:
    gallery.text_input(key="gallery.search").set_value("perpetuum mobile").run()
    gallery.pills(key="gallery.kind").set_value(["plain"]).run()
    gallery.slider(key="gallery.years").set_value((2014, 2015)).run()
    gallery.select_slider(key="gallery.params").set_value((0.0, 1e6)).run()
    assert titles(gallery) == []
    assert [info.value for info in gallery.info] == ["No family fits all of this."]
    gallery.button(key="gallery.reset").click().run()
    assert titles(gallery) == everything()


def test_a_link_restores_the_view(app: AppTest) -> None:
    app.query_params.update(
        {
            "gallery.search": "shortcut",
            "gallery.kind": "shortcuts",
            "gallery.x": "MACs",
            "gallery.front": "true",
        }
    )
    app.run()
    assert 0 < len(titles(app)) < len(FAMILIES)
    assert chart(app)["layout"]["xaxis"]["type"] == "log"
    assert "Pareto front" in traces(app)


@pytest.mark.parametrize(
    ("parameter", "value", "sentence"),
    [
        ("gallery.kind", "mobil", "Did you mean mobile?"),
        ("gallery.kind", "zzz", "Known are plain, branches"),
        ("gallery.x", "evil", "Known are Year, Parameters"),
        ("gallery.y", "Years", "Did you mean Year?"),
        ("gallery.area", "Macs", "Known are Parameters, MACs"),
        ("gallery.order", "newest", "Did you mean Newest first?"),
        ("gallery.front", "maybe", "Known are true, false"),
        ("gallery.params", "2 M", "Did you mean"),
        ("gallery.years", "1800,3000", "Did you mean gallery.years=1998&gallery.years=2022?"),
        ("gallery.years", ["1800", "2015"], "between 1998 and 2022"),
    ],
)
def test_what_no_control_has_is_said(app: AppTest, parameter: str, value: str, sentence: str) -> None:
    app.query_params[parameter] = value
    app.run()
    assert titles(app) == everything()
    (said,) = (warning.value.replace("\\", "") for warning in app.warning)
    assert parameter in said
    assert sentence in said


def test_what_the_controls_write_is_understood(app: AppTest) -> None:
    app.query_params.update(
        {
            "gallery.kind": ["plain", "mobile"],
            "gallery.years": ["2012", "2018"],
            "gallery.params": ["1 M", "any"],
            "gallery.x": "Parameters",
            "gallery.lineage": "VGG",
            "gallery.order": "By name",
        }
    )
    app.run()
    assert not app.warning
    left = [
        family.title
        for family in FAMILIES.values()
        if family.kind in ("plain", "mobile")
        and 2012 <= family.year <= 2018
        and any(v.published and v.published.params >= 1e6 for v in family.variants)
    ]
    assert titles(app) == sorted(left, key=str.casefold)
    assert {"AlexNet", "MobileNetV2", "VGG"} <= set(left) < {family.title for family in FAMILIES.values()}


def test_nonsense_in_a_link_does_no_harm(app: AppTest) -> None:
    app.query_params.update(
        {
            "gallery.kind": "<b>",
            "gallery.x": "price",
            "gallery.years": "-1",
            "gallery.search": "<script>*[x](y)",
        }
    )
    app.run()
    assert len(app.warning) == 3
    assert titles(app) == []
    assert [info.value for info in app.info] == ["No family fits all of this."]


def test_the_table_holds_every_published_network(gallery: AppTest) -> None:
    assert not gallery.dataframe
    gallery.session_state["gallery.table"] = True
    gallery.run()
    assert not gallery.exception
    (table,) = (frame.value for frame in gallery.dataframe)
    rows = {row["Network"].removeprefix("/inspect?variant="): row for _, row in table.iterrows()}
    assert set(rows) == set(PUBLISHED)
    for name, published in PUBLISHED.items():
        assert (rows[name]["Parameters"], rows[name]["MACs"]) == (published.params, published.macs)
        assert rows[name]["Top-1, %"] == published.top1 or published.top1 is None
