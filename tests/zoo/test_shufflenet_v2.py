"""ShuffleNet V2: table 5, the split, and the four guidelines as properties of the units."""

from math import sqrt

import pytest
import torch
from torch import nn

import zoo
from zoo.anatomy import Layer, dissect
from zoo.families.shufflenet_v2 import SplitUnit


@pytest.mark.parametrize(
    ("name", "widths", "last"),
    [
        ("shufflenet_v2_x0_5", (48, 96, 192), 1024),
        ("shufflenet_v2_x1_0", (116, 232, 464), 1024),
        ("shufflenet_v2_x1_5", (176, 352, 704), 1024),
        ("shufflenet_v2_x2_0", (244, 488, 976), 2048),
    ],
)
def test_columns_of_table_5(name: str, widths: tuple[int, ...], last: int) -> None:
    model = zoo.skeleton(name)
    x = model.get_submodule("stem.conv")(torch.empty(1, 3, 224, 224, device="meta"))
    assert x.shape == (1, 24, 112, 112)
    x = model.get_submodule("stem.pool")(x)
    rows = zip(model.get_submodule("stages").children(), widths, (28, 14, 7), (4, 8, 4), strict=True)
    for stage, width, side, units in rows:
        x = stage(x)
        assert x.shape == (1, width, side, side)
        assert len(list(stage.children())) == units
    assert model.get_submodule("last")(x).shape == (1, last, 7, 7)


def test_one_half_passes_untouched_and_the_shuffle_deals_it_out() -> None:
    unit = SplitUnit(8, shuffle=True).eval()
    x = torch.randn(1, 8, 5, 5, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        y = unit(x)
        assert torch.equal(y[:, ::2], x[:, :4])
        assert torch.equal(y[:, 1::2], unit.branch(x[:, 4:]))


def test_without_shuffle_half_of_a_stage_never_changes() -> None:
    image = torch.randn(1, 24, 8, 8, generator=torch.Generator().manual_seed(0))
    stuck = []
    for shuffle in (True, False):
        first, *others = zoo.build("shufflenet_v2_x0_5", shuffle=shuffle).get_submodule("stages.0").children()
        with torch.no_grad():
            x = first(image)
            y = nn.Sequential(*others)(x)
        stuck.append(sum(bool((y[0] == channel).all((1, 2)).any()) for channel in x[0]))
    assert stuck == [6, 24]  # three units: 48 channels halved three times, or one half kept throughout


def memory_access_cost(layer: Layer) -> int:
    """Section 2, G1: what a 1x1 convolution reads and writes, hw (c1 + c2) + c1 c2."""
    assert layer.factors is not None
    cout, cin, _, _, height, width = layer.factors
    return height * width * (cin + cout) + cin * cout


def lower_bound(layer: Layer) -> float:
    """Equation 2: 2 sqrt(hw B) + B / hw, for B multiply-adds. Reached where c1 = c2."""
    assert layer.factors is not None
    *_, height, width = layer.factors
    assert layer.macs
    return 2 * sqrt(height * width * layer.macs) + layer.macs / (height * width)


def test_the_units_obey_the_guidelines() -> None:
    model = zoo.skeleton("shufflenet_v2_x1_0")
    layers = dissect(model, (3, 224, 224)).layers
    units = [path for path, m in model.named_modules() if isinstance(m, SplitUnit)]
    mine = [layer for layer in layers if layer.path.rpartition(".branch")[0] in units]
    pointwise = [layer for layer in mine if layer.label.startswith("Conv 1×1")]
    assert len(pointwise) == 2 * len(units) == 26
    for layer in pointwise:
        assert memory_access_cost(layer) == pytest.approx(lower_bound(layer))  # G1
        assert "groups" not in layer.label  # G2
    assert not [layer for layer in layers if layer.label == "Add"]  # G3, G4: two ways at most, and no sum
    # MobileNetV2 widens six times and adds: it meets neither.
    others = dissect(zoo.skeleton("mobilenet_v2"), (3, 224, 224)).layers
    wide = [layer for layer in others if layer.path.endswith("expand.conv")]
    assert all(memory_access_cost(layer) > 1.05 * lower_bound(layer) for layer in wide)
    assert [layer for layer in others if layer.label == "Add"]
