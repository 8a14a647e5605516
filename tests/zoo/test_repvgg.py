"""RepVGG: trained and fused form compute the same, and the fused one has the paper's counts."""

from typing import Any

import pytest
import timm
import torch
from timm.models import byobnet
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import zoo
from tests.zoo.twins import assert_same_logits, load_by_position, picture, shake
from zoo.families.acnet import fuse
from zoo.families.repvgg import RepConv, RepVGG

# Parameters and MACs of the fused networks, counted on the authors' code.
FUSED = {
    "a0": (8_309_384, 1_361_451_008),
    "a1": (12_789_864, 2_363_967_488),
    "a2": (25_499_944, 5_116_951_552),
    "b0": (14_339_048, 3_057_600_512),
    "b1": (51_829_480, 11_815_485_440),
    "b1g2": (41_360_104, 8_809_742_336),
    "b1g4": (36_125_416, 7_306_870_784),
    "b2": (80_315_112, 18_376_609_792),
    "b2g4": (55_777_512, 11_331_899_392),
    "b3": (110_960_872, 26_208_882_688),
    "b3g4": (75_626_728, 16_064_499_712),
}


@pytest.mark.parametrize("letter", FUSED)
def test_the_fused_form_has_the_papers_counts(letter: str) -> None:
    """Tables 4 and 5 cut parameters off after two decimals and round FLOPs to one."""
    variant, model = zoo.VARIANTS[f"repvgg_{letter}"], zoo.skeleton(f"repvgg_{letter}", fused=True)
    assert variant.published
    with torch.no_grad(), FlopCounterMode(display=False) as count:
        model(torch.empty(1, 3, 224, 224, device="meta"))
    params, macs = sum(p.numel() for p in model.parameters()), count.get_total_flops() // 2
    assert (params, macs) == FUSED[letter]
    printed = {p.quantity: p.value for p in variant.published.printed}
    assert params // 10_000 * 10_000 == printed["params"]
    assert round(macs / 1e9, 1) * 1e9 == pytest.approx(printed["macs"])
    kernels = [m.kernel_size for m in model.modules() if isinstance(m, nn.Conv2d)]
    assert kernels == [(3, 3)] * (1 + sum(variant.config["depths"]))


@pytest.mark.parametrize(
    ("cout", "stride", "groups", "options"),
    [
        (8, 1, 1, {}),
        (8, 1, 4, {}),
        (8, 2, 2, {}),
        (12, 2, 1, {}),
        (8, 1, 2, {"identity": False}),
        (8, 1, 1, {"pointwise": False}),
    ],
    ids=str,
)
def test_fused_branches_compute_the_same(
    cout: int, stride: int, groups: int, options: dict[str, bool]
) -> None:
    torch.manual_seed(0)
    block = RepConv(8, cout, stride, groups, **options).eval()
    shake(block)
    x = torch.randn(2, 8, 9, 8, generator=torch.Generator().manual_seed(1))
    assert (block.identity is not None) == (cout == 8 and stride == 1 and options.get("identity", True))
    with torch.no_grad():
        torch.testing.assert_close(block.fuse()(x), block(x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "knobs"),
    [("repvgg_a0", {}), ("repvgg_classroom", {}), ("repvgg_classroom", {"groups": 4, "excite": True})],
    ids=str,
)
def test_a_fused_network_computes_the_same(name: str, knobs: dict[str, Any]) -> None:
    ours, size = zoo.build(name, **knobs), zoo.VARIANTS[name].input_size
    shake(ours)
    fused = fuse(ours)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in fused.modules())
    plain = zoo.build(name, fused=True, **knobs)
    plain.load_state_dict(fused.state_dict())  # the same network as the knob builds
    image = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        trained = ours(image)
        assert trained.std() > 1e-3 * trained.abs().max()
        assert (fused(image) - trained).abs().max() <= 1e-5 * trained.abs().max()
        assert torch.equal(plain(image), fused(image))


def same_outputs(ours: nn.Module, reference: nn.Module, size: int) -> None:
    load_by_position(ours, reference.state_dict().values())
    assert_same_logits(ours, reference, picture(size))


def test_b1g2_is_timms_network_in_two_groups() -> None:
    """timm lists no B1g2, but builds it from the row of B1g4."""
    blocks = byobnet._rep_vgg_bcfg(wf=(2.0, 2.0, 2.0, 4.0), groups=2)
    config = byobnet.ByoModelCfg(blocks=blocks, stem_type="rep", stem_chs=64)
    reference = byobnet.ByobNet(config, num_classes=1000).eval()
    shake(reference)
    same_outputs(zoo.build("repvgg_b1g2"), reference, 224)


def test_fused_by_us_equals_fused_by_timm() -> None:
    reference = timm.create_model("repvgg_a0", pretrained=False).eval()
    shake(reference)
    ours = zoo.build("repvgg_a0")
    ours.load_state_dict(dict(zip(ours.state_dict(), reference.state_dict().values(), strict=True)))
    for module in reference.modules():
        if isinstance(module, byobnet.RepVggBlock):
            module.reparameterize()  # type: ignore[no-untyped-call]
    for mine, theirs in zip(fuse(ours).parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-6)


def test_every_other_block_is_grouped() -> None:
    """Section 3.4: the third, the fifth and so on of 28 layers; the first and the last are whole."""
    model = zoo.skeleton("repvgg_b1g4")
    assert isinstance(model, RepVGG)
    groups = [m.square.conv.groups for m in model.modules() if isinstance(m, RepConv)]
    assert groups == [4 if i % 2 == 0 and i > 0 else 1 for i in range(28)]
