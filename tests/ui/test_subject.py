"""The picker of networks: what stands in the address is shown, and what cannot be had gets a sentence."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ui import subject
from zoo import Specimen


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """A page that says what it looks into, on a machine with nothing of anybody's."""
    monkeypatch.setenv("ZOOLENS_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("ZOOLENS_DATA", str(tmp_path / "data"))

    def script() -> None:
        import streamlit as st

        from ui import subject

        found = subject.choose("cam")
        st.write(f"{found.title} | {found.trained} | {len(found.loaded.labels)}")

    return AppTest.from_function(script, default_timeout=30)


@pytest.mark.parametrize(
    ("word", "specimen"),
    [
        ("efficientnet_lite0,weights:imagenet", Specimen("efficientnet_lite0", "imagenet")),
        ("resnet50", Specimen("resnet50")),
        ("resnet50,classes:10,depths.2:4,width:32", None),
        (
            "resnet_classroom,weights:shipped:resnet_shapes",
            Specimen("resnet_classroom", "shipped:resnet_shapes", 8),
        ),
    ],
)
def test_a_word_comes_back(word: str, specimen: Specimen | None) -> None:
    found = subject.parse(word)
    assert specimen in (None, found)
    assert subject.token(found) == word


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("", "no variant called"),
        ("resnet5O", "Did you mean"),
        ("resnet50,weights:shipped:resnet_shapes", "belong to ResNet, classroom size"),
        ("resnet50,weights:shipped:../../etc", "no weights called"),
        ("resnet50,weights:run:nobody@3", "no run called"),
        ("resnet50,classes:0", "classes must lie between"),
        ("resnet50,fame:9", "no knob called"),
        ("\x00,,,:::,", "no variant called"),
    ],
)
def test_a_wrong_word_gets_a_sentence(word: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        subject.parse(word)


def test_what_is_ready_at_once() -> None:
    ready = subject.choices()
    assert next(iter(ready)) == "efficientnet_lite0,weights:imagenet"
    assert "resnet_classroom,weights:shipped:resnet_shapes" in ready


def test_the_first_is_ready(page: AppTest) -> None:
    page.run()
    assert page.markdown[0].value == "EfficientNet-Lite0, ImageNet | True | 1000"


def test_the_address_chooses_and_the_list_too(page: AppTest) -> None:
    page.query_params["cam.net"] = "lenet_classroom"
    page.run()
    assert page.markdown[0].value == "LeNet, classroom size, untrained | False | 10"
    page.selectbox(key="cam.net.list").set_value("resnet_classroom,weights:shipped:resnet_shapes").run()
    assert page.query_params["cam.net"] == "resnet_classroom,weights:shipped:resnet_shapes"
    assert page.markdown[0].value == "ResNet, classroom size, trained on shapes to epoch 10 | True | 8"


def test_a_wrong_address_shows_a_way_on(page: AppTest) -> None:
    page.query_params["cam.net"] = "resnet5O,weights:imagenet"
    page.run()
    assert "no variant called" in page.error[0].value
    page.button(key="cam.net.way_on").click().run()
    assert not page.error
    assert page.markdown[0].value.startswith("EfficientNet-Lite0")
