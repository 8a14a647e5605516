"""A corpus of files as nobody should send them: odd, broken, huge and hostile ones, generated.

`python -m tests.training.hostile FOLDER` reads all files of a folder as uploads, one by one. For each it
prints what became of it, the seconds of CPU it took, and by how many MB the process has grown until then.
"""

import gzip
import io
import json
import random
import resource
import struct
import sys
import time
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageSequence

GOOD, BAD, ANY = "good", "bad", "any"  # has to be shown, has to be refused, either
_MUTATED = 10  # copies of each whole file, cut short or with other bytes


def corpus() -> Iterator[tuple[str, str, bytes]]:
    """What is expected, a name, and the file."""
    for makes in (_modes, _turned, _several, _baggage, _shapes, _lies, _bombs, _others, _mutations):
        yield from makes()


def picture(size: tuple[int, int] = (48, 32), mode: str = "RGB") -> Image.Image:
    """Colours that differ everywhere."""
    down, across = np.mgrid[: size[1], : size[0]]
    pixels = np.stack([down * 5 % 256, across * 3 % 256, (down * across) % 256], -1).astype(np.uint8)
    return Image.fromarray(pixels).convert(mode)


def saved(image: Image.Image, kind: str, **how: Any) -> bytes:
    content = io.BytesIO()
    image.save(content, kind, **how)
    return content.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    width: int, height: int, *, depth: int = 8, colour: int = 2, lines: bytes = b"", interlace: int = 0,
    before: bytes = b"", packed: bytes | None = None,
) -> bytes:  # fmt: skip
    """A PNG whose header says what it likes."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    body = zlib.compress(lines) if packed is None else packed
    parts = chunk(b"IHDR", header) + before + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def tiff(entries: dict[int, tuple[int, int, int]], *, following: int = 0, data: bytes = b"") -> bytes:
    """A TIFF of tags: type, count and value; `following` is where the next directory is said to lie."""
    body = b"".join(struct.pack("<HHII", tag, *entry) for tag, entry in sorted(entries.items()))
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + body + struct.pack("<I", following) + data


def _modes() -> Iterator[tuple[str, str, bytes]]:
    for kind, modes in {
        "PNG": ("RGB", "RGBA", "L", "LA", "1", "P"),
        "JPEG": ("RGB", "L", "CMYK"),
        "GIF": ("P", "L", "1", "RGB"),
        "WEBP": ("RGB", "RGBA"),
        "BMP": ("RGB", "RGBA", "L", "1", "P"),
        "TIFF": ("RGB", "RGBA", "L", "LA", "1", "P", "CMYK", "I", "F"),
        "PPM": ("RGB", "L", "1"),
    }.items():
        for mode in modes:
            image = picture(mode=mode)
            yield GOOD, f"{kind} of mode {mode}", saved(image, kind)
    deep = Image.fromarray((np.arange(48 * 32).reshape(32, 48) * 40).astype(np.uint16))
    yield GOOD, "PNG of 16 bits", saved(deep, "PNG")
    yield GOOD, "TIFF of 16 bits", saved(deep, "TIFF")
    strange = np.full((32, 48), np.nan, np.float32)
    strange[::2], strange[3, 3] = 0.5, np.inf
    yield GOOD, "TIFF of what is no number", saved(Image.fromarray(strange), "TIFF")
    for packing in ("tiff_lzw", "tiff_deflate", "packbits", "jpeg"):
        yield GOOD, f"TIFF packed by {packing}", saved(picture(), "TIFF", compression=packing)
    yield GOOD, "progressive JPEG", saved(picture((300, 200)), "JPEG", progressive=True)
    yield GOOD, "WebP without loss", saved(picture(), "WEBP", lossless=True)
    clear = picture(mode="P")
    yield GOOD, "PNG with a transparent colour", saved(clear, "PNG", transparency=3)
    yield GOOD, "GIF with a transparent colour", saved(clear, "GIF", transparency=3)
    yield GOOD, "PNG with a transparent grey", saved(picture(mode="L"), "PNG", transparency=7)
    passes = [
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ]
    grey = np.asarray(picture((24, 24), "L"))
    lines = b"".join(b"\0" + row.tobytes() for x, y, dx, dy in passes for row in grey[y::dy, x::dx])
    yield GOOD, "interlaced PNG", png(24, 24, colour=0, lines=lines, interlace=1)


def _turned() -> Iterator[tuple[str, str, bytes]]:
    for said in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 65_535):
        exif = Image.Exif()
        exif[0x0112] = said
        for kind in ("JPEG", "PNG", "WEBP", "TIFF"):
            yield GOOD, f"{kind} turned by {said}", saved(picture(), kind, exif=exif)


def _several() -> Iterator[tuple[str, str, bytes]]:
    frames = [picture((40, 30)).rotate(angle) for angle in (0, 90, 180)]
    for kind in ("GIF", "WEBP", "PNG", "TIFF", "MPO"):
        yield GOOD, f"{kind} of three", saved(frames[0], kind, save_all=True, append_images=frames[1:])
    many = [Image.new("L", (16, 16), at % 256) for at in range(400)]
    yield GOOD, "GIF of 400", saved(many[0], "GIF", save_all=True, append_images=many[1:])
    yield GOOD, "TIFF of 400", saved(many[0], "TIFF", save_all=True, append_images=many[1:])
    gif = saved(frames[0].convert("P"), "GIF", save_all=True, append_images=frames[1:])
    yield ANY, "GIF cut short after its first", gif[: len(gif) // 2]
    assert sum(1 for _ in ImageSequence.Iterator(Image.open(io.BytesIO(gif)))) == 3


def _baggage() -> Iterator[tuple[str, str, bytes]]:
    """Whole pictures with something else that is not."""
    junk = random.Random(0).randbytes(60_000)
    for kind in ("JPEG", "PNG", "WEBP", "TIFF"):
        yield GOOD, f"{kind} with a profile of junk", saved(picture(), kind, icc_profile=junk)
        yield GOOD, f"{kind} with a profile that ends", saved(picture(), kind, icc_profile=junk[:3])
    jpeg = saved(picture(), "JPEG")

    def with_segment(marker: int, data: bytes) -> bytes:
        return jpeg[:2] + struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data + jpeg[2:]

    yield GOOD, "JPEG with EXIF of junk", with_segment(0xE1, b"Exif\0\0" + junk)
    yield (
        GOOD,
        "JPEG with EXIF in a circle",
        with_segment(0xE1, b"Exif\0\0II*\0" + struct.pack("<IHHHIII", 8, 1, 0x8769, 4, 1, 8, 8)),
    )
    yield ANY, "JPEG with pictures of junk in MPF", with_segment(0xE2, b"MPF\0" + junk[:500])
    yield GOOD, "JPEG with 1,000 comments", jpeg[:2] + b"\xff\xfe\xff\xff" + b"x" * 65_533 + jpeg[2:]
    yield GOOD, "JPEG with a zip behind it", jpeg + b"PK\x03\x04" + junk
    yield GOOD, "JPEG with itself behind it", jpeg * 50
    lines = b"".join(b"\0" + row.tobytes() for row in np.asarray(picture((24, 24))))
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"\0" * (64 << 20), 9))
    yield ANY, "PNG with a bomb of a comment", png(24, 24, lines=lines, before=text)
    yield ANY, "PNG with 500 comments", png(24, 24, lines=lines, before=text * 500)
    profile = chunk(b"iCCP", b"x\0\0" + zlib.compress(b"\0" * (256 << 20), 9))
    yield ANY, "PNG with a bomb of a profile", png(24, 24, lines=lines, before=profile)
    exif = chunk(b"eXIf", b"II*\0" + struct.pack("<IH", 8, 65_535) + junk * 80)
    yield GOOD, "PNG with huge EXIF", png(24, 24, lines=lines, before=exif)
    yield (
        ANY,
        "PNG that says it is animated",
        png(24, 24, lines=lines, before=chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0))),
    )
    yield ANY, "PNG with more lines than it says", png(24, 24, lines=lines * 1_000)
    yield ANY, "PNG with a palette of nothing", png(24, 24, colour=3, lines=bytes(25 * 24))


def _shapes() -> Iterator[tuple[str, str, bytes]]:
    for size in ((1, 1), (7, 7), (1, 3_000), (30_000, 9), (9, 30_000), (2_100, 100)):
        yield BAD, f"PNG of {size[0]} × {size[1]}", saved(picture(size), "PNG")
    yield BAD, "GIF of 1 × 1", saved(picture((1, 1)), "GIF")
    yield BAD, "JPEG of 65,000 × 1", saved(Image.new("L", (65_000, 1)), "JPEG")
    yield GOOD, "PNG of 8 × 8", saved(picture((8, 8)), "PNG")
    yield GOOD, "PNG of 2,000 × 100", saved(picture((2_000, 100)), "PNG")


def _lies() -> Iterator[tuple[str, str, bytes]]:
    """Headers that say what is not there."""
    for width, height in ((0, 0), (0, 9), (65_535, 65_535), (2**31 - 1, 1), (2**31 - 1, 2**31 - 1)):
        yield BAD, f"PNG that says {width} × {height}", png(width, height)
    yield BAD, "PNG of nothing but a header", png(6_000, 6_000)
    yield BAD, "PNG of an unknown depth", png(24, 24, depth=77)
    yield BAD, "PNG of an unknown colour", png(24, 24, colour=9)
    yield BAD, "PNG whose pixels are not packed", png(24, 24, packed=b"no zlib at all")
    for width, height in ((65_535, 65_535), (0, 0)):
        gif = bytearray(saved(picture(mode="P"), "GIF"))
        struct.pack_into("<HH", gif, 6, width, height)
        yield BAD if width else ANY, f"GIF that says {width} × {height}", bytes(gif)
    for width, height in ((2**31 - 1, 9), (-9, 9), (9, -(2**31)), (60_000, 60_000)):
        bmp = bytearray(saved(picture(), "BMP"))
        struct.pack_into("<ii", bmp, 18, width, height)
        yield BAD, f"BMP that says {width} × {height}", bytes(bmp)
    jpeg = bytearray(saved(picture(), "JPEG"))
    at = jpeg.index(b"\xff\xc0") + 5
    for height, width in ((65_500, 65_500), (7_000, 7_000), (0, 0), (32, 60_000)):
        struct.pack_into(">HH", jpeg, at, height, width)
        yield ANY if height == 7_000 else BAD, f"JPEG that says {width} × {height}", bytes(jpeg)
    canvas = struct.pack("<I", 0x10)[:4] + b"\xff\x3f\x00" * 2  # 16,384 × 16,384
    webp = saved(picture(), "WEBP")[12:]
    body = b"WEBPVP8X" + struct.pack("<I", 10) + canvas + webp
    yield BAD, "WebP that says 16,384 × 16,384", b"RIFF" + struct.pack("<I", len(body)) + body
    yield BAD, "WebP that ends in its header", b"RIFF\xff\xff\xff\xffWEBPVP8 "
    for size in (b"99999999 99999999", b"-5 5", b"9" * 5_000 + b" 1", b"0 0", b"6000 6000"):
        yield BAD, f"PPM that says {size[:20].decode()}", b"P6 " + size + b" 255 abc"
    plain = {256: (4, 1, 64), 257: (4, 1, 64), 258: (3, 1, 8), 259: (3, 1, 1), 262: (3, 1, 1), 277: (3, 1, 1)}
    strips = {273: (4, 1, 200), 278: (4, 1, 64), 279: (4, 1, 64 * 64)}
    pixels = b"\0" * 8_000
    yield GOOD, "TIFF by hand", tiff(plain | strips, data=pixels)
    yield GOOD, "TIFF in a circle", tiff(plain | strips, following=8, data=pixels)
    yield ANY, "TIFF with a next one outside", tiff(plain | strips, following=2**31, data=pixels)
    for tag, entry in {
        256: (4, 1, 2**32 - 1), 257: (4, 1, 60_000), 258: (3, 1, 77), 259: (3, 1, 34_712), 262: (3, 1, 99),
        273: (4, 2**30, 200), 277: (3, 1, 65_535), 278: (4, 1, 0), 279: (4, 1, 2**32 - 1), 322: (4, 1, 2**31),
        34_675: (7, 2**32 - 1, 0), 33_432: (2, 2**31, 8),
    }.items():  # fmt: skip
        yield ANY, f"TIFF whose tag {tag} is {entry}", tiff(plain | strips | {tag: entry}, data=pixels)
    yield BAD, "TIFF of no entries", tiff({})
    yield BAD, "TIFF of 65,535 entries", b"II*\0" + struct.pack("<IH", 8, 65_535) + b"\0" * 600_000


def _bombs() -> Iterator[tuple[str, str, bytes]]:
    """Small files of many pixels, at the limit and beyond it."""
    white = Image.new("1", (7_071, 7_071), 1)
    yield GOOD, "PNG of 50 million pixels, one bit each", saved(white, "PNG")
    yield BAD, "PNG of 50.1 million pixels", saved(Image.new("1", (7_080, 7_080)), "PNG")
    yield BAD, "PNG of 200 million pixels", saved(Image.new("1", (14_143, 14_143)), "PNG")
    clear = zlib.compressobj(1)
    row = b"\0" + b"\x80\x40\x20\x10" * 7_000
    packed = b"".join(clear.compress(row) for _ in range(7_000)) + clear.flush()
    yield GOOD, "PNG of 49 million pixels, transparent", png(7_000, 7_000, colour=6, packed=packed)
    deep = zlib.compressobj(1)
    row = b"\0" + b"\x80\x40" * 7_000
    packed = b"".join(deep.compress(row) for _ in range(7_000)) + deep.flush()
    yield GOOD, "PNG of 49 million pixels, 16 bits", png(7_000, 7_000, depth=16, colour=0, packed=packed)
    large = Image.new("RGB", (7_000, 7_000), (90, 120, 30))
    jpeg = saved(large, "JPEG", quality=30)
    yield GOOD, "JPEG of 49 million pixels", jpeg
    progressive = saved(large, "JPEG", quality=30, progressive=True)
    yield GOOD, "progressive JPEG of 49 million pixels", progressive
    first = progressive.index(b"\xff\xda")
    second = progressive.index(b"\xff\xda", first + 2)
    scan = progressive[first:second]
    yield BAD, "JPEG drawn over and over", progressive[:first] + scan * 200 + progressive[second:]
    small = saved(picture((200, 200)), "JPEG", progressive=True)
    first = small.index(b"\xff\xda")
    second = small.index(b"\xff\xda", first + 2)
    yield ANY, "small JPEG drawn over and over", small[:first] + small[first:second] * 2_000 + small[second:]
    yield (
        GOOD,
        "TIFF of 36 million pixels",
        saved(large.resize((6_000, 6_000)), "TIFF", compression="tiff_deflate"),
    )
    yield GOOD, "WebP of 36 million pixels", saved(large.resize((6_000, 6_000)), "WEBP", method=0)
    yield GOOD, "GIF of 36 million pixels", saved(Image.new("P", (6_000, 6_000)), "GIF")
    yield BAD, "33 MiB of nothing", b"\0" * (33 << 20)


def _others() -> Iterator[tuple[str, str, bytes]]:
    """What is no picture, whatever its name may be."""
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("cat.jpg", b"\0" * (8 << 20))
    laughs = b'<!DOCTYPE l [<!ENTITY a "ha">' + b"".join(
        b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 9)
    )
    for name, content in {
        "nothing": b"",
        "one byte": b"\xff",
        "a text": b"I am a cat",
        "SVG": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>',
        "SVG with a script": b"<svg><script>alert(1)</script></svg>",
        "SVG of a billion laughs": laughs + b"]><svg>&a8;</svg>",
        "HTML": b"<!DOCTYPE html><script>alert(1)</script>",
        "zip": zipped.getvalue(),
        "gzip": gzip.compress(saved(picture(), "PNG")),
        "PDF": b"%PDF-1.7\n1 0 obj",
        "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(w) run",
        "HEIC": b"\0\0\0\x18ftypheic" + b"\0" * 99,
        "AVIF": saved(picture(), "AVIF"),
        "a film": b"\0\0\0\x18ftypisom" + b"\0" * 99,
        "JPEG 2000": saved(picture(), "JPEG2000"),
        "an icon": saved(picture((32, 32)), "ICO"),
        "Photoshop": b"8BPS\0\1" + b"\0" * 99,
        "a program": b"\x7fELF\x02\x01\x01" + b"\0" * 99,
        "a pickle": b"\x80\x04cposix\nsystem\n",
        "GIF in name only": b"GIF89a/*alert(1)*/",
        "JPEG in name only": b"\xff\xd8\xff\xe0",
        "PNG in name only": b"\x89PNG\r\n\x1a\n",
        "BMP in name only": b"BM" + b"\xff" * 60,
        "TIFF in name only": b"MM\0*" + b"\xff" * 60,
        "WebP in name only": b"RIFF\0\0\0\0WEBP",
        "zeros": b"\0" * 100_000,
        "noise": random.Random(1).randbytes(100_000),
    }.items():
        yield BAD, name, content


def _mutations() -> Iterator[tuple[str, str, bytes]]:
    """Whole files of each format, cut short, with other bytes, or with a piece out or twice."""
    draw = random.Random(2)
    whole = {
        "JPEG": saved(picture((90, 60)), "JPEG"),
        "progressive JPEG": saved(picture((90, 60)), "JPEG", progressive=True),
        "PNG": saved(picture((90, 60)), "PNG"),
        "GIF": saved(picture((90, 60)), "GIF"),
        "WebP": saved(picture((90, 60)), "WEBP"),
        "WebP without loss": saved(picture((90, 60)), "WEBP", lossless=True),
        "TIFF": saved(picture((90, 60)), "TIFF", compression="tiff_lzw"),
        "BMP": saved(picture((90, 60), "P"), "BMP"),
    }
    for kind, content in whole.items():
        for at in range(_MUTATED):
            changed = bytearray(content)
            place = draw.randrange(len(content))
            if at < 3:
                del changed[place:]
            elif at < 6:
                for _ in range(1 + at):
                    changed[draw.randrange(min(len(content), 200))] = draw.randrange(256)
            elif at < 8:
                for _ in range(20):
                    changed[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
            elif at == 8:
                del changed[place : place + 30]
            else:
                changed[place:place] = changed[place : place + 500]
            yield ANY, f"{kind}, changed, {at}", bytes(changed)


def _read(folder: Path) -> None:
    from ui import uploads

    def grown() -> float:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3

    start = grown()
    for file in sorted(folder.iterdir()):
        content = file.read_bytes()
        before = time.process_time()
        try:
            photo, said = uploads.photo(content, "upload", file.name)
            outcome = [GOOD, f"{photo.image.mode} {max(photo.image.size)}", said]
        except ValueError as error:
            outcome = [BAD, str(error), ""]
        print(json.dumps([*outcome, time.process_time() - before, grown() - start]), flush=True)  # noqa: T201


if __name__ == "__main__":
    _read(Path(sys.argv[1]))
