"""What one takes away from the page Class-activation maps: the map's numbers, and code that repeats it."""

from pathlib import Path

import numpy as np
import streamlit as st

from ui import evidence, export, prose
from ui.cam_study import FREE, PAGE, Raw, Study
from viz import images
from zoo import Specimen

_PHOTOS = Path(__file__).parents[1] / "assets" / "photos"


def render(study: Study, method: str, path: str) -> None:
    """The map shown is one that code can name: of the methods of one pass, or CAM."""
    method = method if method in FREE or method == "cam" else "gradcam"
    raw = study.map(method, path)
    with st.expander("Take away: numbers and code", key=f"{PAGE}.away", icon=":material/download:"):
        st.markdown(prose.words(PAGE)["away"])
        if not isinstance(raw, str):
            evidence.save(
                "The coarse map as CSV", lambda: export.as_csv(table(raw)), f"zoolens-{method}.csv",
                "text/csv", key=f"{PAGE}.csv", icon="table",
            )  # fmt: skip
        lines = script(study.subject.specimen, study.photo.token, study.target, path, method)
        st.code(lines, wrap_lines=True)


def table(raw: Raw) -> list[dict[str, object]]:
    """A row for each cell: where it is, its value, and as the share of the largest that the picture shows."""
    shown = images.scaled(np.maximum(raw, 0))
    return [
        {"row": y, "column": x, "value": float(value), "shown": float(shown[y, x])}
        for (y, x), value in np.ndenumerate(raw)
    ]


def script(specimen: Specimen, photo: str, target: int, path: str, method: str) -> str:
    """The few lines that make the same map."""
    arguments = [repr(specimen.variant), f"weights={specimen.weights!r}"]
    if specimen.num_classes is not None:
        arguments.append(f"num_classes={specimen.num_classes}")
    if specimen.knobs:
        arguments.append(f"knobs={specimen.knobs!r}")
    file = f"assets/photos/{photo}.jpg" if (_PHOTOS / f"{photo}.jpg").is_file() else "picture.jpg"
    return f"""\
from PIL import Image

import zoo
from viz import cam, images

loaded = zoo.load(zoo.Specimen({", ".join(arguments)}))
photo = Image.open("{file}")
image = loaded.preprocess(photo)  # (1, C, H, W), normalised

raw = cam.raw(loaded.model, image, {target}, layer={path!r}, method={method!r})  # (h, w), signed
crop = loaded.preprocess.crop(photo)  # what the network sees
images.overlay(crop, images.scaled(raw.relu().numpy())).save("{method}.png")
"""
