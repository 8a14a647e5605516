"""SqueezeNet: table 1 row by row, the numbers of section 5 that make it, and the bypasses of section 6."""

import pytest
import torch
from torch import Tensor, nn

import zoo
from tests.zoo.twins import shake
from zoo.anatomy import dissect
from zoo.families.squeezenet import Fire, module_widths

# Table 1: side of the output, s1x1, e1x1, e3x3, parameters before pruning.
TABLE_1 = {
    "fire2": (55, 16, 64, 64, 11_920),
    "fire3": (55, 16, 64, 64, 12_432),
    "fire4": (55, 32, 128, 128, 45_344),
    "fire5": (27, 32, 128, 128, 49_440),
    "fire6": (27, 48, 192, 192, 104_880),
    "fire7": (27, 48, 192, 192, 111_024),
    "fire8": (27, 64, 256, 256, 188_992),
    "fire9": (13, 64, 256, 256, 197_184),
}


def test_rows_of_table_1() -> None:
    """At 227 px, to which the table's map sizes belong."""
    model = zoo.skeleton("squeezenet1_0")
    sides: dict[str, int] = {}
    fires = {path.split(".")[-1]: m for path, m in model.named_modules() if isinstance(m, Fire)}
    for name, fire in fires.items():

        def ran(m: object, inputs: object, out: Tensor, name: str = name) -> None:
            sides[name] = out.shape[-1]

        fire.register_forward_hook(ran)
    model(torch.empty(1, 3, 227, 227, device="meta"))
    found = {
        name: (
            sides[name],
            *(c.weight.shape[0] for c in fire.modules() if isinstance(c, nn.Conv2d)),
            sum(p.numel() for p in fire.parameters()),
        )
        for name, fire in fires.items()
    }
    assert found == TABLE_1
    ends = {"stem": 14_208, "head": 513_000}
    assert {p: sum(q.numel() for q in model.get_submodule(p).parameters()) for p in ends} == ends


@pytest.mark.parametrize(
    ("i", "knobs", "widths"),
    [
        (0, {}, (16, 64, 64)),
        (7, {}, (64, 256, 256)),
        (3, {"freq": 1, "incr_e": 64}, (40, 160, 160)),  # 128 + 3 x 64 = 320
        (2, {"squeeze_ratio": 0.5, "pct_3x3": 0.25}, (128, 192, 64)),
        (0, {"pct_3x3": 0.01}, (16, 127, 1)),
        (0, {"base_e": 16, "pct_3x3": 0.99}, (2, 1, 15)),  # one 1x1 has to stay
    ],
)
def test_module_widths_by_hand(i: int, knobs: dict[str, float], widths: tuple[int, int, int]) -> None:
    default = {"base_e": 128, "incr_e": 128, "freq": 2, "pct_3x3": 0.5, "squeeze_ratio": 0.125}
    assert module_widths(i, **(default | knobs)) == widths  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("squeeze_ratio", "pct_3x3", "megabytes"),
    [(0.125, 0.5, 4.8), (0.5, 0.5, 13), (0.75, 0.5, 19), (1.0, 0.5, 24), (0.5, 0.01, 5.7), (0.5, 0.99, 21)],
)
def test_model_sizes_of_figure_3(squeeze_ratio: float, pct_3x3: float, megabytes: float) -> None:
    """Four bytes a parameter; the paper's files are a little larger than that, by less than 4 %."""
    model = zoo.skeleton("squeezenet1_0", squeeze_ratio=squeeze_ratio, pct_3x3=pct_3x3)
    ours = 4 * sum(p.numel() for p in model.parameters()) / 2**20
    assert ours <= megabytes <= 1.04 * ours


def test_what_a_bypass_adds() -> None:
    """A complex bypass whose 1x1 is zero is a simple one; a simple one adds the input and costs nothing."""
    image = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    kinds = ("none", "simple", "complex")
    plain, simple, complex_ = (zoo.build("squeezenet1_0", bypass=kind) for kind in kinds)
    shake(complex_)
    fires = [m for m in complex_.modules() if isinstance(m, Fire)]
    assert [f.bypass is not None and bool(list(f.bypass.parameters())) for f in fires] == [True, False] * 4
    for fire in fires:
        for p in fire.bypass.parameters() if fire.bypass is not None else ():
            p.data.zero_()
    state = {k: v for k, v in complex_.state_dict().items() if ".bypass." not in k}
    plain.load_state_dict(state)
    simple.load_state_dict(state)
    with torch.no_grad():
        torch.testing.assert_close(complex_(image), simple(image), rtol=0, atol=0)
        assert not torch.allclose(plain(image), simple(image), rtol=0.01)
        fire = next(m for m in simple.modules() if isinstance(m, Fire) and m.bypass is not None)
        x = torch.randn(1, 128, 5, 5)  # of fire 3
        with_input = fire(x)
        fire.bypass = None
        torch.testing.assert_close(with_input, fire(x) + x)


def test_a_complex_bypass_costs_its_1x1_convolutions() -> None:
    plain, complex_ = (
        dissect(zoo.skeleton("squeezenet1_0", bypass=kind), (3, 224, 224)) for kind in ("none", "complex")
    )
    widths = [(96, 128, 54), (128, 256, 54), (256, 384, 27), (384, 512, 27)]  # around fire 2, 4, 6 and 8
    assert complex_.params - plain.params == sum(cin * cout + cout for cin, cout, _ in widths)
    assert complex_.macs - plain.macs == sum(cin * cout * side**2 for cin, cout, side in widths)
