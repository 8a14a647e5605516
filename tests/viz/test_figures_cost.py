"""The figures of cost: what is drawn adds up to the network."""

import pytest

from viz.figures import cost
from zoo import Specimen
from zoo.anatomy import Anatomy, dissect


@pytest.fixture(scope="module")
def resnet18() -> Anatomy:
    return dissect(Specimen("resnet18").skeleton(), (3, 224, 224))


@pytest.mark.parametrize(
    ("quantity", "total"), [("params", 11_689_512), ("macs", 1_814_073_344), ("activations", None)]
)
def test_areas_add_up(resnet18: Anatomy, quantity: str, total: int | None) -> None:
    """Every block is as large as what lies in it; the whole is torchvision's count."""
    (areas,) = cost.treemap(resnet18.tree, "ResNet-18", quantity).data
    value = dict(zip(areas.ids, areas.values, strict=True))
    inside = dict.fromkeys(areas.parents, 0)
    for id, parent in zip(areas.ids, areas.parents, strict=True):
        inside[parent] += value[id]
    assert len(value) == len(areas.ids), "ids are unique"
    assert all(value[parent] == size for parent, size in inside.items() if parent)
    assert value["all"] == (total or resnet18.activations)


def test_areas_by_hand(resnet18: Anatomy) -> None:
    """The last stage holds 8,393,728 of ResNet-18's parameters, the head 512 x 1000 + 1000."""
    (areas,) = cost.treemap(resnet18.tree, "ResNet-18", "params").data
    value = dict(zip(areas.ids, areas.values, strict=True))
    assert (value["stages.3"], value["head"]) == (8_393_728, 513_000)


def test_bars_along_the_depth(resnet18: Anatomy) -> None:
    figure = cost.along_depth(resnet18.layers, "stem.pool")
    params, macs, activations = (trace.y for trace in figure.data[:3])
    assert (sum(params), sum(macs), sum(activations)) == (11_689_512, 1_814_073_344, resnet18.activations)
    resolution = list(dict.fromkeys(figure.data[3].y))
    assert resolution == [112, 56, 28, 14, 7, 1]
    marked = [shape.x0 for shape in figure.layout.shapes]
    assert len(marked) == 4
    assert [a.text for a in figure.layout.annotations if a.xref != "paper"][-1] == "stem.pool"
    assert "new text" not in [a.text for a in figure.layout.annotations]
    assert {figure.data[0].customdata[x - 1].partition("<")[0] for x in marked} == {"stem.pool"}


def test_resolution_of_tokens_and_windows() -> None:
    """Swin-T halves 56 x 56 patches three times, whatever its windows; ViT keeps its 197 tokens."""
    swin = dissect(Specimen("swin_t").skeleton(), (3, 224, 224))
    assert list(dict.fromkeys(cost.along_depth(swin.layers).data[3].y)) == [56, 28, 14, 7, 1]
    vit = dissect(Specimen("vit_ti_16").skeleton(), (3, 224, 224))
    assert list(dict.fromkeys(cost.along_depth(vit.layers).data[3].y)) == [14, 197**0.5, 1]


def test_nothing_is_marked_without_a_selection(resnet18: Anatomy) -> None:
    assert not cost.along_depth(resnet18.layers).layout.shapes


@pytest.mark.parametrize("name", ["vit_classroom", "lenet5", "densenet_classroom"])
def test_every_shape_of_network(name: str) -> None:
    """Tokens instead of maps, layers without a block, deep nests."""
    specimen = Specimen(name)
    model = specimen.skeleton()
    anatomy = dissect(model, (1 if name == "lenet5" else 3, 32, 32))
    assert cost.along_depth(anatomy.layers).data
    for quantity in cost.QUANTITIES:
        assert cost.treemap(anatomy.tree, name, quantity).data
