"""The challenge's chart."""

from viz.figures.history import Winner, challenge


def test_a_bar_for_each_year_and_one_person() -> None:
    winners = [
        Winner(year=2012, team="SuperVision", network="AlexNet", error=16.42, source="results page"),
        Winner(year=2015, team="MSRA", network="ResNet", error=3.57, source="paper"),
    ]
    (bars,) = challenge(winners, 5.1).data
    assert bars.x == (16.42, 3.57, 5.1)
    assert [label.split("  ")[0] for label in bars.y] == ["AlexNet", "ResNet", "one person"]
    assert bars.text == ("16.4", "3.57", "5.1")
    assert "SuperVision" in bars.hovertext[0]
    assert "results page" in bars.hovertext[0]
    assert bars.marker.color[0] == bars.marker.color[1] != bars.marker.color[2]
