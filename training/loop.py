"""The training itself: an iterator of events, the same ones for the same recipe, without clock and disk."""

import copy
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import zoo
from training import progressive
from training.augmentation import augmented, per_batch, per_picture
from training.averages import Average, average_of
from training.chance import drawn_from, order
from training.clipping import all_but_classifier, clip_adaptively, clip_filters
from training.data import Split, load
from training.events import Changed, Checkpoint, Done, Epoch, Evaluation, Event, Failed, Started, Step
from training.loss import losses
from training.network import build, channels, outline
from training.optimiser import memory, optimiser, remember
from training.recipe import Recipe
from training.schedule import Schedule, planned, steps_in_epoch
from training.snapshot import Verdict, batches, evaluate, handful, snapshot
from training.team import Helpers, Leader

KEPT = (0, 1, 2, 5)  # epochs with a checkpoint, then ten times as many, and so on
POINTS = 500  # of the planned schedule in Started
_FOR_STATISTICS = 2_000  # training pictures that SWA's batch norms see


@dataclass(frozen=True, kw_only=True)
class Saved:
    """All that is needed to go on after an event."""

    tensors: Mapping[str, Tensor]  # "model.<name>", "optimiser.<name>", "average.<name>", "before.<name>"
    facts: Mapping[str, Any]  # survive JSON


@dataclass(kw_only=True)
class Place:
    """Where a run stands, in numbers that survive JSON."""

    step: int = 0  # steps made
    epoch: int = 0  # epochs ended
    within: int = 0  # steps made in the epoch under way; all of them until the next one begins
    told: int = 0  # events told since the last step
    loss: float = 0.0  # summed over the pictures of the epoch under way
    right: float = 0.0  # likewise
    seen: int = 0  # pictures, likewise
    losses: list[float] = field(default_factory=list)  # validation loss after each epoch, from epoch 0 on
    accuracy: float | None = None  # on the validation pictures, where it has been measured at this step
    gradient: tuple[float, ...] = ()  # of each layer, at the end of the last epoch
    change: tuple[float, ...] = ()
    factor: float = 1.0  # on the schedule
    asked: float | None = None  # a learning rate that has been asked for and not told yet


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
        self, recipe: Recipe, split: Split | None = None, saved: Saved | None = None, device: str = "cpu",
        helpers: Helpers | None = None,
    ) -> None:  # fmt: skip
        self.recipe = recipe
        self._helpers = helpers  # who work for the other workers of the recipe; None: this one does it all
        self.events = 0  # how many have been told
        self._device = _device(device)
        self._split = split if split is not None else split_of(recipe)
        self._check_pictures()
        self._labels = self._split.train.labels.to(self._device)
        planes, classes = channels(recipe), len(self._split.classes)
        network = build(recipe, classes)
        stages = zoo.family_of(recipe.specimen.variant).stages
        self._outline = outline(network, stages, recipe.size, planes)
        self._stages = progressive.stages(recipe, partial(_reads, network, stages, planes))
        self._network = network.to(self._device).train()
        self._dropouts = [(each, each.p) for each in network.modules() if isinstance(each, nn.Dropout)]
        self._weights = [self._network.get_parameter(f"{path}.weight") for path in self._outline.layers]
        convolution = self._outline.convolution
        self._filters = self._network.get_parameter(f"{convolution}.weight") if convolution else None
        self._clipped = all_but_classifier(self._network)
        self._optimiser = optimiser(recipe, self._network)
        self._average = average_of(recipe, self._network)
        self._mean = torch.tensor(self._split.mean, device=self._device).view(-1, 1, 1)
        self._deviation = torch.tensor(self._split.deviation, device=self._device).view(-1, 1, 1)
        self._handful = handful(self._split.validation.labels, classes)

        self._steps_per_epoch = steps_in_epoch(len(self._labels), recipe.batch, recipe.workers)
        self._try_a_step()
        self._schedule = Schedule(recipe, self._steps_per_epoch)
        self._place = Place()
        self._before: list[Tensor] = []  # the layers' weights at the start of the epoch
        self._size = recipe.size
        if saved is not None:
            self._resume(saved)
        self._flow = self._run()

    def __next__(self) -> Event:
        place = self._place
        if place.asked is not None and self.events:
            place.factor, place.asked = place.asked / self._schedule.rate, None
            event: Event = Changed(step=place.step, rate=self._rate, factor=place.factor)
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
        self._place.asked = rate

    @property
    def _rate(self) -> float:
        return self._schedule.rate * self._place.factor

    # The order of things

    def _run(self) -> Iterator[Event]:
        place = self._place
        if self.events == 0:
            yield self._started()
        try:
            while True:
                if place.within == self._steps_per_epoch or place.step == 0:
                    yield from self._close()
                    if self._ending:
                        return
                self._open()
                while place.within < self._steps_per_epoch:
                    yield self._make_step()
        except _DivergedError:
            yield Failed(step=place.step, reason=_DIVERGED.format(rate=self._rate))

    def _close(self) -> Iterator[Event]:
        """The events at the end of an epoch, or before the first one; what has been told is left out."""
        for at, make in enumerate(self._closing()):
            if at >= self._place.told:
                self._place.told = at + 1
                yield make()

    def _closing(self) -> Iterator[Callable[[], Event]]:
        """What makes them. What a longer recipe would leave out comes last: it can go on from here."""
        epoch, losses = self._place.epoch, self._place.losses
        if epoch:
            yield self._end_of_epoch
        yield self._evaluate
        if epoch and self._average and self._average.begun:
            yield partial(self._evaluate_average, self._average)
        if epoch and losses[-1] < min(losses[1:-1], default=math.inf):
            yield partial(self._checkpoint, "best")
        if is_kept(epoch) or self._ending:
            yield partial(self._checkpoint, f"{epoch:04d}")
        if self._ending:
            yield partial(Done, epoch=epoch, step=self._place.step, reason=self._ending)

    @property
    def _ending(self) -> str:
        """Why the run ends after this epoch; empty where it goes on."""
        if self._place.epoch >= self.recipe.epochs:
            return "finished"
        losses, patience = self._place.losses, self.recipe.patience
        since = len(losses) - 1 - losses.index(min(losses))
        return "early" if patience and since >= patience else ""

    def _open(self) -> None:
        """Get ready for the next step, at the start of an epoch or, after a resumption, in the middle."""
        place = self._place
        if place.within in (0, self._steps_per_epoch):
            if place.epoch:
                self._schedule.judge(place.losses[-1])
            place.within = place.told = place.seen = 0
            place.loss = place.right = 0.0
            self._before = [weight.detach().clone() for weight in self._weights]
        self._turn_to_epoch()

    def _turn_to_epoch(self) -> None:
        """Have the order and the sizes of the epoch under way."""
        recipe, place = self.recipe, self._place
        stage = progressive.stage_of(self._stages, place.epoch, recipe.epochs)
        self._size = stage.size
        self._change_picture = per_picture(recipe, stage.strength)
        self._mix = per_batch(recipe, len(self._split.classes), stage.strength)
        for module, p in self._dropouts:
            module.p = stage.strength * p
        self._order = order(len(self._labels), recipe.seed, "epoch", place.epoch)
        images = self._split.train.images
        # pictures are changed one by one on the CPU; what is not changed need not come from there each time
        self._images = images if self._change_picture else images.to(self._device)

    # What happens

    def _make_step(self) -> Step:
        place, rate = self._place, self._rate
        ends = place.within + 1 == self._steps_per_epoch
        count, told, right = self._learn()
        if ends:
            place.gradient = _norms([weight.grad for weight in self._weights])
        self._take_step(rate)
        if self._average:
            self._average.take_in(self._network, place.epoch + 1 if ends else None)
        self._schedule.advance()
        place.step += 1
        place.within += 1
        place.accuracy = None
        place.loss += count * told
        place.right += count * right
        place.seen += count
        if ends:
            place.epoch += 1
            place.change = _changes(self._before, self._weights)
            self._before = []
            if not all(map(math.isfinite, (*place.gradient, *place.change))):
                raise _DivergedError
        return Step(step=place.step, loss=told, accuracy=right, rate=rate)

    def _learn(self) -> tuple[int, float, float]:
        """Leave the gradient of the mean loss over the batch; its pictures, loss and share that is right.

        Each worker's part counts by its pictures (Goyal et al. 2017, remark 3), in the order of the workers:
        so the sum is the same to the last bit, whoever has worked for them.
        """
        place, shares = self._place, self._shares()
        count = sum(map(len, shares))
        self._optimiser.zero_grad()
        if self._helpers:
            self._helpers.tell((place.epoch, place.within, place.step), self._network)
        told = right = 0.0
        for worker, share in enumerate(shares):
            got = self._helpers.got(worker, self._network) if self._helpers else None
            loss, hits = got or self._study(worker, share, count)
            told += len(share) / count * loss
            right += len(share) / count * hits
            if not math.isfinite(told):
                raise _DivergedError
        return count, told, right

    def _shares(self) -> tuple[Tensor, ...]:
        """Which pictures each worker takes of the batch under way; where few are left, fewer have some."""
        batch = self.recipe.global_batch
        chosen = self._order[self._place.within * batch :][:batch]
        return chosen.tensor_split(min(len(chosen), self.recipe.workers))

    def _study(self, worker: int, share: Tensor, count: int) -> tuple[float, float]:
        """Add a worker's part to the gradient of a batch of `count` pictures; its own loss and share right.

        Batch norms compare the pictures of one worker, and remember what the first one sees.
        """
        recipe, network = self.recipe, self._network
        remembered = [buffer.clone() for buffer in network.buffers()] if worker else []
        with drawn_from(self._device, recipe.seed, "step", self._place.step, *([worker] if worker else [])):
            images, target = self._batch(share)
            loss, told, right = losses(recipe, network, images, target)
        loss.backward(loss.new_tensor(len(share) / count))  # type: ignore[no-untyped-call]
        for buffer, before in zip(network.buffers(), remembered, strict=False):
            buffer.copy_(before)
        return told, right

    def help(self, leader: Leader) -> None:
        """Work for some of the workers, as the process that leads asks, until it leaves."""
        place, opened = self._place, -1
        while (at := leader.asks(self._network)) is not None:
            place.epoch, place.within, place.step = at
            if place.epoch != opened:
                self._turn_to_epoch()
                opened = place.epoch
            shares = self._shares()
            for worker in leader.mine(len(shares)):
                self._optimiser.zero_grad()
                leader.tell(self._network, *self._study(worker, shares[worker], sum(map(len, shares))))

    def _take_step(self, rate: float) -> None:
        """Let the optimiser act on the gradients, with what the recipe clips before and after it."""
        recipe = self.recipe
        if recipe.agc:
            clip_adaptively(self._clipped, recipe.agc)
        if recipe.clip:
            nn.utils.clip_grad_norm_(self._network.parameters(), recipe.clip)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        self._optimiser.step()
        if recipe.filter_clip and self._filters is not None:
            clip_filters(self._filters, recipe.filter_clip)

    def _batch(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures as the network reads them (B, C, H, W), and their classes (B,) or shares (B, K)."""
        pictures = augmented(self._images[chosen], self._change_picture)
        images, target = self._normalised(pictures), self._labels[chosen]
        if self._size != self.recipe.size:
            images = F.interpolate(images, size=self._size, mode="bilinear", antialias=True)
        return self._mix(images, target) if self._mix else (images, target)

    def _normalised(self, pictures: Tensor) -> Tensor:
        """uint8 (B, C, H, W) -> float32 on the device, of mean 0 and deviation 1 over the data set."""
        return (pictures.to(self._device).float() / 255 - self._mean) / self._deviation

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
        place = self._place
        return Epoch(
            epoch=place.epoch, step=place.step, loss=place.loss / place.seen,
            accuracy=place.right / place.seen, size=self._size, gradient=place.gradient, change=place.change,
        )  # fmt: skip

    def _evaluate(self) -> Evaluation:
        place, validation = self._place, self._split.validation
        verdict = self._judge(self._network, self._outline.activations)
        place.losses.append(verdict.loss)
        place.accuracy = verdict.accuracy
        first = self._normalised(validation.images[self._handful[0]][None])
        arrays = snapshot(self._network, self._outline, verdict, validation.labels, self._handful, first)
        return Evaluation(
            epoch=place.epoch, step=place.step, weights="raw", loss=verdict.loss, accuracy=verdict.accuracy,
            dead=verdict.dead, snapshot=arrays,
        )  # fmt: skip

    def _evaluate_average(self, average: Average) -> Evaluation:
        place = self._place
        with drawn_from(self._device, self.recipe.seed, "statistics", place.epoch):
            network = average.settle(self._some_batches)
        verdict = self._judge(network, {})
        return Evaluation(
            epoch=place.epoch, step=place.step, weights=average.name, loss=verdict.loss,
            accuracy=verdict.accuracy, dead=(),
        )  # fmt: skip

    def _judge(self, network: nn.Module, activations: Mapping[str, int]) -> Verdict:
        pictures = self._split.validation
        images = (self._normalised(batch) for batch in batches(pictures.images, self.recipe.size))
        verdict = evaluate(network, images, pictures.labels, activations)
        if not math.isfinite(verdict.loss):
            raise _DivergedError
        return verdict

    def _some_batches(self) -> Iterable[Tensor]:
        """Training pictures as they are, for the statistics of batch norms."""
        some = self._split.train.images[:_FOR_STATISTICS]
        return (self._normalised(batch) for batch in torch.split(some, self.recipe.batch))

    def _checkpoint(self, name: str) -> Checkpoint:
        saved = self._saved(self.events + 1)
        return Checkpoint(
            epoch=self._place.epoch, step=self._place.step, name=name, state=saved.tensors, facts=saved.facts
        )

    # What is kept

    def state(self) -> Saved:
        """All that is needed to go on after the last event told, on the CPU, in copies."""
        return self._saved(self.events)

    def _saved(self, events: int) -> Saved:
        tensors = {f"model.{name}": tensor for name, tensor in self._network.state_dict().items()}
        remembered = memory(self._optimiser, self._network)
        tensors |= {f"optimiser.{name}": tensor for name, tensor in remembered.items()}
        if self._average:
            tensors |= {f"average.{name}": t for name, t in self._average.model.state_dict().items()}
        tensors |= {f"before.{i}": tensor for i, tensor in enumerate(self._before)}
        facts = self._facts() | asdict(self._place) | {"events": events}
        copies = {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in tensors.items()}
        return Saved(tensors=copies, facts=json.loads(json.dumps(facts)))

    def _facts(self) -> dict[str, Any]:
        """What is to be known about the weights, and what a recipe may have changed since they were kept."""
        recipe, split = self.recipe, self._split
        return {
            "variant": recipe.specimen.variant,
            "knobs": dict(recipe.specimen.knobs),
            "classes": split.classes,
            "size": recipe.size,
            "channels": channels(recipe),
            "mean": split.mean,
            "deviation": split.deviation,
            "activation": recipe.activation,
            "norm": recipe.norm,
            "data": recipe.data,
            "optimiser": recipe.optimiser,
            "average": self._average.name if self._average else "",
            "planned": [recipe.schedule, recipe.peak],
            "steps_per_epoch": self._steps_per_epoch,
        }

    def _resume(self, saved: Saved) -> None:
        """Go on from there. What the recipe does otherwise than the one of then starts afresh."""
        now, then = json.loads(json.dumps(self._facts())), saved.facts
        try:
            self._network.load_state_dict(_under("model.", saved.tensors))
            if self._average and now["average"] == then["average"]:
                self._average.model.load_state_dict(_under("average.", saved.tensors))
        except RuntimeError:
            raise ValueError(
                "These weights are of another network than the recipe's: they cannot go on."
            ) from None
        if now["optimiser"] == then["optimiser"]:
            remember(self._optimiser, self._network, _under("optimiser.", saved.tensors))
        self.events = then["events"]
        values = {each.name: then[each.name] for each in fields(Place)}
        place = self._place = Place(**values | {name: tuple(values[name]) for name in ("gradient", "change")})
        if place.within == then["steps_per_epoch"]:
            place.within = self._steps_per_epoch
        if now["planned"] != then["planned"]:
            place.factor = 1.0
        before = _under("before.", saved.tensors)
        # in the weights' layout: a sum in another order has other last digits
        self._before = [
            torch.empty_like(w).copy_(before[str(i)]) for i, w in enumerate(self._weights[: len(before)])
        ]
        self._size = progressive.stage_of(self._stages, max(0, place.epoch - 1), self.recipe.epochs).size
        self._fast_forward()

    def _fast_forward(self) -> None:
        """Bring the schedule to where the run stands."""
        place = self._place
        under_way = 0 if place.within == self._steps_per_epoch else place.within
        made = place.epoch * self._steps_per_epoch + under_way
        for step in range(1, made + 1):
            self._schedule.advance()
            epoch, within = divmod(step, self._steps_per_epoch)
            if within == 0 and step < made:
                self._schedule.judge(place.losses[epoch])

    def _try_a_step(self) -> None:
        """ValueError where the network cannot take a step with the smallest batch or in this precision."""
        batch, count = self.recipe.global_batch, len(self._labels)
        least = min(batch, count, count - (self._steps_per_epoch - 1) * batch)  # of all workers together
        least = max(1, least // self.recipe.workers)
        if least > 1 and self.recipe.precision == "float32":
            return
        network = copy.deepcopy(self._network)
        images = self._normalised(self._split.train.images[:least])
        try:
            with drawn_from(self._device, self.recipe.seed, "trial"):
                loss, *_ = losses(self.recipe, network, images, self._labels[:least])
                loss.backward()  # type: ignore[no-untyped-call]
        except ValueError:  # torch's, of batch norms: "Expected more than 1 value per channel"
            raise ValueError(
                "This network cannot learn from a single picture at a time: where a map has one pixel, a "
                "batch norm has nothing to compare it with. Take a larger batch."
            ) from None
        except RuntimeError as error:
            if "not implemented" not in str(error):
                raise
            raise ValueError(
                "This network has an operation that this machine cannot do with bfloat16. Take float32."
            ) from None

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


_DIVERGED = (
    "The loss is no longer a number at a learning rate of {rate:.3g}. "
    "Try a tenth of the rate, a warm-up or gradient clipping."
)


def split_of(recipe: Recipe) -> Split:
    """The pictures of a recipe; ValueError as for `training.data.load`."""
    return load(
        recipe.data, images=recipe.images, validation=recipe.validation, size=recipe.size,
        channels=channels(recipe), seed=recipe.seed,
    )  # fmt: skip


def _device(name: str) -> torch.device:
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("There is no CUDA device on this machine. Train on the CPU.")
    return torch.device(name)


def _reads(network: nn.Module, stages: tuple[str, ...], planes: int, size: int) -> bool:
    """Whether the network can read pictures of this size."""
    try:
        outline(network, stages, size, planes)
    except (ValueError, RuntimeError):
        return False
    return True


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
