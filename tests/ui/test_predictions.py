"""The predictions panel: numbers worked by hand, what it says of labels, and the class in the address."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

import zoo
from ui import cached, predictions, samples
from zoo import Specimen

LITE = Specimen("efficientnet_lite0", weights="imagenet")
PHOTOS = samples.samples()
NAMED = ["ant", "bee", "cat", "dog", "eel", "fox", "gnu"]
LOGITS = np.log(np.array([1, 2, 4, 8, 16, 32, 64], np.float32))  # so that shares are 1/127, 2/127, ...


def labelled(label: str | None) -> samples.Photo:
    photo = PHOTOS["cat"]
    return samples.Photo(token="x", title="X", image=photo.image, label=label, digest=photo.digest)


def test_shares_are_a_softmax_of_any_logits() -> None:
    assert predictions.probabilities(LOGITS) == pytest.approx(np.array([1, 2, 4, 8, 16, 32, 64]) / 127)
    wild = np.array([1e30, -1e30, 1e30], np.float32)
    assert predictions.probabilities(wild) == pytest.approx([0.5, 0, 0.5])


def test_rows_are_the_first_five_and_the_chosen_one() -> None:
    rows = predictions.rows(LOGITS, NAMED, 6, {})
    assert [(row.place, row.name) for row in rows] == list(enumerate(["gnu", "fox", "eel", "dog", "cat"], 1))
    assert [row.chosen for row in rows] == [True, False, False, False, False]
    more = predictions.rows(LOGITS, NAMED, 0, {"ant": "the label"})
    assert [row.place for row in more] == [1, 2, 3, 4, 5, 7]
    assert (more[-1].name, more[-1].chosen, more[-1].mark) == ("ant", True, "the label")
    assert more[-1].probability == pytest.approx(1 / 127)
    few = predictions.rows(LOGITS[:3], NAMED[:3], 2, {})
    assert [row.name for row in few] == ["cat", "bee", "ant"]


@pytest.mark.parametrize(
    ("label", "sentence"),
    [
        ("gnu", "**Right.** The picture is labelled **gnu**."),
        ("dog", "The label, **dog**, comes in place 4 with 6.3 %."),
        ("owl", "What the picture shows, **owl**, is none of the 7 classes."),
        ("a*b", "**a\\*b**"),
    ],
)
def test_it_says_whether_the_prediction_is_right(label: str, sentence: str) -> None:
    assert sentence in predictions.verdict(LOGITS, NAMED, labelled(label))


def test_what_we_call_a_sample_is_no_verdict() -> None:
    photo = replace(labelled("dog"), ours=True)
    sentence = predictions.verdict(LOGITS, NAMED, photo)
    assert sentence.startswith("We call it **dog**, which comes in place 4 with 6.3 %.")
    assert ":material/close:" not in sentence
    assert "We call it **gnu**, too" in predictions.verdict(LOGITS, NAMED, replace(photo, label="gnu"))
    assert predictions.known(photo, NAMED) == {"dog": "our name for it"}
    assert all(sample.ours for sample in PHOTOS.values() if sample.label)


def test_it_says_nothing_where_nothing_is_known() -> None:
    assert predictions.verdict(LOGITS, NAMED, labelled(None)) == ""


def test_parts_of_a_mosaic_are_marked_for_networks_that_know_them() -> None:
    named = zoo.imagenet.labels()
    marks = predictions.known(PHOTOS["four"], named)
    assert marks == dict.fromkeys(["tabby", "missile", "espresso", "tripod"], "in the picture")
    assert predictions.known(PHOTOS["four"], NAMED) == {}


def test_names_from_outside_are_shown_as_they_are() -> None:
    row = predictions.rows(LOGITS, ["<b>ant", *NAMED[1:]], 0, {})[-1]
    assert "&lt;b&gt;ant" in predictions.table([row], "")


def test_it_is_what_the_network_says() -> None:
    loaded = cached.loaded(LITE)
    with torch.inference_mode():
        logits = loaded.model(loaded.preprocess(PHOTOS["cup"].image))[0]
    assert cached.predicted(LITE, PHOTOS["cup"]) == pytest.approx(logits.numpy())
    shares = predictions.probabilities(logits.numpy())
    assert shares == pytest.approx(logits.softmax(0).numpy(), abs=1e-6)


def page(name: str = "cup") -> None:
    import streamlit as st

    from ui import photo, predictions, subject

    net = subject.choose("p")
    index = predictions.panel("p", net, photo.samples()[name])
    st.markdown(f"chosen {net.loaded.labels[index]}")


def test_the_class_stands_in_the_address() -> None:
    app = AppTest.from_function(page, default_timeout=30).run()
    assert app.markdown[-1].value == "chosen espresso"
    classes = app.selectbox(key="p.class.list")
    assert classes.options[0] == "The prediction"
    assert classes.options[505] == "coffee mug"
    app = classes.set_value(504).run()
    assert app.query_params["p.class"] == "coffee mug"
    assert app.markdown[-1].value == "chosen coffee mug"
    app = app.selectbox(key="p.class.list").set_value(-1).run()
    assert "p.class" not in app.query_params
    assert app.markdown[-1].value == "chosen espresso"
    assert not app.exception


def test_a_class_of_the_first_five_takes_one_click() -> None:
    app = AppTest.from_function(page, default_timeout=30).run()
    places = app.button_group(key="p.class.place")
    assert (places.options, places.value) == (["1", "2", "3", "4", "5"], 1)
    second = cached.loaded(LITE).labels[predictions.ranked(cached.predicted(LITE, PHOTOS["cup"]))[1]]
    app = places.set_value(2).run()
    assert app.query_params["p.class"] == second != "espresso"
    assert app.markdown[-1].value == f"chosen {second}"
    app = app.selectbox(key="p.class.list").set_value(7).run()
    assert app.button_group(key="p.class.place").value is None
    app = app.button_group(key="p.class.place").set_value(1).run()
    assert app.selectbox(key="p.class.list").value == -1
    assert "p.class" not in app.query_params
    assert not app.exception


def test_the_list_of_classes_is_the_same_for_every_picture() -> None:
    """To the byte: else each picture would bring all of it to the browser again."""
    apps = (AppTest.from_function(page, kwargs={"name": name}, default_timeout=30) for name in ("cup", "cat"))
    one, other = (app.run().selectbox(key="p.class.list").proto.SerializeToString() for app in apps)
    assert one == other


def test_a_link_restores_the_class_or_says_why_not() -> None:
    app = AppTest.from_function(page, default_timeout=30)
    app.query_params["p.class"] = "crane bird"
    assert app.run().markdown[-1].value == "chosen crane bird"
    app = AppTest.from_function(page, default_timeout=30)
    app.query_params["p.class"] = "espreso"
    app.run()
    assert app.markdown[-1].value == "chosen espresso"
    assert "Did you mean" in app.caption[0].value


def test_a_network_that_has_learnt_nothing_says_so() -> None:
    app = AppTest.from_function(page, default_timeout=30)
    app.query_params["p.net"] = "resnet_classroom"
    app.run()
    assert "learnt nothing" in app.info[0].value
    assert not app.exception


def test_a_line_of_the_last_list_chooses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser may send what it shows, with the numbers of the last picture, after the list has changed."""
    app = AppTest.from_function(page, default_timeout=30).run()
    sent: Any = vars(type(app.selectbox[0]))["_widget_state"].fget

    def late(box: Any) -> Any:
        state = sent(box)
        if box.key == "p.class.list":
            state.string_value = "a class of another network"
        return state

    monkeypatch.setattr(type(app.selectbox[0]), "_widget_state", property(late))
    app.run()
    assert not app.exception
    assert "p.class" not in app.query_params
    assert app.markdown[-1].value == "chosen espresso"
    assert app.selectbox(key="p.class.list").value == -1
