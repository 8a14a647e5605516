"""NFNet's adaptive clipping against timm's, ZFNet's clip by hand."""

import torch
from timm.utils.agc import adaptive_clip_grad
from torch import nn

import zoo
from tests.training.test_loop import SPLIT, recipe
from training.clipping import all_but_classifier, clip_adaptively, clip_filters
from training.loop import Trainer


def test_adaptive_clipping_is_timms() -> None:
    ours, theirs = (zoo.build("resnet_classroom", seed=3) for _ in range(2))
    for network in (ours, theirs):
        generator = torch.Generator().manual_seed(0)
        for parameter in network.parameters():
            parameter.grad = torch.randn(parameter.shape, generator=generator) * 0.02
    untouched = {id(p): p.grad.clone() for p in ours.parameters() if p.grad is not None}
    clip_adaptively(ours.parameters(), 0.05)
    adaptive_clip_grad(theirs.parameters(), clip_factor=0.05)  # type: ignore[no-untyped-call]
    scaled = 0
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad)
        scaled += not torch.equal(a.grad, untouched[id(a)])  # type: ignore[arg-type]
    assert scaled > 0


def test_adaptive_clipping_by_hand() -> None:
    """Unit 0: weights of norm 5, gradient of norm 10, at most 0.1 x 5. Unit 1: small enough already."""
    weight = nn.Parameter(torch.tensor([[3.0, 4.0], [1.0, 0.0]]))
    weight.grad = torch.tensor([[6.0, 8.0], [0.0, 0.05]])
    clip_adaptively([weight], 0.1)
    torch.testing.assert_close(weight.grad, torch.tensor([[0.3, 0.4], [0.0, 0.05]]))


def test_the_classifier_is_left_alone() -> None:
    network = zoo.build("resnet_classroom")
    clipped = {id(parameter) for parameter in all_but_classifier(network)}
    left = [name for name, parameter in network.named_parameters() if id(parameter) not in clipped]
    assert left == ["head.weight", "head.bias"]


def test_filters_above_the_limit_are_scaled_down_to_it() -> None:
    weight = torch.stack([torch.full((3, 2, 2), 0.5), torch.full((3, 2, 2), -0.05), torch.zeros(3, 2, 2)])
    clip_filters(weight, 0.1)
    torch.testing.assert_close(weight[:, 0, 0, 0], torch.tensor([0.1, -0.05, 0.0]))


def test_a_run_keeps_its_first_filters_below_the_limit() -> None:
    trainer = Trainer(recipe(filter_clip=0.05, rate=0.5, optimiser="sgd", epochs=1), SPLIT)
    for _ in trainer:
        pass
    name = trainer._outline.convolution
    filters = trainer.state().tensors[f"model.{name}.weight"]
    rms = filters.square().mean((1, 2, 3)).sqrt()
    assert rms.max() <= 0.05 + 1e-6
    assert rms.max() > 0.049, "nothing was clipped: the case tests nothing"
