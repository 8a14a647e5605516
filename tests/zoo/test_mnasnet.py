"""MnasNet: the reward of the search, figure 7 stage by stage, and the block that the whole line shares."""

import pytest
import torch
from torch import nn

import zoo
from zoo.families.mnasnet import MBConv, reward
from zoo.families.senet import SqueezeExcite

# Figure 7(a): the map that each stage of A1 puts out, the kernel of its blocks, and whether they have SE.
FIGURE_7 = [
    ((16, 112), 3, False),
    ((24, 56), 3, False),
    ((40, 28), 5, True),
    ((80, 14), 3, False),
    ((112, 14), 3, True),
    ((160, 7), 5, True),
    ((320, 7), 3, False),
]


def test_a1_is_figure_7() -> None:
    model = zoo.skeleton("mnasnet_a1")
    x = model.get_submodule("stem")(torch.empty(1, 3, 224, 224, device="meta"))
    for stage, (shape, kernel, squeezed) in zip(
        model.get_submodule("stages").children(), FIGURE_7, strict=True
    ):
        entering, x = x.shape[1], stage(x)
        assert x.shape == (1, shape[0], shape[1], shape[1])
        for block in stage.children():
            depthwise = block.get_submodule("branch.depthwise.conv")
            assert isinstance(depthwise, nn.Conv2d)
            assert depthwise.kernel_size == (kernel, kernel)
            gates = [m for m in block.modules() if isinstance(m, SqueezeExcite)]
            assert len(gates) == squeezed
            if gates:  # "SERatio 0.25" of what enters the block, not of what it expands to
                assert [m.fc1.out_channels for m in gates] == [entering // 4]
            entering = shape[0]


@pytest.mark.parametrize("latency", [20.0, 78.0, 300.0])
def test_twice_as_slow_must_be_five_percent_more_accurate(latency: float) -> None:
    """Section 3: this is where the exponent -0.07 comes from."""
    assert reward(0.75 * 1.05, 2 * latency, 78) == pytest.approx(reward(0.75, latency, 78), rel=0.001)
    assert reward(0.75, 78, 78) == 0.75


@pytest.mark.parametrize("act", [nn.ReLU, nn.ReLU6, nn.SiLU])
def test_the_narrow_end_is_linear_and_carried_by_the_shortcut(act: type[nn.Module]) -> None:
    block = MBConv(8, 8, hidden=48, kernel=5, stride=1, se=SqueezeExcite(48, 2), act=act).eval()
    x = torch.randn(1, 8, 5, 5, generator=torch.Generator().manual_seed(0))
    names = [name for name, m in block.branch.named_modules() if isinstance(m, act)]
    assert names[:2] == ["expand.act", "depthwise.act"]
    assert all(not name.startswith("project") for name in names)
    project = block.branch.get_submodule("project")
    with torch.no_grad():
        assert (block(x) - x).min() < 0 < (block(x) - x).max()
        twice = {n: p * (2 if n == "norm.weight" else 1) for n, p in project.state_dict().items()}
        before = block(x) - x
        project.load_state_dict(twice)  # norm.bias is 0 and the running mean too: twice the branch
        torch.testing.assert_close(block(x) - x, 2 * before)


@pytest.mark.parametrize(
    ("cin", "cout", "stride", "joined"), [(8, 8, 1, True), (8, 8, 2, False), (8, 16, 1, False)]
)
def test_only_blocks_that_keep_the_shape_have_a_shortcut(
    cin: int, cout: int, stride: int, joined: bool
) -> None:
    block = MBConv(cin, cout, hidden=3 * cin, kernel=3, stride=stride, drop=0.5)
    for parameter in block.branch.parameters():
        nn.init.zeros_(parameter)
    x = torch.randn(4, cin, 6, 6, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(block(x), x) if joined else not block(x).any()
    assert ("drop" in dict(block.branch.named_children())) == joined
