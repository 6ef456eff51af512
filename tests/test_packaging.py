"""The distributions: what they hold, and what runs where the package is installed from one, far from any checkout."""

import importlib.util
import json
import re
import runpy
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from gem_symbolic import __version__, checkout

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
#: Nothing of these belongs to a checkout.
UNTRACKED = (".git", ".venv", "build", "dist", "*.egg-info", "__pycache__", ".*cache", ".hypothesis", ".*.aux", "*.vo*")
#: The commands that rewrite committed files.
MAINTAINERS = ("accuracy", "cost", "emit", "exhaustive", "formal", "notebooks", "proofs", "readme", "special")
EACH = """
import runpy, sys
for name in sys.argv[1:]:
    sys.argv[1:] = []
    try:
        runpy.run_module(f"gem_symbolic.{name}", run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        print(name, ended.code)
"""
NATIVE = """
import warnings; warnings.simplefilter("error")  # without its C++ a module warns and runs as plain PyTorch
import torch; from gem_symbolic import nn
print(nn.__file__, nn.SEGEM(N=2)(torch.tensor([3.0])).item())
"""

pytestmark = pytest.mark.skipif(importlib.util.find_spec("build") is None, reason="the package build is not installed")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder of both distributions, the wheel built from the source distribution."""
    folder = tmp_path_factory.mktemp("distributions")
    source = shutil.copytree(ROOT, folder / "checkout", ignore=shutil.ignore_patterns(*UNTRACKED))
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, source]
    done = subprocess.run(command, capture_output=True, text=True)
    assert not done.returncode, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(built):
    (path,) = built.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The Python of a new environment with the wheel in it, which sees what it depends on, and no checkout."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / "bin" / "python"
    packages = next(folder.glob("lib/python*/site-packages"))
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    assert "No module named 'gem_symbolic'" in run(python, "-c", "import gem_symbolic", folder=folder).stderr
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, wheel], check=True)
    return python


def run(python, *arguments, folder):
    command = [python, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder)


def shipped() -> set[str]:
    """What pyproject.toml says that a wheel holds."""
    tool = PROJECT["tool"]["setuptools"]
    found = set()
    for package in tool["packages"]:
        folder = ROOT / tool["package-dir"].get(package, package.replace(".", "/"))
        patterns = ["*.py", *tool["package-data"].get(package, ())]
        found |= {f"{package.replace('.', '/')}/{p.relative_to(folder)}" for g in patterns for p in folder.glob(g)}
    return found


def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {n for n in names if ".dist-info/" not in n} == shipped()
    assert {"gem_symbolic/py.typed", "gem_symbolic/kernels/segem.py", "gem_symbolic/kernels/segem.cpp"} <= shipped()
    assert {f"gem_symbolic/emit/templates/{n}" for n in ("torch.py.j2", "triton.py.j2", "kernel.cpp.j2")} <= shipped()


def test_what_the_package_reads_is_shipped():
    """A file that no pattern of pyproject.toml takes in would be missed by who installs the wheel alone."""
    package = ROOT / "gem_symbolic"
    held = {str(p.relative_to(ROOT)) for p in package.rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    assert held <= shipped()


def test_the_metadata(wheel):
    archive = zipfile.ZipFile(wheel)
    (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
    data = Parser().parsestr(archive.read(name).decode())
    assert (data["Name"], data["Version"], data["License-Expression"]) == ("gem_symbolic", __version__, "MIT")
    assert data.get_all("Provides-Extra") == list(PROJECT["project"]["optional-dependencies"])
    assert name.replace("METADATA", "licenses/LICENSE") in archive.namelist()


def test_the_source_distribution_is_the_whole_checkout(built):
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        held = {m.name.partition("/")[2] for m in archive.getmembers() if m.isfile()}
    present = {str(p.relative_to(built / "checkout")) for p in (built / "checkout").rglob("*") if p.is_file()}
    made = {"PKG-INFO", "setup.cfg"}
    assert {n for n in held if ".egg-info/" not in n} - made == {n for n in present if ".egg-info/" not in n} - {
        ".gitignore"
    }


def test_verify_runs_where_it_is_installed(installed, tmp_path):
    told = run(installed, "-m", "gem_symbolic.verify", "--variant", "segem", "--N", 2, "--no-kernels", folder=tmp_path)
    assert (told.returncode, told.stderr) == (0, "")
    assert re.search(r"(\d+) of \1 claims proved", told.stdout)


def test_verify_reads_and_measures_the_kernels_that_are_installed(installed, tmp_path):
    command = ("-m", "gem_symbolic.verify", "--variant", "gem", "--N", 1, "--json", "result.json")
    assert run(installed, *command, folder=tmp_path).returncode == 0
    data = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    assert {c["status"] for c in data["claims"]} == {"proved"}
    assert any(c["id"].startswith("kernels.") for c in data["claims"])
    assert data["measurements"]
    assert all(m["ok"] for m in data["measurements"])


def test_modules_run_the_installed_kernels(installed, tmp_path):
    told = run(installed, "-c", NATIVE, folder=tmp_path)
    assert told.stdout.split()[1:] == ["3.0"], told.stderr
    assert Path(told.stdout.split()[0]).is_relative_to(installed.parent.parent)


def test_what_rewrites_a_checkout_says_that_there_is_none(installed, tmp_path):
    before = contents(installed.parent.parent)
    told = run(installed, "-c", EACH, *MAINTAINERS, folder=tmp_path)
    assert told.stdout.splitlines() == [f"{name} {checkout.MISSING}" for name in MAINTAINERS]
    for name in MAINTAINERS:
        assert f"python -m gem_symbolic.{name}: this rewrites files of a checkout, and there is none at" in told.stderr
    assert contents(installed.parent.parent) == before
    assert not list(tmp_path.iterdir())


def contents(folder: Path) -> set[Path]:
    return {p for p in folder.rglob("*") if "__pycache__" not in p.parts}


def test_a_checkout_is_known_by_its_project_file(tmp_path, capsys):
    checkout.needed("gem_symbolic.proofs")
    with pytest.raises(SystemExit) as ended:
        checkout.needed("gem_symbolic.proofs", tmp_path)
    assert ended.value.code == checkout.MISSING
    assert capsys.readouterr().err.count("\n") == 1


def test_the_folder_of_kernels_must_exist(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(sys, "argv", ["emit", str(tmp_path / "nowhere")])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("gem_symbolic.emit", run_name="__main__")
    assert (ended.value.code, capsys.readouterr().err.count("\n")) == (2, 1)
