"""The balance of classes: a bar for each class and part, and names that fit."""

from viz.figures.data import balance


def test_bars_are_the_counts_of_each_part() -> None:
    figure = balance(["cat", "dog"], [7, 5], [2, 1])
    assert [(bar.name, list(bar.x)) for bar in figure.data] == [("to train", [7, 5]), ("to test", [2, 1])]
    assert list(figure.layout.yaxis.ticktext) == ["cat", "dog"]


def test_without_a_test_part_there_is_one_kind_of_bar() -> None:
    assert [bar.name for bar in balance(["cat", "dog"], [7, 5], [0, 0]).data] == ["to train"]


def test_many_and_long_names_fit() -> None:
    figure = balance([f"a rather long name of class {at}" for at in range(100)], [1] * 100, [0] * 100)
    assert len(figure.layout.yaxis.ticktext) <= 24
    assert max(map(len, figure.layout.yaxis.ticktext)) <= 18
