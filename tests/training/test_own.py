"""One's own pictures: zips that mean harm or were made by accident, and pictures of every kind."""

import io
import os
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from training import data, own
from training.data import store
from training.data.errand import Errand
from zoo import limits

Files = dict[str, bytes]


def picture(
    colour: object = 128, mode: str = "RGB", size: tuple[int, int] = (12, 10), kind: str = "PNG"
) -> bytes:
    file = io.BytesIO()
    colour = (colour, 90, 60) if mode == "RGB" and isinstance(colour, int) else colour
    Image.new(mode, size, colour).save(file, kind)  # type: ignore[arg-type]
    return file.getvalue()


def good(count: int = 6, classes: tuple[str, ...] = ("cat", "dog")) -> Files:
    return {f"{name}/{at}.png": picture(20 * at) for name in classes for at in range(count)}


def zipped(path: Path, files: Files, **how: int) -> Path:
    with zipfile.ZipFile(path, "w", **how) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def entry(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, mode << 16
    return info


def link(path: Path) -> None:
    zipped(path, good())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(entry("cat/99.png", stat.S_IFLNK | 0o777), "/etc/passwd")


def device(path: Path) -> None:
    zipped(path, good())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(entry("cat/99.png", stat.S_IFCHR | 0o666), b"")


def bomb(path: Path) -> None:
    zipped(path, good() | {"cat/99.png": b"\0" * (8 << 20)}, compression=zipfile.ZIP_DEFLATED)


def patched(path: Path, change: Callable[[bytearray, int], None]) -> None:
    """Change the first entry of the central directory, as no program for zips would."""
    zipped(path, good())
    raw = bytearray(path.read_bytes())
    change(raw, raw.index(b"PK\1\2"))
    path.write_bytes(raw)


def huge(path: Path) -> None:
    patched(path, lambda raw, at: struct.pack_into("<I", raw, at + 24, 70 << 20))


def locked(path: Path) -> None:
    patched(path, lambda raw, at: struct.pack_into("<H", raw, at + 8, 1))


def strange(path: Path) -> None:
    patched(path, lambda raw, at: struct.pack_into("<H", raw, at + 10, 98))


def overlapping(path: Path) -> None:
    def change(raw: bytearray, at: int) -> None:
        second = raw.index(b"PK\1\2", at + 4)
        struct.pack_into("<I", raw, second + 42, 0)  # the second file begins where the first does

    patched(path, change)


def twice(path: Path) -> None:
    zipped(path, good())
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("cat/1.png", picture())


def no_zip(path: Path) -> None:
    path.write_bytes(b"Rar!\x1a\x07\x00 and so on")


def cut(path: Path) -> None:
    raw = zipped(path, good()).read_bytes()
    path.write_bytes(raw[: len(raw) // 2])


def many(path: Path) -> None:
    zipped(path, {f"cat/{at}": b"" for at in range(1100)})


BROKEN = {f"cat/b{at}.png": b"no picture" for at in range(6)}
HOSTILE: dict[str, tuple[Callable[[Path], object] | Files, str]] = {
    "out of the folder": (good() | {"../../evil.png": picture()}, "leads out of the folder"),
    "out by backslashes": (good() | {"cat\\..\\..\\evil.png": picture()}, "leads out of the folder"),
    "absolute": (good() | {"/etc/cron.d/evil.png": picture()}, "from the root of a disk"),
    "with a drive": (good() | {"C:/evil.png": picture()}, "from the root of a disk"),
    "control characters": (good() | {"cat/a\nb.png": picture()}, "control characters"),
    "a link": (link, "is a link"),
    "a device": (device, "neither a file nor a folder"),
    "a bomb": (bomb, "zip bombs do"),
    "a large file": (huge, "has 70 MiB"),
    "overlapping": (overlapping, "(?i)overlap"),
    "a password": (locked, "locked with a password"),
    "an unknown method": (strange, "packed in a way"),
    "the same twice": (twice, "in it twice"),
    "no zip": (no_zip, "no zip file"),
    "cut short": (cut, "no zip file"),
    "too many files": (many, "1,100 files, and 1,000 is the most"),
    "nested": (good() | {"cat/more.zip": b"PK"}, "archive inside the archive"),
    "nothing": ({}, "no pictures in folders"),
    "no folders": ({f"{at}.png": picture() for at in range(9)}, "no pictures in folders"),
    "one class": (good(classes=("cat",)), "only one class, cat"),
    "too few": (good() | {"eel/1.png": picture()}, "class eel has 1 picture"),
    "too few whole ones": (good(30) | {f"eel/{at}.png": b"?" for at in range(5)}, "class eel has 0 pictures"),
    "capitals": (good(classes=("cat", "Cat")), "differ only in capitals"),
    "a nameless class": (good(classes=("cat", " ")), "empty name"),
    "an invisible name": (good(classes=("cat", "do\u202eg")), "invisible characters"),
    "a long name": (good(classes=("cat", "d" * 70)), "name of 70 characters"),
    "mostly broken": (good() | BROKEN, "More than a fifth .* cat/b0.png: it is no picture"),
    "a class in test alone": (
        {f"train/{n}": c for n, c in good().items()} | {"test/eel/1.png": picture()},
        "eel is in test and not in train",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_what_is_wrong_is_refused_in_a_sentence_and_nothing_is_written(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, sentence = HOSTILE[case]
    monkeypatch.setenv(limits.OWN_FILES.variable, "1000")
    path = tmp_path / "in.zip"
    made(path) if callable(made) else zipped(path, made)
    with pytest.raises(ValueError, match=sentence) as refused:
        own.add(path, "mine", root=tmp_path / "data")
    assert str(refused.value)[0].isupper()
    assert str(refused.value)[-1] in ".?"
    assert os.listdir(tmp_path) == ["in.zip"]


@pytest.mark.slow
def test_a_hundred_thousand_files_hide_no_picture(tmp_path: Path) -> None:
    path = zipped(tmp_path / "in.zip", good() | {f"cat/{at}.txt": b"" for at in range(100_000)})
    report = own.add(path, "mine", root=tmp_path)
    assert report.ignored == 100_000
    assert report.train == (6, 6)


def test_a_size_that_is_a_lie_is_a_broken_picture(tmp_path: Path) -> None:
    """More is packed than declared: no more than that is ever unpacked, and the checksum is then wrong."""
    files = good(30)
    path = tmp_path / "in.zip"
    zipped(path, files, compression=zipfile.ZIP_DEFLATED)
    raw = bytearray(path.read_bytes())
    struct.pack_into("<I", raw, raw.index(b"PK\1\2") + 24, 10)
    path.write_bytes(raw)
    report = own.add(path, "mine", root=tmp_path)
    assert report.broken == 1
    assert "cat/0.png" in report.named[0]
    assert report.train == (29, 30)


@pytest.mark.parametrize("name", ["", "../up", "a/b", "Upper", "-x", "x" * 41, "mine.safetensors", "é"])
def test_a_name_is_a_word_and_no_path(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="small letters"):
        own.add(zipped(tmp_path / "in.zip", good()), name, root=tmp_path)
    with pytest.raises(ValueError, match="small letters"):
        own.delete(name, tmp_path)
    with pytest.raises(ValueError, match="no data set called"):
        data.load(f"own:{name}", images=1, validation=1, size=8, channels=3, seed=0, root=tmp_path)


@pytest.mark.parametrize(
    ("files", "train", "test"),
    [
        (good(), (6, 6), (0, 0)),
        ({f"my pets/{name}": content for name, content in good().items()}, (6, 6), (0, 0)),
        ({f"a/b/train/{name}": content for name, content in good().items()}, (6, 6), (0, 0)),
        (
            {f"pets/Train/{n}": c for n, c in good().items()}
            | {f"pets/val/{n}": c for n, c in good(2).items()},
            (6, 6),
            (2, 2),
        ),
        ({name.replace("/", "/2019/"): content for name, content in good().items()}, (6, 6), (0, 0)),
        ({name.replace("/", "\\"): content for name, content in good().items()}, (6, 6), (0, 0)),
    ],
    ids=["plain", "in a folder", "train alone", "train and val", "deeper", "backslashes"],
)
def test_layouts(files: Files, train: tuple[int, ...], test: tuple[int, ...], tmp_path: Path) -> None:
    report = own.add(zipped(tmp_path / "in.zip", files), "mine", root=tmp_path)
    assert (report.classes, report.train, report.test) == (("cat", "dog"), train, test)
    assert report.ignored == report.broken == 0


def test_litter_and_other_files_are_ignored(tmp_path: Path) -> None:
    litter = ["__MACOSX/cat/._1.png", "cat/.DS_Store", "dog/Thumbs.db", "read me.txt", "cat/labels.csv"]
    files = good() | dict.fromkeys([*litter, "alone.png"], b"x")
    report = own.add(zipped(tmp_path / "in.zip", files), "mine", root=tmp_path)
    assert (report.ignored, report.broken, report.train) == (6, 0, (6, 6))


def test_names_of_classes_in_any_script_and_any_program(tmp_path: Path) -> None:
    names = ("котка", "café", "猫", "👩\u200d🚀")
    path = zipped(tmp_path / "in.zip", good(classes=names))
    raw = bytearray(path.read_bytes())
    for mark, flag in ((b"PK\1\2", 8), (b"PK\3\4", 6)):  # macOS writes UTF-8 without the flag that says so
        at = raw.find(mark)
        while at >= 0:
            struct.pack_into("<H", raw, at + flag, 0)
            at = raw.find(mark, at + 4)
    path.write_bytes(raw)
    assert set(own.add(path, "mine", root=tmp_path).classes) == set(names)


def exif_rotated() -> bytes:
    """Red above blue once it is turned the right way up, as a phone stores it: on its side."""
    upright = Image.new("RGB", (16, 16), "red")
    upright.paste((0, 0, 255), (0, 8, 16, 16))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to see it
    file = io.BytesIO()
    upright.transpose(Image.Transpose.ROTATE_90).save(file, "JPEG", exif=exif, quality=95)
    return file.getvalue()


def animated() -> bytes:
    frames = [Image.new("P", (16, 16), at) for at in (1, 2)]
    for frame in frames:
        frame.putpalette([0, 0, 0, 255, 0, 0, 0, 0, 255])
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    return file.getvalue()


def sixteen_bits() -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((16, 16), 32_896, np.uint16)).save(file, "PNG")
    return file.getvalue()


KINDS: dict[str, tuple[bytes, tuple[int, int, int], tuple[int, int, int]]] = {
    # what the upper and the lower half become
    "turned by EXIF": (exif_rotated(), (254, 0, 0), (0, 0, 254)),
    "animated": (animated(), (255, 0, 0), (255, 0, 0)),
    "16 bits": (sixteen_bits(), (128, 128, 128), (128, 128, 128)),
    "transparent": (picture((0, 0, 0, 0), "RGBA"), (255, 255, 255), (255, 255, 255)),
    "half transparent": (picture((255, 0, 0, 128), "RGBA"), (255, 127, 127), (255, 127, 127)),
    "grey with alpha": (picture((0, 255), "LA"), (0, 0, 0), (0, 0, 0)),
    "black and white": (picture(1, "1"), (255, 255, 255), (255, 255, 255)),
    "CMYK": (picture((0, 255, 255, 0), "CMYK", kind="JPEG"), (255, 0, 0), (255, 0, 0)),
    "WebP": (picture(200, kind="WEBP"), (200, 90, 60), (200, 90, 60)),
    "TIFF": (picture(200, kind="TIFF"), (200, 90, 60), (200, 90, 60)),
    "BMP": (picture(200, kind="BMP"), (200, 90, 60), (200, 90, 60)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_of_every_kind_become_pixels(kind: str, tmp_path: Path) -> None:
    content, upper, lower = KINDS[kind]
    files = good() | {f"eel/{at}": content for at in range(5)}
    own.add(zipped(tmp_path / "in.zip", files), "mine", root=tmp_path)
    tensors, _ = store.read(store.own("mine", tmp_path))
    pixels = tensors["train.images"][tensors["train.labels"] == 2]
    assert pixels.shape[0] == 5
    side = pixels.shape[-1]
    for half, expected in ((pixels[0, :, 1, side // 2], upper), (pixels[0, :, -2, side // 2], lower)):
        assert np.abs(half.numpy().astype(int) - expected).max() <= 3


def test_broken_pictures_are_counted_and_named(tmp_path: Path) -> None:
    large = io.BytesIO()
    Image.new("1", (9_000, 9_000)).save(large, "PNG")
    whole = picture(kind="JPEG", size=(64, 64))
    broken = {
        "cat/cut.jpg": whole[: len(whole) // 2],
        "dog/none.png": b"hello",
        "dog/large.png": large.getvalue(),
    }
    report = own.add(zipped(tmp_path / "in.zip", good(12) | broken), "mine", root=tmp_path)
    assert report.broken == 3
    assert report.train == (12, 12)
    assert any("50 million pixels" in line for line in report.named)


def test_grey_pictures_stay_grey_and_small_ones_keep_their_size(tmp_path: Path) -> None:
    files = {f"{n}/{at}.png": picture(at * 30, "L", (20, 14)) for n in ("a", "b") for at in range(5)}
    report = own.add(zipped(tmp_path / "in.zip", files), "mine", root=tmp_path)
    assert (report.channels, report.size) == (1, 14)
    tensors, _ = store.read(store.own("mine", tmp_path))
    assert tensors["train.images"].shape == (10, 1, 14, 14)
    assert data.dataset("own:mine", tmp_path).channels == 1


def test_a_folder_is_read_like_a_zip_and_its_links_are_refused(tmp_path: Path) -> None:
    for name, content in good().items():
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(content)
    zipped(tmp_path / "in.zip", good())
    own.add(tmp_path / "in", "folder", root=tmp_path)
    own.add(tmp_path / "in.zip", "zip", root=tmp_path)
    one, other = (store.read(store.own(name, tmp_path))[0] for name in ("folder", "zip"))
    assert torch.equal(one["train.images"], other["train.images"])
    (tmp_path / "in" / "cat" / "link.png").symlink_to("/etc/passwd")
    with pytest.raises(ValueError, match="is a link"):
        own.add(tmp_path / "in", "third", root=tmp_path)


def test_own_pictures_are_loaded_listed_and_deleted(tmp_path: Path) -> None:
    own.add(zipped(tmp_path / "in.zip", good(20)), "mine", root=tmp_path)
    with pytest.raises(ValueError, match="already pictures called mine"):
        own.add(tmp_path / "in.zip", "mine", root=tmp_path)
    assert store.owned(tmp_path) == ["mine"]
    assert data.ready("own:mine", tmp_path)
    split = data.load("own:mine", images=None, validation=1_000, size=16, channels=3, seed=0, root=tmp_path)
    assert torch.bincount(split.validation.labels).tolist() == [4, 4]  # a fifth, kept aside
    assert torch.bincount(split.train.labels).tolist() == [16, 16]
    kept = {bytes(p.numpy()) for p in split.validation.images} & {
        bytes(p.numpy()) for p in split.train.images
    }
    assert len(kept) <= 10  # `good` has every picture once a class, and classes may be on both sides
    own.delete("mine", tmp_path)
    assert not [path for path in tmp_path.rglob("*.safetensors")]
    with pytest.raises(ValueError, match="no pictures called 'mine'"):
        own.delete("mine", tmp_path)


def test_the_disk_holds_so_much_of_readers_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(limits.OWN_SETS_GIB.variable, "1")
    zipped(tmp_path / "in.zip", good())
    own.add(tmp_path / "in.zip", "first", root=tmp_path)
    with store.own("first", tmp_path).open("ab") as file:  # a hole: it takes nothing of this disk
        file.truncate(1 << 30)
    with pytest.raises(ValueError, match="may take 1 GiB here, and do"):
        own.add(tmp_path / "in.zip", "second", root=tmp_path)


def test_an_import_in_a_process_of_its_own(tmp_path: Path) -> None:
    path = zipped(tmp_path / "in.zip", good())
    told: list[tuple[int, int, str]] = []
    answer = Errand("import", str(path), "--name", "mine", root=tmp_path).wait(lambda *now: told.append(now))
    assert answer["report"]["train"] == [6, 6]
    assert told[-1] == (12, 12, "reading")
    with pytest.raises(ValueError, match="already pictures called mine"):
        Errand("import", str(path), "--name", "mine", root=tmp_path).wait()
