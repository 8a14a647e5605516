"""The page Class-activation maps: what it shows of real predictions, and what it says of nothing."""

import re

from streamlit.testing.v1 import AppTest


def opened(app: AppTest, **query: str) -> AppTest:
    app.run()
    app.switch_page("pages/cam.py")
    for name, value in query.items():
        app.query_params[f"cam.{name}"] = value
    app.run()
    assert not app.exception, app.exception
    return app


def html(page: AppTest) -> str:
    return "\n".join(each.proto.body for each in page.get("html"))


def titles(page: AppTest) -> list[str]:
    """Of all plates, in order."""
    return re.findall(r'<div class="title">(.*?)</div>', html(page))


def test_it_opens_on_a_cat(app: AppTest) -> None:
    page = opened(app)
    assert not page.warning
    shown = titles(page)
    assert shown[0].startswith("Grad-CAM: ")
    assert "cat" in shown[0] or "tabby" in shown[0]
    assert shown[1:8] == ["Grad-CAM", "Grad-CAM++", "HiResCAM", "LayerCAM", "XGradCAM", "EigenCAM", "CAM"]
    assert shown[8:17] == ["stem", *(f"stages.{i}" for i in range(7)), "last"]
    said = "\n".join(text.value for text in page.markdown)
    assert "CAM divided by Z = 49" in said
    differs = re.search(r"differs from Grad-CAM by at most (\S+)\.", said)
    assert differs
    assert float(differs[1]) < 1e-6
