"""The picture picker: every kind of picture by its address, and sentences where there is none."""

import io

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest


def page() -> None:
    import streamlit as st

    from ui import photo

    chosen = photo.choose("p")
    masked = chosen.mask is not None and chosen.mask.shape == (chosen.image.height, chosen.image.width)
    st.markdown(f"{chosen.token} {chosen.title} {chosen.image.size} {chosen.label} {masked}")


def opened(token: str | None = None) -> AppTest:
    app = AppTest.from_function(page, default_timeout=30)
    if token is not None:
        app.query_params["p.photo"] = token
    app.run()
    assert not app.exception
    return app


def shown(app: AppTest) -> str:
    assert not app.exception
    return app.markdown[-1].value


def warned(app: AppTest) -> str:
    return " ".join(warning.value.replace("\\", "") for warning in app.warning)


def png(size: tuple[int, int] = (40, 30), mode: str = "RGB", colour: str = "red") -> bytes:
    content = io.BytesIO()
    Image.new(mode, size, colour).save(content, "PNG")
    return content.getvalue()


def test_it_begins_with_the_cat_and_offers_all_samples() -> None:
    app = opened()
    assert shown(app).startswith("cat Cat (448, 448)")
    assert not app.warning
    thumbnails = app.button_group(key="p.photo.sample")
    assert [option.split("]")[0] for option in thumbnails.options] == [
        "![Cat", "![Cup", "![Cameraman", "![Rocket", "![Astronaut", "![Two things", "![Four things",
    ]  # fmt: skip
    app = thumbnails.set_value("cup").run()
    assert app.query_params["p.photo"] == "cup"
    assert shown(app).startswith("cup Cup (600, 400) espresso")


def test_any_item_of_a_data_set_with_its_mask() -> None:
    app = opened("shapes:3:5")
    assert shown(app) == "shapes:3:5 Shapes, square, 5 (128, 128) square True"
    assert app.selectbox(key="p.photo.class").value == 2
    app = app.number_input(key="p.photo.number").set_value(24).run()
    assert app.query_params["p.photo"] == "shapes:3:24"
    app = app.selectbox(key="p.photo.class").set_value(7).run()
    assert shown(app).startswith("shapes:8:1 Shapes, arrow, 1")
    app = app.button_group(key="p.photo.kind").set_value("sample").run()
    assert shown(app).startswith("cat")


@pytest.mark.parametrize(
    ("token", "sentence"),
    [
        ("dog", "There is no picture called 'dog'"),
        ("<b>x</b>", "no picture called '<b>x</b>'"),
        ("shapes:9:1", "Shapes has no picture '9:1'"),
        ("shapes:1:25", "no picture '1:25'"),
        ("shapes:0:0", "no picture '0:0'"),
        ("shapes:a:b", "names no picture"),
        ("shape:1:1", "no data set called 'shape'"),
        ("own:../../x:1:1", "no data set called"),
        (":::", "names no picture"),
        ("cifar10:1:1", "not on this disk"),
        ("upload", "No picture of your own is here yet"),
        ("camera", "No picture is taken yet"),
    ],
)
def test_a_link_to_no_picture_says_so_and_shows_the_cat(
    token: str, sentence: str, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOOLENS_DATA", str(tmp_path))
    app = opened(token)
    assert sentence in warned(app)
    assert warned(app).endswith("For now the page shows the cat.")
    assert shown(app).startswith("cat")


def test_an_upload_is_shown_and_forgotten_with_its_file() -> None:
    app = opened("upload")
    assert "never stored" in app.caption[0].value
    app = app.file_uploader(key="p.photo.upload").upload("holiday.txt", png((2000, 1000)), "text/plain").run()
    assert shown(app).startswith("upload holiday.txt (1024, 512) None")
    assert not app.warning
    assert any("2,000 × 1,000 pixels made 1,024 × 512" in c.value.replace("\\", "") for c in app.caption)
    app = app.button_group(key="p.photo.kind").set_value("sample").run()
    app = app.button_group(key="p.photo.kind").set_value("own").run()
    assert shown(app).startswith("upload holiday.txt")  # another kind in between does not lose it


def test_a_broken_upload_is_refused_in_a_sentence() -> None:
    app = opened("upload")
    app = app.file_uploader(key="p.photo.upload").upload("cat.jpg", b"<svg>", "image/jpeg").run()
    assert "it is an SVG" in warned(app)
    assert shown(app).startswith("cat")
    app = app.file_uploader(key="p.photo.upload").upload("cat.jpg", png(), "image/jpeg").run()
    assert not app.warning


def test_the_camera_waits_until_it_is_asked_for() -> None:
    app = opened("upload")
    assert not app.get("camera_input")
    app = app.button_group(key="p.photo.from").set_value("camera").run()
    assert app.query_params["p.photo"] == "camera"
    assert len(app.get("camera_input")) == 1
