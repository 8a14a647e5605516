"""The picker of networks: what stands in the address is shown, and what cannot be had gets a sentence."""

from pathlib import Path

import pytest
import torch
from streamlit.testing.v1 import AppTest

from tests.played import NAME, play, played
from tests.waiting import until
from training.recipe import Recipe
from training.runs import Runs
from ui import cached, samples, subject
from zoo import Specimen, imagenet, weights


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
        ("resnet50,weights:shipped:resnet_shapes", "holds ResNet, classroom size"),
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


@pytest.mark.parametrize(
    ("photo", "names"),
    [
        ("cat", {"tabby", "tiger cat", "Egyptian cat"}),
        ("cup", {"espresso"}),
        ("cameraman", {"tripod"}),
        ("rocket", {"missile"}),
    ],
)
def test_sample_photos_are_named_right(photo: str, names: set[str]) -> None:
    loaded = cached.loaded(subject.FIRST)
    with torch.inference_mode():
        logits = loaded.model(loaded.preprocess(samples.samples()[photo].image))
    assert loaded.labels[int(logits.argmax())] in names


def test_the_first_is_ready(page: AppTest) -> None:
    page.run()
    assert page.markdown[0].value == "EfficientNet-Lite0 · ImageNet | True | 1000"


def test_the_address_chooses_and_the_list_too(page: AppTest) -> None:
    page.query_params["cam.net"] = "lenet_classroom"
    page.run()
    assert page.markdown[0].value == "LeNet, classroom size · untrained | False | 10"
    page.selectbox(key="cam.net.list").set_value("resnet_classroom,weights:shipped:resnet_shapes").run()
    assert page.query_params["cam.net"] == "resnet_classroom,weights:shipped:resnet_shapes"
    assert page.markdown[0].value == "ResNet, classroom size · Shapes | True | 8"


def test_a_wrong_address_shows_a_way_on(page: AppTest) -> None:
    page.query_params["cam.net"] = "resnet5O,weights:imagenet"
    page.run()
    assert "no variant called" in page.error[0].value
    page.button(key="cam.net.way_on").click().run()
    assert not page.error
    assert page.markdown[0].value.startswith("EfficientNet-Lite0")


@pytest.mark.parametrize(
    ("word", "sentence", "ways"),
    [
        ("lenet_classroom,weights:imagenet", "Nobody has published", ["way_on", "untrained"]),
        ("resnet18,weights:imagenet,width:32", "without turned knobs", ["way_on", "untrained"]),
        ("resnet_classroom,weights:run:gone@3", "no run called", ["way_on"]),
    ],
)
def test_weights_that_there_are_not(page: AppTest, word: str, sentence: str, ways: list[str]) -> None:
    page.query_params["cam.net"] = word
    page.run()
    assert sentence in page.error[0].value.replace("\\", "")
    assert [button.key for button in page.button] == [f"cam.net.{way}" for way in ways]
    page.button(key=f"cam.net.{ways[-1]}").click().run()
    assert not page.error
    assert page.markdown


def test_downloads_stand_behind_what_is_ready(page: AppTest) -> None:
    page.run()
    options = page.selectbox(key="cam.net.list").options
    assert options[0] == "EfficientNet-Lite0 · ImageNet"
    assert "VGG-16 (D) · ImageNet ↓ 553 MB" in "\n".join(options)
    first = next(at for at, words in enumerate(options) if "↓" in words)
    assert not any("untrained" in words for words in options[:first])
    assert "untrained" in options[-1]
    assert len(set(options)) == len(options)


def test_a_search_finds_what_is_ready_before_the_rest(page: AppTest) -> None:
    """Equal fits stand in order of length, and what is shown carries nothing to delete."""
    page.query_params["cam.net"] = "lenet_classroom"
    page.run()
    box = page.selectbox(key="cam.net.list")
    lengths: dict[str, list[int]] = {"": [], "↓": [], "untrained": []}
    for words in box.options:
        if words != "LeNet, classroom · untrained":
            kind = next(kind for kind in ("↓", "untrained", "") if kind in words)
            lengths[kind].append(len(words))
    assert max(lengths[""]) < min(lengths["↓"])
    assert max(lengths["↓"]) < min(lengths["untrained"])
    assert box.format_func(box.value) == "LeNet, classroom · untrained"


@pytest.mark.slow
def test_a_download(page: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No network, then a try that succeeds; the page goes on by itself."""
    (tmp_path / "site").mkdir()
    with played(tmp_path / "site") as (site, variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(imagenet, "_entry", imagenet._entry)  # put back when the test ends
        play()
        site.code = 404
        page.query_params["cam.net"] = f"{NAME},weights:imagenet"
        page.run()
        assert not page.error
        assert "not on this disk yet: 5 MB" in page.markdown[0].value
        page.button(key="cam.net.download").click().run()
        wait(page)
        assert "answers 404" in page.error[0].value.replace("\\", "")
        assert "EfficientNet-Lite0" in page.error[0].value.replace("\\", "")
        site.code = 0
        page.button(key="cam.net.download").click().run()
        wait(page)
        assert page.markdown[0].value.endswith("ImageNet | True | 1000")
        assert f"{NAME},weights:imagenet" in subject.choices()
        path = next((tmp_path / "data" / "weights").iterdir())
        path.write_bytes(b"damaged")
        cached._shelf.clear()
        page.run()
        assert "is damaged" in page.error[0].value
        assert page.button(key="cam.net.download")


def wait(page: AppTest) -> None:
    """Until the download is over, and the page knows."""
    errand = cached.errands().get(f"weights {NAME}")
    until(lambda: errand is None or errand.over, 60)
    page.run()


def test_the_readers_runs(page: AppTest, tmp_path: Path) -> None:
    id = train(tmp_path / "runs")
    word = f"lenet_classroom,weights:run:{id}@1"
    assert word in subject.choices()
    page.query_params["cam.net"] = word
    page.run()
    assert page.markdown[0].value == "LeNet, classroom size · Shapes, epoch 1 | True | 8"
    page.select_slider(key="cam.net.moment").set_value("0").run()
    assert page.query_params["cam.net"] == f"lenet_classroom,weights:run:{id}@0"
    assert page.markdown[0].value == "LeNet, classroom size · Shapes, epoch 0 | True | 8"
    assert page.selectbox(key="cam.net.list").value == word


def train(root: Path) -> str:
    """A run with two checkpoints, as a worker leaves it."""
    runs = Runs(root)
    id = runs.submit(Recipe(specimen=Specimen("lenet_classroom"), epochs=1))
    shipped = weights.SHIPPED / "lenet_shapes.safetensors"
    tensors, facts = weights.read(shipped)
    for epoch in (0, 1):
        path = root / id / "checkpoints" / f"{epoch:04d}.safetensors"
        weights.save(path, {k: v for k, v in tensors.items()}, facts | {"epoch": epoch})
    return id
