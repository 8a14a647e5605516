"""NASNet: the cells of figure 4, what they join, how the stack feeds them."""

import pytest
import torch
from torch import nn

import zoo
from zoo.anatomy import dissect
from zoo.families.nasnet import NORMAL, REDUCTION, Cell, Halve, Plan, Sum


def operations(plan: Plan) -> dict[str, int]:
    kinds = [kind for row in plan.pairs for kind in (row.left, row.right)]
    return {kind: kinds.count(kind) for kind in set(kinds)}


def test_the_boxes_of_figure_4() -> None:
    assert operations(NORMAL) == {"sep 5x5": 2, "sep 3x3": 3, "avg 3x3": 3, "identity": 2}
    assert operations(REDUCTION) == {
        "sep 7x7": 2, "sep 5x5": 2, "sep 3x3": 1, "max 3x3": 2, "avg 3x3": 2, "identity": 1,
    }  # fmt: skip


@pytest.mark.parametrize(("plan", "although_read"), [(NORMAL, {"h_i-1"}), (REDUCTION, {"b"})])
def test_a_cell_joins_what_nothing_reads_and_one_more(plan: Plan, although_read: set[str]) -> None:
    read = {state for row in plan.pairs for state in (row.reads, row.and_reads)}
    unread = set("abcde") - read
    assert set(plan.joined) - unread == although_read
    assert unread < set(plan.joined)


@pytest.mark.parametrize(
    ("plan", "first", "shape"), [(NORMAL, "h_i-1", (6, 8, 8)), (REDUCTION, "b", (4, 4, 4))]
)
def test_the_cell_is_built_from_its_table(plan: Plan, first: str, shape: tuple[int, int, int]) -> None:
    """Change one row, and only the states that come from it change."""
    torch.manual_seed(0)
    cell = Cell(plan, nn.Identity(), 1, 1, 1, 0.0).eval()
    for p in cell.parameters():
        nn.init.uniform_(p, 0.5, 1.0)  # no ReLU closes
    x, previous = torch.rand(1, 1, 8, 8) + 1, torch.rand(1, 1, 8, 8) + 1
    with torch.no_grad():
        before = cell(x, previous)[0]
        assert before.shape == shape
        cell.get_submodule("a").register_forward_hook(lambda m, inputs, out: out + 1)
        after = cell(x, previous)[0]
    changed = {name for name, a, b in zip(plan.joined, before, after, strict=True) if not torch.equal(a, b)}
    rows = zip("abcde", plan.pairs, strict=True)
    readers = {name for name, row in rows if "a" in (row.reads, row.and_reads)}
    assert changed == ({"a"} | readers) & set(plan.joined)
    assert plan.joined[0] == first


def test_six_at_4032() -> None:
    """N = 6 and 4032 = 24 x 168: 18 normal and 4 reduction cells, at 42, 21 and 11 pixels (331 px in)."""
    model = zoo.skeleton("nasnet_a_large")
    plans = [m.plan for m in model.modules() if isinstance(m, Cell)]
    assert (plans.count(NORMAL), plans.count(REDUCTION)) == (18, 4)
    joins = [
        layer.shape
        for layer in dissect(model, (3, 331, 331)).layers
        if layer.kind == "concat" and layer.path.startswith("stages.") and not layer.path.endswith("before")
    ]
    expected = [(168 * 6, 42, 42)] * 6
    expected += [(336 * 4, 21, 21)] + [(336 * 6, 21, 21)] * 6
    expected += [(672 * 4, 11, 11)] + [(672 * 6, 11, 11)] * 6
    assert joins == expected


@pytest.mark.parametrize("side", [6, 7])
def test_halving_loses_no_pixel(side: int) -> None:
    """Of the even ones and of those one step on; where the map is odd, zeros stand for what lies outside."""
    halve = Halve(1, 2).eval()
    halve.norm = nn.Identity()  # type: ignore[assignment]
    for p in halve.parameters():
        nn.init.ones_(p)
    x = torch.arange(1.0, side * side + 1).reshape(1, 1, side, side)
    even, odd = halve(x)[0]
    assert torch.equal(even, x[0, 0, ::2, ::2])
    n = side // 2
    assert torch.equal(odd[:n, :n], x[0, 0, 1::2, 1::2])
    assert not odd[n:].any()
    assert not odd[:, n:].any()


def test_paths_of_deeper_cells_are_dropped_more_often() -> None:
    sums = [m for m in zoo.skeleton("nasnet_a_large").modules() if isinstance(m, Sum)]
    rates = [s.drop_left.p for s in sums]
    assert rates == sorted(rates)
    assert (rates[0], rates[-1]) == pytest.approx((0.3 / 22, 0.3))
    identities = [s for s in sums if isinstance(s.right, nn.Identity)]
    assert len(identities) == 2 * 18 + 4
    assert all(isinstance(s.drop_right, nn.Identity) for s in identities)
