"""The page of data sets: each shows its pictures or a way to them, and one's own come and go."""

import io
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Element

from training.data import DATASETS, store
from ui import browser
from ui.pictures import KINDS


@pytest.fixture
def page(app: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The page with an empty disk for data, and without Debian's."""
    monkeypatch.setenv("ZOOLENS_DATA", str(tmp_path))
    monkeypatch.setattr("training.data._DEBIAN", tmp_path / "none")
    app.run()
    return app.switch_page("pages/data.py")


def archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        for name in ("cat", "dog"):
            for at in range(6):
                picture = io.BytesIO()
                Image.new("RGB", (16, 16), (40 * at, 90, 60)).save(picture, "PNG")
                packed.writestr(f"{name}/{at}.png", picture.getvalue())
    return file.getvalue()


def bodies(page: AppTest) -> list[str]:
    """What the page shows as HTML."""
    return [each.proto.body for each in page.get("html") if isinstance(each, Element)]


@pytest.mark.parametrize("key", DATASETS)
def test_every_data_set_says_what_it_is_and_how_to_get_it(page: AppTest, key: str) -> None:
    known = DATASETS[key]
    page.query_params["data.set"] = known.title
    page.run()
    assert not page.exception
    assert not page.warning
    text = " ".join(each.value for each in page.markdown)
    assert known.source in text
    assert known.licence in text
    there = key == "shapes"
    assert [button.label for button in page.button if button.key == "data.download"] == (
        [] if there else [f"Download {known.download / 1e6:.0f} MB"]
    )
    assert bool(page.get("plotly_chart")) == there


@pytest.mark.parametrize("kind", KINDS)
def test_every_augmentation_shows_examples_with_their_labels(page: AppTest, kind: str) -> None:
    page.query_params["data.augmentation"] = KINDS[kind].title
    page.run()
    assert not page.exception
    before, after = [body for body in bodies(page) if '<div class="zl-pictures"' in body]
    assert before.count("<figure>") == (2 if KINDS[kind].mixes else 1)
    assert after.count("<figure>") == 8
    assert ("0." in after.replace("0 disc", "")) == KINDS[kind].mixes
    if KINDS[kind].mixes:
        assert " disc + " in after
        assert " ring" in after


def test_a_link_restores_the_view_and_a_wrong_one_says_so(page: AppTest) -> None:
    page.query_params["data.size"] = "16"
    page.query_params["data.masks"] = "true"
    page.query_params["data.set"] = "Shape"
    page.run()
    assert page.select_slider(key="data.size").value == "16"
    assert page.toggle(key="data.masks").value
    assert "Did you mean Shapes" in page.warning[0].value.replace("\\", "")


def test_own_pictures_are_packed_shown_and_deleted_by_their_owner(
    page: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser, "secret", lambda: "one browser")
    page.run()
    page.file_uploader(key="data.upload").upload("My Pets.zip", archive(), "application/zip").run()
    name = next(field for field in page.text_input if field.label == "Name")
    assert name.value == "my-pets"
    page.button(key="data.pack").click().run()
    while page.session_state["data.set"] == "shapes":
        assert len(page.error) == 0
        page.run()
    assert not page.exception
    assert page.session_state["data.set"] == "own:my-pets"
    assert any("<span>cat</span><span>dog</span>" in body for body in bodies(page))
    assert not list(tmp_path.glob(".upload-*"))
    monkeypatch.setattr(browser, "secret", lambda: "another browser")
    page.button(key="data.delete for good").click().run()  # as it was drawn for its owner
    assert store.owned() == ["my-pets"]
    assert page.button(key="data.delete for good").disabled
    assert any("brought by somebody else" in each.value for each in page.markdown)
    monkeypatch.setattr(browser, "secret", lambda: "one browser")
    page.run()
    page.button(key="data.delete for good").click().run()
    assert not page.exception
    assert store.owned() == []
    assert page.session_state["data.set"] == "shapes"


def test_a_refusal_is_shown_in_a_sentence(page: AppTest) -> None:
    page.run()
    page.file_uploader(key="data.upload").upload("bad.zip", b"no zip", "application/zip").run()
    next(field for field in page.text_input if field.label == "Name").set_value("Not A Name").run()
    page.button(key="data.pack").click().run()
    assert not page.exception
    assert "small letters" in page.error[0].value
