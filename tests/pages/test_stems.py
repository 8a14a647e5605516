"""The page First layers: pairs, links, each way to examine filters, and what is not defined for a network."""

import re
import time

import pytest
from streamlit.testing.v1 import AppTest

from ui import stem_study, stem_views, stems, subject

SMALL = "zfnet_classroom,weights:shipped:zfnet_shapes"
GREY = "lenet_classroom,weights:shipped:lenet_shapes"
PATCHES = "vit_classroom"


def opened(app: AppTest, **query: str) -> AppTest:
    app.run()
    app.switch_page("pages/stems.py")
    for name, value in ({"nets": f"{SMALL};{GREY}"} | query).items():
        app.query_params[f"stems.{name}"] = value
    app.run()
    assert not app.exception
    return app


def settled(page: AppTest, words: str, kind: str = "markdown") -> AppTest:
    """The page when its words, and an element of this kind, have come."""
    end = time.monotonic() + 120
    while words not in said(page) or not page.get(kind):
        assert time.monotonic() < end, said(page)
        time.sleep(0.1)
        page.run()
        assert not page.exception
    return page


def said(page: AppTest) -> str:
    parts = [text.value for text in page.markdown] + [each.proto.body for each in page.get("html")]
    return "\n".join(parts)


def pictures(page: AppTest) -> list[str]:
    return re.findall(r'<img [^>]*alt="([^"]*)"', said(page))


def test_it_opens_on_a_ready_pair(app: AppTest) -> None:
    app.run()
    app.switch_page("pages/stems.py").run()
    assert not app.exception
    first = next(iter(stem_study.pairs().values()))[1]
    assert app.multiselect(key="stems.nets.list").value == list(first)
    assert len(pictures(app)) == 2 * len(first)  # filters and spectra


def test_a_pair_is_one_click(app: AppTest) -> None:
    page = opened(app)
    page.button(key="stems.pair.untrained").click().run()
    assert not page.exception
    assert page.multiselect(key="stems.nets.list").value == list(stem_study.pairs()["untrained"][1])
    assert "96 filters of 11 × 11 px, every 4 px" in said(page)


def test_a_link_restores_the_view(app: AppTest) -> None:
    page = opened(app, view="Aliasing", picture="Chirp", stride="4", order="By hue", contrast="Each its own")
    assert "32 filters of 5 × 5 px, at every px" in said(page)
    assert "each filter stretched by itself" in "\n".join(each.value for each in page.caption)
    assert "The picture: Chirp" in pictures(page)
    assert sum("at every fourth pixel" in alt for alt in pictures(page)) == 2


def test_networks_that_cannot_be_had_are_named(app: AppTest) -> None:
    page = opened(app, nets=f"{SMALL};nonsense;mixer")
    assert len(page.warning) == 2
    assert page.multiselect(key="stems.nets.list").value == [SMALL]


def test_no_network_is_no_error(app: AppTest) -> None:
    page = opened(app)
    page.multiselect(key="stems.nets.list").set_value([]).run()
    assert not page.exception
    assert "Choose a network" in page.info[0].value


def test_more_than_four_are_refused(app: AppTest) -> None:
    nets = [SMALL, GREY, PATCHES, "vgg_classroom", "resnet_classroom"]
    page = opened(app, nets=";".join(nets))
    assert "first 4 of 5" in page.warning[0].value


def test_silent_maps_over_a_set(app: AppTest) -> None:
    page = settled(
        opened(app, view="Silent maps", set="photos", threshold="30%"), "silent in layer 1", "plotly_chart"
    )
    assert re.search(r"\d+ of 32", said(page))


def test_layer_2_is_projected_or_a_sentence_says_why_not(app: AppTest) -> None:
    page = opened(app, nets=f"{SMALL};{PATCHES};{GREY}", view="Layer 2", set="photos")
    settled(page, "Projections of layer 2 of ZFNet")
    assert "no deconvnet" in said(page)  # no second layer
    assert "Not defined for ScaledTanh" in said(page)


@pytest.mark.parametrize("view", [title for title, _ in stems.VIEWS.values()])
def test_patches_and_one_channel_have_all_views(app: AppTest, view: str) -> None:
    page = opened(app, nets=f"{PATCHES};{GREY}", view=view, set="photos")
    assert "The paper." in said(page)
    assert not page.error


def test_a_row_for_every_filter(app: AppTest) -> None:
    page = opened(app)
    studies = stem_study.studies([subject.parse(word) for word in (SMALL, GREY)])
    rows = stems.table(studies)
    assert len(rows) == 32 + 6
    assert {row["network"] for row in rows} == {study.name for study in studies}
    assert all(0 <= float(str(row["aliased_share_on_the_zone_plate"])) <= 1 for row in rows)
    assert not page.exception


def test_bands_are_named_by_their_edges() -> None:
    assert [f"1/{round(1 / edge)}" for edge in stem_views.BANDS] == ["1/16", "1/8", "1/4"]


def test_the_clip_tames_one_filter(app: AppTest) -> None:
    page = opened(app, view="Size and clip")
    page.button(key="stems.pair.clip").click().run()
    assert not page.exception
    free, clipped = stem_study.studies([subject.parse(word) for word in stem_study.pairs()["clip"][1]])
    assert float(free.stem.rms.max()) > 3 * float(free.stem.rms.median())  # one filter dominates
    assert float(clipped.stem.rms.max()) == pytest.approx(0.1, abs=1e-4)
    assert "0 of 32" in said(page)
    assert free.name != clipped.name
