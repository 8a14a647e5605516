"""What the owner of a server may change, and that README lists all of it."""

from pathlib import Path

import pytest

from zoo import limits

README = (Path(__file__).parents[2] / "README.md").read_text()


def test_readme_lists_every_limit() -> None:
    rows = [f"| `{each.variable}` | {each.default:,} {each.unit} | {each.what} |" for each in limits.ALL]
    assert [line for line in README.splitlines() if line.startswith("| `ZOOLENS_")] == rows


def test_the_default_holds_until_the_environment_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    limit = limits.RUNS_KEPT
    assert limit.value == limit.default
    monkeypatch.setenv(limit.variable, " 7 ")
    assert limit.value == 7
    monkeypatch.setenv(limit.variable, "")
    assert limit.value == limit.default


@pytest.mark.parametrize("said", ["many", "0", "-3", "1.5", "1e9", "7 runs"])
def test_nonsense_is_named(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(limits.RUNS_KEPT.variable, said)
    with pytest.raises(ValueError, match=f"ZOOLENS_RUNS_KEPT={said}, which must be a whole number"):
        limits.check()


@pytest.mark.parametrize(
    ("quota", "cores"), [("max 100000", 64), ("200000 100000", 2), ("150000 100000", 2), ("nonsense", 64)]
)
def test_cores_are_those_of_the_container(
    quota: str, cores: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "cpu.max").write_text(quota)
    monkeypatch.setattr(limits, "_QUOTA", tmp_path / "cpu.max")
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(64)))
    assert limits.cores() == cores
