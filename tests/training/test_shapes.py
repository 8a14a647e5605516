"""Shapes: areas by counting, pictures against their masks, and what must not tell the class."""

import numpy as np
import pytest

from training import shapes


@pytest.mark.parametrize("name", shapes.OUTLINES)
def test_outline_has_area_one_around_its_middle_and_within_reach(name: str) -> None:
    along = np.linspace(-1.2, 1.2, 601, dtype=np.float32)
    x, y = np.meshgrid(along, along)
    inside = shapes.OUTLINES[name](x[None], y[None])[0] < 0
    assert inside.mean() * 2.4**2 == pytest.approx(1, abs=0.015)
    assert abs(x[inside].mean()) < 0.01
    assert abs(y[inside].mean()) < 0.01
    assert np.hypot(x, y)[inside].max() < 0.94


def test_the_same_seed_draws_the_same_and_fewer_are_the_first_of_more() -> None:
    images, labels, masks = shapes.draw(300, 16, seed=3)
    few_images, few_labels, few_masks = shapes.draw(20, 16, seed=3)
    np.testing.assert_array_equal(few_images, images[:20])
    np.testing.assert_array_equal(few_labels, labels[:20])
    np.testing.assert_array_equal(few_masks, masks[:20])
    assert not np.array_equal(shapes.draw(20, 16, seed=4)[0], images[:20])
    assert not np.array_equal(shapes.draw(20, 16, seed=3, stream=1)[0], images[:20])


def test_every_class_is_drawn_as_often_and_as_large() -> None:
    _, labels, masks = shapes.draw(1600, 32, seed=0)
    assert np.bincount(labels).tolist() == [200] * 8
    areas = [masks[labels == k].mean() for k in range(8)]
    assert max(areas) / min(areas) < 1.1


@pytest.mark.parametrize("size", [16, 32, 64])
def test_objects_lie_whole_inside_and_apart_from_the_ground(size: int) -> None:
    images, _, masks = shapes.draw(200, size, seed=1)
    assert images.shape == (200, 3, size, size)
    assert images.dtype == np.uint8
    assert not masks[:, [0, -1]].any()
    assert not masks[:, :, [0, -1]].any()
    light = np.einsum("nchw,c->nhw", images / 255, [0.299, 0.587, 0.114])
    for picture, mask in zip(light, masks, strict=True):
        assert abs(picture[mask].mean() - picture[~mask].mean()) > 0.1


def test_colour_and_place_say_nothing_about_the_class() -> None:
    """What a linear look at means and positions finds of 8 classes is chance."""
    images, labels, masks = shapes.draw(4000, 16, seed=2)
    rows = np.arange(16)
    told = np.concatenate(
        [
            images.mean((2, 3)),
            images.std((2, 3)),
            (masks.sum(2) * rows).sum(1, keepdims=True) / masks.sum((1, 2))[:, None],
            (masks.sum(1) * rows).sum(1, keepdims=True) / masks.sum((1, 2))[:, None],
        ],
        axis=1,
    )
    told = np.c_[(told - told.mean(0)) / told.std(0), np.ones(len(told))]
    fitted, *_ = np.linalg.lstsq(told[:2000], np.eye(8)[labels[:2000]], rcond=None)
    right = (told[2000:] @ fitted).argmax(1) == labels[2000:]
    assert right.mean() < 0.22


@pytest.mark.parametrize("loose", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("name", shapes.PARTS)
def test_parts_lie_on_their_shape_whatever_its_pose(name: str, loose: float) -> None:
    posed = shapes.posed(name, 40, 96, seed=2, loose=loose)
    for middles in posed.parts.values():
        columns, rows = (96 * middles).astype(int).T
        assert posed.masks[np.arange(40), rows, columns].all()


def test_posed_shapes_are_the_same_shapes_in_poses_of_their_own() -> None:
    posed = shapes.posed("arrow", 3, 64, seed=0, loose=0.0)
    assert (posed.masks == posed.masks[0]).all()
    assert (posed.images[0] != posed.images[1]).mean() > 0.9
    rows = np.nonzero(posed.masks[0])[0]
    assert rows.mean() == pytest.approx(31.5, abs=1)  # in the middle
    assert posed.parts["tip"][0][0] > 0.6  # arrows point to the right
    stars = shapes.posed("star", 3, 64, seed=0, loose=0.0)
    assert stars.parts["top"][0][1] < 0.4
    assert stars.parts["left foot"][0][0] < stars.parts["right foot"][0][0]
    fewer = shapes.posed("arrow", 2, 64, seed=0, loose=0.0)
    assert (fewer.masks == posed.masks[:2]).all()
