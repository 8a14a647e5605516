"""The page Deconvnet: what it shows at once, and what it says where there is nothing to show."""

from streamlit.testing.v1 import AppTest


def opened(app: AppTest, **query: str) -> AppTest:
    app.run()
    app.switch_page("pages/deconvnet.py")
    for name, value in query.items():
        app.query_params[f"deconvnet.{name}"] = value
    app.run()
    assert not app.exception, app.exception
    return app


def test_it_opens_on_figure_1(app: AppTest) -> None:
    page = opened(app)
    assert not page.warning
    assert page.title[0].value == "Deconvnet"
    assert len(page.get("bidi_component")) >= 1


def test_a_step_that_there_is_not(app: AppTest) -> None:
    page = opened(app, step="many")
    assert any("There is no step" in warning.value for warning in page.warning)
