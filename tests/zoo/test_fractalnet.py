"""FractalNet: the rule that doubles itself, and what drop-path leaves of a block."""

import pytest
import torch
from torch import Tensor, nn

import zoo
from tests.zoo.twins import shake
from zoo.anatomy import dissect
from zoo.families.fractalnet import LOCAL, ConvDropNormAct, FractalBlock, Row, keep


def block_of(columns: int) -> FractalBlock:
    torch.manual_seed(0)
    block = FractalBlock(3, 6, columns, drop_path=0.15, dropout=0.0).double().eval()
    shake(block)
    return block


def convolutions(block: FractalBlock) -> list[list[nn.Module]]:
    """The convolutions of each column, from the first row to the last."""
    columns: list[list[nn.Module]] = [[] for _ in range(block.columns)]
    for row in block.rows:
        assert isinstance(row, Row)
        for column, conv in zip(columns, row.convs, strict=False):
            column.append(conv)
    return columns


class Alone(nn.Module):
    """A block without drop-path, as a network."""

    def __init__(self, block: FractalBlock) -> None:
        super().__init__()
        self.block = block

    def forward(self, x: Tensor) -> Tensor:
        return self.block(x, None)


@pytest.mark.parametrize("columns", [1, 2, 3, 4, 5])
def test_c_columns_have_2_to_the_c_minus_1_convolutions_and_half_as_many_in_a_row(columns: int) -> None:
    block = block_of(columns)
    assert [len(column) for column in convolutions(block)] == [2**c for c in reversed(range(columns))]
    assert sum(isinstance(m, ConvDropNormAct) for m in block.modules()) == 2**columns - 1
    assert dissect(Alone(block), (3, 8, 8)).depth == 2 ** (columns - 1)


def test_depth_of_the_network_is_b_times_2_to_the_c_minus_1() -> None:
    """20 layers for B = 5 and C = 3, and the classifier; 40 with C = 4, as in section 4."""
    assert dissect(zoo.skeleton("fractalnet_cifar10"), (3, 32, 32)).depth == 20 + 1
    assert dissect(zoo.skeleton("fractalnet_cifar10", columns=4), (3, 32, 32)).depth == 40 + 1


def test_the_rule_unrolled_by_hand() -> None:
    """f_2 is the mean of conv and conv conv; f_3 joins conv with f_2 after f_2, its last joins made one."""
    block = block_of(3)
    (a1, a2, a3, a4), (b1, b2), (c1,) = convolutions(block)
    x = torch.randn(2, 3, 8, 8, dtype=torch.float64)
    with torch.no_grad():
        first = (b1(x) + a2(a1(x))) / 2
        last = (c1(x) + b2(first) + a4(a3(first))) / 3
        torch.testing.assert_close(block(x, None), nn.MaxPool2d(2)(last))


@pytest.mark.parametrize("column", [0, 1, 2])
def test_global_drop_path_leaves_one_column(column: int) -> None:
    block = block_of(3)
    x = torch.randn(4, 3, 8, 8, dtype=torch.float64)
    with torch.no_grad():
        y = x
        for conv in convolutions(block)[column]:
            y = conv(y)
        got = block(x, torch.full((4,), column))
    torch.testing.assert_close(got, nn.MaxPool2d(2)(y))


@pytest.mark.parametrize(("n", "drop"), [(2, 0.15), (3, 0.15), (3, 0.8)])
def test_local_drop_path_drops_with_its_probability_but_never_all(n: int, drop: float) -> None:
    """A path stays if it is not dropped, or if all are and it is the one that is brought back."""
    torch.manual_seed(0)
    images = 20_000
    kept = keep(n, torch.full((images,), LOCAL), drop)
    assert kept.shape == (n, images)
    assert kept.any(0).all()
    share = 1 - drop + drop**n / n
    assert kept.double().mean(1).tolist() == [pytest.approx(share, abs=0.015)] * n


def test_training_mixes_both_and_evaluation_drops_nothing() -> None:
    model = zoo.build("fractalnet_classroom", columns=3)
    columns: list[Tensor | None] = []
    first = model.get_submodule("stages.0")
    first.register_forward_pre_hook(lambda m, inputs: columns.append(inputs[1]))
    images = torch.zeros(1000, 3, 16, 16)
    with torch.no_grad():
        model(images)
        torch.manual_seed(0)
        model.train()(images)
    assert columns[0] is None
    drawn = columns[1]
    assert drawn is not None
    shares = [(drawn == c).double().mean().item() for c in (LOCAL, 0, 1, 2)]
    assert shares == [pytest.approx(s, abs=0.06) for s in (1 / 2, 1 / 6, 1 / 6, 1 / 6)]
