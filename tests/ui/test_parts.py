"""What the page's words say of its ready example is what one finds there."""

import numpy as np
import pytest
import torch

import zoo
from ui import part_sets
from viz.correspondence import RANDOM, Box, correspond

LOW, TOP = "stages.4.relu", "head.relu7"


def ratios(loose: str) -> dict[str, float]:
    """Delta of a part against that of random ones, for drawn arrows, by layer."""
    loaded = zoo.load(zoo.weights.specimen_of("shipped:zfnet_shapes"))
    chosen = part_sets.drawn("arrow", 5, loose)
    side = loaded.preprocess.size
    edge = round(side / 5)

    def box(place: np.ndarray) -> Box:
        left, top = (int(min(max(round(side * each - edge / 2), 0), side - edge)) for each in place)
        return left, top, left + edge, top + edge

    found = correspond(
        loaded.model,
        torch.cat([loaded.preprocess(photo.image) for photo in chosen.photos]),
        {name: [box(place) for place in chosen.places[at]] for at, name in enumerate(chosen.parts)},
        (LOW, TOP),
        cover=torch.zeros(1),
        rooms=[(int(side * x0), int(side * y0), int(np.ceil(side * x1)), int(np.ceil(side * y1)))
               for x0, y0, x1, y1 in chosen.rooms],
    )  # fmt: skip
    return {
        path: float(np.mean([each.delta for name, each in parts.items() if name != RANDOM]))
        / parts[RANDOM].delta
        for path, parts in found.items()
    }


def test_the_last_hidden_layer_knows_parts_better_than_the_maps() -> None:
    found = ratios("alike")
    assert found[TOP] < 0.7
    assert found[TOP] < found[LOW] < 1


def test_without_a_common_pose_the_maps_know_parts_no_more_and_the_hidden_layer_still_does() -> None:
    found = ratios("as they come")
    assert found[LOW] > 0.93
    assert found[TOP] < 0.85


@pytest.mark.parametrize("token", ["cat", "astronaut"])
def test_marks_on_faces_lie_on_the_faces(token: str) -> None:
    """Eyes are beside each other and above the nose."""
    chosen = part_sets.faces()
    at = [photo.token for photo in chosen.photos].index(f"face-{token}")
    left, right, nose = chosen.places[:, at]
    assert left[0] < nose[0] < right[0]
    assert max(left[1], right[1]) < nose[1]
    assert (chosen.places > 0.1).all()
    assert (chosen.places < 0.9).all()


def test_places_follow_what_a_network_sees() -> None:
    """Of 256 pixels the middle 224 are seen: what is in the middle stays, the rest moves outwards."""
    preprocess = zoo.load(zoo.Specimen("efficientnet_lite0", weights="imagenet")).preprocess
    places = np.array([[[0.5, 0.5], [0.25, 0.75]]])
    np.testing.assert_allclose(
        part_sets.seen(places, preprocess)[0], [[0.5, 0.5], [0.5 - 256 / 224 / 4, 0.5 + 256 / 224 / 4]]
    )
