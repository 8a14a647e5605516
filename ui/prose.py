"""The words of a page, from assets/text, and words from outside made safe to show."""

import re
from base64 import b64encode
from functools import cache
from pathlib import Path

_TEXT = Path(__file__).parents[1] / "assets" / "text"


@cache
def words(page: str) -> dict[str, str]:
    """The sections of assets/text/<page>.md by their headings."""
    parts = re.split(r"^## (.+)\n", (_TEXT / f"{page}.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {heading: text.strip() for heading, text in zip(parts[1::2], parts[2::2], strict=True)}


def picture(svg: Path) -> str:
    """A drawing as an address, which Streamlit else reads from the disk and makes anew in every run."""
    return f"data:image/svg+xml;base64,{b64encode(svg.read_bytes()).decode()}"


class Markup(str):
    """HTML that is sent as it stands: Streamlit would search a plain string for indents, for 15 ms."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return self


def literal(text: str) -> str:
    """Markdown that shows `text` as it is: no link, image or formula that somebody put into an address."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", " ".join(text.split()))
