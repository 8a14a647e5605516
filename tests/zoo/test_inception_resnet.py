"""Inception-ResNet: what the scale does to a block, figures 14 and 15 row by row, and the paper's head."""

import pytest
import torch
from pytorchcv.model_provider import get_model as pytorchcv_model
from torch import Tensor, nn

import zoo
from tests.zoo.twins import assert_same_logits, load_by_position, picture, shake
from zoo.families.inception_resnet import SCALES, VERSIONS, InceptionResNetBlock, branches_n

# Side and channels of the map behind each part: figures 14 and 15 for v1, the released network for v2.
OUTPUTS = {
    "inception_resnet_v1": {
        "stem.conv1": (149, 32),
        "stem.conv2": (147, 32),
        "stem.conv3": (147, 64),
        "stem.pool1": (73, 64),
        "stem.conv4": (73, 80),
        "stem.conv5": (71, 192),
        "stem.conv6": (35, 256),
        "stages.a": (35, 256),
        "stages.b.reduction": (17, 896),
        "stages.b": (17, 896),
        "stages.c.reduction": (8, 1792),
        "stages.c": (8, 1792),
        "pool": (1, 1792),
    },
    "inception_resnet_v2": {
        "stem": (35, 320),
        "stages.a": (35, 320),
        "stages.b.reduction": (17, 1088),
        "stages.b": (17, 1088),
        "stages.c.reduction": (8, 2080),
        "stages.c": (8, 1536),
    },
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_maps_of_figures_14_and_15(name: str) -> None:
    model = zoo.skeleton(name)
    seen: dict[str, tuple[int, int]] = {}

    def note(path: str, module: nn.Module) -> None:
        module.register_forward_hook(lambda m, i, out: seen.update({path: (out.shape[2], out.shape[1])}))

    for path in OUTPUTS[name]:
        note(path, model.get_submodule(path))
    model(torch.empty(1, 3, 299, 299, device="meta"))
    assert seen == OUTPUTS[name]


@pytest.mark.parametrize("name", ["inception_resnet_v1"])
def test_the_papers_head_behind_the_peers_body(name: str) -> None:
    """The peer has FaceNet's head, 512 values before the classes. With one linear layer there it is ours."""
    reference = pytorchcv_model("inceptionresnetv1", pretrained=False).eval()
    reference.output = nn.Linear(1792, 1000)
    shake(reference)
    ours = zoo.build(name)
    load_by_position(ours, reference.state_dict().values())
    assert_same_logits(ours, reference, picture(299))


def block(scale: float, *, act: bool = True) -> tuple[InceptionResNetBlock, Tensor, Tensor]:
    """A block, an image, and what the branches make of it."""
    torch.manual_seed(0)
    layer = InceptionResNetBlock(8, branches_n(8, (4, 2, 3, 4), 3), 8, scale, act=act).eval()
    x = torch.randn(2, 8, 5, 5)
    return layer, x, layer.expand(layer.branches(x))


@pytest.mark.parametrize("scale", [0.1, 0.17, 0.3, 1.0])
def test_the_residual_is_multiplied_by_exactly_the_scale(scale: float) -> None:
    layer, x, residual = block(scale, act=False)
    assert torch.equal(layer(x), x + scale * residual)
    assert residual.min() < 0 < residual.max(), "the 1x1 that widens is linear"


def test_without_its_residual_a_block_is_a_relu() -> None:
    layer, x, residual = block(0.0)
    assert residual.abs().max() > 0
    assert torch.equal(layer(x), x.relu())


def test_every_stage_has_its_scale_and_the_last_block_none() -> None:
    """As released: 0.17, 0.10 and 0.20, and at the end a plain sum without activation."""
    assert SCALES == (0.17, 0.10, 0.20)
    model = zoo.skeleton("inception_resnet_v2")
    blocks = {path: m for path, m in model.named_modules() if isinstance(m, InceptionResNetBlock)}
    expected = {f"stages.a.{i}": 0.17 for i in range(10)} | {f"stages.b.{i}": 0.10 for i in range(20)}
    expected |= {f"stages.c.{i}": 0.20 for i in range(9)} | {"stages.c.9": 1.0}
    assert {path: layer.scale for path, layer in blocks.items()} == expected
    linear = [path for path, layer in blocks.items() if not isinstance(layer.act, nn.ReLU)]
    assert linear == ["stages.c.9"]
    turned = zoo.skeleton("inception_resnet_v2", **{"scales.1": 0.3}).get_submodule("stages.b.7")  # type: ignore[arg-type]
    assert isinstance(turned, InceptionResNetBlock)
    assert turned.scale == 0.3


@pytest.mark.parametrize(("version", "klmn"), [("v1", (192, 192, 256, 384)), ("v2", (256, 256, 384, 384))])
def test_table_1_for_reduction_a(version: str, klmn: tuple[int, ...]) -> None:
    assert VERSIONS[version].reduction_a == klmn


def test_the_papers_stem_of_v2() -> None:
    """Inception-v4's stem leads to 384 channels, and Reduction-A to 1,152: not the 1,154 of figure 17."""
    model = zoo.skeleton("inception_resnet_v2", stem="v4")
    x = model.get_submodule("stem")(torch.empty(1, 3, 299, 299, device="meta"))
    assert x.shape == (1, 384, 35, 35)
    assert model.get_submodule("stages.b.reduction")(x).shape == (1, 1152, 17, 17)


def test_too_small_a_picture_is_refused() -> None:
    model = zoo.skeleton("inception_resnet_v2", input_size=75)
    assert model(torch.empty(1, 3, 75, 75, device="meta")).shape == (1, 1000)
    with pytest.raises(ValueError, match=r"At 74 px .* 75 px is the least\."):
        zoo.skeleton("inception_resnet_v2", input_size=74)
