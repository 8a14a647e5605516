"""Data in a real browser: pictures are uploaded, shown, trained on, deleted; without a network it says so."""

import io
import re
import zipfile
from collections.abc import Iterator

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser import driver

# A proxy that nobody listens at: as if there were no network, on every machine.
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with driver.serving(http_proxy=NOWHERE, https_proxy=NOWHERE, no_proxy="") as base:
        yield base


def pets() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number, name in enumerate(("котка", "dog")):
            for at in range(8):
                picture = io.BytesIO()
                Image.new("RGB", (24, 20), (30 * at, 200 * number, 60)).save(picture, "JPEG")
                archive.writestr(f"pets/{name}/{at}.jpg", picture.getvalue())
        archive.writestr("pets/dog/broken.jpg", b"no picture")
    return file.getvalue()


def upload(page: Page, name: str, content: bytes) -> None:
    page.get_by_text("Your own pictures").click()
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(
        {"name": name, "mimeType": "application/zip", "buffer": content}
    )
    expect(page.get_by_role("button", name="Check and pack")).to_be_enabled()
    driver.settled(page)
    expect(page.get_by_label("Name", exact=True)).to_have_count(1)
    expect(page.get_by_label("Name", exact=True)).not_to_have_value("")
    page.get_by_role("button", name="Check and pack").click()


def test_own_pictures_from_upload_to_training_and_deletion(visit: driver.Visitor) -> None:
    page = visit("/data")
    upload(page, "Our Pets.zip", pets())
    expect(page.locator(".zl-sheet .names")).to_contain_text("котка")
    expect(page).to_have_url(re.compile(r"data\.set=own%3Aour-pets"))
    expect(page.get_by_text("1 pictures could not be read")).to_be_visible()
    driver.settled(page)
    assert driver.accessibility(page) == []
    page.get_by_role("link", name="Train on this").click()
    expect(page).to_have_url(re.compile(r"/train\?train\.data=own%3Aour-pets"))
    address = "/data?data.set=own%3Aour-pets"
    other = visit(address)  # another browser
    other.get_by_role("button", name="Delete these pictures").click()
    expect(other.get_by_text("These pictures were brought by somebody else.")).to_be_visible()
    expect(other.get_by_role("button", name="Delete for good")).to_be_disabled()
    page.goto(visit.base + address)
    page.get_by_role("button", name="Delete these pictures").click()
    page.get_by_role("button", name="Delete for good").click()
    expect(page.locator(".zl-sheet .names")).to_contain_text("crescent")
    expect(page.get_by_text("own:our-pets")).to_have_count(0)


def test_what_is_no_zip_is_refused_in_a_sentence(visit: driver.Visitor) -> None:
    page = visit("/data")
    upload(page, "none.zip", b"no zip at all")
    expect(page.get_by_test_id("stAlert")).to_contain_text("This is no zip file that can be read")


def test_without_a_network_a_download_says_so_and_what_works_instead(visit: driver.Visitor) -> None:
    page = visit("/data?data.set=MNIST")
    expect(page.get_by_text("Not on this disk")).to_be_visible()
    page.get_by_role("button", name="Download 12 MB").click()
    alert = page.get_by_test_id("stAlert")
    expect(alert).to_contain_text("MNIST could not be downloaded: its server cannot be reached from here.")
    expect(alert).to_contain_text("Shapes need no network")
    driver.settled(page)
    assert driver.accessibility(page) == []


def test_a_view_of_shapes_is_accessible_and_fits_a_phone(visit: driver.Visitor) -> None:
    view = "/data?data.masks=true&data.size=16&data.augmentation=CutMix"
    for dark in (False, True):
        page = visit(view, dark=dark)
        expect(page.locator(".zl-pictures figure")).to_have_count(10)
        assert driver.accessibility(page) == []
    page = visit(view, size=driver.PHONE)
    expect(page.locator(".zl-pictures figure")).to_have_count(10)
    assert page.get_by_test_id("stMain").evaluate("main => main.scrollWidth - main.clientWidth") <= 0
