"""A recipe as a PyTorch script that repeats the run without this app.

The network and the data are put into the script as they are written here, with what they need. The loop is
spelled out for the switches that this recipe uses, and for no others.
"""

import ast
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from textwrap import dedent, indent

import torch
from torch import nn

import zoo
from training import data
from training.bundle import Name, bundle, import_lines
from training.network import build, channels, is_quicker_channels_last, outline
from training.progressive import stages
from training.recipe import REFERENCE_BATCH, Recipe
from training.schedule import WARM_UP_FROM
from training.snapshot import batches
from zoo.registry import arguments_of
from zoo.surgery import MAKES, SWAPPED

SHOWN = 20  # steps at the start that the script prints one by one, then every so many
_TORCHVISION: Mapping[str, str] = {"fashion-mnist": "FashionMNIST", "mnist": "MNIST", "cifar10": "CIFAR10"}
_STATISTICS = 2_000  # training pictures that SWA's batch norms see, as in training.loop


def script(recipe: Recipe) -> str:
    """The text of the script. ValueError with a sentence where there is no such run."""
    return _Script(recipe).text()


class _Script:
    """The parts of a script, each of which notes what it needs from here and from outside."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._known = data.dataset(recipe.data)
        self._network = build(recipe, len(self._known.classes))
        self._planes = channels(recipe)
        self._stages = stages(recipe, self._reads)
        self._auxiliary = bool(recipe.auxiliary) and isinstance(self._network, zoo.HasAuxiliaryHeads)
        self._shared = recipe.workers > 1
        self._average = "ema" if recipe.ema else "swa" if recipe.swa else ""
        self._roots: list[Name] = [("training.chance", "mixed")]
        self._imports: set[Name] = {("torch", ""), ("torch.nn", "functional as F"), ("torch", "Tensor")}

    def text(self) -> str:
        parts = [self._data(), self._construction(), self._preparation(), self._loop()]
        taken = bundle(self._roots, _assigned("\n".join(parts)))
        for number, (module, own) in enumerate(self._roots):  # placeholders, now that all names are settled
            parts = [part.replace(f"<{number}>", taken.names[module, own]) for part in parts]
        imports = import_lines(self._imports | set(taken.imports))
        return "\n".join([self._head(), *imports, "", "", taken.source, "", "", "\n\n".join(parts), ""])

    def _from_here(self, module: str, name: str) -> str:
        """A placeholder for the name that a definition of ours has in the script."""
        root = (module, name)
        if root not in self._roots:
            self._roots.append(root)
        return f"<{self._roots.index(root)}>"

    def _from(self, module: str, name: str = "") -> None:
        self._imports.add((module, name))

    def _reads(self, size: int) -> bool:
        """Whether the network can read pictures of this size."""
        own = zoo.family_of(self._recipe.specimen.variant).stages
        try:
            outline(self._network, own, size, self._planes)
        except (ValueError, RuntimeError):
            return False
        return True

    def _head(self) -> str:
        recipe, needs = self._recipe, "torch"
        modules = {module.partition(".")[0] for module, _ in self._imports}
        needs += "".join(f" {each}" for each in ("torchvision", "safetensors") if each in modules)
        where = ""
        if "safetensors" in modules:
            where = (
                f"\nIt reads the pictures from {self._file}: copy that file from the app's folder `data`.\n"
            )
        specimen = recipe.specimen
        knobs = "".join(f", {key} {value}" for key, value in specimen.knobs)
        return (
            f'"""{recipe.title}: a training run by Zoolens, as a script of its own.\n\n'
            f"    pip install {needs}\n    python <this file>\n{where}\n"
            f"Network: {zoo.variant(specimen.variant).title}{knobs}.\n"
            "On the same machine, with the same version of torch, it prints the same losses as the app.\n\n"
            'B pictures, C channels, H x W pixels, K classes.\n"""\n'
        )

    @property
    def _file(self) -> str:
        return f"{self._recipe.data.removeprefix(data.OWN)}.safetensors"

    # The pictures

    def _data(self) -> str:
        recipe, known = self._recipe, self._known
        drawn = recipe.data == "shapes"
        lines = [*(self._drawn() if drawn else self._chosen())]
        moments = self._from_here("training.data", "_moments")
        return _joined(
            f"SEED, EPOCHS, BATCH, SIZE = {recipe.seed}, {recipe.epochs}, {recipe.batch}, {recipe.size}",
            *(
                [f"WORKERS = {recipe.workers}  # that share every step, with a batch each"]
                if self._shared
                else []
            ),
            f"RATE = {recipe.peak!r}" + self._scaling,
            f"CLASSES = {self._spelled(known.classes)}",
            "torch.set_num_threads(1)  # sums in the same order as in the app; more threads are faster",
            "",
            "# The pictures: uint8 (N, C, H, W), and the numbers of their classes (N,)",
            *lines,
            f"mean, deviation = (torch.tensor(each).view(-1, 1, 1) for each in {moments}(images))",
            "",
            "",
            "def normalised(pictures: Tensor) -> Tensor:",
            '    """uint8 (B, C, H, W) -> float32 of mean 0 and deviation 1 over the training pictures."""',
            "    return (pictures.float() / 255 - mean) / deviation",
            "",
        )

    @property
    def _scaling(self) -> str:
        recipe = self._recipe
        if not recipe.linear_scaling:
            return ""
        return f"  # linear scaling: {recipe.rate:g} x {recipe.global_batch} / {REFERENCE_BATCH}"

    def _converted(self, pictures: str) -> str:
        return f"{self._from_here('training.data', '_converted')}({pictures}, SIZE, {self._planes})"

    def _drawn(self) -> Iterator[str]:
        recipe, known = self._recipe, self._known
        draw = self._from_here("training.shapes", "draw")
        for part, count, how in (
            ("", min(recipe.images or known.images, known.images), "seed=SEED"),
            ("validation_", min(recipe.validation, known.test), "seed=0, stream=1"),
        ):
            yield f"pixels, classes, _ = {draw}({count}, SIZE, {how})"
            pixels = "torch.from_numpy(pixels)"
            yield f"{part}images = {pixels if self._planes == 3 else self._converted(pixels)}"
            yield f"{part}labels = torch.from_numpy(classes)"

    def _chosen(self) -> Iterator[str]:
        recipe, shares = self._recipe, self._from_here("training.data", "_shares")
        self._from("numpy as np")
        yield from self._stored()
        yield 'everything = stored["train.labels"].numpy()'
        if self._known.test:
            part, aside = "test", recipe.validation
            yield 'held = stored["test.labels"].numpy()'
            yield f"aside = {shares}(held, np.arange(len(held)), {aside}, seed=0)"
            yield "among = np.arange(len(everything))"
        else:
            part, aside = "train", min(recipe.validation, int(data._ASIDE * self._known.images))
            yield f"aside = {shares}(everything, np.arange(len(everything)), {aside}, seed=0)"
            yield "among = np.setdiff1d(np.arange(len(everything)), aside)"
        yield f"chosen = {shares}(everything, among, {recipe.images}, seed=SEED)"
        images = self._converted('stored["train.images"][chosen]')
        held = self._converted(f'stored["{part}.images"][aside]')
        yield f"images = {images}"
        yield 'labels = stored["train.labels"][chosen]'
        yield f"validation_images = {held}"
        yield f'validation_labels = stored["{part}.labels"][aside]'

    def _stored(self) -> Iterator[str]:
        """All pictures of the data set: train.images, train.labels, test.images and test.labels."""
        kind = _TORCHVISION.get(self._recipe.data)
        if kind is None:
            self._from("safetensors.torch", "load_file")
            yield f'stored = load_file("{self._file}")'
            return
        self._from("torchvision.datasets", kind)
        images, labels = "pictures.data[:, None]  # (N, 1, 28, 28)", "pictures.targets"
        if kind == "CIFAR10":
            images = "torch.from_numpy(pictures.data).permute(0, 3, 1, 2).contiguous()"
            labels = "torch.tensor(pictures.targets)"
        yield "stored = {}"
        yield 'for part in ("train", "test"):'
        yield f'    pictures = {kind}("data", train=part == "train", download=True)'
        yield f'    stored[f"{{part}}.images"] = {images}'
        yield f'    stored[f"{{part}}.labels"] = {labels}'

    # The network

    def _construction(self) -> str:
        recipe = self._recipe
        family = zoo.family_of(recipe.specimen.variant)
        name = self._from_here(family.model.__module__, family.model.__name__)
        given = arguments_of(
            recipe.specimen.variant, len(self._known.classes), recipe.size, dict(recipe.specimen.knobs)
        )
        given.pop("num_classes")
        arguments = [f"{key}={self._spelled(value)}" for key, value in given.items()]
        call = f"network = {name}({', '.join([*arguments, 'num_classes=len(CLASSES)'])})"
        if len(call) > 100:
            inside = "".join(f"    {each},\n" for each in [*arguments, "num_classes=len(CLASSES)"])
            call = f"network = {name}(\n{inside})"
        layout = ["network.to(memory_format=torch.channels_last)  # quicker on a CPU"]
        if not is_quicker_channels_last(self._network):
            layout.clear()
        return _joined("# The network", "torch.manual_seed(SEED)", call, *self._surgery(), *layout)

    def _spelled(self, value: object) -> str:
        if isinstance(value, type):
            return self._from_here(value.__module__, value.__name__)
        if isinstance(value, tuple):
            return f"({', '.join(map(self._spelled, value))}{',' if len(value) == 1 else ''})"
        return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)

    def _surgery(self) -> Iterator[str]:
        """What zoo.surgery does to it, and other weights than its own."""
        recipe = self._recipe
        before = recipe.specimen.skeleton(input_size=recipe.size)
        swaps = []
        if recipe.activation != "own":
            swaps.append((_kinds(before, SWAPPED), f"nn.{MAKES[recipe.activation]()!r}"))
        if not recipe.norm:
            swaps.append((_kinds(before, (nn.BatchNorm1d, nn.BatchNorm2d)), "nn.Identity()"))
        for kinds, new in swaps:
            self._from("torch", "nn")
            yield "for parent in list(network.modules()):"
            yield "    for name, child in list(parent.named_children()):"
            yield f"        if isinstance(child, {kinds}):"
            yield f"            setattr(parent, name, {new})"
        for name in ("dropout", "stochastic_depth"):
            if (p := getattr(recipe, name)) is not None:
                yield f"{self._from_here('zoo.surgery', f'_set_{name}')}(network, {p!r})"
        if recipe.initialisation != "own":
            yield from self._initialisation()

    def _initialisation(self) -> Iterator[str]:
        self._from("torch", "nn")
        calls = {
            "he": 'nn.init.kaiming_normal_(module.weight, nonlinearity="relu")',
            "xavier": "nn.init.xavier_normal_(module.weight)",
            "normal": "nn.init.normal_(module.weight, std=0.01)",
            "zero": "nn.init.zeros_(module.weight)",
        }
        yield 'torch.manual_seed(mixed(SEED, "initialisation"))'
        yield "for module in network.modules():"
        yield "    if isinstance(module, nn.Conv2d | nn.Linear):"
        yield f"        {calls[self._recipe.initialisation]}"
        yield "        if module.bias is not None:"
        yield "            nn.init.zeros_(module.bias)"

    # What stands before the loop

    def _preparation(self) -> str:
        return _joined(
            "# The optimiser and its learning rate",
            f"optimiser = {self._optimiser()}",
            *self._counted(),
            *self._schedule(),
            *self._averaging(),
            *self._limited(),
            *self._augmentation(),
            "",
            "",
            *dedent(
                '''\
                def judged(network: torch.nn.Module) -> tuple[float, float]:
                    """Loss and accuracy on the validation pictures."""
                    network.eval()
                    with torch.inference_mode():
                        parts = torch.split(validation_images, BATCH_HERE)
                        logits = torch.cat([network(normalised(part)) for part in parts])
                    network.train()
                    right = (logits.argmax(1) == validation_labels).double().mean().item()
                    return F.cross_entropy(logits.double(), validation_labels).item(), right
                '''
            )
            .replace("BATCH_HERE", str(next(batches(torch.empty(2**18, 1), self._recipe.size)).shape[0]))
            .splitlines(),
            "",
        )

    def _counted(self) -> Iterator[str]:
        if self._shared:
            yield "whole = BATCH * WORKERS"
            yield "steps_per_epoch = max(1, len(images) // whole + (len(images) % whole >= 2 * WORKERS))"
        else:
            yield "steps_per_epoch = max(1, len(images) // BATCH + (len(images) % BATCH > 1))"

    def _optimiser(self) -> str:
        recipe = self._recipe
        kind, more = {
            "sgd": ("SGD", ""),
            "momentum": ("SGD", f", momentum={recipe.momentum!r}"),
            "nesterov": ("SGD", f", momentum={recipe.momentum!r}, nesterov=True"),
            "adam": ("Adam", ""),
            "adamw": ("AdamW", ""),
            "rmsprop": ("RMSprop", f", momentum={recipe.momentum!r}"),
        }[recipe.optimiser]
        self._from("torch.optim", kind)
        return f"{kind}(network.parameters(), lr=RATE, weight_decay={recipe.weight_decay!r}{more})"

    def _schedule(self) -> Iterator[str]:
        recipe = self._recipe
        warm = "warm" if recipe.warm_up else ""
        if warm:
            yield f"warm = round({recipe.warm_up!r} * steps_per_epoch)  # steps of warm-up"
        steps = "EPOCHS * steps_per_epoch" + (" - warm" if warm else "")
        match recipe.schedule:
            case "step":
                after = (
                    f"StepLR(optimiser, {recipe.step_every} * steps_per_epoch, gamma={recipe.step_factor!r})"
                )
            case "cosine":
                after = f"CosineAnnealingLR(optimiser, T_max={steps})"
            case "one-cycle":
                after = f"OneCycleLR(optimiser, max_lr=RATE, total_steps={steps}, cycle_momentum=False)"
            case "plateau":
                self._from("torch.optim.lr_scheduler", "ReduceLROnPlateau")
                yield (
                    f"plateau = ReduceLROnPlateau(optimiser, factor={recipe.step_factor!r}, "
                    f"patience={recipe.step_every})"
                )
                after = ""
            case _:
                after = "ConstantLR(optimiser, factor=1.0, total_iters=0)" if warm else ""
        if after:
            self._from("torch.optim.lr_scheduler", after.partition("(")[0])
        if not warm:
            if after:
                yield f"schedule = {after}"
            return
        self._from("torch.optim.lr_scheduler", "LinearLR")
        rise = f"LinearLR(optimiser, start_factor={WARM_UP_FROM}, total_iters=warm)"
        if not after:
            yield f"schedule = {rise}"
            return
        self._from("torch.optim.lr_scheduler", "SequentialLR")
        yield f"parts = [{rise}, {after}]" if len(after) < 40 else f"parts = [\n    {rise},\n    {after},\n]"
        yield "schedule = SequentialLR(optimiser, parts, milestones=[warm])"

    @property
    def _has_schedule(self) -> bool:
        return bool(self._recipe.warm_up) or self._recipe.schedule not in ("constant", "plateau")

    def _averaging(self) -> Iterator[str]:
        if not self._average:
            return
        self._from("torch.optim.swa_utils", "AveragedModel")
        if self._average == "swa":
            self._from("torch.optim.swa_utils", "update_bn")
            yield "average = AveragedModel(network)"
        else:
            self._from("torch.optim.swa_utils", "get_ema_multi_avg_fn")
            yield f"rule = get_ema_multi_avg_fn({self._recipe.ema!r})"
            yield "average = AveragedModel(network, multi_avg_fn=rule, use_buffers=True)"
        yield "average.train()"

    def _limited(self) -> Iterator[str]:
        if self._recipe.agc:
            most = self._from_here("training.clipping", "all_but_classifier")
            yield f"clipped = {most}(network)"

    @property
    def _grows(self) -> bool:
        return len(self._stages) > 1

    def _augmentation(self) -> Iterator[str]:
        """How pictures are changed; where they grow, at the start of each epoch instead."""
        if self._grows:
            self._from("torch", "nn")
            yield "dropouts = [(each, each.p) for each in network.modules() if isinstance(each, nn.Dropout)]"
        else:
            yield from self._changes()

    def _changes(self) -> Iterator[str]:
        recipe = self._recipe
        strength = "strength * " if self._grows else ""
        steps = []
        if recipe.flip:
            steps.append("v2.RandomHorizontalFlip()")
        if recipe.crop:
            steps.append("v2.RandomCrop(SIZE, padding=max(1, SIZE // 8))")
        if recipe.colour:
            steps.append(f"v2.ColorJitter({', '.join([repr(recipe.colour)] * 3)})")
        if recipe.randaugment:
            magnitude = f"round(strength * {recipe.randaugment})" if self._grows else str(recipe.randaugment)
            steps.append(f"v2.RandAugment(num_ops=2, magnitude={magnitude})")
        mixes = []
        if recipe.mixup:
            mixes.append(f"v2.MixUp(alpha={strength}{recipe.mixup!r}, num_classes=len(CLASSES))")
        if recipe.cutmix:
            mixes.append(f"v2.CutMix(alpha={recipe.cutmix!r}, num_classes=len(CLASSES))")
        if steps or mixes:
            self._from("torchvision.transforms", "v2")
        if steps:
            yield from _listed("change = v2.Compose([", steps, "])")
        if len(mixes) == 1:
            yield f"mix = {mixes[0]}"
        elif mixes:
            yield from _listed("mix = v2.RandomChoice([", mixes, "])")

    # The loop

    def _loop(self) -> str:
        recipe = self._recipe
        return _joined(
            "network.train()",
            "lowest, waited = judged(network)[0], 0  # epochs without a lower validation loss"
            if recipe.patience
            else "lowest, _ = judged(network)",
            'print(f"before the first step: validation loss {lowest:.6f}")',
            "step = 0",
            "for epoch in range(EPOCHS):",
            *_inside(self._opening()),
            '    chance = torch.Generator().manual_seed(mixed(SEED, "epoch", epoch))',
            "    order = torch.randperm(len(images), generator=chance)",
            "    for number in range(steps_per_epoch):",
            *_inside(self._learning(), 2),
            *_inside(self._clipping(), 2),
            "        optimiser.step()",
            *_inside(self._after(), 2),
            "        step += 1",
            f"        if step <= {SHOWN} or step % 50 == 0:",
            f'            print(f"step {{step}}: loss {{{"told" if self._shared else "loss.item()"}:.7f}}")',
            *_inside(self._ending()),
            "",
            'torch.save(network.state_dict(), "network.pt")',
        )

    def _opening(self) -> Iterator[str]:
        if not self._grows:
            return
        yield "# size in pixels, and share of the regularisation"
        yield from _listed("stages = (", [f"({each.size}, {each.strength!r})" for each in self._stages], ")")
        yield f"size, strength = stages[min({len(self._stages) - 1}, epoch * {len(self._stages)} // EPOCHS)]"
        yield from self._changes()
        yield "for module, p in dropouts:"
        yield "    module.p = strength * p"

    def _learning(self) -> Iterator[str]:
        """Up to the gradients of a step."""
        loss = "total" if self._auxiliary else "loss"
        if not self._shared:
            yield "chosen = order[number * BATCH : (number + 1) * BATCH]"
            yield 'torch.manual_seed(mixed(SEED, "step", step))'
            yield from self._batch()
            yield from self._losses()
            yield "optimiser.zero_grad()"
            yield f"{loss}.backward()"
            return
        yield "together = order[number * whole : (number + 1) * whole]"
        yield "optimiser.zero_grad()"
        yield "told = 0.0"
        yield "for worker, chosen in enumerate(together.tensor_split(min(len(together), WORKERS))):"
        yield from _inside(
            [
                'torch.manual_seed(mixed(SEED, "step", step, *([worker] if worker else [])))',
                "remembered = [buffer.clone() for buffer in network.buffers()]",
                *self._batch(),
                *self._losses(),
                "part = len(chosen) / len(together)",
                f"(part * {loss}).backward()",
                "told += part * loss.item()",
                "if worker:  # batch norms remember what the first one sees",
                "    for buffer, before in zip(network.buffers(), remembered, strict=True):",
                "        buffer.copy_(before)",
            ]
        )

    def _batch(self) -> Iterator[str]:
        recipe = self._recipe
        changes = recipe.flip or recipe.crop or recipe.colour or recipe.randaugment
        if changes:
            yield "pictures = torch.stack([change(picture) for picture in images[chosen]])"
        yield f"x, y = normalised({'pictures' if changes else 'images[chosen]'}), labels[chosen]"
        if self._grows:
            yield "if size != SIZE:"
            yield '    x = F.interpolate(x, size=size, mode="bilinear", antialias=True)'
        if recipe.mixup or recipe.cutmix:
            yield "x, y = mix(x, y)  # y is now the share of each class, (B, K)"

    def _losses(self) -> Iterator[str]:
        recipe = self._recipe
        mixed = recipe.precision == "bfloat16"
        smoothing = f", label_smoothing={recipe.label_smoothing!r}" if recipe.label_smoothing else ""
        lines = []
        if self._auxiliary:
            lines += [
                "logits, *others = network.forward_aux(x)",
                f"total = loss = F.cross_entropy(logits, y{smoothing})",
                "for other in others:  # the auxiliary heads",
                f"    total = total + {recipe.auxiliary!r} * F.cross_entropy(other, y{smoothing})",
            ]
        else:
            lines.append(f"loss = F.cross_entropy(network(x), y{smoothing})")
        if mixed:
            yield 'with torch.autocast("cpu", dtype=torch.bfloat16):'
        yield from _inside(lines) if mixed else lines

    def _clipping(self) -> Iterator[str]:
        recipe = self._recipe
        if recipe.agc:
            clip = self._from_here("training.clipping", "clip_adaptively")
            yield f"{clip}(clipped, {recipe.agc!r})"
        if recipe.clip:
            yield f"torch.nn.utils.clip_grad_norm_(network.parameters(), {recipe.clip!r})"

    def _after(self) -> Iterator[str]:
        recipe = self._recipe
        if recipe.filter_clip:
            own = zoo.family_of(recipe.specimen.variant).stages
            convolution = outline(self._network, own, recipe.size, self._planes).convolution
            if convolution:
                clip = self._from_here("training.clipping", "clip_filters")
                yield f'{clip}(network.get_submodule("{convolution}").weight, {recipe.filter_clip!r})'
        if self._average == "ema":
            yield "average.update_parameters(network)"
        if self._has_schedule:
            yield "schedule.step()"

    def _ending(self) -> Iterator[str]:
        recipe = self._recipe
        if self._average == "swa":
            yield f"if epoch + 1 > int({recipe.swa!r} * EPOCHS):"
            yield "    average.update_parameters(network)"
        yield "validation_loss, right = judged(network)"
        yield ('print(f"epoch {epoch + 1}: validation loss {validation_loss:.6f}, {right:.2%} right")')
        if self._average == "swa":
            yield "if average.n_averaged:  # its batch norms have seen no picture yet"
            yield '    torch.manual_seed(mixed(SEED, "statistics", epoch + 1))'
            yield "    with torch.no_grad():"
            yield f"        some = torch.split(images[:{_STATISTICS}], BATCH)"
            yield "        update_bn((normalised(part) for part in some), average)"
        if self._average:
            lines = [
                "averaged_loss, right = judged(average.module)",
                'print(f"    averaged weights: validation loss {averaged_loss:.6f}, {right:.2%} right")',
            ]
            yield from _inside(lines) if self._average == "swa" else lines
        if recipe.schedule == "plateau":
            yield "plateau.step(validation_loss)"
        if recipe.patience:
            yield "waited = 0 if validation_loss < lowest else waited + 1"
            yield "lowest = min(lowest, validation_loss)"
            yield f"if waited >= {recipe.patience}:"
            yield "    break"


def _listed(before: str, items: Sequence[str], after: str) -> Iterator[str]:
    """Items on one line, or each on its own where that would be long."""
    line = f"{before}{', '.join(items)}{after}"
    if len(line) <= 88:  # an indented one too stays below 100
        yield line
        return
    yield before
    yield from (f"    {item}," for item in items)
    yield after


def _kinds(network: nn.Module, among: tuple[type[nn.Module], ...]) -> str:
    """Those of these classes that the network holds, as isinstance takes them."""
    found = {type(each).__name__ for each in network.modules() if isinstance(each, among)}
    return " | ".join(f"nn.{name}" for name in sorted(found))


def _assigned(text: str) -> set[str]:
    """What the script calls its own things, so that nothing it takes along is called the same."""
    tree = ast.parse(re.sub(r"<(\d+)>", r"_\1", text))
    stored = {
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    return stored | {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def _joined(*lines: str) -> str:
    return "\n".join(lines)


def _inside(lines: Iterable[str], depth: int = 1) -> Iterator[str]:
    return (indent(line, "    " * depth) for line in lines)
