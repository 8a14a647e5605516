"""Dual path networks: what is added, what is set beside it, and how the channels grow."""

import pytest
import torch
from torch import Tensor, nn

import zoo
from zoo.anatomy import dissect
from zoo.families.dpn import DualPathBlock


def test_left_channels_are_added_and_right_ones_kept_and_joined() -> None:
    added, dense, k = 8, 6, 3
    block = DualPathBlock(added + dense, 12, added, k, cardinality=4, stride=1, projects=False).eval()
    found: list[Tensor] = []
    block.expand.register_forward_hook(lambda m, inputs, out: found.append(out))
    x = torch.randn(2, added + dense, 5, 5)
    with torch.no_grad():
        out = block(x)
    (new,) = found
    assert new.shape[1] == added + k
    assert torch.equal(out[:, :added], x[:, :added] + new[:, :added])
    assert torch.equal(out[:, added : added + dense], x[:, added:])
    assert torch.equal(out[:, added + dense :], new[:, added:])


def test_both_paths_share_the_first_1x1() -> None:
    """Whatever channel of whichever path changes, the added part and the new part change both."""
    block = DualPathBlock(10, 8, 6, 2, cardinality=2, stride=1, projects=False).eval()
    x = torch.rand(1, 10, 4, 4)
    with torch.no_grad():
        for channel in (0, 9):
            other = x.clone()
            other[:, channel] += 1
            change = (block.expand(block.grouped(block.reduce(other)))
                      - block.expand(block.grouped(block.reduce(x)))).abs().sum((0, 2, 3))  # fmt: skip
            assert (change[:6].sum() > 0, change[6:].sum() > 0) == (True, True)


@pytest.mark.parametrize(
    ("name", "ends"),
    [
        # residual path + (blocks + 2) x growth, stage by stage, by the figures of table 1
        ("dpn92", (256 + 5 * 16, 512 + 6 * 32, 1024 + 22 * 24, 2048 + 5 * 128)),
        ("dpn98", (256 + 5 * 16, 512 + 8 * 32, 1024 + 22 * 32, 2048 + 5 * 128)),
        ("dpn68", (64 + 5 * 16, 128 + 6 * 32, 256 + 14 * 32, 512 + 5 * 64)),
    ],
)
def test_channels_behind_each_stage(name: str, ends: tuple[int, ...]) -> None:
    layers = {layer.id: layer for layer in dissect(zoo.skeleton(name), (3, 224, 224)).layers}
    depths = zoo.VARIANTS[name].config["depths"]
    found = [layers[f"stages.{i}.{depth - 1}.concat"].shape for i, depth in enumerate(depths)]
    assert found == [(c, side, side) for c, side in zip(ends, (56, 28, 14, 7), strict=True)]


@pytest.mark.parametrize("name", ["dpn68", "dpn92", "dpn98", "dpn131", "dpn107"])
def test_the_name_counts_the_layers(name: str) -> None:
    assert dissect(zoo.skeleton(name), (3, 224, 224)).depth == int(name.removeprefix("dpn"))


def test_without_growth_only_the_residual_path_is_left() -> None:
    model = zoo.skeleton("dpn_classroom", **{f"growth.{i}": 0 for i in range(3)})
    norms = [m for m in model.get_submodule("stages").modules() if isinstance(m, nn.BatchNorm2d)]
    assert norms[-1].num_features == 32 * 4


def test_groups_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"50 groups do not divide 128 channels; 100 or 150 would do\."):
        zoo.skeleton("dpn68", cardinality=50)
