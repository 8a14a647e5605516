"""A network's glance at a picture, and maps of networks that see different parts of it laid on each other."""

import numpy as np
import pytest
from PIL import Image

import zoo
from viz import cam, glance, layers
from viz.glance import Glance
from viz.hooks import observe
from viz.occlusion import occlude
from zoo import Loaded, weights
from zoo.weights import Preprocess


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return zoo.load(weights.specimen_of("shipped:lenet_shapes"))


@pytest.fixture(scope="module")
def picture() -> Image.Image:
    drawn = np.random.default_rng(0).integers(256, size=(40, 60, 3)).astype(np.uint8)
    drawn[10:30, 20:40] = (250, 120, 10)
    return Image.fromarray(drawn)


def plain(size: int, shorter: int | None) -> Preprocess:
    return Preprocess(size=size, channels=3, mean=(0.5,) * 3, deviation=(0.25,) * 3, shorter=shorter)


def test_the_answer_and_the_map_are_those_of_the_network(loaded: Loaded, picture: Image.Image) -> None:
    found = glance.look(loaded, picture)
    image = loaded.preprocess(picture)
    shares = observe(loaded.model, image).logits.softmax(1)[0].numpy()
    assert found.probabilities == pytest.approx(shares)
    assert found.target == shares.argmax() == found.top(1)[0][0]
    assert [share for _, share in found.top(5)] == pytest.approx(sorted(shares)[:-6:-1])
    assert found.layer == layers.best(None, loaded.model, image).path
    assert found.map == pytest.approx(cam.raw(loaded.model, image, found.target).numpy())
    assert found.seen.size == (loaded.preprocess.size,) * 2
    assert found.fall is None


def test_the_fall_is_where_the_occlusion_is_lowest(loaded: Loaded, picture: Image.Image) -> None:
    *coarser, last = glance.occluded(loaded, glance.look(loaded, picture), picture)
    assert coarser
    assert all(each.fall is None for each in coarser)
    size = loaded.preprocess.size // glance.SQUARE
    wanted = occlude(loaded.model, loaded.preprocess(picture), last.target, size, size // 2)
    assert last.fall is not None
    assert last.fall.probability == pytest.approx(wanted.probability.min(), abs=1e-5)
    left, top, right, bottom = last.fall.box
    i, j = wanted.ys.index(top), wanted.xs.index(left)
    assert wanted.probability[i, j] == pytest.approx(last.fall.probability, abs=1e-5)
    assert wanted.label[i, j] == last.fall.label
    assert (right - left, bottom - top) == (size, size)


def test_positive_keeps_what_is_not_known() -> None:
    found = glance.positive(np.array([[2.0, -1.0], [np.nan, 4.0]]))
    assert found == pytest.approx(np.array([[0.5, 0], [np.nan, 1]]), nan_ok=True)
    assert not glance.positive(np.full((2, 2), -1.0)).any()


def test_one_place_in_a_picture_is_one_cell_for_all() -> None:
    """A spot at a quarter of the picture's side, seen whole, and through a crop of three quarters."""
    whole, cropped = plain(28, None), plain(84, 112)
    assert (glance.field(whole), glance.field(cropped)) == (1, 0.75)
    near = np.linspace(0, 1, 280)
    y, x = np.meshgrid(near, near, indexing="ij")
    spot = np.exp(-(((y - 0.3) ** 2 + (x - 0.6) ** 2) / 0.02))
    inside = spot[35:245, 35:245]  # the middle three quarters
    one, other = glance.laid(spot, 1, 0.75), glance.laid(inside, 0.75, 0.75)
    assert one == pytest.approx(other, abs=0.03)
    row, column = (int((at - 0.125) / 0.75 * glance.COMMON) for at in (0.3, 0.6))
    assert one.argmax() == row * glance.COMMON + column
    values = glance.agreement([(spot, 1.0), (inside, 0.75), (-spot, 1.0), (np.ones((3, 3)), 1.0)])
    assert values[0, :3] == pytest.approx([1, 1, -1], abs=0.01)
    assert np.isnan(values[3]).all()


def test_a_glance_is_complete_or_says_so(loaded: Loaded, picture: Image.Image) -> None:
    found = glance.look(loaded, picture)
    assert isinstance(found, Glance)
    assert found.occlusion is None
    assert found.look_s > 0
    assert found.map_s > 0
