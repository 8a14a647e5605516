"""LeNet-5 row by row as section II.B describes it, and the parts that no later network has."""

import pytest
import torch
from torch import Tensor, nn

import zoo
from zoo.families.lenet import TABLE_I, DigitDistance, ScaledTanh, Subsampling, TableConvolution


def test_layers_of_section_2b() -> None:
    """Trainable parameters and connections; a unit has one connection per input and one for its bias."""
    model = zoo.skeleton("lenet5")
    sizes: dict[str, torch.Size] = {}

    for name, layer in model.named_children():

        def keep(module: nn.Module, inputs: tuple[Tensor], output: Tensor, name: str = name) -> None:
            sizes[name] = output.shape

        layer.register_forward_hook(keep)
    model(torch.empty(1, 1, 32, 32, device="meta"))

    printed = {
        # layer: maps and their side, parameters, connections
        "c1": ((6, 28), 156, 122_304),
        "s2": ((6, 14), 12, 5_880),
        "c3": ((16, 10), 1_516, 151_600),
        "s4": ((16, 5), 32, 2_000),
        "c5": ((120, 1), 48_120, 48_120),
        "f6": ((84, 1), 10_164, 10_164),
    }
    total = 84 * 10  # the output's differences, one per pixel of each digit's code
    for name, ((maps, side), parameters, connections) in printed.items():
        assert sizes[name][1:] == ((maps, side, side) if name != "f6" else (maps,))
        counted = sum(p.numel() for p in model.get_submodule(name).parameters())
        assert counted == parameters, name
        # subsampling reads 2x2 pixels with one shared weight, so its units have 4 connections and a bias
        assert (5 * maps if name[0] == "s" else counted) * side * side == connections, name
        total += connections
    assert total == 340_908


def test_c3_reads_the_maps_of_table_1() -> None:
    """Columns of the paper's table: six maps see three neighbours, nine see four, the last sees all."""
    assert [len(seen) for seen in TABLE_I] == [3] * 6 + [4] * 9 + [6]
    assert [sum(i in seen for seen in TABLE_I) for i in range(6)] == [10] * 6  # every row has ten crosses
    c3 = TableConvolution()
    x = torch.randn(1, 6, 5, 5, requires_grad=True)
    y = c3(x)
    for column, seen in enumerate(TABLE_I):
        (gradient,) = torch.autograd.grad(y[0, column, 0, 0], x, retain_graph=True)
        assert tuple(gradient[0].abs().sum((1, 2)).nonzero().flatten().tolist()) == seen


def test_subsampling_sums_scales_shifts_and_squashes() -> None:
    s2 = Subsampling(2, "scaled tanh")
    s2.coefficient.data = torch.tensor([0.5, -1.0]).reshape(2, 1, 1)
    s2.bias.data = torch.tensor([1.0, 0.0]).reshape(2, 1, 1)
    x = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]], [[1.0, 0.0], [0.0, 0.0]]]])
    expected = 1.7159 * torch.tanh(2 / 3 * torch.tensor([0.5 * 10 + 1, -1.0]))
    torch.testing.assert_close(s2(x).flatten(), expected)


def test_squashing_keeps_one_and_bends_most_there() -> None:
    """Appendix A: f(1) = 1, f(-1) = -1, and the second derivative is largest in size at 1."""
    x = torch.linspace(0, 3, 301, dtype=torch.float64)
    y = ScaledTanh()(x)
    assert y[100] == pytest.approx(1, abs=1e-4)
    bend = (y[2:] - 2 * y[1:-1] + y[:-2]).abs()
    assert x[1:-1][bend.argmax()] == pytest.approx(1, abs=0.02)


def test_a_drawn_digit_scores_highest_and_zero() -> None:
    output = DigitDistance(10)
    scores = output(output.codes)
    assert torch.equal(scores.argmax(1), torch.arange(10))
    assert torch.equal(scores.diag(), torch.zeros(10))
    assert scores[8, 9] == -4 * (output.codes[8] != output.codes[9]).sum()  # a differing pixel is 2 away
    assert "codes" not in dict(output.named_parameters())


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"hidden.1": 120}, "cannot take 120 units to 10 classes."),
        ({"num_classes": 12}, "cannot take 84 units to 12 classes."),
        ({"input_size": 15}, "at least 16 pixels, not 15."),
    ],
)
def test_what_the_printed_network_cannot_be(options: dict[str, int], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        zoo.skeleton("lenet5", **options)
    assert zoo.skeleton("lenet5", input_size=16)


def test_table_1_is_for_6_and_16_maps() -> None:
    with pytest.raises(ValueError, match=r"Table I joins 6 maps to 16, not 20 to 50\."):
        zoo.skeleton("lenet_caffe", connections="table")
