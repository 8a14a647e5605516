"""The training itself: an iterator of events, the same ones for the same recipe, without clock and disk."""

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop

import zoo
from training import progressive
from training.augmentation import augmented, per_batch, per_picture
from training.averages import Average, average_of
from training.chance import drawn_from, order
from training.clipping import all_but_classifier, clip_adaptively, clip_filters
from training.data import Split, load
from training.events import Changed, Checkpoint, Done, Epoch, Evaluation, Event, Failed, Started, Step
from training.network import build, channels, outline, outputs
from training.recipe import Recipe
from training.schedule import Schedule, planned
from training.snapshot import Verdict, batches, evaluate, handful, snapshot
from zoo.surgery import DropoutLinear

KEPT = (0, 1, 2, 5)  # epochs with a checkpoint, then ten times as many, and so on
POINTS = 500  # of the planned schedule in Started
_FOR_STATISTICS = 2_000  # training pictures that SWA's batch norms see


@dataclass(frozen=True, kw_only=True)
class Saved:
    """All that is needed to go on after an event."""

    tensors: Mapping[str, Tensor]  # "model.<name>", "optimiser.<name>", "average.<name>", "before.<name>"
    facts: Mapping[str, Any]  # survive JSON


class _DivergedError(Exception):
    """A number of the training is not finite."""


def train(recipe: Recipe) -> Iterator[Event]:
    """The events of a training from its start to its end."""
    return Trainer(recipe)


def is_kept(epoch: int) -> bool:
    """Whether this epoch's weights are kept: 0, 1, 2, 5, 10, 20, 50, 100, ..."""
    while epoch and epoch % 10 == 0:
        epoch //= 10
    return epoch in KEPT


class Trainer(Iterator[Event]):
    """One training, event by event.

    Between any two events it can be asked for its `state`; a trainer made from that goes on with the same
    events. Raises ValueError with a sentence where the network cannot learn from these pictures.
    """

    def __init__(
        self, recipe: Recipe, split: Split | None = None, saved: Saved | None = None, device: str = "cpu"
    ) -> None:
        self.recipe = recipe
        self.events = 0  # how many have been told
        self._device = torch.device(device)
        self._split = split if split is not None else _load(recipe)
        self._check_pictures()
        self._labels = self._split.train.labels
        planes, classes = channels(recipe), len(self._split.classes)
        network = build(recipe, classes)
        stages = zoo.family_of(recipe.specimen.variant).stages
        self._outline = outline(network, stages, recipe.size, planes)
        self._stages = progressive.stages(recipe, partial(_reads, network, stages, planes))
        self._network = network.to(self._device).train()
        self._dropouts = [
            (each, each.p) for each in network.modules() if isinstance(each, nn.Dropout | DropoutLinear)
        ]
        self._weights = [self._network.get_parameter(f"{path}.weight") for path in self._outline.layers]
        convolution = self._outline.convolution
        self._filters = self._network.get_parameter(f"{convolution}.weight") if convolution else None
        self._clipped = all_but_classifier(self._network)
        self._optimiser = _optimiser(recipe, self._network)
        self._average = average_of(recipe, self._network)
        self._mean = torch.tensor(self._split.mean, device=self._device).view(-1, 1, 1)
        self._deviation = torch.tensor(self._split.deviation, device=self._device).view(-1, 1, 1)
        self._handful = handful(self._split.validation.labels, classes)

        count = len(self._labels)
        rest = count % recipe.batch  # a last picture by itself is left out: no batch norm could learn from it
        self._steps_per_epoch = max(1, count // recipe.batch + (rest > 1))
        self._schedule = Schedule(recipe, self._steps_per_epoch)
        self._step = 0  # steps made
        self._epoch = 0  # epochs ended
        self._within = 0  # steps made in the epoch under way
        self._told = 0  # events told since the last step
        self._sums = (0.0, 0.0, 0)  # loss, right answers and pictures of the epoch under way
        self._losses: list[float] = []  # validation loss of each evaluation of the raw weights
        self._accuracy = 0.0
        self._gradient: tuple[float, ...] = ()
        self._change: tuple[float, ...] = ()
        self._before: list[Tensor] = []  # the layers' weights at the start of the epoch
        self._size = recipe.size
        self._factor = 1.0
        self._asked: float | None = None  # a rate that has been asked for and not told yet
        if saved is not None:
            self._resume(saved)
        self._flow = self._run()

    def __next__(self) -> Event:
        if self._asked is not None and self.events:
            self._factor, self._asked = self._asked / self._schedule.rate, None
            event: Event = Changed(step=self._step, rate=self._rate, factor=self._factor)
        else:
            event = next(self._flow)
        self.events += 1
        return event

    def change_rate(self, rate: float) -> None:
        """The next event is Changed, and what the schedule says is multiplied from there on."""
        if not (math.isfinite(rate) and rate >= 0):
            raise ValueError(f"A learning rate is a number from 0, not {rate!r}.")
        if self._schedule.rate == 0:
            raise ValueError("The schedule stands at 0: no factor makes another rate of it.")
        self._asked = rate

    @property
    def _rate(self) -> float:
        return self._schedule.rate * self._factor

    # The order of things

    def _run(self) -> Iterator[Event]:
        if self.events == 0:
            yield self._started()
        try:
            while True:
                if self._within == self._steps_per_epoch or self._step == 0:
                    yield from self._close()
                    if self._ending:
                        return
                self._open()
                while self._within < self._steps_per_epoch:
                    yield self._make_step()
        except _DivergedError as error:
            yield Failed(step=self._step, reason=str(error))

    def _close(self) -> Iterator[Event]:
        """The events at the end of an epoch, or before the first one; what has been told is left out."""
        for at, make in enumerate(self._closing()):
            if at >= self._told:
                self._told = at + 1
                yield make()

    def _closing(self) -> Iterator[Callable[[], Event]]:
        if self._epoch:
            yield self._end_of_epoch
        yield self._evaluate
        if self._epoch and self._average and self._average.begun:
            yield partial(self._evaluate_average, self._average)
        if is_kept(self._epoch) or self._ending:
            yield partial(self._checkpoint, f"{self._epoch:04d}")
        if self._epoch and self._losses[-1] < min(self._losses[1:-1], default=math.inf):
            yield partial(self._checkpoint, "best")
        if self._ending:
            yield partial(Done, epoch=self._epoch, step=self._step, reason=self._ending)

    @property
    def _ending(self) -> str:
        """Why the run ends after this epoch; empty where it goes on."""
        if self._epoch >= self.recipe.epochs:
            return "finished"
        lowest = self._losses.index(min(self._losses))
        if self.recipe.patience and len(self._losses) - 1 - lowest >= self.recipe.patience:
            return "early"
        return ""

    def _open(self) -> None:
        """Get ready for the next step, at the start of an epoch or, after a resumption, in the middle."""
        recipe = self.recipe
        if self._within in (0, self._steps_per_epoch):
            if self._epoch:
                self._schedule.judge(self._losses[-1])
            self._within, self._told, self._sums = 0, 0, (0.0, 0.0, 0)
            self._before = [weight.detach().clone() for weight in self._weights]
        stage = progressive.stage_of(self._stages, self._epoch, recipe.epochs)
        self._size = stage.size
        self._change_picture = per_picture(recipe, stage.strength)
        self._mix = per_batch(recipe, len(self._split.classes), stage.strength)
        for module, p in self._dropouts:
            module.p = stage.strength * p
        self._order = order(len(self._labels), recipe.seed, "epoch", self._epoch)

    # What happens

    def _make_step(self) -> Step:
        recipe, rate = self.recipe, self._rate
        first = self._within * recipe.batch
        chosen = self._order[first : first + recipe.batch]
        with drawn_from(self._device, recipe.seed, "step", self._step):
            images, target = self._batch(chosen)
            loss, told, right = _losses(self.recipe, self._network, images, target)
        if not math.isfinite(told):
            raise _DivergedError(_DIVERGED.format(rate=rate))
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        ends = self._within + 1 == self._steps_per_epoch
        if ends:
            self._gradient = _norms([weight.grad for weight in self._weights])
        self._clip()
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        self._optimiser.step()
        if recipe.filter_clip and self._filters is not None:
            clip_filters(self._filters, recipe.filter_clip)
        if self._average:
            self._average.take_in(self._network, self._epoch + 1 if ends else None)
        self._schedule.advance()
        self._step += 1
        self._within += 1
        count = len(chosen)
        loss_sum, right_sum, seen = self._sums
        self._sums = (loss_sum + count * told, right_sum + count * right, seen + count)
        if ends:
            self._epoch += 1
            self._change = _changes(self._before, self._weights)
            self._before = []
        return Step(step=self._step, loss=told, accuracy=right, rate=rate)

    def _batch(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures as the network reads them (B, C, H, W), and their classes (B,) or shares (B, K)."""
        pictures = augmented(self._split.train.images[chosen], self._change_picture)
        images, target = self._normalised(pictures), self._labels[chosen].to(self._device)
        if self._size != self.recipe.size:
            images = F.interpolate(images, size=self._size, mode="bilinear", antialias=True)
        return self._mix(images, target) if self._mix else (images, target)

    def _normalised(self, pictures: Tensor) -> Tensor:
        """uint8 (B, C, H, W) -> float32 on the device, of mean 0 and deviation 1 over the data set."""
        return (pictures.to(self._device).float() / 255 - self._mean) / self._deviation

    def _clip(self) -> None:
        if self.recipe.agc:
            clip_adaptively(self._clipped, self.recipe.agc)
        if self.recipe.clip:
            nn.utils.clip_grad_norm_(self._network.parameters(), self.recipe.clip)

    # What is told

    def _started(self) -> Started:
        rates = planned(self.recipe, self._steps_per_epoch)
        points = min(POINTS, len(rates))
        return Started(
            params=sum(parameter.numel() for parameter in self._network.parameters()),
            macs=self._outline.macs,
            images=len(self._labels),
            validation=len(self._split.validation.labels),
            steps_per_epoch=self._steps_per_epoch,
            peak=self.recipe.peak,
            classes=self._split.classes,
            layers=self._outline.layers,
            activations=tuple(self._outline.activations),
            stages=self._outline.stages,
            handful=self._handful,
            rates=tuple(rates[round(i * (len(rates) - 1) / max(1, points - 1))] for i in range(points)),
        )

    def _end_of_epoch(self) -> Epoch:
        loss, right, seen = self._sums
        return Epoch(
            epoch=self._epoch, step=self._step, loss=loss / seen, accuracy=right / seen, size=self._size,
            gradient=self._gradient, change=self._change,
        )  # fmt: skip

    def _evaluate(self) -> Evaluation:
        verdict = self._judge(self._network, self._outline.activations)
        self._losses.append(verdict.loss)
        self._accuracy = verdict.accuracy
        images, labels = self._split.validation.images, self._split.validation.labels
        first = self._normalised(images[self._handful[0]][None])
        arrays = snapshot(self._network, self._outline, verdict, labels, self._handful, first)
        return Evaluation(
            epoch=self._epoch, step=self._step, weights="raw", loss=verdict.loss, accuracy=verdict.accuracy,
            dead=verdict.dead, snapshot=arrays,
        )  # fmt: skip

    def _evaluate_average(self, average: Average) -> Evaluation:
        with drawn_from(self._device, self.recipe.seed, "statistics", self._epoch):
            network = average.settle(self._some_batches)
        verdict = self._judge(network, {})
        return Evaluation(
            epoch=self._epoch, step=self._step, weights=average.name, loss=verdict.loss,
            accuracy=verdict.accuracy, dead=(),
        )  # fmt: skip

    def _judge(self, network: nn.Module, activations: Mapping[str, int]) -> Verdict:
        pictures = self._split.validation
        images = (self._normalised(batch) for batch in batches(pictures.images, self.recipe.size))
        verdict = evaluate(network, images, pictures.labels, activations)
        if not math.isfinite(verdict.loss):
            raise _DivergedError(_DIVERGED.format(rate=self._rate))
        return verdict

    def _some_batches(self) -> Iterable[Tensor]:
        """Training pictures as they are, for the statistics of batch norms."""
        some = self._split.train.images[:_FOR_STATISTICS]
        return (self._normalised(batch) for batch in torch.split(some, self.recipe.batch))

    def _checkpoint(self, name: str) -> Checkpoint:
        saved = self._saved(self.events + 1)
        return Checkpoint(
            epoch=self._epoch, step=self._step, name=name, state=saved.tensors, facts=saved.facts
        )

    # What is kept

    def state(self) -> Saved:
        """All that is needed to go on after the last event told, on the CPU, in copies."""
        return self._saved(self.events)

    def _saved(self, events: int) -> Saved:
        tensors = {f"model.{name}": tensor for name, tensor in self._network.state_dict().items()}
        for name, parameter in self._network.named_parameters():
            for key, value in self._optimiser.state.get(parameter, {}).items():
                if isinstance(value, Tensor):
                    tensors[f"optimiser.{name}.{key}"] = value
        if self._average:
            tensors |= {f"average.{name}": t for name, t in self._average.model.state_dict().items()}
        tensors |= {f"before.{i}": tensor for i, tensor in enumerate(self._before)}
        specimen, split = self.recipe.specimen, self._split
        facts = {
            "variant": specimen.variant,
            "knobs": dict(specimen.knobs),
            "classes": list(split.classes),
            "size": self.recipe.size,
            "channels": channels(self.recipe),
            "mean": list(split.mean),
            "deviation": list(split.deviation),
            "activation": self.recipe.activation,
            "norm": self.recipe.norm,
            "data": self.recipe.data,
            "optimiser": self.recipe.optimiser,
            "steps_per_epoch": self._steps_per_epoch,
            "events": events,
        } | {name: getattr(self, f"_{name}") for name in _PLACE}
        copies = {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in tensors.items()}
        return Saved(tensors=copies, facts=json.loads(json.dumps(facts)))

    def _resume(self, saved: Saved) -> None:
        facts = saved.facts
        try:
            self._network.load_state_dict(_under("model.", saved.tensors))
            if self._average and (average := _under("average.", saved.tensors)):
                self._average.model.load_state_dict(average)
        except RuntimeError:
            raise ValueError(
                "These weights are of another network than the recipe's: they cannot go on."
            ) from None
        if facts["optimiser"] == self.recipe.optimiser:
            self._restore_optimiser(_under("optimiser.", saved.tensors))
        self.events = facts["events"]
        for name in _PLACE:
            value = facts[name]
            setattr(self, f"_{name}", tuple(value) if isinstance(value, list) and name != "losses" else value)
        self._losses = list(self._losses)
        if self._within == facts["steps_per_epoch"]:
            self._within = self._steps_per_epoch
        before = _under("before.", saved.tensors)
        self._before = [before[str(i)].to(self._device, copy=True) for i in range(len(before))]
        stage = progressive.stage_of(self._stages, max(0, self._epoch - 1), self.recipe.epochs)
        self._size = stage.size
        self._fast_forward()

    def _restore_optimiser(self, tensors: Mapping[str, Tensor]) -> None:
        values = self._optimiser.state_dict()
        for at, (name, _) in enumerate(self._network.named_parameters()):
            own = {
                key.removeprefix(f"{name}."): tensor.clone()
                for key, tensor in tensors.items()
                if key.rpartition(".")[0] == name
            }
            if own:
                values["state"][at] = own
        self._optimiser.load_state_dict(values)

    def _fast_forward(self) -> None:
        """Bring the schedule to where the run stands."""
        ended = self._epoch - (self._within == self._steps_per_epoch)
        made = ended * self._steps_per_epoch + self._within
        for step in range(1, made + 1):
            self._schedule.advance()
            epoch, within = divmod(step, self._steps_per_epoch)
            if within == 0 and step < made:
                self._schedule.judge(self._losses[epoch])

    def _check_pictures(self) -> None:
        planes, size = channels(self.recipe), self.recipe.size
        shape = tuple(self._split.train.images.shape[1:])
        if shape != (planes, size, size):
            raise ValueError(
                f"{self.recipe.title}: the network reads {planes} × {size} × {size}, "
                f"and the pictures are {' × '.join(map(str, shape))}."
            )
        if not (len(self._split.train.labels) and len(self._split.validation.labels)):
            raise ValueError("A training needs pictures to learn from and pictures to be judged by.")


_PLACE = (
    "step", "epoch", "within", "told", "sums", "losses", "accuracy", "gradient", "change", "factor", "asked",
)  # fmt: skip
_DIVERGED = (
    "The loss is no longer a number at a learning rate of {rate:.3g}. "
    "Try a tenth of the rate, a warm-up or gradient clipping."
)


def _load(recipe: Recipe) -> Split:
    return load(
        recipe.data, images=recipe.images, validation=recipe.validation, size=recipe.size,
        channels=channels(recipe), seed=recipe.seed,
    )  # fmt: skip


def _reads(network: nn.Module, stages: tuple[str, ...], planes: int, size: int) -> bool:
    """Whether the network can read pictures of this size."""
    try:
        outline(network, stages, size, planes)
    except (ValueError, RuntimeError):
        return False
    return True


def _optimiser(recipe: Recipe, network: nn.Module) -> Optimizer:
    """torch's optimiser with torch's own settings, but for what the recipe says."""
    weights, rate, decay = network.parameters(), recipe.peak, recipe.weight_decay
    match recipe.optimiser:
        case "sgd":
            return SGD(weights, lr=rate, weight_decay=decay)
        case "momentum":
            return SGD(weights, lr=rate, momentum=recipe.momentum, weight_decay=decay)
        case "nesterov":
            return SGD(weights, lr=rate, momentum=recipe.momentum, weight_decay=decay, nesterov=True)
        case "adam":
            return Adam(weights, lr=rate, weight_decay=decay)
        case "adamw":
            return AdamW(weights, lr=rate, weight_decay=decay)
        case _:
            return RMSprop(weights, lr=rate, momentum=recipe.momentum, weight_decay=decay)


def _losses(
    recipe: Recipe, network: nn.Module, images: Tensor, target: Tensor
) -> tuple[Tensor, float, float]:
    """The loss to go down, then the classifier's own and the share of pictures that it has right."""
    mixed = (
        torch.autocast(images.device.type, dtype=torch.bfloat16)
        if recipe.precision == "bfloat16"
        else nullcontext()
    )
    with mixed:
        logits, *auxiliary = outputs(network, images) if recipe.auxiliary else [network(images)]
        loss = own = F.cross_entropy(logits, target, label_smoothing=recipe.label_smoothing)
        for other in auxiliary:
            loss = loss + recipe.auxiliary * F.cross_entropy(
                other, target, label_smoothing=recipe.label_smoothing
            )
    truth = target if target.ndim == 1 else target.argmax(1)
    right = (logits.detach().argmax(1) == truth).float().mean().item()
    return loss, own.item(), right


def _norms(tensors: Iterable[Tensor | None]) -> tuple[float, ...]:
    return tuple(0.0 if tensor is None else tensor.norm().item() for tensor in tensors)


def _changes(before: list[Tensor], now: list[nn.Parameter]) -> tuple[float, ...]:
    """How far each weight has gone, relative to its norm before, or to its norm now where it was zero."""
    far = _norms(new.detach() - old for old, new in zip(before, now, strict=True))
    scale = [old or new or 1.0 for old, new in zip(_norms(before), _norms(now), strict=True)]
    return tuple(way / size for way, size in zip(far, scale, strict=True))


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What is named so, without the prefix."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
