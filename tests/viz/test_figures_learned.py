"""What small networks learned: a point for each, in its place, with its words."""

from viz.figures.learned import Learned, learned


def row(name: str, *, kind: str = "plain", macs: int = 10**6, accuracy: float = 80.0) -> Learned:
    return Learned(
        name=name,
        family=name.title(),
        kind=kind,
        params=2 * 10**5,
        macs=macs,
        accuracy=accuracy,
        images=64_000,
    )


def test_points_by_kind_and_size() -> None:
    rows = [row("a", macs=10**6), row("b", kind="mobile", macs=10**7, accuracy=70.0)]
    plain, mobile = learned(rows).data
    assert (plain.name, plain.x, plain.y, plain.customdata) == ("Plain", (10**6,), (80.0,), (["a"],))
    assert (mobile.name, mobile.x, mobile.y) == ("Mobile", (10**7,), (70.0,))
    assert plain.marker.symbol != mobile.marker.symbol
    assert learned(rows, "params").data[0].x == (2 * 10**5,)
    assert learned(rows).layout.xaxis.type == "log"


def test_the_card_beside_the_pointer() -> None:
    (trace,) = learned([row("<b>")]).data
    assert trace.hovertext == (
        "<b>&lt;B&gt;</b><br>80.0 %<br>200 k parameters, 1 M MACs<br>64,000 pictures seen",
    )
