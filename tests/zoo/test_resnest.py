"""ResNeSt: the ablation's sizes, what the attention sums to, whom a group listens to, and ResNet-D within."""

import pytest
import torch
from torch import Tensor, nn

import zoo
from tests.zoo.twins import shake
from zoo.anatomy import dissect
from zoo.families.resnest import SplitAttention

# ablation.md of the authors: setting, parameters in millions
ABLATION = [
    (1, 1, 64, 26.2),  # printed as 26.3; timm's blocks, too, have 26,217,896
    (2, 1, 64, 27.5),
    (4, 1, 64, 31.9),
    (1, 2, 40, 25.9),
    (2, 2, 40, 26.9),
    (4, 2, 40, 30.4),
    (1, 4, 24, 25.7),
]


@pytest.mark.parametrize(("radix", "cardinality", "base_width", "millions"), ABLATION)
def test_parameters_of_the_ablation(radix: int, cardinality: int, base_width: int, millions: float) -> None:
    model = zoo.skeleton(
        "resnest50", radix=radix, cardinality=cardinality, base_width=base_width, average="before"
    )
    assert round(sum(p.numel() for p in model.parameters()) / 1e6, 1) == millions


def unit(radix: int, cardinality: int = 2) -> SplitAttention:
    part = SplitAttention(8, stride=1, radix=radix, cardinality=cardinality, reduction=4).eval()
    shake(part)
    return part


@pytest.mark.parametrize(("radix", "total"), [(2, 1.0), (4, 1.0), (1, None)])
def test_attention_sums_to_one_over_the_splits(radix: int, total: float | None) -> None:
    """For every image and channel; one split alone has a sigmoid, for a softmax would always say 1."""
    part = unit(radix)
    seen: list[Tensor] = []
    part.gate.register_forward_hook(lambda m, i, out: seen.append(out))
    with torch.no_grad():
        part(torch.randn(3, 8, 6, 6, generator=torch.Generator().manual_seed(0)))
    (attention,) = seen
    assert attention.shape == (3, radix, 2, 4)
    assert not torch.allclose(attention[0], attention[1])
    sums = attention.sum(1)
    if total is None:
        assert sums.max() < 1
        assert sums.min() > 0
    else:
        torch.testing.assert_close(sums, torch.full_like(sums, total))


def test_a_group_reads_and_asks_its_own_channels_only() -> None:
    """Figure 2 by hand: of channels 0-7 split 0 reads 0-3, split 1 4-7; group 0 the first half of both."""
    part = unit(radix=2, cardinality=2)
    x = torch.randn(1, 8, 6, 6, generator=torch.Generator().manual_seed(0))
    other = x.clone()
    other[:, [2, 3, 6, 7]] += 1  # group 1
    with torch.no_grad():
        before, after = part(x), part(other)
    assert torch.equal(before[:, :4], after[:, :4])
    assert not torch.allclose(before[:, 4:], after[:, 4:])


@pytest.mark.parametrize("split", [0, 1, 2, 3])
def test_a_sure_choice_is_that_split_alone(split: int) -> None:
    part = unit(radix=4)
    x = torch.randn(2, 8, 6, 6, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        part.fc2.weight.zero_()
        assert part.fc2.bias is not None
        part.fc2.bias.zero_()
        part.fc2.bias.reshape(2, 4, 4)[:, split] = 50  # sorted by group, then by split
        torch.testing.assert_close(part(x), part.conv(x)[:, 8 * split : 8 * split + 8])


def test_without_split_attention_it_is_resnet_d() -> None:
    """Stem, shortcuts and head of ResNet-50-D, name by name and shape by shape."""

    def around(model: nn.Module) -> dict[str, torch.Size]:
        parts = model.named_parameters()
        return {n: p.shape for n, p in parts if n.startswith(("stem", "head")) or "shortcut" in n}

    ours, resnet_d = around(zoo.skeleton("resnest50")), around(zoo.skeleton("resnet50d"))
    assert len(ours) == 9 + 4 * 3 + 2
    assert ours == resnet_d


@pytest.mark.parametrize(("average", "giga"), [("after", 5.371), ("before", 4.34), ("none", 4.34)])
def test_the_fast_form_halves_the_map_first(average: str, giga: float) -> None:
    """ablation.md prints 4.34 for 2s1x64d-fast."""
    macs = dissect(zoo.skeleton("resnest50", average=average), (3, 224, 224)).macs
    assert macs / 1e9 == pytest.approx(giga, rel=0.01)
