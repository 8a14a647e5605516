"""Curves and heat strips of a training: what is drawn, on which axes, and what thinning may not lose."""

import numpy as np
import pytest

from viz.figures.training import (
    LOOKS,
    POINTS,
    Axis,
    Curve,
    Mark,
    Strip,
    heat,
    progress,
    rates,
    smoothed,
    thinned,
)

STEPS = Axis(title="Steps", unit="step")


def curve(y: np.ndarray, look: str = "train") -> Curve:
    return Curve(name=look, x=np.arange(len(y), dtype=float), y=y, look=LOOKS[look])


@pytest.mark.parametrize("length", [1, 499, 500, 501, 5_000, 99_999])
def test_thinning_keeps_the_ends_and_every_extreme(length: int) -> None:
    y = np.random.default_rng(length).normal(size=length)
    spike, dip = length // 3, length // 2
    y[spike], y[dip] = 50, -50
    kept = thinned(y)
    assert len(kept) <= POINTS
    assert (kept[0], kept[-1]) == (0, length - 1)
    assert (np.diff(kept) > 0).all()
    assert dip in kept
    if spike != dip:
        assert spike in kept


def test_thinning_by_hand() -> None:
    # Eight points, at most six: two stretches of four, of each the least and the largest, and the ends.
    kept = thinned(np.array([3.0, 9, 1, 2, 5, 4, 8, 6]), points=6)
    np.testing.assert_array_equal(kept, [0, 1, 2, 5, 6, 7])


def test_a_gap_is_no_extreme() -> None:
    y = np.full(2_000, np.nan)
    y[700] = 1.0
    assert 700 in thinned(y)
    assert len(thinned(np.full(2_000, np.nan))) <= POINTS


def test_smoothing_by_hand() -> None:
    y = np.array([1.0, 3, np.nan, 5, np.inf, 7])
    np.testing.assert_allclose(smoothed(y, 3), [1, 2, 2, 4, 5, 6])
    np.testing.assert_allclose(smoothed(np.array([1.0, 2, 3]), 1), [1, 2, 3])
    assert np.isnan(smoothed(np.array([np.nan]), 2)).all()


def test_curves_on_linear_and_logarithmic_axes() -> None:
    y = 1 / (1 + np.arange(3_000.0))
    drawn = [curve(y, "batch"), curve(y), curve(y[:5], "raw")]
    figure = progress(drawn, title="Loss", axis=STEPS, y="nats", at=4.0)
    assert [trace.type for trace in figure.data] == ["scatter"] * 3
    assert [trace.mode for trace in figure.data] == ["lines", "lines", "lines+markers"]
    assert max(len(trace.x) for trace in figure.data) <= POINTS
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("Steps", "nats")
    assert figure.layout.yaxis.type is None
    assert [(shape.x0, shape.x1) for shape in figure.layout.shapes] == [(4.0, 4.0)]
    logarithmic = progress(drawn, title="Loss", axis=STEPS, y="nats", logarithmic=True)
    assert (logarithmic.layout.yaxis.type, logarithmic.layout.shapes) == ("log", ())
    shares = progress(drawn, title="Accuracy", axis=STEPS, y="share", shares=True)
    assert shares.layout.yaxis.tickformat == ".0%"


def test_the_planned_rate_is_dashed_and_a_turn_is_marked() -> None:
    planned, used = curve(np.array([0.1, 0.05, 0.0]), "planned"), curve(np.array([0.1, 0.02]), "rate")
    figure = rates([planned, used], [Mark(x=1.0, y=0.02, words="turned to 0.02 after step 1")], axis=STEPS)
    dashed, solid, mark = figure.data
    assert (dashed.line.dash, solid.line.dash) == ("dash", "solid")
    assert (mark.mode, mark.x, mark.text) == ("markers", (1.0,), ("turned to 0.02 after step 1",))
    assert len(rates([planned], [], axis=STEPS).data) == 1


def strip(values: list[list[float]], *, shares: bool = False) -> Strip:
    return Strip(
        title="Gradient", unit="norm", layers=("stem.conv", "head"), epochs=(1, 2), values=np.array(values),
        shares=shares,
    )  # fmt: skip


def test_a_heat_strip_has_the_first_layer_on_top_and_logarithmic_colours() -> None:
    figure = heat(strip([[1.0, 10.0], [100.0, 0.0]]), at=2)
    (map,) = figure.data
    assert figure.layout.yaxis.range == (1.5, -0.5)
    assert figure.layout.xaxis.range == (0.5, 2.5)
    assert figure.layout.yaxis.ticktext == ("stem.conv", "head")
    np.testing.assert_allclose(map.z, np.array([[0, 1], [2, np.nan]]))  # 0 has no logarithm
    assert map.customdata[1][1] == 0  # but hovering says it
    assert (map.zmin, map.zmax) == (0, 2)
    assert map.colorbar.ticktext == ("1", "2", "5", "10", "20", "50", "100")
    (frame,) = figure.layout.shapes
    assert (frame.x0, frame.x1) == (1.5, 2.5)


def test_shares_are_in_per_cent_from_none_to_all() -> None:
    figure = heat(strip([[0.0, 0.5], [0.25, 1.0]], shares=True))
    (map,) = figure.data
    np.testing.assert_array_equal(map.z, [[0, 0.5], [0.25, 1]])
    assert (map.zmin, map.zmax, map.colorbar.tickformat, figure.layout.shapes) == (0, 1, ".0%", ())


def test_equal_values_and_none_still_have_a_scale() -> None:
    for values in ([[1.0, 1.0], [1.0, 1.0]], [[0.0, 0.0], [0.0, np.nan]]):
        (map,) = heat(strip(values)).data
        assert map.zmax > map.zmin
        assert len(map.colorbar.ticktext) >= 1


def test_a_long_scale_has_powers_of_ten_alone() -> None:
    (map,) = heat(strip([[1e-9, 1e-3], [1.0, 1e-6]])).data
    np.testing.assert_allclose(map.colorbar.tickvals, np.array([-9.0, -7.0, -5.0, -3.0, -1.0]), atol=1e-9)
