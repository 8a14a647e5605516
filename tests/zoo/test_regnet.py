"""RegNet: four numbers give the stages that the paper prints, and torchvision's rounding is another."""

import pytest
import torch
import torchvision
from torch import Tensor, nn

import zoo
from zoo.families.regnet import RegNetBlock, plan, quantised_widths

# Figures 15 and 16: widths and depths of the stages.
PRINTED = {
    "regnet_x_200mf": ((24, 56, 152, 368), (1, 1, 4, 7)),
    "regnet_x_400mf": ((32, 64, 160, 384), (1, 2, 7, 12)),
    "regnet_x_600mf": ((48, 96, 240, 528), (1, 3, 5, 7)),
    "regnet_x_800mf": ((64, 128, 288, 672), (1, 3, 7, 5)),
    "regnet_x_1_6gf": ((72, 168, 408, 912), (2, 4, 10, 2)),
    "regnet_x_3_2gf": ((96, 192, 432, 1008), (2, 6, 15, 2)),
    "regnet_x_4gf": ((80, 240, 560, 1360), (2, 5, 14, 2)),
    "regnet_x_6_4gf": ((168, 392, 784, 1624), (2, 4, 10, 1)),
    "regnet_x_8gf": ((80, 240, 720, 1920), (2, 5, 15, 1)),
    "regnet_x_12gf": ((224, 448, 896, 2240), (2, 5, 11, 1)),
    "regnet_x_16gf": ((256, 512, 896, 2048), (2, 6, 13, 1)),
    "regnet_x_32gf": ((336, 672, 1344, 2520), (2, 7, 13, 1)),
    "regnet_y_200mf": ((24, 56, 152, 368), (1, 1, 4, 7)),
    "regnet_y_400mf": ((48, 104, 208, 440), (1, 3, 6, 6)),
    "regnet_y_600mf": ((48, 112, 256, 608), (1, 3, 7, 4)),
    "regnet_y_800mf": ((64, 128, 320, 768), (1, 3, 8, 2)),
    "regnet_y_1_6gf": ((48, 120, 336, 888), (2, 6, 17, 2)),
    "regnet_y_3_2gf": ((72, 216, 576, 1512), (2, 5, 13, 1)),
    "regnet_y_4gf": ((128, 192, 512, 1088), (2, 6, 12, 2)),
    "regnet_y_6_4gf": ((144, 288, 576, 1296), (2, 7, 14, 2)),
    "regnet_y_8gf": ((168, 448, 896, 2016), (2, 4, 10, 1)),
    "regnet_y_12gf": ((224, 448, 896, 2240), (2, 5, 11, 1)),
    "regnet_y_16gf": ((224, 448, 1232, 3024), (2, 4, 11, 1)),
    "regnet_y_32gf": ((232, 696, 1392, 3712), (2, 5, 12, 1)),
}


@pytest.mark.parametrize("name", PRINTED)
def test_the_line_leads_to_the_printed_stages(name: str) -> None:
    line = {key: value for key, value in zoo.VARIANTS[name].config.items() if key != "se"}
    stages = plan(**line)
    assert (tuple(s.width for s in stages), tuple(s.depth for s in stages)) == PRINTED[name]
    model = zoo.skeleton(name)
    built = [list(stage.children()) for stage in model.get_submodule("stages").children()]
    assert tuple(len(blocks) for blocks in built) == PRINTED[name][1]
    assert {c.in_channels // c.groups for c in grouped(model)} == {line["group_width"]}


def grouped(model: nn.Module) -> list[nn.Conv2d]:
    return [m for m in model.modules() if isinstance(m, nn.Conv2d) and m.groups > 1]


def test_a_line_by_hand() -> None:
    """24, 48, 72, 96, 120: 72 lies nearer to 96 than to 48 in logarithms, since 1.5 > sqrt(2)."""
    assert quantised_widths(24, 24, 2.0, 5) == [24, 48, 96, 96, 96]
    assert quantised_widths(24, 0, 2.0, 5) == [24] * 5
    stages = [tuple(stage) for stage in plan(24, 24, 2.0, 5, group_width=32)]
    assert stages == [(24, 1, 24), (64, 1, 32), (96, 3, 32)]  # 48 becomes 64


@pytest.mark.parametrize("name", ["regnet_x_400mf", "regnet_y_800mf", "regnet_y_8gf"])
def test_torchvisions_network_of_the_name_is_another(name: str) -> None:
    published = zoo.VARIANTS[name].published
    theirs = torchvision.models.get_model_weights(name).IMAGENET1K_V1.meta["num_params"]
    effect = zoo.FAMILIES["regnet"].deviations[0].effect
    assert published
    assert published.params < theirs
    assert all(f"{n / 1e6:.3g}" in effect for n in (published.params, theirs))


@pytest.mark.parametrize(("cin", "cout"), [(32, 24), (24, 56)])
def test_the_y_block_squeezes_to_a_quarter_of_what_enters_it(cin: int, cout: int) -> None:
    block = RegNetBlock(cin, cout, 2, group_width=8, se=True)
    se, last = block.get_submodule("transform.se"), block.get_submodule("transform.conv3")
    shapes = [tuple(p.shape) for p in se.parameters() if p.ndim > 1]
    assert shapes == [(cin // 4, cout, 1, 1), (cout, cin // 4, 1, 1)]
    seen: list[Tensor] = []
    last.register_forward_pre_hook(lambda m, inputs: seen.append(inputs[0]))
    block.eval()(torch.randn(1, cin, 8, 8))
    assert seen[0].shape == (1, cout, 4, 4)  # channels are weighed after the 3x3, before the last 1x1
