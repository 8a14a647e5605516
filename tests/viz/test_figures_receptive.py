"""The receptive field on a photo: frames where arithmetic puts them."""

from pathlib import Path

import pytest

from viz.figures.receptive import Seen, receptive
from zoo.anatomy import Field, Span

PHOTO = (Path(__file__).parents[2] / "assets" / "photos" / "cat.jpg").read_bytes()


def seen(size: int, stride: int, first: int, channels: str = "channels 0 to 9") -> Seen:
    span = Span(stride, first, first + size - 1, 0, 31)
    return Seen(channels, Field(span, span))


def box(frame: object) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of a frame."""
    x, y = frame.x, frame.y  # type: ignore[attr-defined]
    return min(x), min(y), max(x), max(y)


def test_a_frame_lies_around_its_pixels() -> None:
    """A 7x7 window of stride 2 and padding 3: unit (2, 5) sees rows 1 to 7 and columns 7 to 13."""
    frame, centre = receptive(PHOTO, 224, (2, 5), [seen(7, 2, -3)]).data
    assert box(frame) == (7, 1, 14, 8)
    assert (centre.x[0], centre.y[0]) == (10.5, 4.5)
    assert frame.name == "channels 0 to 9: 7 × 7 px"


def test_padding_is_seen_as_outside_the_photo() -> None:
    figure = receptive(PHOTO, 224, (0, 0), [seen(7, 2, -3)])
    assert box(figure.data[0]) == (-3, -3, 4, 4)
    assert figure.layout.xaxis.range[0] < -3


def test_a_field_of_thousands_of_pixels_leaves_the_photo_visible() -> None:
    figure = receptive(PHOTO, 224, (3, 3), [seen(2071, 32, -1035)])
    left, right = figure.layout.xaxis.range
    assert right - left < 3 * 224


@pytest.mark.parametrize("count", [1, 2, 4, 25])
def test_frames_can_be_told_apart(count: int) -> None:
    """The smallest and the largest always; never two with one colour."""
    fields = [seen(7 + 4 * i, 4, -i, f"channels {i}") for i in range(count)]
    frames = receptive(PHOTO, 224, (9, 9), fields[::-1]).data[:-1]
    assert len({(f.line.color, f.line.dash) for f in frames}) == len(frames) == min(count, 4)
    assert frames[0].name == "channels 0: 7 × 7 px"
    assert frames[-1].name.startswith(f"channels {count - 1}:")
