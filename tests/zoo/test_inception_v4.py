"""Inception-v4: figures 3 and 9 row by row, the uniform modules, and pictures that are too small."""

import pytest
import torch
from torch import nn

import zoo

# Figures 3 and 9: side and channels of the map behind each part.
OUTPUTS = {
    "stem.conv1": (149, 32),
    "stem.conv2": (147, 32),
    "stem.conv3": (147, 64),
    "stem.fork1": (73, 160),
    "stem.fork2": (71, 192),
    "stem.fork3": (35, 384),
    "stages.a": (35, 384),
    "stages.b.reduction": (17, 1024),
    "stages.b": (17, 1024),
    "stages.c.reduction": (8, 1536),
    "stages.c": (8, 1536),
    "pool": (1, 1536),
}


def test_maps_of_figures_3_and_9() -> None:
    model = zoo.skeleton("inception_v4")
    seen: dict[str, tuple[int, int]] = {}

    def note(path: str, module: nn.Module) -> None:
        module.register_forward_hook(lambda m, i, out: seen.update({path: (out.shape[2], out.shape[1])}))

    for path in OUTPUTS:
        note(path, model.get_submodule(path))
    model(torch.empty(1, 3, 299, 299, device="meta"))
    assert seen == OUTPUTS


def test_a_stage_repeats_one_module() -> None:
    """4, 7 and 3 modules, alike within a stage in every weight: what tells v4 from v3."""
    model = zoo.skeleton("inception_v4")
    for stage, depth in (("a", 4), ("b", 7), ("c", 3)):
        modules = {n: m for n, m in model.get_submodule(f"stages.{stage}").named_children() if n.isdigit()}
        shapes = [[p.shape for p in module.parameters()] for module in modules.values()]
        assert len(shapes) == depth
        assert all(other == shapes[0] for other in shapes)


def test_table_1_for_reduction_a() -> None:
    """k = 192, l = 224, m = 256, n = 384."""
    reduction = zoo.skeleton("inception_v4").get_submodule("stages.b.reduction")
    widths = [m.out_channels for m in reduction.modules() if isinstance(m, nn.Conv2d)]
    assert widths == [384, 192, 224, 256]


def test_the_average_at_the_border_leaves_the_padding_out() -> None:
    """Ones stay ones, also in the corner, where only four of nine cells exist."""
    pool = zoo.build("inception_v4_classroom").get_submodule("stages.b.0.pool.0")
    ones = torch.ones(1, 2, 5, 5)
    assert torch.equal(pool(ones), ones)


def test_too_small_a_picture_is_refused() -> None:
    model = zoo.skeleton("inception_v4", input_size=75)
    assert model(torch.empty(1, 3, 75, 75, device="meta")).shape == (1, 1000)
    with pytest.raises(ValueError, match=r"At 74 px .* 75 px is the least\."):
        zoo.skeleton("inception_v4", input_size=74)
