"""Every network of the zoo against numbers that are not ours: the rows are the registry itself."""

import importlib

import pytest
import timm
import torch
import torchvision
from pytorchcv.model_provider import get_model as pytorchcv_model
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

import zoo
from tests.zoo.twins import assert_same_logits, load_by_position, picture, shake

PUBLISHED = [name for name, v in zoo.VARIANTS.items() if v.published]
TWINS = [name for name, v in zoo.VARIANTS.items() if v.published and v.published.twin]
CLASSROOM = [family.classroom.name for family in zoo.FAMILIES.values()]
TOO_LARGE = 150_000_000  # parameters; above it a smaller sibling's logits stand for the family


@pytest.mark.parametrize("name", PUBLISHED)
def test_counts_equal_the_published_ones(name: str) -> None:
    variant = zoo.VARIANTS[name]
    assert variant.published
    with torch.device("meta"):  # shapes only: no memory, no arithmetic
        model = zoo.build(name)
        image = torch.empty(1, variant.channels, variant.input_size, variant.input_size)
    with torch.no_grad(), FlopCounterMode(display=False) as count:
        logits = model(image)
    assert logits.shape == (1, variant.num_classes)
    assert sum(p.numel() for p in model.parameters()) == variant.published.params
    assert count.get_total_flops() // 2 == variant.published.macs


def twin(reference: str, num_classes: int) -> nn.Module:
    """The peer's network, random weights, in evaluation mode."""
    library, _, name = reference.partition(":")
    if library == "torchvision":
        options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
        return torchvision.models.get_model(name, weights=None, num_classes=num_classes, **options).eval()
    if library == "timm":
        return timm.create_model(name, pretrained=False, num_classes=num_classes).eval()
    if library == "pytorchcv":
        return pytorchcv_model(name, pretrained=False, num_classes=num_classes).eval()
    raise ValueError(f"no such library: {reference}")


@pytest.mark.parametrize("name", TWINS)
def test_logits_equal_the_twins(name: str) -> None:
    variant = zoo.VARIANTS[name]
    assert variant.published
    if variant.published.params > TOO_LARGE:
        siblings = [v for v in zoo.family_of(name).variants if v.published and v.published.twin]
        assert any(v.published and v.published.params <= TOO_LARGE for v in siblings)
        pytest.skip(f"{variant.published.params:,} parameters: a smaller sibling's logits stand for it")
    family = importlib.import_module(f"zoo.families.{zoo.family_of(name).key}")
    reference = twin(variant.published.twin, variant.num_classes)
    shake(reference)
    ours = zoo.build(name)
    state = list(reference.state_dict().values())
    if hasattr(
        family, "from_twin"
    ):  # a twin that keeps its tensors in another order says so in the family's file
        state = family.from_twin(variant.published.twin, reference.state_dict())
    load_by_position(ours, state)
    image = picture(variant.input_size, images=2, channels=variant.channels)
    assert_same_logits(ours, reference, image)


def loss_of_all_heads(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy of the classifier and of the auxiliary heads, if there are any."""
    outputs = model.forward_aux(images) if isinstance(model, zoo.HasAuxiliaryHeads) else [model(images)]
    return torch.stack([nn.functional.cross_entropy(logits, labels) for logits in outputs]).sum()


@pytest.mark.parametrize("name", CLASSROOM)
def test_classroom_variant_is_small_and_learns(name: str) -> None:
    variant = zoo.VARIANTS[name]
    model = zoo.build(name).train()
    assert variant.input_size == 32
    assert sum(p.numel() for p in model.parameters()) <= 1_100_000
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(8, variant.channels, 32, 32, generator=generator)
    labels = torch.randint(variant.num_classes, (8,), generator=generator)
    torch.manual_seed(0)  # drops the same units both times
    loss = loss_of_all_heads(model, images, labels)
    loss.backward()  # type: ignore[no-untyped-call]
    parameters = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    silent = [n for n, p in parameters if p.grad is None or not p.grad.abs().sum() > 0]
    assert not silent, f"no gradient reaches {silent}"
    before = loss.item()
    torch.optim.SGD(model.parameters(), lr=0.01 / max(1.0, before)).step()
    torch.manual_seed(0)
    assert loss_of_all_heads(model, images, labels).item() < before


@pytest.mark.parametrize("name", CLASSROOM)
def test_classroom_variant_is_deterministic_and_treats_images_alone(name: str) -> None:
    variant = zoo.VARIANTS[name]
    model, again, other = zoo.build(name), zoo.build(name), zoo.build(name, seed=1)
    images = torch.randn(3, variant.channels, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        logits = model(images)
        assert torch.equal(logits, again(images))
        assert not torch.equal(logits, other(images))
        torch.testing.assert_close(model(images[1:2]), logits[1:2], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", zoo.VARIANTS)
def test_every_variant_can_be_looked_into(name: str) -> None:
    """No module works in place or runs twice, and the stages are modules in the order they run in."""
    variant, family = zoo.VARIANTS[name], zoo.family_of(name)
    model = zoo.skeleton(name)
    assert all(p.device.type == "meta" for p in model.parameters())
    modules = dict(model.named_modules())
    order: list[str] = []
    calls: dict[str, int] = {}
    for path, module in modules.items():
        assert not getattr(module, "inplace", False), f"{path} works in place"

        def called(m: nn.Module, inputs: object, path: str = path) -> None:
            order.append(path)
            calls[path] = calls.get(path, 0) + 1

        module.register_forward_pre_hook(called)
    with torch.no_grad():
        model(torch.empty(2, variant.channels, variant.input_size, variant.input_size, device="meta"))
    assert not [path for path, n in calls.items() if n > 1], "a module used twice fires a hook twice"
    assert tuple(path for path in order if path in family.stages) == family.stages
