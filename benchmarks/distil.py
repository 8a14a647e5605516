"""Teach ZFNet's convolutions what EfficientNet-Lite0 sees in 800 photos: dense feature distillation.

    python -m benchmarks.distil photos-800.zip --out trained --seconds 300 --device cuda
    python -m benchmarks.distil photos-800.zip --out trained --seconds 300 --device cuda --stem alexnet

With so few photos, learning their labels or the teacher's answers learns them by heart. The maps of the
teacher are thousands of answers for each photo: 1 x 1 convolutions on the maps of conv2 and conv5 must tell
those of the teacher's stages 2, 4 and 6 (8, 16 and 32 pixels apart), each channel at mean 0 and deviation 1,
at the same places of the picture. Photos are cropped, mirrored and mixed at random, so that few pictures
become many. The classifier learns the teacher's answers beside it, from features that it cannot change. That
features can be learnt from very few pictures, even from one: Asano, Saeed 2021 (arXiv:2112.00725).

This is not a training on ImageNet. Every tenth photo is kept out, and what is printed for those is the share
of the variance of the teacher's maps that remains unexplained, by stage.
"""

import argparse
import io
import math
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torchvision.transforms.v2.functional import pil_to_tensor

import zoo
from zoo import Specimen, weights
from zoo.anatomy import reach_of
from zoo.families.zfnet import ZFNet

SIDE = 256  # pixels of a stored photo
SIZE = 224  # pixels that the networks read
KEPT_OUT = 80  # photos, every tenth
TEACHER = Specimen("efficientnet_lite0", weights="imagenet")
TAUGHT = ("stages.2", "stages.4", "stages.6")  # of the teacher
EARLY, LATE = "stages.1.relu", "stages.4.relu"  # of the student: conv2 and conv5
STEMS: Mapping[str, Specimen] = MappingProxyType(
    {
        "zfnet": Specimen("zfnet_photos"),
        "alexnet": Specimen("zfnet_photos", knobs=(("kernel", 11), ("stride", 4), ("stride2", 1))),
    }
)
_MEAN, _DEVIATION = 127 / 255, 128 / 255  # as the teacher wants it
_BATCH, _RATE, _DECAY, _WARM_UP = 128, 2e-3, 0.05, 0.05
_LEAST = 0.1  # share of a photo that a crop holds at least
_TOLD = 20  # seconds between two lines


def photos(file: Path) -> Tensor:
    """The photos of a zip, uint8 (N, 3, SIDE, SIDE): their middles."""
    found = []
    with zipfile.ZipFile(file) as folder:
        for name in sorted(folder.namelist()):
            image = Image.open(io.BytesIO(folder.read(name))).convert("RGB")
            shrink = SIDE / min(image.size)
            image = image.resize([max(SIDE, round(n * shrink)) for n in image.size], Image.Resampling.BICUBIC)
            left, top = ((n - SIDE) // 2 for n in image.size)
            found.append(pil_to_tensor(image.crop((left, top, left + SIDE, top + SIDE))))
    return torch.stack(found)


def normalised(images: Tensor) -> Tensor:
    """Pixels 0..255 as the networks read them."""
    return (images.float() / 255 - _MEAN) / _DEVIATION


def middles(images: Tensor) -> Tensor:
    """The middle SIZE pixels of stored photos."""
    edge = (SIDE - SIZE) // 2
    return images[..., edge : edge + SIZE, edge : edge + SIZE]


def crops(images: Tensor) -> Tensor:
    """A crop of each photo of any size, place and, within 3:4, proportion, half of them mirrored."""
    count, device = len(images), images.device
    area = torch.empty(count, device=device).uniform_(_LEAST, 1)
    ratio = torch.empty(count, device=device).uniform_(math.log(3 / 4), math.log(4 / 3)).exp()
    width, height = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
    across, down = ((2 * torch.rand(count, device=device) - 1) * (1 - share) for share in (width, height))
    mirrored = torch.where(torch.rand(count, device=device) < 0.5, -1.0, 1.0)
    zero = torch.zeros_like(width)
    theta = torch.stack([width * mirrored, zero, across, zero, height, down], 1).reshape(count, 2, 3)
    grid = F.affine_grid(theta, [count, 3, SIZE, SIZE], align_corners=False)
    return F.grid_sample(images.float(), grid, padding_mode="reflection", align_corners=False)


def mixed(images: Tensor) -> Tensor:
    """MixUp: each picture with another one, by a share from Beta(0.5, 0.5)."""
    share = torch.distributions.Beta(0.5, 0.5).sample().item()
    return share * images + (1 - share) * images[torch.randperm(len(images), device=images.device)]


def centres(network: nn.Module, path: str, count: int) -> Tensor:
    """Where in the picture the units of a map look, in one dimension: -1..1 from edge to edge, (count,)."""
    sight = reach_of(network, (3, SIZE, SIZE), path)[0].largest
    assert sight is not None  # a convolution's
    pixels = (sight.y.first + sight.y.last) / 2 + sight.y.stride * torch.arange(count) + 0.5
    return 2 * pixels / SIZE - 1


def at_places(maps: Tensor, places: Tensor) -> Tensor:
    """The teacher's maps (B, C, h, w) where the student's units look, (B, C, n, n)."""
    across = places.to(maps.device).expand(len(places), -1)
    grid = torch.stack([across, across.T], -1).expand(len(maps), -1, -1, -1)
    return F.grid_sample(maps, grid, padding_mode="border", align_corners=False)


def roughness(filters: Tensor) -> Tensor:
    """How much neighbouring weights of a filter differ, relative to their size: about 4 for noise."""
    steps = filters.diff(dim=-1).square().sum((1, 2, 3)) + filters.diff(dim=-2).square().sum((1, 2, 3))
    return (steps / filters.square().sum((1, 2, 3)).clamp(min=1e-12)).mean()


@dataclass(kw_only=True)
class Lesson:
    """A student, what it tells of the teacher's maps, and how far it is from them."""

    student: ZFNet
    teacher: nn.Module
    device: torch.device
    half: bool  # bfloat16 where it pays

    def __post_init__(self) -> None:
        self.seen: dict[str, Tensor] = {}
        for network, paths in ((self.teacher, TAUGHT), (self.student, (EARLY, LATE))):
            for path in paths:
                network.get_submodule(path).register_forward_hook(
                    self._keep(path + network.__class__.__name__)
                )
        self.spread: list[tuple[Tensor, Tensor]] = []
        blank = torch.zeros(1, 3, SIZE, SIZE, device=self.device)
        with torch.no_grad():
            targets, told = self.taught(blank)[0], self.features(blank)
        self.tellers = nn.ModuleList(
            nn.Conv2d(maps.shape[1], target.shape[1], 1)
            for maps, target in zip((told[0], told[1], told[1]), targets, strict=True)
        ).to(self.device)
        late = centres(self.student, LATE, told[1].shape[-1])
        pairs = late[: len(late) // 2 * 2].reshape(-1, 2).mean(1)
        self.places = (centres(self.student, EARLY, told[0].shape[-1]), late, pairs)

    def _keep(self, name: str) -> Callable[[nn.Module, object, Tensor], None]:
        def hook(module: nn.Module, inputs: object, output: Tensor) -> None:
            self.seen[name] = output

        return hook

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.half)

    def taught(self, images: Tensor) -> tuple[list[Tensor], Tensor]:
        """The teacher's maps and answers."""
        with torch.no_grad(), self._autocast():
            answers = self.teacher(images)
        return [self.seen[path + self.teacher.__class__.__name__].float() for path in TAUGHT], answers.float()

    def features(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The student's early and late maps, and its answers from features that these cannot change."""
        with self._autocast():
            maps = self.student.stages(images)
            answers = self.student.head(self.student.pool(maps.detach()).flatten(1))
        early, late = (self.seen[path + self.student.__class__.__name__] for path in (EARLY, LATE))
        return early, late, answers.float()

    def distances(self, images: Tensor) -> tuple[list[Tensor], Tensor]:
        """Unexplained variance of each of the teacher's stages, and the distance of the answers."""
        targets, wanted = self.taught(images)
        early, late, answers = self.features(images)
        with self._autocast():
            told = [
                teller(maps)
                for teller, maps in zip(self.tellers, (early, late, F.avg_pool2d(late, 2)), strict=True)
            ]
        apart = [
            F.mse_loss(guess.float(), at_places((target - mean) / deviation, places))
            for guess, target, (mean, deviation), places in zip(
                told, targets, self.spread, self.places, strict=True
            )
        ]
        return apart, F.kl_div(
            answers.log_softmax(1), wanted.log_softmax(1), reduction="batchmean", log_target=True
        )

    def standardise(self, batches: Iterator[Tensor]) -> None:
        """Mean and deviation of each channel of the teacher's maps, over some pictures."""
        kept = [self.taught(batch)[0] for batch in batches]
        self.spread = [
            (maps.mean((0, 2, 3))[:, None, None], maps.std((0, 2, 3))[:, None, None])
            for maps in (torch.cat(stage) for stage in zip(*kept, strict=True))
        ]


def train(file: Path, stem: str, seconds: float, device: torch.device, smooth: float, out: Path) -> None:
    """Teach one student for so long, and write it with what it has come to."""
    torch.manual_seed(0)
    images = photos(file).to(device)
    held = torch.arange(len(images)) % (len(images) // KEPT_OUT) == 0
    out_of_it, learnt = images[held], images[~held]
    loaded = zoo.load(TEACHER)
    teacher = loaded.model.to(device).to(memory_format=torch.channels_last).eval().requires_grad_(False)
    student = STEMS[stem].build().to(device).to(memory_format=torch.channels_last)
    assert isinstance(student, ZFNet)
    half = device.type == "cuda"
    lesson = Lesson(student=student, teacher=teacher, device=device, half=half)
    lesson.standardise(normalised(middles(batch)) for batch in torch.split(learnt, 64))
    stem_weights = student.get_submodule("stages.0.conv").weight
    assert isinstance(stem_weights, Tensor)
    parameters = [*student.parameters(), *lesson.tellers.parameters()]
    optimiser = torch.optim.AdamW(parameters, _RATE, weight_decay=_DECAY)
    started = told = time.monotonic()
    steps = 0
    while (now := time.monotonic()) < started + seconds:
        done = (now - started) / seconds
        for group in optimiser.param_groups:
            group["lr"] = _RATE * min(1, done / _WARM_UP) * (1 + math.cos(math.pi * done)) / 2 + 1e-6
        student.train()
        batch = learnt[torch.randint(len(learnt), (_BATCH,), device=device)]
        pictures = mixed(crops(normalised(batch))).contiguous(memory_format=torch.channels_last)
        apart, answers = lesson.distances(pictures)
        loss = torch.stack(apart).sum() + 0.1 * answers + smooth * roughness(stem_weights)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(parameters, 5.0)
        optimiser.step()
        steps += 1
        if now - told > _TOLD:
            told = now
            print(f"{stem} {now - started:4.0f} s, {steps} steps: {judged(lesson, out_of_it)}", flush=True)
    epoch = steps * _BATCH // len(learnt)
    final = judged(lesson, out_of_it)
    print(f"{stem}, smooth {smooth}: {steps} steps, {epoch} times each photo. {final}", flush=True)
    keep(student, loaded.labels, stem, steps, epoch, out)


@torch.no_grad()
def judged(lesson: Lesson, images: Tensor) -> str:
    """How far the student is from the teacher on photos that it does not know."""
    lesson.student.eval()
    pictures = normalised(middles(images))
    apart, _ = lesson.distances(pictures)
    same = (lesson.taught(pictures)[1].argmax(1) == lesson.features(pictures)[2].argmax(1)).float().mean()
    stem = lesson.student.get_submodule("stages.0.conv").weight
    assert isinstance(stem, Tensor)
    left = ", ".join(f"{float(share):.3f}" for share in apart)
    return f"unexplained {left}; same answer {float(same):.1%}; roughness {float(roughness(stem)):.2f}"


def keep(student: nn.Module, labels: tuple[str, ...], stem: str, steps: int, epoch: int, out: Path) -> None:
    """Write the student in float16."""
    specimen = STEMS[stem]
    facts = weights.Facts(
        variant=specimen.variant, knobs=dict(specimen.knobs), classes=labels, size=SIZE, channels=3,
        mean=(_MEAN,) * 3, deviation=(_DEVIATION,) * 3, data="800 photos", epoch=epoch, step=steps,
    )  # fmt: skip
    halves = {
        weights.MODEL + name: tensor.half() if tensor.is_floating_point() else tensor
        for name, tensor in student.state_dict().items()
    }
    weights.save(out / f"{stem}_photos.safetensors", halves, facts.to_dict())


def main() -> None:
    parser = argparse.ArgumentParser(description="Teach ZFNet's convolutions what EfficientNet-Lite0 sees.")
    parser.add_argument("photos", type=Path, help="a zip of photos")
    parser.add_argument("--stem", choices=STEMS, default="zfnet")
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--smooth", type=float, default=0.02, help="weight of the roughness of first filters")
    parser.add_argument("--out", type=Path, required=True, help="folder for the checkpoint")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    train(asked.photos, asked.stem, asked.seconds, torch.device(asked.device), asked.smooth, asked.out)


if __name__ == "__main__":
    main()
