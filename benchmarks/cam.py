"""What a Grad-CAM costs beside a plain forward pass, ours, pytorch-grad-cam's and captum's: one photo-sized
picture, CPU time of one thread.

    python -m benchmarks.cam

Whoever shares the machine changes seconds, and less so ratios taken in turn: every round runs all of them one
after the other, and each line is the median over the rounds. "left" counts the parameters that hold a
gradient afterwards, and the hooks. Weights are random: they change nothing here.
"""

import statistics
import time
from collections.abc import Callable, Mapping

import captum.attr
import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn

import zoo
from viz import cam, layers

ROUNDS = 15
SIDE = 224
TARGET = 281
VARIANTS = ("efficientnet_lite0", "resnet18", "vit_s_16")
FORWARD = "forward pass"
OURS = "Grad-CAM"
MOST, LEAST = 1.15, 2.5  # times a forward pass; times faster than pytorch-grad-cam


def ways(model: nn.Module, image: Tensor) -> Mapping[str, Callable[[], object]]:
    """What is compared. The layer is known beforehand: a page keeps it with the network."""
    best = layers.best(None, model, image).path
    layer = next(layer for layer in layers.layers(model, image) if layer.path == best)
    module = model.get_submodule(best)
    reshape = None if layer.kind == "maps" else lambda output: layers.as_maps(output, layer.kind)

    def forward() -> None:
        with torch.no_grad():
            model(image)

    def theirs() -> None:
        with GradCAM(model=model, target_layers=[module], reshape_transform=reshape) as method:
            method(input_tensor=image, targets=[ClassifierOutputTarget(TARGET)])

    found: dict[str, Callable[[], object]] = {
        FORWARD: forward,
        OURS: lambda: cam.cam(model, image, TARGET, best),
        "pytorch-grad-cam": theirs,
    }
    if layer.kind == "maps":  # else it averages over the wrong axes
        found["captum"] = lambda: captum.attr.LayerGradCam(model, module).attribute(image, target=TARGET)
    return found


def left(model: nn.Module) -> str:
    """What somebody left on the network, which is taken away."""
    gradients = sum(parameter.grad is not None for parameter in model.parameters())
    hooks = sum(len(module._forward_hooks) + len(module._backward_hooks) for module in model.modules())
    model.zero_grad(set_to_none=True)
    return f"{gradients} gradients, {hooks} hooks"


def main() -> None:
    torch.set_num_threads(1)
    for name in VARIANTS:
        model = zoo.build(name)
        image = torch.randn(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
        compared = ways(model, image)
        leaves: dict[str, str] = {}
        for way, run in compared.items():  # and warm up
            run()
            leaves[way] = left(model)
        took: dict[str, list[float]] = {way: [] for way in compared}
        for _ in range(ROUNDS):
            for way, run in compared.items():
                start = time.process_time()
                run()
                took[way].append(time.process_time() - start)
                model.zero_grad(set_to_none=True)
        print(name)
        for way, times in took.items():
            ratio = statistics.median(t / f for t, f in zip(times, took[FORWARD], strict=True))
            print(
                f"  {way:18} {1e3 * statistics.median(times):6.1f} ms  {ratio:5.2f} x forward   {leaves[way]}"
            )
        over = statistics.median(t / f for t, f in zip(took[OURS], took[FORWARD], strict=True))
        faster = statistics.median(t / f for t, f in zip(took["pytorch-grad-cam"], took[OURS], strict=True))
        verdict = "as wanted" if over <= MOST and faster >= LEAST else "NOT as wanted"
        print(
            f"  {faster:.2f} x faster than pytorch-grad-cam: {verdict} ({MOST} x forward, {LEAST} x faster)"
        )


if __name__ == "__main__":
    main()
