"""Figures of the two blocks: lines in their place, the crossing and the budget marked."""

from math import log10

from viz.figures.blocks import BLOCK_COLOURS, Bought, against_channels, depth_bought


def test_a_line_for_each_block_and_where_they_cross() -> None:
    lines = {"BasicBlock": [10.0, 40.0], "Bottleneck": [20.0, 20.0]}
    figure = against_channels((16, 32), lines, quantity="MACs", now=32, crossing=(22.6, 20.0))
    basic, bottleneck, meeting = figure.data
    assert (basic.name, basic.x, basic.y) == ("BasicBlock", (16, 32), (10, 40))
    assert bottleneck.line.color == BLOCK_COLOURS["Bottleneck"] != basic.line.color
    assert (meeting.x, meeting.y) == ((22.6,), (20,))
    assert "equal at 23" in meeting.text[0]
    assert figure.layout.xaxis.type == figure.layout.yaxis.type == "log"
    assert figure.layout.yaxis.title.text == "MACs"
    (words,) = figure.layout.annotations
    assert words.x == log10(32)


def test_no_crossing_no_mark() -> None:
    lines = {"BasicBlock": [10.0, 40.0], "Bottleneck": [1.0, 4.0]}
    assert len(against_channels((16, 32), lines, quantity="MACs", now=16, crossing=None).data) == 2


def test_ladders_and_the_papers_networks() -> None:
    ladder = [Bought("", "BasicBlock", 10**6, 10, "ten"), Bought("", "BasicBlock", 2 * 10**6, 12, "twelve")]
    known = [Bought("ResNet-50", "Bottleneck", 25 * 10**6, 50, "fifty")]
    figure = depth_bought({"BasicBlock": ladder}, 5 * 10**6, known)
    line, basic, bottleneck = figure.data
    assert (line.x, line.y, line.line.shape) == ((10**6, 2 * 10**6), (10, 12), "hv")
    assert basic.x == ()
    assert (bottleneck.x, bottleneck.y) == ((25 * 10**6,), (50,))
    assert "ResNet-50" in bottleneck.text[0]
    assert figure.layout.annotations[0].text == "budget: 5 M"
