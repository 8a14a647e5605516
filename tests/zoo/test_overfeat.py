"""OverFeat: tables 1 and 3 row by row; a network slid over a picture is the network on each window."""

import pytest
import torch
from torch import Tensor, nn

import zoo
from zoo.families.overfeat import Classifier, OverFeat, look_finely

# Channels, filter size, stride, padding, pooling, and the input's side: columns of tables 1 and 3. A full
# layer has no filter size; 1 is no pooling. Table 1 prints 24 where the input of layer 2 is 28 (see FAMILY).
TABLES = {
    "overfeat_fast": [
        (96, 11, 4, 0, 2, 231),
        (256, 5, 1, 0, 2, 28),
        (512, 3, 1, 1, 1, 12),
        (1024, 3, 1, 1, 1, 12),
        (1024, 3, 1, 1, 2, 12),
        (3072, None, 1, 0, 1, 6),
        (4096, None, 1, 0, 1, 1),
        (1000, None, 1, 0, 1, 1),
    ],
    "overfeat_accurate": [
        (96, 7, 2, 0, 3, 221),
        (256, 7, 1, 0, 2, 36),
        (512, 3, 1, 1, 1, 15),
        (512, 3, 1, 1, 1, 15),
        (1024, 3, 1, 1, 1, 15),
        (1024, 3, 1, 1, 3, 15),
        (4096, None, 1, 0, 1, 5),
        (4096, None, 1, 0, 1, 1),
        (1000, None, 1, 0, 1, 1),
    ],
}


def overfeat(name: str, **knobs: int) -> OverFeat:
    model = zoo.build(name, **knobs)
    assert isinstance(model, OverFeat)
    return model


@pytest.mark.parametrize("name", TABLES)
def test_rows_of_the_table(name: str) -> None:
    model, sides = zoo.skeleton(name), list[int]()
    convs = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
    for conv in convs:
        conv.register_forward_pre_hook(lambda m, inputs: sides.append(inputs[0].shape[-1]))
    size = zoo.VARIANTS[name].input_size
    model(torch.empty(1, 3, size, size, device="meta"))
    pools = [m.kernel_size for m in model.modules() if isinstance(m, nn.MaxPool2d)]
    assert pools == [row[4] for row in TABLES[name] if row[4] > 1]
    for conv, side, row in zip(convs, sides, TABLES[name], strict=True):
        channels, kernel, stride, padding, _, printed = row
        fully_connected = printed if kernel is None else kernel
        assert conv.out_channels == channels
        assert conv.kernel_size == (fully_connected, fully_connected)
        assert (conv.stride[0], conv.padding[0], side) == (stride, padding, printed)


@pytest.mark.parametrize(
    ("name", "window", "step"), [("overfeat_fast", 231, 32), ("overfeat_accurate", 221, 36)]
)
def test_windows_are_as_far_apart_as_the_authors_say(name: str, window: int, step: int) -> None:
    """Their README: the windows of the map are 231 px wide and 32 apart, or 221 wide and 36 apart."""
    model = zoo.skeleton(name)
    assert isinstance(model, OverFeat)
    for more, windows in ((0, 1), (step - 1, 1), (step, 2), (5 * step, 6)):
        image = torch.empty(1, 3, window + more, window, device="meta")
        assert model.scores(image).shape == (1, 1000, windows, 1)


def test_a_slid_network_is_the_network_on_each_window() -> None:
    """Exactly, where no layer is padded; a padded one sees zeros at the edge of a crop."""
    model = overfeat("overfeat_classroom", **{"kernels.2": 1, "kernels.3": 1, "kernels.4": 1})
    image = torch.randn(1, 3, 48, 40, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        dense = model.scores(image)
        assert dense.shape == (1, 10, 3, 2)
        for y in range(3):
            for x in range(2):
                crop = image[:, :, 8 * y : 8 * y + 32, 8 * x : 8 * x + 32]
                torch.testing.assert_close(dense[:, :, y, x], model(crop), rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(model(image), dense.amax((2, 3)))


def test_fine_steps_are_the_classifier_at_every_offset_of_the_pool() -> None:
    """Figure 3 with 3x3 pools: cell (y, x) of the answer is the classifier on the windows from there on."""
    generator = torch.Generator().manual_seed(0)
    pool, classifier = nn.MaxPool2d(3), Classifier(4, 2, (8, 8), 5).eval()
    features = torch.randn(1, 4, 12, 11, generator=generator)
    with torch.no_grad():
        fine = look_finely(features, pool, classifier)
        assert fine.shape == (1, 5, 6, 6)  # at offset 2 there is room for 3 windows: 2 places, 3 offsets each
        for y in range(6):
            for x in range(6):
                seen = classifier(pool(features[:, :, y : y + 6, x : x + 6]))
                torch.testing.assert_close(fine[:, :, y, x], seen[:, :, 0, 0])


def test_coarse_steps_are_every_other_of_the_fine_ones() -> None:
    model = overfeat("overfeat_classroom")
    image: Tensor = torch.randn(1, 3, 52, 52, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        coarse, fine = model.scores(image), model.fine_scores(image)
        assert fine.shape[-1] == 2 * coarse.shape[-1]
        torch.testing.assert_close(fine[:, :, ::2, ::2], coarse, rtol=1e-4, atol=1e-5)


def test_a_picture_that_vanishes_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Layer 2 leaves nothing of a picture of 32 px\."):
        zoo.skeleton("overfeat_classroom", **{"kernels.0": 11, "stride": 4, "kernels.1": 5})
