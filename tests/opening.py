"""A page of the app, opened by its address."""

from streamlit.testing.v1 import AppTest


def opened(app: AppTest, page: str, **query: str) -> AppTest:
    """The page with parameters of its own (`page.<name>`), after one run that raised nothing."""
    app.run()
    app.switch_page(f"pages/{page}.py")
    for name, value in query.items():
        app.query_params[f"{page}.{name}"] = value
    app.run()
    assert not app.exception, app.exception
    return app
