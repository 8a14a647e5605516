"""The training loop against bare torch, and against itself, interrupted."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import zoo
from training.chance import order
from training.data import Pictures, Split
from training.events import (
    Checkpoint,
    Done,
    Evaluation,
    Event,
    Step,
    to_dict,
)
from training.loop import Saved, Trainer, is_kept
from training.recipe import OPTIMISERS, Recipe

MEAN, DEVIATION = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)
LENET = zoo.Specimen("lenet_classroom")
RESNET = zoo.Specimen("resnet_classroom", knobs=(("width", 8),))


def split(images: int = 32, validation: int = 16, classes: int = 4, size: int = 32) -> Split:
    """Noise with a patch whose brightness tells the class."""
    generator = torch.Generator().manual_seed(0)

    def pictures(count: int) -> Pictures:
        labels = torch.arange(count) % classes
        noise = torch.randint(0, 256, (count, 3, size, size), generator=generator, dtype=torch.uint8)
        noise[:, :, : size // 2, : size // 2] = (40 * labels).byte().view(-1, 1, 1, 1)
        return Pictures(images=noise, labels=labels)

    names = tuple(f"class {k}" for k in range(classes))
    return Split(
        train=pictures(images), validation=pictures(validation), classes=names, mean=MEAN, deviation=DEVIATION
    )


SPLIT = split()


def recipe(**changes: Any) -> Recipe:
    """Two epochs of four steps."""
    defaults: dict[str, Any] = {"specimen": LENET, "epochs": 2, "batch": 8, "rate": 0.01}
    return Recipe(**defaults | changes)


def bare_losses(wanted: Recipe, optimiser: torch.optim.Optimizer, network: nn.Module) -> Iterator[float]:
    """The loop as every tutorial has it."""
    mean, deviation = torch.tensor(MEAN).view(3, 1, 1), torch.tensor(DEVIATION).view(3, 1, 1)
    for epoch in range(wanted.epochs):
        for chosen in torch.split(order(32, wanted.seed, "epoch", epoch), wanted.batch):
            images = (SPLIT.train.images[chosen].float() / 255 - mean) / deviation
            loss = F.cross_entropy(network(images), SPLIT.train.labels[chosen])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            yield loss.item()


@pytest.mark.parametrize("name", OPTIMISERS)
def test_losses_are_those_of_a_bare_loop(name: str) -> None:
    """To the last bit, for each of torch's optimisers with torch's own settings."""
    wanted = recipe(specimen=zoo.Specimen("resnet_classroom"), optimiser=name, schedule="constant", epochs=2)
    network = replace(wanted.specimen, num_classes=4).build(input_size=32, seed=0).train()
    weights, rate, decay = network.parameters(), 0.01, 5e-4
    optimiser: torch.optim.Optimizer = {
        "sgd": lambda: torch.optim.SGD(weights, rate, weight_decay=decay),
        "momentum": lambda: torch.optim.SGD(weights, rate, momentum=0.9, weight_decay=decay),
        "nesterov": lambda: torch.optim.SGD(weights, rate, momentum=0.9, weight_decay=decay, nesterov=True),
        "adam": lambda: torch.optim.Adam(weights, rate, weight_decay=decay),
        "adamw": lambda: torch.optim.AdamW(weights, rate, weight_decay=decay),
        "rmsprop": lambda: torch.optim.RMSprop(weights, rate, momentum=0.9, weight_decay=decay),
    }[name]()  # type: ignore[no-untyped-call]
    told = [event.loss for event in Trainer(wanted, SPLIT) if isinstance(event, Step)]
    assert told == list(bare_losses(wanted, optimiser, network))


def test_the_order_of_events() -> None:
    kinds = [event.kind for event in Trainer(recipe(), SPLIT)]
    step = ["step"] * 4
    assert kinds[:3] == ["started", "evaluation", "checkpoint"]
    assert kinds[3:10] == [*step, "epoch", "evaluation", "checkpoint"]
    assert kinds[-1] == "done"


def test_epochs_that_are_kept() -> None:
    assert [e for e in range(2_001) if is_kept(e)] == [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000]


def through_a_file(saved: Saved) -> Saved:
    """What is left of it after safetensors and JSON: values, not identities."""
    from safetensors.torch import load, save

    tensors: dict[str, Tensor] = load(save(dict(saved.tensors)))
    return Saved(tensors=tensors, facts=json.loads(json.dumps(dict(saved.facts), allow_nan=False)))


SWITCHES: list[dict[str, Any]] = [
    *({"optimiser": name} for name in OPTIMISERS),
    {"schedule": "step", "step_every": 1},
    {"schedule": "one-cycle"},
    {"schedule": "plateau", "step_every": 1, "epochs": 5, "rate": 0.5},
    {"schedule": "plateau", "step_every": 1, "warm_up": 0.7},
    {"schedule": "cosine", "warm_up": 1.3},
    {"ema": 0.9},
    {"swa": 0.4, "epochs": 3, "specimen": RESNET},
    {"patience": 1, "rate": 1e-9, "epochs": 6},
    {"flip": True, "crop": True, "colour": 0.3, "randaugment": 9, "mixup": 0.4, "cutmix": 1.0},
    {"progressive": True, "epochs": 4, "dropout": 0.3, "specimen": RESNET},
    {"clip": 0.1, "agc": 0.02, "filter_clip": 0.1, "label_smoothing": 0.1},
    {"initialisation": "he", "activation": "gelu", "batch": 9, "specimen": RESNET},
    {"precision": "bfloat16"},
]


def same(one: Event, other: Event) -> bool:
    """Equal in what JSON holds and in what rides along."""
    if isinstance(one, Evaluation) and isinstance(other, Evaluation) and one.snapshot and other.snapshot:
        assert one.snapshot.keys() == other.snapshot.keys()
        assert all((one.snapshot[name] == other.snapshot[name]).all() for name in one.snapshot)
    if isinstance(one, Checkpoint) and isinstance(other, Checkpoint):
        assert one.state is not None
        assert other.state is not None
        assert one.state.keys() == other.state.keys()
        assert all(torch.equal(one.state[name], other.state[name]) for name in one.state)
        assert one.facts == other.facts
    return to_dict(one) == to_dict(other)


@pytest.mark.parametrize(
    "changes",
    SWITCHES,
    ids=lambda changes: " ".join(f"{k}={v}" for k, v in changes.items() if k != "specimen"),
)
def test_paused_anywhere_and_resumed_it_goes_on_as_if_never_paused(changes: dict[str, Any]) -> None:
    wanted = recipe(**changes)
    trainer, states, whole = Trainer(wanted, SPLIT), [], []
    states.append(trainer.state())
    for event in trainer:
        whole.append(event)
        states.append(trainer.state())
    assert isinstance(whole[-1], Done)
    assert all(same(a, b) for a, b in zip(whole, Trainer(wanted, SPLIT), strict=True))
    for at in range(1, len(whole), 3):
        again = Trainer(wanted, SPLIT, through_a_file(states[at]))
        assert again.events == at
        rest = list(again)
        assert len(rest) == len(whole) - at
        assert all(same(a, b) for a, b in zip(whole[at:], rest, strict=True))
        assert again.events == len(whole)
