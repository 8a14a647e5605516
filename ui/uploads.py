"""From a file that somebody has chosen to a photo, in memory: nothing of it is written to a disk."""

from pathlib import PurePath

from PIL import Image
from streamlit.runtime.uploaded_file_manager import UploadedFile

from training import reading
from ui.gate import at_once, patient
from ui.samples import LARGEST, Photo, digest
from zoo import limits, log

SMALLEST = 8  # pixels of the shorter side
_KINDS = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".zip")  # to the log
_LONGEST = 20  # times: how much longer one side may be than the other


@patient
@at_once
def photo(content: bytes, token: str, title: str) -> tuple[Photo, str]:
    """The photo, and what was changed on the way from the file, in a sentence or "".

    ValueError with a sentence where it can be none.
    """
    most = limits.UPLOAD_MIB.value
    if len(content) > most << 20:
        raise ValueError(
            f"The file has {len(content) / 2**20:.0f} MiB, and {most} MiB is the most. "
            "Save the picture smaller."
        )
    try:
        found = reading.read(content, longer=LARGEST)
    except ValueError as error:
        raise ValueError(
            f"This file cannot be used: {error}. JPEG, PNG, WebP, GIF, BMP, TIFF and PPM can."
        ) from None
    width, height = found.size
    if min(width, height) < SMALLEST:
        raise ValueError(
            f"The picture has {width:,} × {height:,} pixels, too few to see anything. "
            f"{SMALLEST} a side is the fewest."
        )
    if max(width, height) > _LONGEST * min(width, height):
        raise ValueError(
            f"The picture has {width:,} × {height:,} pixels, and a network sees a square in its middle. "
            "Cut out what it is about."
        )
    image = found.image.convert("RGB")
    image.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS)
    notes = list(found.notes)
    if max(width, height) > LARGEST:
        notes.append(f"{width:,} × {height:,} pixels made {image.width:,} × {image.height:,}")
    said = f"{'; '.join(notes)}." if notes else ""
    return Photo(token=token, title=title, image=image, digest=digest(image)), said[:1].upper() + said[1:]


def told(file: UploadedFile, *, pixels: int | None = None, refused: str | None = None) -> None:
    """Tell the log of a file that somebody has chosen, not its name; `refused` says why it was of no use."""
    kind = PurePath(file.name).suffix.lower()
    log.event(
        "upload", kind=kind if kind in _KINDS else "other", bytes=file.size, pixels=pixels, refused=refused
    )
