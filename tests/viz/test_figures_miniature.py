"""The miniatures: every family gets one, it fits, nothing covers anything, and labels stay inside."""

from itertools import combinations
from xml.etree import ElementTree

import pytest

from viz.figures.miniature import HEIGHT, WIDTH, Chain, Fork, Grid, conv, fork, linear, miniature
from viz.figures.signatures import KINDS as KIND_SIGNATURES
from viz.figures.signatures import SIGNATURES, signature
from zoo import FAMILIES, KINDS

SVG = "{http://www.w3.org/2000/svg}"
CHAINS = {**SIGNATURES, **KIND_SIGNATURES}


def rectangles(chain: Chain) -> list[tuple[float, float, float, float]]:
    """Left, top, right and bottom of every box of the drawing."""
    root = ElementTree.fromstring(miniature(chain, "a block"))
    found = []
    for rect in root.iter(f"{SVG}rect"):
        x, y, width, height = (float(rect.attrib[name]) for name in ("x", "y", "width", "height"))
        found.append((x, y, x + width, y + height))
    return found


@pytest.mark.parametrize("name", CHAINS)
def test_boxes_lie_inside_and_apart(name: str) -> None:
    boxes = rectangles(CHAINS[name])
    for left, top, right, bottom in boxes:
        assert left >= 0
        assert top >= 0
        assert right <= WIDTH
        assert bottom <= HEIGHT
    for a, b in combinations(boxes, 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


@pytest.mark.parametrize("name", CHAINS)
def test_labels_stay_inside_their_boxes(name: str) -> None:
    """A letter of ten px bold takes about 5.5; a turned label runs along the height."""

    def check(chain: Chain) -> None:
        for part in chain:
            if isinstance(part, Fork):
                for branch in part.branches:
                    check(branch)
            elif not isinstance(part, Grid):
                assert 5.5 * len(part.label) <= max(part.width, part.height), part

    check(CHAINS[name])


@pytest.mark.parametrize("key", FAMILIES)
def test_every_family_has_a_picture(key: str) -> None:
    picture = ElementTree.fromstring(miniature(signature(key, FAMILIES[key].kind), FAMILIES[key].title))
    assert picture.findtext(f"{SVG}title") == FAMILIES[key].title
    assert len(list(picture.iter(f"{SVG}rect"))) >= 3


def test_a_family_nobody_described_gets_the_picture_of_its_kind() -> None:
    assert KIND_SIGNATURES.keys() == KINDS.keys()
    assert signature("not_written_yet", "mobile") is KIND_SIGNATURES["mobile"]


def test_a_fork_by_hand() -> None:
    """Two branches of 20 px stand 7 apart around the middle of the picture."""
    boxes = rectangles((fork((conv("1×1", 20),), (conv("3×3", 20),), join=""),))
    middle = HEIGHT / 2
    assert [(top, bottom) for _, top, _, bottom in boxes] == [
        (middle - 23.5, middle - 3.5),
        (middle + 3.5, middle + 23.5),
    ]
    assert len({left for left, *_ in boxes}) == 1, "below each other"


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="needs 256 x 44 px, there are 240 x 112"):
        miniature((conv(),) * 8, "too long")
    with pytest.raises(ValueError, match=r"120 px"):
        miniature((linear("4096", 120),), "too high")


def test_text_cannot_become_markup() -> None:
    root = ElementTree.fromstring(miniature((conv("<b>"),), "<script>"))
    assert root.findtext(f"{SVG}title") == "<script>"
    assert [text.text for text in root.iter(f"{SVG}text")] == ["<b>"]
