"""Race and Recordings in a real browser: a small race, a recording that plays, one that is taken over."""

import re
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, expect

from tests.browser import driver

SMALL = (
    "/race?race.preset=Put together your own&race.net.1=LeNet&race.net.2=LeNet&race.change.2=no weight decay"
    "&race.images=500&race.epochs=1"
)


def results(page: Page) -> str:
    return page.get_by_test_id("stMain").get_by_role("table").first.inner_text()


def test_a_small_race_runs_to_its_end_and_its_link_shows_it_again(visit: driver.Visitor) -> None:
    page = visit(SMALL)
    expect(page.get_by_test_id("stMain").get_by_role("table").first).to_contain_text("no weight decay")
    driver.settled(page)
    page.get_by_role("button", name="Start the race").click()
    expect(page.get_by_test_id("stProgress").filter(has_text="Finished")).to_have_count(2)
    driver.settled(page)
    assert len(parse_qs(urlsplit(page.url).query)["race.runs"][0].split(";")) == 2
    again = visit(page.url[page.url.index("/race") :])
    expect(again.get_by_test_id("stProgress").filter(has_text="Finished")).to_have_count(2)
    driver.settled(again)
    assert results(again) == results(page)
    link = again.get_by_test_id("stMain").get_by_role("link", name="LeNet, no weight decay")
    expect(link).to_have_attribute("href", re.compile(r"/train\?train\.run="))


def test_a_recording_plays_pauses_and_is_moved(visit: driver.Visitor) -> None:
    page = visit("/replay?replay.of=activation")
    main = page.get_by_test_id("stMain")
    expect(main.get_by_role("table").first).to_be_visible()
    driver.settled(page)
    before = results(page)
    main.get_by_text("20×", exact=True).click()
    main.get_by_role("button", name="Play", exact=True).click()
    expect(main.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    expect(main.get_by_role("table").first).to_contain_text(re.compile(r"[1-9]\d* s"))
    main.get_by_role("button", name="Pause", exact=True).click()
    expect(main.get_by_role("button", name="Play", exact=True)).to_be_visible()
    assert results(page) != before
    main.get_by_role("button", name="All at once").click()
    expect(main.get_by_role("table").first).to_contain_text("87.7%")
    driver.settled(page)
    assert driver.accessibility(page) == []


def test_a_recording_is_taken_over_and_goes_on(visit: driver.Visitor) -> None:
    page = visit("/replay?replay.of=shapes")
    expect(page.get_by_role("button", name="Take over")).to_be_visible()
    page.get_by_role("button", name="Take over").click()
    expect(page).to_have_url(re.compile(r"/train\?train\.run="))
    progress = page.get_by_test_id("stProgress").first
    expect(progress).to_contain_text(re.compile(r"epoch (2|5)\."))
    page.get_by_test_id("stMain").get_by_role("button", name="Stop", exact=True).click()
    expect(progress).to_contain_text("Stopped")


def test_both_fit_a_phone(visit: driver.Visitor) -> None:
    for path in ("/race", SMALL, "/replay?replay.of=activation"):
        page = visit(path, size=driver.PHONE)
        driver.settled(page)
        assert page.get_by_test_id("stMain").evaluate("main => main.scrollWidth - main.clientWidth") <= 0
