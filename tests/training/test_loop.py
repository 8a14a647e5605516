"""The training loop against bare torch, and against itself, interrupted."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import zoo
from training.chance import order
from training.data import Pictures, Split
from training.events import (
    Changed,
    Checkpoint,
    Done,
    Epoch,
    Evaluation,
    Event,
    Failed,
    Started,
    Step,
    to_dict,
)
from training.loop import Saved, Trainer, is_kept
from training.network import build
from training.recipe import OPTIMISERS, Recipe
from training.schedule import planned

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
    network.to(memory_format=torch.channels_last)  # sums in another order have other last digits
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


def steps(events: list[Event]) -> list[Step]:
    return [event for event in events if isinstance(event, Step)]


def first_loss(wanted: Recipe) -> float:
    """Of the first step."""
    return next(event.loss for event in Trainer(wanted, SPLIT) if isinstance(event, Step))


def first_batch(wanted: Recipe) -> tuple[Tensor, Tensor]:
    chosen = order(32, wanted.seed, "epoch", 0)[: wanted.batch]
    mean, deviation = torch.tensor(MEAN).view(3, 1, 1), torch.tensor(DEVIATION).view(3, 1, 1)
    return (SPLIT.train.images[chosen].float() / 255 - mean) / deviation, SPLIT.train.labels[chosen]


def test_label_smoothing_is_torchs() -> None:
    wanted = recipe(label_smoothing=0.2)
    images, labels = first_batch(wanted)
    logits = build(wanted, 4).train()(images)
    assert first_loss(wanted) == F.cross_entropy(logits, labels, label_smoothing=0.2).item()
    assert first_loss(wanted) != first_loss(recipe())


def test_auxiliary_heads_add_their_share_to_the_gradient() -> None:
    """The loss that is told is the classifier's own; GoogLeNet's stem gets gradients from all heads."""
    specimen = zoo.Specimen("googlenet_classroom")
    wanted = recipe(specimen=specimen, dropout=0.0, auxiliary=0.3, optimiser="sgd", weight_decay=0, epochs=1)
    images, labels = first_batch(wanted)
    network = build(wanted, 4).train()
    assert isinstance(network, zoo.HasAuxiliaryHeads)
    own, *others = (F.cross_entropy(logits, labels) for logits in network.forward_aux(images))
    (own + 0.3 * others[0] + 0.3 * others[1]).backward()  # type: ignore[no-untyped-call]
    trainer = Trainer(wanted, SPLIT)
    event = next(event for event in trainer if isinstance(event, Step))
    assert event.loss == own.item()
    name = f"{trainer._outline.convolution}.weight"
    expected, got = network.get_parameter(name).grad, trainer._network.get_parameter(name).grad
    torch.testing.assert_close(got, expected)


def test_the_rate_can_be_changed_on_the_way() -> None:
    trainer = Trainer(recipe(schedule="cosine"), SPLIT)
    events: list[Event] = []
    for event in trainer:
        events.append(event)
        if isinstance(event, Step) and event.step == 3:
            trainer.change_rate(0.02)
    at = next(i for i, event in enumerate(events) if isinstance(event, Changed))
    changed, planned_rates = events[at], planned(recipe(schedule="cosine"), 4)
    assert isinstance(changed, Changed)
    assert isinstance(events[at - 1], Step)
    assert changed == Changed(step=3, rate=0.02, factor=0.02 / planned_rates[3])
    assert [s.rate for s in steps(events)] == pytest.approx(
        [*planned_rates[:3], *(rate * changed.factor for rate in planned_rates[3:])]
    )


def test_a_changed_rate_is_remembered_and_can_be_replayed() -> None:
    def run(trainer: Trainer, upto: int = 10_000) -> list[Event]:
        events: list[Event] = []
        while trainer.events < upto and (event := next(trainer, None)):
            events.append(event)
            if trainer.events == 6:
                trainer.change_rate(0.05)
        return events

    whole = run(Trainer(recipe(), SPLIT))
    assert isinstance(whole[6], Changed)
    for stop in (6, 7, 9):
        trainer = Trainer(recipe(), SPLIT)
        begun = run(trainer, stop)
        rest = list(Trainer(recipe(), SPLIT, through_a_file(trainer.state())))
        assert [to_dict(e) for e in begun + rest] == [to_dict(e) for e in whole]


def test_nonsense_rates_are_refused() -> None:
    trainer = Trainer(recipe(), SPLIT)
    for rate in (-0.1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="a number from 0"):
            trainer.change_rate(rate)
    with pytest.raises(ValueError, match="stands at 0"):
        Trainer(recipe(rate=0.0), SPLIT).change_rate(0.1)


def test_patience_ends_a_run_early() -> None:
    """The validation labels are all wrong, so what is learned makes the loss there higher."""
    wrong = replace(SPLIT.validation, labels=(SPLIT.validation.labels + 1) % 4)
    events = list(Trainer(recipe(patience=2, epochs=20, rate=0.05), replace(SPLIT, validation=wrong)))
    losses = [event.loss for event in events if isinstance(event, Evaluation)]
    done = events[-1]
    assert isinstance(done, Done)
    assert done.reason == "early"
    assert done.epoch == len(losses) - 1 == losses.index(min(losses)) + 2
    assert any(isinstance(event, Checkpoint) and event.name == f"{done.epoch:04d}" for event in events)


def test_best_is_the_lowest_validation_loss_so_far() -> None:
    events = list(Trainer(recipe(epochs=6, rate=0.05), SPLIT))
    losses = {event.epoch: event.loss for event in events if isinstance(event, Evaluation)}
    best = [e.epoch for e in events if isinstance(e, Checkpoint) and e.name == "best"]
    assert best == [
        epoch for epoch in range(1, 7) if losses[epoch] == min(losses[e] for e in range(1, epoch + 1))
    ]


def test_a_loss_that_is_no_number_ends_the_run_with_advice() -> None:
    events = list(Trainer(recipe(specimen=RESNET, norm=False, rate=100.0, schedule="constant"), SPLIT))
    failed = events[-1]
    assert isinstance(failed, Failed)
    assert "learning rate of 100" in failed.reason
    assert len(steps(events)) == failed.step
    for event in events:
        json.dumps(to_dict(event), allow_nan=False)


def test_evaluation_is_bare_torchs() -> None:
    trainer = Trainer(recipe(specimen=RESNET), SPLIT)
    _, evaluation, checkpoint = (next(trainer) for _ in range(3))
    assert isinstance(evaluation, Evaluation)
    assert isinstance(checkpoint, Checkpoint)
    assert checkpoint.state is not None
    network = replace(RESNET, num_classes=4).build(input_size=32).eval()
    weights = {k.removeprefix("model."): v for k, v in checkpoint.state.items() if k.startswith("model.")}
    network.load_state_dict(weights)
    mean, deviation = torch.tensor(MEAN).view(3, 1, 1), torch.tensor(DEVIATION).view(3, 1, 1)
    with torch.no_grad():
        logits = network((SPLIT.validation.images.float() / 255 - mean) / deviation)
    assert evaluation.loss == pytest.approx(F.cross_entropy(logits, SPLIT.validation.labels).item())
    right = logits.argmax(1) == SPLIT.validation.labels
    assert evaluation.accuracy == pytest.approx(right.float().mean().item())
    assert evaluation.snapshot is not None
    assert evaluation.snapshot["confusion"].sum() == 16
    assert evaluation.snapshot["confusion"].trace() == right.sum()


def test_evaluating_changes_nothing() -> None:
    """No hook, no gradient, no running mean and no draw of chance is left behind."""
    trainer = Trainer(recipe(specimen=RESNET), SPLIT)
    next(trainer)
    before, random = trainer.state().tensors, torch.get_rng_state()
    next(trainer)
    after = trainer.state().tensors
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert torch.equal(random, torch.get_rng_state())
    assert trainer._network.training
    assert not any(
        module._forward_hooks or module._forward_pre_hooks for module in trainer._network.modules()
    )


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"specimen": zoo.Specimen("vit_classroom"), "progressive": True}, "cannot read pictures smaller"),
        ({"specimen": zoo.Specimen("vgg_classroom"), "stochastic_depth": 0.2}, "no branch"),
        ({"specimen": LENET, "norm": False}, "no batch norm"),
        ({"specimen": zoo.Specimen("lenet5"), "size": 32}, "reads 1 × 32 × 32"),
        ({"specimen": RESNET, "size": 16}, "the pictures are 3 × 32 × 32"),
        ({"momentum": 0.0, "optimiser": "nesterov"}, "plain SGD"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Trainer(recipe(**changes), SPLIT)


def test_a_single_picture_is_too_little_for_batch_norm() -> None:
    one = replace(SPLIT.train, images=SPLIT.train.images[:1], labels=SPLIT.train.labels[:1])
    with pytest.raises(ValueError, match="single picture"):
        Trainer(recipe(specimen=zoo.Specimen("sknet_classroom")), replace(SPLIT, train=one))


def test_other_weights_are_refused() -> None:
    saved = Trainer(recipe(), SPLIT).state()
    with pytest.raises(ValueError, match="another network"):
        Trainer(recipe(specimen=RESNET), SPLIT, saved)


def test_a_run_can_be_taken_over_with_another_optimiser_and_an_average() -> None:
    """What the new recipe does otherwise starts afresh; weights, step and log go on."""
    trainer = Trainer(recipe(epochs=2), SPLIT)
    (kept,) = (e for e in trainer if isinstance(e, Checkpoint) and e.name == "0001")
    assert kept.state is not None
    assert kept.facts is not None
    saved = Saved(tensors=kept.state, facts=kept.facts)
    wanted = recipe(optimiser="adam", rate=0.001, epochs=3, ema=0.9, batch=16)
    events = list(Trainer(wanted, SPLIT, saved))
    made = steps(events)
    assert [step.step for step in made] == [5, 6, 7, 8]
    assert [step.rate for step in made] == list(planned(wanted, 2)[2:])
    assert {e.weights for e in events if isinstance(e, Evaluation)} == {"raw", "ema"}
    assert isinstance(events[-1], Done)


def test_a_finished_run_can_be_made_longer() -> None:
    """From its last checkpoint on it is the longer run, as far as the schedule is the same."""
    short, long = (recipe(epochs=epochs, schedule="constant", rate=0.05) for epochs in (3, 5))
    whole = list(Trainer(long, SPLIT))
    kept = [event for event in Trainer(short, SPLIT) if isinstance(event, Checkpoint)][-1]
    assert kept.name == "0003"
    assert kept.state is not None
    assert kept.facts is not None
    rest = list(Trainer(long, SPLIT, Saved(tensors=kept.state, facts=kept.facts)))
    begin = next(i for i, event in enumerate(whole) if isinstance(event, Step) and event.step == 13)
    assert [to_dict(e) for e in rest] == [to_dict(e) for e in whole[begin:]]


def test_progressive_pictures_and_dropout_grow() -> None:
    wanted = recipe(specimen=RESNET, progressive=True, epochs=4, dropout=0.6)
    trainer, sizes, dropouts = Trainer(wanted, SPLIT), [], []
    for event in trainer:
        if isinstance(event, Epoch):
            sizes.append(event.size)
            dropouts.append(trainer._dropouts[0][0].p)
    assert sizes == [16, 24, 32, 32]
    assert dropouts == pytest.approx([0.2, 0.6 * 5 / 9, 0.6 * 7 / 9, 0.6])


@pytest.mark.slow
@pytest.mark.parametrize("name", [f.classroom.name for f in zoo.FAMILIES.values()])
def test_every_classroom_network_trains_here(name: str) -> None:
    """Two steps, an evaluation and a snapshot of each, and every stage has maps to show."""
    few = split(8, 8)
    events = list(Trainer(recipe(specimen=zoo.Specimen(name), epochs=1, batch=4, rate=1e-3), few))
    started, evaluation = events[0], events[-3]
    assert isinstance(started, Started)
    assert isinstance(events[-1], Done)
    assert len(steps(events)) == 2
    evaluation = next(event for event in reversed(events) if isinstance(event, Evaluation))
    assert evaluation.snapshot is not None
    assert len(evaluation.dead) == len(started.activations)
    assert started.stages
    for i in range(len(started.stages)):
        maps = evaluation.snapshot[f"activation.{i}"]
        assert maps.shape[1] == maps.shape[2] > 1
    assert any(value > 0 for event in events if isinstance(event, Epoch) for value in event.gradient)


@pytest.mark.slow
def test_a_small_network_learns_the_shapes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In some four hundred steps; chance is one in eight."""
    monkeypatch.setenv("ZOOLENS_DATA", str(tmp_path))
    wanted = Recipe(
        specimen=RESNET, images=2_000, validation=300, epochs=7, batch=32, optimiser="adam", rate=0.005
    )
    accuracy = [event.accuracy for event in Trainer(wanted) if isinstance(event, Evaluation)]
    assert accuracy[0] < 0.25
    assert accuracy[-1] > 0.4
