"""Controls bound to the address: they show what it says, and say so where it asks for what is not there."""

from streamlit.testing.v1 import AppTest


def page() -> None:
    import streamlit as st

    from ui import bound

    chosen = (
        bound.slider("Channels", "p.channels", (64, 128, 256), 128, words=lambda c: f"{c} channels"),
        bound.segments("Count", "p.count", {"macs": "MACs", "params": "Parameters"}),
        bound.picker("Ladder", "p.ladder", {"vgg": "VGG", "resnet": "ResNet"}),
        bound.switch("Front", "p.front"),
    )
    st.markdown(" ".join(map(str, chosen)))


def test_defaults_links_and_wrong_links() -> None:
    app = AppTest.from_function(page).run()
    assert app.markdown[0].value == "128 macs vgg False"
    assert not app.warning

    app = AppTest.from_function(page)
    app.query_params["p.channels"] = "256 channels"
    app.query_params["p.count"] = "Parameters"
    app.query_params["p.ladder"] = "ResNet"
    app.query_params["p.front"] = "true"
    app.run()
    assert app.markdown[0].value == "256 params resnet True"
    assert not app.warning

    app = AppTest.from_function(page)
    app.query_params["p.channels"] = "257 channels"
    app.query_params["p.count"] = "<b>"
    app.run()
    assert app.markdown[0].value == "128 macs vgg False"
    assert [("Did you mean" in w.value or "Known are" in w.value) for w in app.warning] == [True, True]


def test_a_link_that_names_a_control_and_says_nothing() -> None:
    app = AppTest.from_function(page)
    for name in ("channels", "count", "ladder", "front"):
        app.query_params[f"p.{name}"] = ""
    app.run()
    assert app.markdown[0].value == "128 macs vgg False"
    assert not app.warning
