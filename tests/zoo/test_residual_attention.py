"""Residual attention: what a mask does to the trunk, the hourglass, and the authors' layers one by one."""

import pytest
import torch
from pytorchcv.model_provider import get_model as pytorchcv_model
from pytorchcv.models.common.arch import Hourglass
from pytorchcv.models.resattnet import DoubleSkipBlock
from torch import Tensor, nn

import zoo
from tests.zoo.twins import assert_same_logits, load_by_position, picture, shake
from zoo.anatomy import dissect
from zoo.families.residual_attention import AttentionModule, Enlarge, SoftMask


class Constant(nn.Module):
    """A mask that says the same everywhere."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def forward(self, x: Tensor) -> Tensor:
        return torch.full_like(x, self.value)


def module_of(attention: str) -> AttentionModule:
    model = zoo.build("residual_attention_classroom", attention=attention)
    shake(model)
    module = model.get_submodule("stages.0.1")
    assert isinstance(module, AttentionModule)
    return module


@pytest.mark.parametrize(
    ("attention", "mask", "factor"),
    [
        ("residual", 0.0, 1.0),
        ("residual", 1.0, 2.0),
        ("residual", 0.5, 1.5),
        ("naive", 0.0, 0.0),
        ("naive", 0.5, 0.5),
    ],
)
def test_equation_3(attention: str, mask: float, factor: float) -> None:
    """(1 + M) T: a mask of zeros leaves the trunk as it is; M T would erase it."""
    module = module_of(attention)
    module.mask = Constant(mask)
    x = torch.randn(2, 48, 16, 16)
    with torch.no_grad():
        trunk = module.trunk(module.before(x))
        torch.testing.assert_close(module(x), module.after(factor * trunk))


@pytest.mark.parametrize(("gate", "low", "high"), [("sigmoid", 0, 1), ("tanh", -1, 1)])
def test_a_mask_has_a_weight_for_every_value_of_the_trunk(gate: str, low: float, high: float) -> None:
    model = zoo.build("residual_attention_classroom", gate=gate)
    shake(model)
    masks = [m for m in model.modules() if isinstance(m, SoftMask)]
    seen: list[Tensor] = []
    for mask in masks:
        mask.register_forward_hook(lambda m, inputs, out: seen.append(out))
    with torch.no_grad():
        model(torch.randn(2, 3, 32, 32))
    assert [tuple(m.shape) for m in seen] == [(2, 48, 16, 16), (2, 96, 8, 8)]
    for m in seen:
        assert low <= m.min() < m.max() <= high
        assert m.min() < (low + high) / 2 < m.max()


def test_without_a_mask_the_trunk_is_left() -> None:
    module = module_of("none")
    assert not [m for m in module.modules() if isinstance(m, SoftMask)]
    x = torch.randn(1, 48, 16, 16)
    with torch.no_grad():
        assert torch.equal(module(x), module.after(module.trunk(module.before(x))))


def test_enlarging_puts_corners_on_corners() -> None:
    small, large = torch.tensor([[[[0.0, 1.0], [2.0, 3.0]]]]), torch.empty(1, 1, 3, 3)
    assert Enlarge()(small, large).tolist() == [[[[0, 0.5, 1], [1, 1.5, 2], [2, 2.5, 3]]]]


@pytest.mark.parametrize(
    ("name", "depth"), [("resattnet56", 56), ("resattnet92", 92), ("attentionnext56", 56)]
)
def test_the_name_counts_the_layers_of_the_trunk(name: str, depth: int) -> None:
    assert dissect(zoo.skeleton(name, attention="none"), (3, 224, 224)).depth == depth


@pytest.mark.parametrize("name", ["resattnet56", "resattnet92", "attentionnext56"])
def test_every_mask_goes_down_to_the_7_pixels_of_the_last_stage(name: str) -> None:
    layers = dissect(zoo.skeleton(name), (3, 224, 224)).layers
    pools = [layer for layer in layers if ".mask." in layer.id and layer.id.endswith(".pool")]
    deepest = {layer.id.partition(".mask.")[0]: layer.shape[1] for layer in pools}
    modules = zoo.VARIANTS[name].config["modules"]
    assert len(deepest) == sum(modules)
    assert set(deepest.values()) == {7}
    assert len(pools) == sum(count * (3 - stage) for stage, count in enumerate(modules))


def as_in_the_prototxt(port: nn.Module) -> None:
    """Undo the two places where the port adds what the authors' files do not."""
    for module in port.modules():
        if isinstance(module, DoubleSkipBlock):  # x + (x + F(x))
            module.forward = module.skip1.forward
        if isinstance(module, Hourglass):  # the trunk, added to what comes up
            side = 7 << module.depth

            def merge(x: Tensor, y: Tensor, side: int = side) -> Tensor:
                return x if y.shape[-1] == side else x + y

            module._merge = merge


def in_our_order(state: dict[str, Tensor]) -> list[Tensor]:
    """The port keeps what goes down, what goes up and the skips apart; ours lie one inside the other."""
    parts: list[str] = []  # "skip1" is the trunk
    for level in reversed(range(1, 4)):
        parts = [f"down{level}.", *parts, f"skip{level + 1}.", f"up{level}."]
    parts = ["skip1.", *parts]
    ordered: list[str] = []
    units = {name.partition(".hg.")[0]: None for name in state if ".hg." in name}
    for name in state:
        unit, _, inner = name.partition(".hg.")
        if not inner:
            ordered.append(name)
        elif unit in units:  # at its first name all of the unit's names
            del units[unit]
            mine = [n for n in state if n.startswith(f"{unit}.hg.")]
            ordered += [n for part in parts for n in mine if f"_seq.{part}" in n]
    return [state[name] for name in ordered]


@pytest.mark.parametrize("name", ["resattnet56", "resattnet92"])
def test_logits_equal_the_ports_corrected_by_the_authors_files(name: str) -> None:
    reference = pytorchcv_model(name, pretrained=False).eval()
    shake(reference)
    as_in_the_prototxt(reference)
    ours = zoo.build(name)
    load_by_position(ours, in_our_order(reference.state_dict()))
    assert_same_logits(ours, reference, picture(224))


# AttentionNeXt-56-deploy.prototxt, AttentionA_1 from its first layer to its last: units by the side of their
# map, each of 1x1 to 128, 3x3 in 32 groups, 1x1 to 256; then the mask's own two convolutions.
ATTENTIONNEXT_A = (
    *("before 56", "trunk 56", "trunk 56"),
    *("down 28", "down 14", "down 7", "up 7", "skip 14", "up 14", "skip 28", "up 28"),
    *("conv1 256 1x1 56", "conv2 256 1x1 56", "after 56"),
)


def test_attentionnext56_has_the_layers_of_its_prototxt() -> None:
    layers = dissect(zoo.skeleton("attentionnext56"), (3, 224, 224)).layers
    found: list[str] = []
    for layer in layers:
        path = layer.id.split(".")
        if path[:3] != ["stages", "0", "1"] or layer.kind != "conv":
            continue
        cout, side, _ = layer.shape
        if path[3:5] in (["mask", "conv1"], ["mask", "conv2"]):
            found.append(f"{path[4]} {cout} 1x1 {side}")
            continue
        wanted = {"conv1": (128, "1×1"), "conv2": (128, "3×3 in 32 groups"), "conv3": (256, "1×1")}
        assert (cout, layer.label.removeprefix("Conv ")) == wanted[path[-1]]
        if path[-1] == "conv3":
            (part,) = [p for p in path if p in ("before", "trunk", "down", "skip", "up", "after")]
            found.append(f"{part} {side}")
    assert tuple(found) == ATTENTIONNEXT_A
    assert [layer.label for layer in layers if layer.id.endswith("mask.gate")] == ["Tanh"] * 3
