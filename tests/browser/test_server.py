"""What the server tells in its log of a visit, and what it does not."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from tests.browser import driver
from tests.waiting import until


@pytest.fixture(scope="module")
def told(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The lines of a server that one reader has visited, until a moment after the window was closed."""
    file = tmp_path_factory.mktemp("server") / "log"
    picture = io.BytesIO()
    Image.new("RGB", (40, 30), (200, 90, 60)).save(picture, "PNG")
    with driver.serving(
        "app.py", file, ZOOLENS_LOG="json", STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL="1"
    ) as base:
        visitor = driver.Visitor(browser, base)
        visitor("/proof")
        page = visitor("/secretaddress?cam.photo=secretquery")
        expect(page.get_by_test_id("stAlert")).to_be_visible()
        page = visitor("/cam?cam.photo=upload")
        uploads = {"secretname.png": picture.getvalue(), "secretname.txt": b"secretcontent"}
        for count, (name, content) in enumerate(uploads.items(), 1):
            chooser = page.get_by_test_id("stFileUploaderDropzoneInput")
            chooser.set_input_files({"name": name, "mimeType": "image/png", "buffer": content})
            while _told(file).count("upload") < count:
                page.wait_for_timeout(100)
            driver.settled(page)
            page.wait_for_load_state("networkidle")  # or a picture that is being fetched would be gone
        visitor.close()
        until(lambda: "session end" in _told(file), 60)
    return [json.loads(line) for line in _lines(file)]


def _lines(file: Path) -> list[str]:
    """What is written as JSON; a banner of Streamlit comes before it."""
    return [line for line in file.read_text().splitlines() if line.startswith("{")]


def _told(file: Path) -> list[str]:
    """The events so far."""
    return [json.loads(line)["event"] for line in _lines(file)]


def test_a_visit_in_the_log(told: list[dict[str, Any]]) -> None:
    names = [line["event"] for line in told]
    assert names[0] == "server start"
    assert names.count("session begin") == 3
    assert "session end" in names
    assert {line["page"] for line in told if line["event"] == "page"} == {"proof", "none", "cam"}
    taken, refused = (line for line in told if line["event"] == "upload")
    assert (taken["kind"], taken["pixels"], "refused" in taken) == (".png", 1200, False)
    assert (refused["kind"], refused["bytes"]) == ("other", 13)
    assert "cannot be used" in refused["refused"]
    assert not any(line["level"] == "error" for line in told)
    (of_one, *_) = (line["session"] for line in told if line["event"] == "session end")
    assert [line["event"] for line in told if line.get("session") == of_one][:2] == ["session begin", "page"]


def test_nothing_of_the_reader_is_in_the_log(told: list[dict[str, Any]]) -> None:
    everything = json.dumps(told)
    assert "secret" not in everything
    assert "127.0.0.1" not in everything
