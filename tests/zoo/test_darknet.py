"""Darknet: tables 6 (YOLO9000) and 1 (YOLOv3) row by row, and Darknet-53 against its peers."""

import pytest
import timm
import torch
from pytorchcv.model_provider import get_model as pytorchcv_model
from torch import nn

import zoo
from tests.zoo.twins import assert_same_logits, load_by_position, picture, shake
from zoo.families.darknet import DarkUnit, PlainStage

# YOLO9000, table 6: "filters kernel" of every convolution; M halves the map.
TABLE_6 = (
    "32 3, M, 64 3, M, 128 3, 64 1, 128 3, M, 256 3, 128 1, 256 3, M, 512 3, 256 1, 512 3, 256 1, 512 3, M, "
    "1024 3, 512 1, 1024 3, 512 1, 1024 3, 1000 1"
)
# cfg/tiny.cfg, likewise.
TINY = (
    "16 3, M, 32 3, M, 16 1, 128 3, 16 1, 128 3, M, 32 1, 256 3, 32 1, 256 3, M, "
    "64 1, 512 3, 64 1, 512 3, 128 1, 1000 1"
)


@pytest.mark.parametrize(("name", "table"), [("darknet19", TABLE_6), ("darknet_tiny", TINY)])
def test_rows_of_the_table(name: str, table: str) -> None:
    rows = []
    for module in zoo.skeleton(name).modules():
        if isinstance(module, nn.Conv2d):
            rows.append(f"{module.out_channels} {module.kernel_size[0]}")
        elif isinstance(module, nn.MaxPool2d):
            rows.append("M")
    assert rows == table.split(", ")


def test_darknet53_has_the_maps_and_repetitions_of_table_1() -> None:
    """Blocks 1, 2, 8, 8, 4 times at 128, 64, 32, 16 and 8 pixels; 52 convolutions and a connected layer."""
    model = zoo.skeleton("darknet53")
    found: list[tuple[int, int]] = []
    for stage in model.get_submodule("stages").children():
        units = sum(isinstance(part, DarkUnit) for part in stage.children())
        stage.register_forward_hook(lambda m, i, out, units=units: found.append((units, out.shape[-1])))
    model(torch.empty(1, 3, 256, 256, device="meta"))
    assert found == [(1, 128), (2, 64), (8, 32), (8, 16), (4, 8)]
    assert sum(isinstance(m, nn.Conv2d) for m in model.modules()) == 52
    assert not any(isinstance(m, nn.MaxPool2d) for m in model.modules())


@pytest.mark.parametrize(("library", "size"), [("pytorchcv", 224), ("timm", 256)])
def test_darknet53_equals_its_peers(library: str, size: int) -> None:
    """pytorchcv's ends in a 7x7 pool, which takes 224 pixels only; timm's leaks a hundredth, not a tenth."""
    if library == "pytorchcv":
        reference = pytorchcv_model("darknet53", pretrained=False).eval()
    else:
        reference = timm.create_model("darknet53", pretrained=False).eval()
        for module in reference.modules():
            if isinstance(module, nn.LeakyReLU):
                module.negative_slope = 0.1
    shake(reference)
    ours = zoo.build("darknet53")
    load_by_position(ours, reference.state_dict().values())
    assert_same_logits(ours, reference, picture(size))


def test_squeezing_makes_five_layers_cheaper_than_three() -> None:
    """3x3, 1x1, 3x3, 1x1, 3x3 against three times 3x3 at full width: 9 + 0.5 + 4.5 + 0.5 + 4.5 to 27."""
    width = 64
    stage = PlainStage(width, width, 5, squeeze=2, squeeze_first=False)
    weights = sum(m.weight.numel() for m in stage.modules() if isinstance(m, nn.Conv2d))
    assert weights == 19 * width**2


def test_every_activation_leaks_a_tenth() -> None:
    model = zoo.skeleton("darknet19")
    slopes = [m.negative_slope for m in model.modules() if isinstance(m, nn.LeakyReLU)]
    assert slopes == [0.1] * 18  # all but the nineteenth convolution, which scores
