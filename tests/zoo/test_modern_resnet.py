"""Modern ResNet: one edit a rung, the paper's tables row by row, and what a block of each rung looks like."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import pytest
from timm.layers.norm import LayerNorm2d as TimmLayerNorm2d
from timm.models.convnext import ConvNeXtBlock
from torch import Tensor, nn
from torchvision import ops
from torchvision.models import convnext_tiny
from torchvision.models.convnext import LayerNorm2d
from torchvision.models.resnet import Bottleneck, ResNet

import zoo
from tests.zoo.twins import assert_same_logits, load_by_position, picture, shake
from zoo.anatomy import dissect
from zoo.layers import StochasticDepth

TABLE_10 = {  # top-1 %, GFLOPs
    "modern_resnet_recipe": (78.82, 4.09),
    "modern_resnet_ratio": (79.36, 4.53),
    "modern_resnet_patchify": (79.51, 4.42),
    "modern_resnet_depthwise": (78.28, 2.35),
    "modern_resnet_width": (80.50, 5.27),
    "modern_resnet_inverted": (80.64, 4.64),
    "modern_resnet_moved_up": (79.92, 4.07),
    "modern_resnet_kernel7": (80.57, 4.15),
    "modern_resnet_gelu": (80.62, 4.15),
    "modern_resnet_one_act": (81.27, 4.15),
    "modern_resnet_one_norm": (81.41, 4.15),
    "modern_resnet_layernorm": (81.47, 4.15),  # printed 4.46, and 4.2 in figure 2
    "modern_resnet_downsampling": (81.97, 4.46),  # printed 4.49, and 4.5 in figure 2
}
TABLE_11 = {  # GFLOPs in the regime of ResNet-200: every row as printed
    "recipe": 15.01,
    "ratio": 14.52,
    "patchify": 14.38,
    "depthwise": 7.23,
    "width": 16.76,
    "inverted": 15.68,
    "moved_up": 14.63,
    "kernel7": 14.81,
    "gelu": 14.81,
    "one_act": 14.81,
    "one_norm": 14.81,
    "layernorm": 14.81,
    "downsampling": 15.35,
}
LADDER = list(TABLE_10)
IMAGE = (3, 224, 224)


def test_each_rung_is_the_one_before_and_one_edit() -> None:
    rows = [zoo.VARIANTS[name].config for name in LADDER]
    assert [v.name for v in zoo.FAMILIES["modern_resnet"].variants if v.published] == LADDER
    assert dict(rows[0]) == {"drop": 0.1}, "the recipe's; the network is ResNet-50"
    for before, after in pairwise(rows):
        assert len(after.items() - before.items()) == 1
        assert before.items() - after.items() == set(), "no edit is turned a second time"


@pytest.mark.parametrize("name", LADDER)
def test_table_10(name: str) -> None:
    top1, gflops = TABLE_10[name]
    published = zoo.VARIANTS[name].published
    assert published
    assert published.top1 == top1
    assert round(dissect(zoo.skeleton(name), IMAGE).macs / 1e9, 2) == gflops


@pytest.mark.parametrize(("kernel", "gflops"), [(3, 4.07), (5, 4.10), (7, 4.15), (9, 4.21), (11, 4.29)])
def test_the_kernels_that_table_10_tried(kernel: int, gflops: float) -> None:
    assert round(dissect(zoo.skeleton("modern_resnet_kernel7", kernel=kernel), IMAGE).macs / 1e9, 2) == gflops


@pytest.mark.parametrize("edit", TABLE_11)
def test_table_11(edit: str) -> None:
    """Appendix C: blocks 3, 24, 36, 3, then 3, 3, 27, 3; width 64, from the same rung on 84, then 128."""
    config = zoo.VARIANTS[f"modern_resnet_{edit}"].config
    depths, width = ((3, 3, 27, 3), 84) if "depths" in config else ((3, 24, 36, 3), 64)
    turned = {f"depths.{i}": depth for i, depth in enumerate(depths)}
    model = zoo.skeleton(f"modern_resnet_{edit}", **turned, width=128 if "width" in config else width)
    assert round(dissect(model, IMAGE).macs / 1e9, 2) == TABLE_11[edit]


class Sum(nn.Module):
    """A branch beside a shortcut, added."""

    def __init__(self, branch: nn.Module, shortcut: nn.Module, act: nn.Module) -> None:
        super().__init__()
        self.branch, self.shortcut, self.act = branch, shortcut, act

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.branch(x) + self.shortcut(x))


def conv(
    cin: int,
    cout: int,
    kernel: int = 1,
    stride: int = 1,
    act: type[nn.Module] | None = None,
    norm: Callable[[int], nn.Module] | None = nn.BatchNorm2d,
) -> nn.Module:
    """torchvision's convolution, norm and activation; any kernel above 1x1 is depthwise."""
    groups = 1 if kernel == 1 else cin
    bias = norm is not nn.BatchNorm2d
    return ops.Conv2dNormActivation(
        cin, cout, kernel, stride, None, groups, norm, act, bias=bias, inplace=None
    )


def has(name: str, edit: str) -> bool:
    return LADDER.index(name) >= LADDER.index(f"modern_resnet_{edit}")


def bottleneck(name: str, cin: int, width: int, stride: int) -> nn.Module:
    """torchvision's own block; with the edit, its 3x3 made depthwise."""
    widens = conv(cin, 4 * width, 1, stride) if cin != 4 * width or stride > 1 else None
    block = Bottleneck(cin, width, stride, widens)
    if has(name, "depthwise"):
        block.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, groups=width, bias=False)
    return block


def inverted(name: str, cin: int, width: int, stride: int) -> nn.Module:
    """Figure 3b, 3c or 4; with a single norm and without a stride it is timm's ConvNeXt block."""
    layer, one_norm, one_act = (has(name, edit) for edit in ("layernorm", "one_norm", "one_act"))
    kernel = 7 if has(name, "kernel7") else 3
    if one_norm and stride == 1:
        norm = TimmLayerNorm2d if layer else nn.BatchNorm2d
        block = ConvNeXtBlock(width, kernel_size=kernel, conv_mlp=True, norm_layer=norm, ls_init_value=None)
        if not layer:  # timm leaves a bias in front of the batch norm, which takes it away again
            block.conv_dw = nn.Conv2d(width, width, kernel, padding=kernel // 2, groups=width, bias=False)
        return block
    here = partial(LayerNorm2d, eps=1e-6) if layer else nn.BatchNorm2d
    act, other = nn.GELU if has(name, "gelu") else nn.ReLU, None if one_norm else here
    if has(name, "moved_up"):
        parts = [
            conv(cin, cin, kernel, stride, None if one_act else act, here),
            conv(cin, 4 * width, act=act, norm=other),
            conv(4 * width, width, norm=other),
        ]
    else:
        parts = [
            conv(cin, 4 * width, act=act),
            conv(4 * width, 4 * width, kernel, stride, act),
            conv(4 * width, width),
        ]
    shortcut = nn.Identity() if stride == 1 else conv(cin, width, 1, stride, norm=here)
    return Sum(nn.Sequential(*parts), shortcut, nn.Identity() if one_act else act())


def peer(name: str) -> nn.Module:
    """The rung out of torchvision's and timm's parts."""
    if not has(name, "patchify"):
        return ResNet(Bottleneck, [3, 3, 9, 3]).eval()
    width, make, expansion = 96 if has(name, "width") else 64, bottleneck, 4
    if has(name, "inverted"):
        make, expansion = inverted, 1
    layers: list[nn.Module] = [nn.Conv2d(3, width, 4, 4)]
    cin = width
    for stage, depth in enumerate((3, 3, 9, 3)):
        for i in range(depth):
            layers.append(make(name, cin, width << stage, 2 if stage > 0 and i == 0 else 1))
            cin = expansion * width << stage
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(cin, 1000)).eval()


@pytest.mark.parametrize("name", LADDER[1:-1])
def test_logits_equal_those_of_a_network_out_of_peers_parts(name: str) -> None:
    reference, ours = peer(name), zoo.build(name)
    shake(reference)
    load_by_position(ours, reference.state_dict().values())
    assert_same_logits(ours, reference, picture(96, images=2))


def test_stochastic_depth_rises_from_zero_as_in_torchvision() -> None:
    """Logits in evaluation mode cannot show it."""
    ours, theirs = (
        [m.p for m in net.modules() if isinstance(m, StochasticDepth | ops.StochasticDepth)]
        for net in (zoo.skeleton(LADDER[-1]), convnext_tiny(weights=None))
    )
    assert ours == pytest.approx(theirs)
