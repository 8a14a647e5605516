"""The anatomy against torch itself: counts, shapes, receptive fields; and by hand on a small network."""

import threading
import time
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

import zoo
from zoo.anatomy import (
    Anatomy,
    Field,
    MapVanishedError,
    Span,
    block_graph,
    dissect,
    excerpt,
    graph,
    smallest_input,
)
from zoo.families.nfnet import ScaledConv


def image_of(name: str) -> tuple[int, int, int]:
    variant = zoo.VARIANTS[name]
    return variant.channels, variant.input_size, variant.input_size


@pytest.mark.parametrize("name", zoo.VARIANTS)
def test_counts_and_shapes_equal_torchs(name: str) -> None:
    """MACs as torch's own counter has them, and every module's output shape as torch computes it, on meta."""
    model = zoo.skeleton(name)
    shapes: dict[str, tuple[int, ...]] = {}
    for path, module in model.named_modules():

        def ran(m: nn.Module, inputs: object, out: object, path: str = path) -> None:
            if isinstance(out, Tensor):
                shapes[path] = tuple(out.shape[out.shape[0] == 1 :])  # windows may stand in the batch's place

        module.register_forward_hook(ran)
    with torch.no_grad(), FlopCounterMode(display=False) as count:
        model(torch.empty(1, *image_of(name), device="meta"))
    anatomy = dissect(model, image_of(name))
    assert anatomy.macs == count.get_total_flops() // 2
    assert not anatomy.not_counted
    assert anatomy.params == sum(p.numel() for p in model.parameters())
    assert sum(layer.params for layer in anatomy.layers) + sum(n for _, n in anatomy.unused) == anatomy.params
    assert anatomy.tree.macs == anatomy.macs
    assert len({layer.id for layer in anatomy.layers}) == len(anatomy.layers)
    assert anatomy.layers[-1].shape == (zoo.VARIANTS[name].num_classes,)
    drawn = graph(anatomy, name)
    ids = [part["id"] for part in (*drawn["nodes"], *drawn["groups"])]
    assert len(set(ids)) == len(ids)
    checked = [layer for layer in anatomy.layers if layer.id == layer.path]
    assert len(checked) > 5
    assert {layer.id: layer.shape for layer in checked} == {layer.id: shapes[layer.id] for layer in checked}


def test_the_whole_zoo_is_taken_apart_within_two_minutes() -> None:
    """All variants, one after the other, by the core's own clock."""
    started = time.process_time()
    found = {name: dissect(zoo.skeleton(name), image_of(name)) for name in zoo.VARIANTS}
    assert time.process_time() - started < 120
    for name, anatomy in found.items():
        published = zoo.VARIANTS[name].published
        assert not published or (anatomy.params, anatomy.macs) == (published.params, published.macs)


class Bare(nn.Module):
    """Convolution, shortcut, two branches of different reach: small enough to work out by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 7, 2, 3)
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.conv2 = nn.Conv2d(8, 8, 3, 1, 1)
        self.narrow = nn.Conv2d(8, 4, 1)
        self.wide = nn.Conv2d(8, 6, 5, padding=2)
        self.grouped = nn.Conv2d(10, 10, 3, 2, 1, groups=5)
        self.head = nn.Linear(10, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.conv1(x))
        x = x + self.conv2(x)
        x = torch.cat([self.narrow(x), self.wide(x)], 1)
        return self.head(self.grouped(x).mean((2, 3)))


def square(stride: int, first: int, last: int) -> Field:
    span = Span(stride, first, last, 0, 31)
    return Field(span, span)


def test_a_small_network_by_hand() -> None:
    anatomy = dissect(Bare(), (3, 32, 32))
    layers = {layer.id: layer for layer in anatomy.layers}
    assert list(layers) == [
        "conv1", "pool", "conv2", "add", "narrow", "wide", "concat", "grouped", "pool_2", "head",
    ]  # fmt: skip
    assert layers["conv1"].shape == (8, 16, 16)
    assert layers["conv1"].formula == "8 × 3 × 7 × 7 × 16 × 16 = 301,056 MACs"
    assert layers["conv1"].params_formula == "8 × 3 × 7 × 7 + 8 = 1,184 parameters"
    assert layers["grouped"].formula == "10 × 2 × 3 × 3 × 4 × 4 = 2,880 MACs"
    assert layers["add"].inputs == (1, 2)
    # conv1 sees 7 px from -3; the pool adds 2 x 2 = 4, from -3 - 2 = -5; conv2 adds 2 x 4, from -5 - 4 = -9
    assert layers["conv1"].reach.largest == square(2, -3, 3)
    assert layers["pool"].reach.largest == square(4, -5, 5)
    assert layers["pool"].reach_formula == "7 + (3 − 1) × 2 = 11 px"
    assert layers["add"].reach.largest == square(4, -9, 9)
    # concatenated: 4 channels that see 19 px, 6 that see 19 + 4 x 4 = 35
    sizes = [(a, b, field and field.y.size) for a, b, field in layers["concat"].reach.by_channel]
    assert sizes == [(0, 3, 19), (4, 9, 35)]
    assert str(layers["concat"].reach) == "19 × 19 px to 35 × 35 px, by channel"
    # groups of two channels: 0-1 and 2-3 see 19 + 2 x 4 = 27, the others 43
    sizes = [(a, b, field and field.y.size) for a, b, field in layers["grouped"].reach.by_channel]
    assert sizes == [(0, 3, 27), (4, 9, 43)]
    assert layers["head"].reach.kind == "global"
    assert anatomy.depth == 5  # conv1, conv2, narrow or wide, grouped, head
    # 8 x 16 x 16, three maps of 8 x 8 x 8, (4 + 6 + both 10) x 8 x 8, grouped 10 x 4 x 4, mean 10, logits 2
    assert anatomy.activations == 2048 + 3 * 512 + 20 * 64 + 160 + 12
    assert anatomy.activation_bytes(2) == 8 * anatomy.activations


def test_the_numbers_of_the_first_convolution_of_resnet50() -> None:
    (first, *_) = dissect(zoo.skeleton("resnet50"), (3, 224, 224)).layers
    assert first.formula == "64 × 3 × 7 × 7 × 112 × 112 = 118,013,952 MACs"
    assert (first.id, first.label, first.params) == ("stem.conv1", "Conv 7×7 /2", 9408)


@pytest.mark.parametrize(
    ("name", "path", "size", "first", "stride"),
    [
        # measured on torchvision's ResNet-18 from gradients
        ("resnet18", "stages.0.1.relu2", 43, -21, 4),
        ("resnet18", "stages.1.1.relu2", 99, -49, 8),
        ("resnet18", "stages.2.1.relu2", 211, -105, 16),
        ("resnet18", "stages.3.1.relu2", 435, -217, 32),
        ("resnet50", "stages.3.2.relu3", 427, -213, 32),
    ],
)
def test_known_receptive_fields(name: str, path: str, size: int, first: int, stride: int) -> None:
    layers = {layer.id: layer for layer in dissect(zoo.skeleton(name), (3, 224, 224)).layers}
    field = layers[path].reach.largest
    assert field
    assert (field.y.size, field.y.first, field.y.stride) == (size, first, stride)
    assert field.x == field.y


@pytest.mark.parametrize(
    ("name", "depth"),
    [("resnet18", 18), ("resnet34", 34), ("resnet50", 50), ("resnet101", 101), ("resnet152", 152),
     ("resnet20_cifar10", 20), ("resnet110_cifar10", 110), ("plain34", 34), ("vgg11", 11), ("vgg19_bn", 19),
     ("googlenet", 22), ("densenet121", 121), ("densenet201", 201), ("alexnet", 8), ("mobilenet_v2", 53)],
)  # fmt: skip
def test_depth_is_the_number_in_the_name(name: str, depth: int) -> None:
    assert dissect(zoo.skeleton(name), image_of(name)).depth == depth


def test_a_networks_folded_tree() -> None:
    tree = dissect(zoo.skeleton("resnet50"), (3, 224, 224)).tree
    stages = next(child for child in tree.children if child.id == "stages")
    assert not isinstance(stages, zoo.anatomy.Layer)
    folded = [[(b.label, b.repeat) for b in stage.children] for stage in stages.children]  # type: ignore[union-attr]
    assert folded == [
        [("0", 1), ("1–2", 2)],
        [("0", 1), ("1–3", 3)],
        [("0", 1), ("1–5", 5)],
        [("0", 1), ("1–2", 2)],
    ]


def test_the_graph_is_whole() -> None:
    anatomy = dissect(zoo.skeleton("resnet50"), (3, 224, 224))
    drawn = graph(anatomy, "ResNet-50")
    nodes = [node["id"] for node in drawn["nodes"]]
    groups = {"", *(group["id"] for group in drawn["groups"])}
    assert nodes == ["input", *(layer.id for layer in anatomy.layers)]
    assert not set(nodes) & groups
    assert all(node["parent"] in groups for node in drawn["nodes"])
    assert all(nodes.index(a) < nodes.index(b) for a, b in drawn["edges"])
    assert sum(b == "stages.0.0.add" for _, b in drawn["edges"]) == 2
    assert drawn["rev"] == graph(anatomy, "ResNet-50")["rev"]
    assert (
        drawn["rev"] != graph(dissect(zoo.skeleton("resnet50", width=32), (3, 224, 224)), "ResNet-50")["rev"]
    )


def test_the_graph_of_one_block() -> None:
    """A folded neighbour is found too; what comes from outside is the block's input, with its shape."""
    anatomy = dissect(zoo.skeleton("resnet50"), (3, 224, 224))
    drawn = block_graph(anatomy, "stages.1.0", "A block")
    assert [node["id"] for node in drawn["nodes"] if node["kind"] == "input"] == ["input"]
    assert drawn["nodes"][0]["shape"] == [256, 56, 56]
    assert {target for source, target in drawn["edges"] if source == "input"} == {
        "stages.1.0.conv1",
        "stages.1.0.shortcut.conv",
    }
    ids = {item["id"] for item in (*drawn["nodes"], *drawn["groups"])}
    assert all(source in ids and target in ids for source, target in drawn["edges"])
    assert all(item["parent"] in ids | {""} for item in (*drawn["nodes"], *drawn["groups"]))
    folded = block_graph(anatomy, "stages.1.2", "One of three")
    assert sum(node["params"] for node in folded["nodes"]) == 2 * 512 * 128 + 9 * 128**2 + 2 * (2 * 128 + 512)
    assert block_graph(anatomy, "stages.1.2", "Other")["rev"] != folded["rev"]
    with pytest.raises(ValueError, match=r"no block at 'stages\.9'"):
        block_graph(anatomy, "stages.9", "")
    part = excerpt(anatomy, "stages.1.2")
    assert (part.input_size, part.params) == ((512, 28, 28), part.tree.params)
    assert [layer.inputs for layer in part.layers if -1 in layer.inputs] == [(-1,), (7, -1)]
    assert part.macs == sum(node["macs"] or 0 for node in folded["nodes"])
    with pytest.raises(ValueError, match="no map"):
        excerpt(dissect(zoo.skeleton("vit_classroom"), (3, 32, 32)), "stages.1")
    image = block_graph(anatomy, "stem", "")["nodes"][0]
    assert (image["label"], image["shape"]) == ("Image", [3, 224, 224])


def test_products_with_a_module_of_their_own_are_told_apart() -> None:
    """A block of NFNet multiplies by beta, by two, by SkipInit's gain and by alpha, and a gate by a map."""
    drawn = graph(dissect(zoo.skeleton("nfnet_classroom"), (3, 32, 32)), "NFNet")
    block = [node["label"] for node in drawn["nodes"] if node["id"].startswith("stages.0.0.")]
    assert [label for label in block if label.startswith("Multiply: ")] == [
        "Multiply: gamma", "Multiply: by beta", "Multiply: gamma", "Multiply: gamma", "Multiply: gamma",
        "Multiply: twice", "Multiply: skip init", "Multiply: alpha",
    ]  # fmt: skip
    assert block.count("Multiply") == 1


def test_dissecting_leaves_the_model_alone_and_works_beside_it() -> None:
    """The model is in use elsewhere, in training mode, with a hook: nothing of that changes or is called."""
    model = zoo.build("resnet_classroom").train()
    calls: list[int] = []
    model.register_forward_hook(lambda *_: calls.append(threading.get_ident()))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    keys = {path: set(module.__dict__) for path, module in model.named_modules()}
    expected = dissect(zoo.skeleton("resnet_classroom"), (3, 32, 32)).layers
    found: list[bool] = []

    def work() -> None:
        found.append(dissect(model, (3, 32, 32)).layers == expected)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 4
    assert not calls
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert {path: set(module.__dict__) for path, module in model.named_modules()} == keys


class Odd(nn.Module):
    """Uses an operation without a rule."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 3)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cumsum(self.conv(x), 2)


def test_an_unknown_operation_is_said_to_be_unknown() -> None:
    anatomy = dissect(Odd(), (3, 8, 8))
    assert [layer.label for layer in anatomy.not_counted] == ["cumsum"]
    assert anatomy.layers[-1].macs is None
    assert anatomy.layers[-1].formula.startswith("not counted")
    assert anatomy.macs == 2 * 3 * 3 * 3 * 6 * 6


def test_too_small_an_input_names_the_layer_and_the_smallest_that_works() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 5), nn.MaxPool2d(2), nn.Conv2d(4, 4, 5))
    with pytest.raises(
        MapVanishedError, match=r"^2: a 2 × 2 map is too small for a window of 5 × 5 with padding 0\.$"
    ):
        dissect(model, (3, 8, 8))

    def fits(size: int) -> None:
        dissect(model, (3, size, size))

    assert smallest_input(fits, 64) == 14  # 14 - 4 = 10, halved 5, one window of 5
    assert smallest_input(fits, 13) is None
    with pytest.raises(ValueError, match=r"^0: expects 3 channels but gets 1\.$"):
        dissect(model, (1, 32, 32))


def linear_and_positive(model: nn.Module) -> nn.Module:
    """The network so that no path can cancel or close: averages, positive weights, no nonlinearity."""
    swaps = (
        nn.ReLU,
        nn.LeakyReLU,
        nn.Hardtanh,
        nn.GELU,
        nn.Tanh,
        nn.Sigmoid,
        nn.LayerNorm,
        nn.LocalResponseNorm,
        nn.BatchNorm2d,
    )
    for module in model.modules():
        if isinstance(module, ScaledConv):  # weights without a mean are not all positive
            module.standardised = partial(getattr, module, "weight")  # type: ignore[method-assign]
        for name, child in list(module.named_children()):
            if isinstance(child, swaps):
                setattr(module, name, nn.Identity())
            elif isinstance(child, nn.MaxPool2d):
                pool = nn.AvgPool2d(child.kernel_size, child.stride, child.padding, child.ceil_mode)
                setattr(module, name, pool)
    for p in model.parameters():
        nn.init.constant_(p, 1 / p[0].numel() if p.ndim > 1 else 1.0)
    return model.double().eval()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "size", "wanted"),
    [
        *(("resnet18", 224, 12), ("googlenet", 224, 14), ("densenet121", 224, 10), ("mobilenet_v2", 224, 12)),
        *((family.classroom.name, 32, 40) for family in zoo.FAMILIES.values()),
        # where a convolution without padding leaves pixels out and a later window reaches over the border
        *(("nin_imagenet", 224, 16), ("convnext_classroom", 37, 8), ("alexnet", 230, 8), ("zfnet", 229, 8)),
    ],
)
def test_receptive_fields_equal_the_extent_of_the_gradient(name: str, size: int, wanted: int) -> None:
    """Corners, centre and every range of channels, at layers spread over the depth: not one mismatch."""
    channels = zoo.VARIANTS[name].channels
    model = linear_and_positive(zoo.build(name, input_size=size))
    anatomy = dissect(model, (channels, size, size))
    modules = dict(model.named_modules())
    local = [
        la
        for la in anatomy.layers
        if la.id == la.path
        and la.reach.kind == "local"
        and la.reach.axes == "bcyx"
        and la.label != "Pad"  # the pixels it adds see nothing, wherever they lie
    ]
    chosen = [local[round(i * (len(local) - 1) / (wanted - 1))] for i in range(wanted)]
    ranged = [layer for layer in local if len(layer.reach.segments) > 1]
    chosen = list({layer.id: layer for layer in (*chosen, *ranged[:3], *ranged[-2:])}.values())
    outputs: dict[str, Tensor] = {}
    for layer in chosen:

        def keep(m: nn.Module, inputs: object, out: Tensor, path: str = layer.id) -> None:
            outputs[path] = out

        modules[layer.id].register_forward_hook(keep)
    image = torch.rand(1, channels, size, size, dtype=torch.double).add_(0.5).requires_grad_()
    model(image)
    checked = 0
    for layer in chosen:
        height, width = layer.shape[1:]
        for start, end, field in layer.reach.by_channel:
            units = [(0, 0), (height // 2, width // 3), (height - 1, width - 1)]
            for (y, x), channel in zip(units, (start, end, start), strict=True):
                (gradient,) = torch.autograd.grad(
                    outputs[layer.id][0, channel, y, x], image, retain_graph=True
                )
                seen = gradient[0].abs().sum(0).nonzero()
                assert field
                rows, columns = field.y.at(y), field.x.at(x)
                if rows[0] > rows[1] or columns[0] > columns[1]:
                    assert not len(seen), "a unit that sees only padding"
                    continue
                low, high = seen.min(0).values.tolist(), seen.max(0).values.tolist()
                got = ((low[0], high[0]), (low[1], high[1]))
                assert got == (rows, columns), f"{layer.id}, channel {channel}, unit {y}, {x}"
                checked += 1
    assert checked >= min(20, 3 * len(local))


def test_anatomy_is_a_value() -> None:
    one, other = (dissect(zoo.skeleton("resnet_classroom"), (3, 32, 32)) for _ in range(2))
    assert isinstance(one, Anatomy)
    assert one == other
    assert one != dissect(zoo.skeleton("resnet_classroom", width=24), (3, 32, 32))


class Joins(nn.Module):
    """Ways of joining and taking apart that keep track of channels."""

    def __init__(self) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(3, 2, 1)
        self.wide = nn.Conv2d(3, 2, 3, padding=1)
        self.gate = nn.Conv2d(3, 1, 5, padding=2)
        self.constant = nn.Parameter(torch.ones(1, 2, 8, 8))
        self.tall = nn.Conv2d(6, 2, (1, 3), padding=(0, 1))

    def forward(self, x: Tensor) -> Tensor:
        both = torch.cat([self.narrow(x), self.constant, self.wide(x)], 1)
        gated = torch.cat(torch.chunk(both, 3, 1), 1) * self.gate(x)
        return self.tall(gated) + gated.unbind(1)[5].unsqueeze(1)


def test_joins_keep_the_fields_of_their_channels() -> None:
    layers = {layer.id: layer for layer in dissect(Joins(), (3, 8, 8)).layers}

    def sizes(path: str) -> list[tuple[int, int, str]]:
        return [(first, last, str(field)) for first, last, field in layers[path].reach.by_channel]

    assert sizes("concat") == [(0, 1, "1 × 1 px"), (2, 3, "None"), (4, 5, "3 × 3 px")]
    assert sizes("concat_2") == sizes("concat")
    assert sizes("multiply") == [(0, 5, "5 × 5 px")]  # the gate's one channel reaches all
    assert sizes("tall") == [(0, 1, "5 × 7 px")]
    assert layers["tall"].reach_formula == ""  # not square
    assert sizes("unsqueeze") == [(0, 0, "5 × 5 px")]


class Deals(nn.Module):
    """A channel shuffle in three groups of two."""

    def __init__(self) -> None:
        super().__init__()
        self.branches = nn.ModuleList(nn.Conv2d(3, 2, k, padding=k // 2) for k in (1, 3, 5))
        self.grouped = nn.Conv2d(6, 2, 1, groups=2)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cat([branch(x) for branch in self.branches], 1)
        x = x.reshape(-1, 3, 2, 8, 8).transpose(1, 2).reshape(-1, 6, 8, 8)
        return self.grouped(x)


def test_a_shuffle_takes_the_fields_along() -> None:
    layers = {layer.id: layer for layer in dissect(Deals(), (3, 8, 8)).layers}
    shuffled = [(first, str(field)) for first, _, field in layers["reshape_2"].reach.by_channel]
    in_turn = ["1 × 1 px", "3 × 3 px", "5 × 5 px"]
    assert shuffled == list(enumerate(in_turn * 2))
    assert str(layers["grouped"].reach) == "5 × 5 px"


def test_windows_and_heads_count_as_sizes_the_batch_does_not() -> None:
    """Swin's attention works on windows in the place of the batch; a permute may move the batch axis."""
    layers = {layer.id: layer for layer in dissect(zoo.skeleton("swin_t"), (3, 224, 224)).layers}
    scores = layers["stages.0.block0.attn.matmul"]
    assert scores.shape == (64, 3, 49, 49)  # windows, heads, tokens, tokens
    assert scores.macs == 64 * 3 * 49 * 32 * 49
    assert scores.activations == 64 * 3 * 49 * 49
    assert layers["stages.0.block0.add"].shape == (56, 56, 96)
    layers = {layer.id: layer for layer in dissect(zoo.skeleton("vit_b_16"), (3, 224, 224)).layers}
    assert layers["stages.0.attn.matmul"].shape == (12, 197, 197)
    assert layers["stages.0.attn.matmul"].macs == 12 * 197 * 64 * 197


class Row(nn.Module):
    """Two equal blocks in a row, then two equal ones side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.row = nn.Sequential(*(nn.Sequential(nn.Conv2d(4, 4, 1), nn.ReLU()) for _ in range(2)))
        self.beside = nn.ModuleList(nn.Sequential(nn.Conv2d(4, 4, 1), nn.ReLU()) for _ in range(2))
        self.head = nn.Conv2d(8, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.row(x)
        return self.head(torch.cat([branch(x) for branch in self.beside], 1))


def test_only_what_stands_in_a_row_is_folded() -> None:
    tree = dissect(Row(), (4, 8, 8)).tree
    blocks = [part for part in tree.children if isinstance(part, zoo.anatomy.Block)]
    found = {part.id for block in blocks for part in block.children}
    assert found == {"row.0-1", "beside.0", "beside.1"}
