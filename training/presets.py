"""Races that make the classic points, each tried on this app's own pictures.

What they ask and what they show at this scale is said in assets/text/presets.md; the numbers are in
assets/measured/races.json, which `python -m benchmarks.races` writes.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from training.race import Lane, Preset, Race
from training.recipe import Recipe
from zoo import Specimen
from zoo.registry import KnobValue

Changes = Mapping[str, Any]


def _net(name: str, **turned: KnobValue) -> Specimen:
    return Specimen(name, knobs=tuple(turned.items()))


def _each(argument: str, *values: KnobValue) -> dict[str, KnobValue]:
    """The knobs of the elements of a tuple: depths.0, depths.1, ..."""
    return {f"{argument}.{at}": value for at, value in enumerate(values)}


def _race(base: Recipe, lanes: Mapping[str, Changes]) -> Race:
    """Each lane with what differs from the base."""
    return Race(
        lanes=tuple(Lane(name=name, recipe=replace(base, **change)) for name, change in lanes.items())
    )


def _degradation() -> Race:
    return _race(
        Recipe(epochs=12, weight_decay=1e-4),
        {
            f"{word}-{depth}": {"specimen": _net(f"resnet{depth}_cifar10", width=8, shortcut=shortcut)}
            for depth in (20, 56)
            for word, shortcut in (("plain", "none"), ("ResNet", "padding"))
        },
    )


_SMALL = _net("resnet_classroom", width=8)
_TABLE_3 = Recipe(epochs=15, optimiser="adamw", rate=1e-3, warm_up=1.0)


def _zfnet(**turned: KnobValue) -> Specimen:
    """With so many hidden units that nine tenths of the weights are theirs, as in the paper."""
    return _net("zfnet_classroom", **({} if turned.get("fc") == 0 else {"hidden": 1024}), **turned)


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "degradation": Preset(
            title="Deeper is worse, without shortcuts",
            race=_degradation(),
            quantity="accuracy",
        ),
        "activation": Preset(
            title="Sigmoid, tanh, ReLU",
            race=_race(
                Recipe(epochs=12),
                {
                    name: {"specimen": _net("lenet_classroom", act=name.lower())}
                    for name in ("sigmoid", "tanh", "ReLU")
                },
            ),
            quantity="accuracy",
        ),
        "norm": Preset(
            title="Batch norm, on and off",
            race=_race(
                Recipe(specimen=_net("vgg_classroom"), epochs=12),
                {
                    "without, 0.002": {"norm": False, "rate": 0.002},
                    "without, 0.02": {"norm": False, "rate": 0.02},
                    "with, 0.002": {"rate": 0.002},
                    "with, 0.02": {"rate": 0.02},
                },
            ),
            quantity="accuracy",
        ),
        "bottleneck": Preset(
            title="BasicBlock and Bottleneck at equal cost",
            race=_race(
                Recipe(epochs=12),
                {
                    "BasicBlock": {"specimen": _net("resnet18", width=8, stem="3x3")},
                    "Bottleneck": {
                        "specimen": _net("resnet50", width=8, stem="3x3", **_each("depths", 1, 2, 2, 1))
                    },
                },
            ),
            quantity="accuracy",
        ),
        "batch": Preset(
            title="Large batches",
            race=_race(
                Recipe(specimen=_SMALL, images=8_000, epochs=15, optimiser="momentum", rate=0.05),
                {
                    "64": {},
                    "1024": {"batch": 1024},
                    "1024, scaled": {"batch": 1024, "linear_scaling": True},
                    "1024, scaled, warm-up": {"batch": 1024, "linear_scaling": True, "warm_up": 3.0},
                },
            ),
            quantity="loss",
        ),
        "smoothing": Preset(
            title="Label smoothing",
            race=_race(
                Recipe(),
                {"labels as they are": {}, "smoothed by 0.1": {"label_smoothing": 0.1}},
            ),
            quantity="loss",
        ),
        "averaging": Preset(
            title="Averaged weights",
            race=_race(
                Recipe(specimen=_SMALL, epochs=15, schedule="constant", rate=0.1),
                {
                    "raw": {},
                    "EMA": {"ema": 0.98},
                    "SWA": {"swa": 0.5},
                    "cosine": {"schedule": "cosine"},
                },
            ),
            quantity="accuracy",
        ),
        "dropout": Preset(
            title="Dropout and stochastic depth",
            race=_race(
                Recipe(
                    specimen=_net("stochastic_depth_classroom", last_survival=1.0, width=16),
                    images=1_000,
                    epochs=40,
                ),
                {
                    "all of it": {},
                    "dropout 0.3": {"dropout": 0.3},
                    "stochastic depth 0.2": {"specimen": _net("stochastic_depth_classroom", width=16)},
                },
            ),
            quantity="accuracy",
        ),
        "augmentation": Preset(
            title="Augmentation against overfitting",
            race=_race(
                Recipe(images=1_000, epochs=50),
                {
                    "as they are": {},
                    "flip": {"flip": True},
                    "flip, crop": {"flip": True, "crop": True},
                    "flip, crop, colour": {"flip": True, "crop": True, "colour": 0.2},
                },
            ),
            quantity="accuracy",
        ),
        "stem": Preset(
            title="ZFNet's first layer against AlexNet's",
            race=_race(
                Recipe(size=64, epochs=12, optimiser="adamw", rate=1e-3),
                {
                    "11×11, stride 4": {"specimen": _net("zfnet_classroom", kernel=11, stride=4)},
                    "7×7, stride 2": {"specimen": _net("zfnet_classroom", kernel=7, stride=2)},
                },
            ),
            quantity="accuracy",
        ),
        "ablation": Preset(
            title="ZFNet without some of its layers",
            race=_race(
                _TABLE_3,
                {
                    "whole": {"specimen": _zfnet()},
                    "without conv3, conv4": {"specimen": _zfnet(middle=False)},
                    "without fc6, fc7": {"specimen": _zfnet(fc=0)},
                    "without both": {"specimen": _zfnet(middle=False, fc=0)},
                },
            ),
            quantity="accuracy",
        ),
        "widening": Preset(
            title="ZFNet with one hidden layer, or with wider maps",
            race=_race(
                _TABLE_3,
                {
                    "whole": {"specimen": _zfnet()},
                    "without fc7": {"specimen": _zfnet(fc=1)},
                    "wider conv3 to conv5": {"specimen": _zfnet(**_each("widths", 32, 64, 128, 256, 128))},
                },
            ),
            quantity="accuracy",
        ),
        "depthwise": Preset(
            title="Depthwise against full convolution",
            race=_race(
                Recipe(epochs=12),
                {
                    "depthwise": {"specimen": _net("mobilenet_v1_classroom")},
                    "full": {"specimen": _net("mobilenet_v1_classroom", separable=False)},
                    "full, narrow": {
                        "specimen": _net(
                            "mobilenet_v1_classroom",
                            separable=False,
                            width=0.25,
                            **_each("depths", 1, 1, 1, 1, 1),
                        )
                    },
                },
            ),
            quantity="accuracy",
        ),
        "attention": Preset(
            title="ViT against a CNN on little data",
            race=_race(
                Recipe(images=2_000, epochs=25, optimiser="adamw", rate=1e-3, weight_decay=0.05, warm_up=1.0),
                {
                    "ViT": {"specimen": _net("vit_classroom")},
                    "ResNet": {"specimen": _net("resnet_classroom", **_each("depths", 1, 2, 1))},
                },
            ),
            quantity="accuracy",
        ),
    }
)
