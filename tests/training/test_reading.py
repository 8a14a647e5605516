"""Pictures from outside: a corpus of hostile files, and what becomes of the harmless ones, worked by hand."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.training import hostile
from training import reading
from ui import uploads

ROOT = Path(__file__).parents[2]
SECONDS, MEGABYTES = 2.0, 500.0


@pytest.mark.slow
def test_no_file_crashes_hangs_or_fills_the_memory(tmp_path: Path) -> None:
    """A process of its own reads more than 200 files: each becomes a photo or a sentence."""
    expected = {}
    for at, (what, name, content) in enumerate(hostile.corpus()):
        (tmp_path / f"{at:04}.jpg").write_bytes(content)
        expected[f"{at:04}.jpg"] = what, name
    assert len(expected) > 200
    command = [sys.executable, "-m", "tests.training.hostile", str(tmp_path)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    assert (run.returncode, len(lines)) == (0, len(expected)), run.stderr[-2_000:]
    wrong = []
    for (what, name), (became, words, said, seconds, grown) in zip(expected.values(), lines, strict=True):
        if what not in (became, hostile.ANY):
            wrong.append(f"{name}: {became}, {words}")
        if seconds > SECONDS or grown > MEGABYTES:
            wrong.append(f"{name}: {seconds:.1f} s, {grown:.0f} MB")
        sentence = words if became == hostile.BAD else said or "Good."
        if sentence[0].islower() or sentence[-1] != "." or "0x" in sentence:
            wrong.append(f"{name}: {sentence}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("said", range(1, 9))
def test_it_is_turned_as_its_camera_says(kind: str, said: int) -> None:
    """Against Pillow's own: a red top, then what each orientation does to it."""
    image = Image.new("RGB", (48, 32), "blue")
    image.paste((255, 0, 0), (0, 0, 24, 16))
    stored = {
        1: image, 2: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        3: image.transpose(Image.Transpose.ROTATE_180), 4: image.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
        5: image.transpose(Image.Transpose.TRANSPOSE), 6: image.transpose(Image.Transpose.ROTATE_90),
        7: image.transpose(Image.Transpose.TRANSVERSE), 8: image.transpose(Image.Transpose.ROTATE_270),
    }[said]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = said
    lossless = {"lossless": True} if kind == "WEBP" else {"quality": 95} if kind == "JPEG" else {}
    found = reading.read(hostile.saved(stored, kind, exif=exif, **lossless))
    assert found.size == (48, 32)
    assert np.abs(np.asarray(found.image, int) - np.asarray(image, int))[4:12, 4:20].max() < 12
    assert np.abs(np.asarray(found.image, int) - np.asarray(image, int))[20:, 30:].max() < 12
    assert ("turned as its camera says" in found.notes) == (said > 1)


def test_a_large_picture_comes_at_part_of_its_size_whatever_its_mode() -> None:
    """Band by band is the same as all at once: means of squares."""
    rough = np.random.default_rng(0).integers(0, 256, (2_400, 3_000, 4), np.uint8)
    image = Image.fromarray(rough)
    found = reading.read(hostile.saved(image, "TIFF"), longer=1_000)
    white = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB").reduce(3)
    assert found.image.size == (1_000, 800)
    assert np.abs(np.asarray(found.image, int) - np.asarray(white, int)).max() == 0
    assert "white where it is transparent" in found.notes


def test_deep_pictures_keep_their_range() -> None:
    ramp = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (16, 1))
    for scale, kind in ((1, np.float32), (255, np.float32), (65_535, np.uint16), (65_535, np.int32)):
        content = hostile.saved(Image.fromarray((ramp * scale).astype(kind)), "TIFF")
        grey = np.asarray(reading.read(content).image)
        assert grey[0] == pytest.approx(np.linspace(0, 255, 64), abs=1)


def test_what_was_done_is_said() -> None:
    image = hostile.picture((2_048, 1_024))
    _, said = uploads.photo(hostile.saved(image.convert("CMYK"), "JPEG"), "upload", "x")
    assert said == "Converted from CMYK; 2,048 × 1,024 pixels made 1,024 × 512."
    more = [Image.new("P", (64, 32))]
    several = hostile.saved(image.resize((64, 32)), "GIF", save_all=True, append_images=more)
    assert uploads.photo(several, "upload", "x")[1] == "The first of several pictures."
    opaque = hostile.saved(hostile.picture(mode="RGBA"), "PNG")
    assert uploads.photo(opaque, "upload", "x")[1] == ""
