"""The line of code that runs a layer, found in the source of the class that runs it."""

import pytest

from ui import code, prose
from zoo import VARIANTS, Specimen
from zoo.anatomy import Layer, dissect


def line(variant: str, id: str) -> list[str]:
    model = Specimen(variant).skeleton()
    classes = {path: type(module) for path, module in model.named_modules()}
    size = VARIANTS[variant].input_size
    layers = {layer.id: layer for layer in dissect(model, (3, size, size)).layers}
    found, numbers = code.running(layers[id], classes)
    return [found.line(number) for number in numbers]


@pytest.mark.parametrize(
    ("variant", "id", "lines"),
    [
        ("resnet50", "stages.1.0.conv2", ["y = self.relu2(self.norm2(self.conv2(y)))"]),
        ("resnet50", "stages.1.0.add", ["y = y + self.shortcut(x)"]),
        ("resnet50", "stem.conv1", ["x = self.stem(x)  # (B, width, H/4, W/4)"]),
        ("resnet50", "flatten", ["x = flatten(self.pool(x), 1)  # (B, C)"]),
    ],
)
def test_lines_of_resnet(variant: str, id: str, lines: list[str]) -> None:
    assert line(variant, id) == lines


def test_the_line_stands_where_the_number_says() -> None:
    """Counted from the top of the file, as an editor does."""
    model = Specimen("resnet18").skeleton()
    classes = {path: type(module) for path, module in model.named_modules()}
    layer = next(layer for layer in dissect(model, (3, 64, 64)).layers if layer.id == "head")
    found, (number,) = code.running(layer, classes)
    with open(code._ROOT / found.file, encoding="utf-8") as file:
        assert file.readlines()[number - 1].strip() == found.line(number)


@pytest.mark.parametrize("variant", [name for name in VARIANTS if name.endswith("_classroom")])
def test_every_layer_has_a_class_of_ours(variant: str) -> None:
    model, row = Specimen(variant).skeleton(), VARIANTS[variant]
    classes = {path: type(module) for path, module in model.named_modules()}
    layers: tuple[Layer, ...] = dissect(model, (row.channels, row.input_size, row.input_size)).layers
    for layer in layers:
        found, _ = code.running(layer, classes)
        assert found.file.startswith("zoo/")


def test_words_from_outside_are_shown_as_they_are() -> None:
    assert prose.literal("<b>![a](http://x.y)</b> $x$ :red[a] `c`") == (
        r"\<b\>\!\[a\]\(http\:\/\/x\.y\)\<\/b\> \$x\$ \:red\[a\] \`c\`"
    )
    assert prose.literal("two\n\n# lines") == r"two \# lines"
