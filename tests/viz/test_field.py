"""What a unit sees: known values, the extent of its gradient, and the part that computes it."""

import pytest
import torch
from torch import nn

import zoo
from viz import hooks
from viz.field import field


@pytest.mark.parametrize(
    ("variant", "layer", "size", "stride", "first"),
    [
        # torchvision's ResNet-18 and VGG-16, EfficientNet-Lite0 with TensorFlow's uneven padding: well known
        ("resnet18", "stages.0", 43, 4, -21),
        ("resnet18", "stages.1", 99, 8, -49),
        ("vgg16", "stages.1.pool", 16, 4, -6),
        ("vgg16", "stages.2.pool", 44, 8, -18),
        ("efficientnet_lite0", "stages.0", 7, 2, -2),
        ("efficientnet_lite0", "stages.1", 19, 4, -6),
        # ZFNet by hand: 7; pooled by 3, 7 + 2 * 2 = 11; filtered by 5, 11 + 4 * 4 = 27; pooled, 43
        ("zfnet", "stages.0.conv", 7, 2, -1),
        ("zfnet", "stages.0", 11, 4, -1),
        ("zfnet", "stages.1.conv", 27, 8, -1),
        ("zfnet", "stages.1", 43, 16, -1),
    ],
)
def test_known_fields(variant: str, layer: str, size: int, stride: int, first: int) -> None:
    seen = field(zoo.skeleton(variant), (3, 224, 224), layer)
    y, x = 112 // stride, 96 // stride
    top, left = first + y * stride, first + x * stride
    assert seen.box(y, x) == (left, top, left + size, top + size)
    assert seen.box(0, 0) == (0, 0, first + size, first + size)


def extent(model: nn.Module, size: int, layer: str, unit: tuple[int, int, int]) -> tuple[int, ...] | None:
    """Where a unit's gradient is not zero. `model`: weights positive, pools averaging."""
    pixels = torch.ones(1, 3, size, size, dtype=torch.float64, requires_grad=True)
    (signal,) = hooks.gradients(hooks.up_to(model, pixels, layer)[(0, *unit)], [pixels])
    rows, columns = signal[0].abs().sum(0).nonzero(as_tuple=True)
    if not len(rows):
        return None
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def linear(model: nn.Module) -> nn.Module:
    """The network with small positive weights in float64, and with averaging in place of maxima."""
    model = model.double().eval()
    for module in model.modules():
        for name, child in module.named_children():
            if isinstance(child, nn.MaxPool2d):
                pool = nn.AvgPool2d(
                    child.kernel_size, child.stride, child.padding, child.ceil_mode, count_include_pad=False
                )
                setattr(module, name, pool)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(0.01 if parameter.ndim > 1 else 1)
    return model


@pytest.mark.parametrize(
    ("variant", "layers"),
    [
        ("zfnet_classroom", ("stages.0.conv", "stages.1", "stages.3.relu", "stages.4")),
        ("alexnet_classroom", ("stages.0", "stages.1.conv", "stages.4")),
        ("resnet_classroom", ("stages.0", "stages.1.0.shortcut")),
        ("googlenet_classroom", ("stem.pool1", "stages.3")),
        ("densenet_classroom", ("stages.0", "stages.1")),
    ],
)
def test_boxes_are_the_extent_of_the_gradient(variant: str, layers: tuple[str, ...]) -> None:
    model = linear(zoo.build(variant))
    for layer in layers:
        seen = field(model, (3, 32, 32), layer)
        _, channels, height, width = seen.shape
        for channel in (0, channels // 2, channels - 1):
            for y, x in ((0, 0), (height // 2, width // 3), (height - 1, width - 1)):
                assert seen.box(y, x, channel) == extent(model, 32, layer, (channel, y, x)), (layer, y, x)
