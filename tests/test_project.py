"""The project keeps its own promises: what is installed, locked, exported and committed."""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import importlib.util
import json
import pkgutil
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import analyticspro

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = ("requirements.lock", "requirements-dev.lock")
WRITTEN_BY_TOOLS = {
    ".venv", ".venv-lock", ".venv-s3", ".venv-chdb", "__pycache__", ".git", "dist",
    ".ipynb_checkpoints",
}  # fmt: skip
BINARY = {".ttf", ".woff2", ".png", ".ico", ".gz"}


def files(folder: Path = ROOT) -> Iterator[Path]:
    """Give every file that is, or is about to be, committed."""
    for path in sorted(folder.iterdir()):
        if path.name in WRITTEN_BY_TOOLS or path.name.endswith("_cache") or path.is_symlink():
            continue
        if path.is_dir():
            if path.name != ".hypothesis":
                yield from files(path)
        elif path.suffix not in BINARY:
            yield path


def modules() -> list[str]:
    found = pkgutil.walk_packages(analyticspro.__path__, "analyticspro.")
    return ["analyticspro", *(name for _, name, _ in found if not name.endswith("__main__"))]


def locked(name: str) -> dict[str, list[str]]:
    """Return the versions that a lock gives for each package."""
    versions: dict[str, list[str]] = {}
    for line in (ROOT / name).read_text().splitlines():
        if line[:1].isalnum():
            package, _, rest = line.partition("==")
            versions.setdefault(canonicalize_name(package), []).append(rest.split()[0])
    return versions


def imported(path: Path) -> set[str]:
    """Return the top-level names that a file imports, in functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("name", modules())
def test_a_module_exports_what_exists_in_order(name: str):
    module = importlib.import_module(name)
    exported = list(getattr(module, "__all__", []))
    assert exported == sorted(exported, key=_constants_classes_functions)
    assert [item for item in exported if not hasattr(module, item)] == []


def _constants_classes_functions(name: str) -> tuple[int, str]:
    return 0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2, name


def test_packages_say_what_they_export():
    packages = [name for name in modules() if hasattr(importlib.import_module(name), "__path__")]
    silent = [name for name in packages if not hasattr(importlib.import_module(name), "__all__")]
    assert silent == []


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_address(name: str):
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert not re.search(r"^\s*(-i|-f|--(extra-)?index|--find-links)\b", text, re.MULTILINE)


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_pins_every_package_by_hash(name: str):
    for requirement in re.split(r"\n(?=\S)", (ROOT / name).read_text().strip()):
        assert re.match(r"[a-z0-9.-]+==\S+", requirement), requirement
        assert "--hash=sha256:" in requirement, requirement


def test_the_dev_lock_holds_the_whole_runtime_lock():
    runtime, dev = (locked(name) for name in LOCKS)
    assert {name: dev.get(name) for name in runtime} == runtime


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("requirements.lock", PROJECT["project"]["dependencies"]),
        ("requirements.lock", PROJECT["dependency-groups"]["build"]),
        ("requirements-dev.lock", PROJECT["dependency-groups"]["dev"]),
    ],
)
def test_a_lock_fits_what_the_project_asks_for(lock: str, wanted: list[str]):
    versions = locked(lock)
    for text in wanted:
        requirement = Requirement(text)
        given = versions.get(canonicalize_name(requirement.name), [])
        assert given, f"{text} is not in {lock}; run make lock"
        assert all(requirement.specifier.contains(version) for version in given), text


def test_what_is_installed_is_what_is_locked():
    runtime = locked("requirements.lock")
    wrong = {}
    for distribution in importlib.metadata.distributions():
        wanted = runtime.get(canonicalize_name(distribution.name))
        if wanted and distribution.version not in wanted:
            wrong[distribution.name] = (distribution.version, wanted)
    assert wrong == {}


def test_whatever_the_library_imports_it_asks_for():
    given = importlib.metadata.packages_distributions()
    extras = PROJECT["project"]["optional-dependencies"].values()
    wanted = [*PROJECT["project"]["dependencies"], *(text for extra in extras for text in extra)]
    asked = {canonicalize_name(Requirement(text).name) for text in wanted}
    known = set(sys.stdlib_module_names) | {"analyticspro"}
    missing = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in (ROOT / "analyticspro").rglob("*.py")
        for name in imported(path) - known
        if not asked & {canonicalize_name(found) for found in given.get(name, [])}
    }
    assert missing == set()


def test_the_slow_package_is_not_installed():
    # It would cost every process, kernels included, seconds of start-up.
    for name in ("rfc3987_syntax", "lark"):
        assert importlib.util.find_spec(name) is None, f"{name} is installed; run make install"


def test_what_asked_for_the_slow_package_works_without():
    code = """
import altair, jsonschema, nbformat, nbformat.v4, json
from jupyter_server.serverapp import ServerApp
checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
assert checker.conforms("2020-01-01", "date") and not checker.conforms("yesterday", "date")
nbformat.validate(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")]))
chart = altair.Chart(altair.InlineData(values=[{"a": 1}])).mark_point().encode(x="a:Q")
print(json.dumps([chart.to_dict()["mark"]["type"], ServerApp.__name__]))
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["point", "ServerApp"]


def test_bytecode_was_made_at_installation():
    sources = [
        Path(str(file.locate()))
        for name in locked("requirements.lock")
        for file in _installed_files(name)
        if file.suffix == ".py"
    ]
    assert len(sources) > 3000
    missing = [
        path for path in sources if not Path(importlib.util.cache_from_source(path)).exists()
    ]
    assert missing == []


def _installed_files(name: str) -> list[importlib.metadata.PackagePath]:
    try:
        return importlib.metadata.distribution(name).files or []
    except importlib.metadata.PackageNotFoundError:
        return []  # locked for another platform


def test_no_committed_file_names_a_place_on_one_machine():
    # Written in two parts, so that this file does not name one itself.
    places = re.compile(
        "/" + r"(?:home|Users)/(?!USER\b|you\b|me\b)[a-z]\w*/|/" + "work/(?:main|shared)"
    )
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in files()
        if (match := places.search(path.read_text(encoding="utf-8")))
    ]
    assert found == []


def test_no_conflict_was_committed():
    marks = re.compile("^(?:<{7}|>{7}) ", re.MULTILINE)
    assert [path for path in files() if marks.search(path.read_text(encoding="utf-8"))] == []


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of the files in the wheel, as it would be published."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    [built] = folder.iterdir()
    with zipfile.ZipFile(built) as archive:
        return set(archive.namelist())


@pytest.mark.parametrize("folder", ["notebooks", "examples"])
def test_the_wheel_carries_what_people_start_from(wheel: set[str], folder: str):
    share = f"analyticspro-{PROJECT['project']['version']}.data/data/share/analyticspro"
    wanted = {f"{share}/{path.relative_to(ROOT).as_posix()}" for path in files(ROOT / folder)}
    assert wanted
    assert wanted <= wheel


def test_the_wheel_carries_the_whole_package(wheel: set[str]):
    package = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "analyticspro").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert package <= wheel


def test_every_package_is_explained():
    text = (ROOT / "docs/decisions/0001-dependencies.md").read_text()
    asked = [
        *PROJECT["project"]["dependencies"],
        *PROJECT["dependency-groups"]["build"],
        *PROJECT["dependency-groups"]["dev"],
    ]
    assert [name for name in map(_name, asked) if f"`{name}`" not in text] == []


def _name(requirement: str) -> str:
    return Requirement(requirement).name


def test_a_bare_make_explains_every_target():
    makefile = (ROOT / "Makefile").read_text()
    shown = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE)) - {"help"}
    assert set(re.findall(r"^ +make ([a-z-]+) ", shown, re.MULTILINE)) == targets
