"""Plates: what is drawn, what stands in for a picture, and that words from outside stay words."""

import base64
import io
import re

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from ui import evidence
from viz import images


def drawn() -> None:
    from PIL import Image

    from ui import evidence

    red = Image.new("RGB", (20, 10), "red")
    evidence.style()
    evidence.plates(
        [
            evidence.Plate(title="<b>Bold</b>", picture=red, alt='A "red" one', note="1 < 2", chosen=True),
            evidence.Plate(title="Nothing", picture="No evidence for this class."),
        ],
        least=120,
    )
    evidence.picture(
        ("a red one",),
        lambda: red,
        title="Alone",
        alt="Red",
        name="alone",
        key="x",
        scale=evidence.scale(signed=True, least="against", most="for"),
    )


@pytest.fixture
def html() -> str:
    page = AppTest.from_function(drawn).run()
    assert not page.exception
    return "\n".join(each.proto.body for each in page.get("html"))


def test_words_stay_words(html: str) -> None:
    assert "&lt;b&gt;Bold&lt;/b&gt;" in html
    assert 'alt="A &quot;red&quot; one"' in html
    assert "1 &lt; 2" in html


def test_the_picture_is_there(html: str) -> None:
    coded = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', html)
    assert len(coded) == 2
    with Image.open(io.BytesIO(base64.b64decode(coded[0]))) as back:
        assert back.size == (20, 10)
    assert '<div class="none">No evidence for this class.</div>' in html
    assert html.count('class="chosen"') == 1


def test_scales() -> None:
    both = evidence.scale(signed=True, least="against", most="for")
    assert images.gradient(signed=True) in both
    assert re.findall(r"<span>(.*?)</span>", both) == ["against", "0", "for"]
    one = evidence.scale(signed=False, most="the most")
    assert images.gradient(signed=False) in one
    assert re.findall(r"<span>(.*?)</span>", one) == ["0", "", "the most"]
