"""The rules of the architecture, read from the source: who may import whom."""

import ast
import sys
import tomllib
from pathlib import Path

import pytest

from tests.processes import ROOT, run_code

PACKAGES = ("minidl", "ensembles", "attacks", "tutorials")
SOURCES = sorted(
    path.relative_to(ROOT)
    for folder in PACKAGES
    for path in (ROOT / folder).rglob("*.py")
)
TESTS = sorted(path.relative_to(ROOT) for path in (ROOT / "tests").rglob("*.py"))

# Packages of this repository that a package may import.
ALLOWED = {
    "minidl": {"minidl"},
    "ensembles": {"minidl", "ensembles"},
    "attacks": {"minidl", "attacks"},
    "tutorials": set(PACKAGES),
}
# Third-party packages that only some places may import.
CONFINED = {
    "numba": ["minidl/backend.py", "minidl/kernels/cpu/*"],
    "llvmlite": [
        "minidl/kernels/cpu/blas.py",
        "minidl/kernels/cpu/products.py",
        "minidl/kernels/cpu/vectors.py",
    ],
    "scipy": [
        "minidl/kernels/cpu/blas.py",
        "minidl/kernels/cpu/threads.py",
        "attacks/lbfgs.py",
        "tutorials/paper/claims/intervals.py",
    ],
    "cupy": ["minidl/backend.py", "minidl/kernels/gpu/*"],
    "distributed": ["minidl/parallel/cluster.py"],
    "matplotlib": ["tutorials/*", "tutorials/**/*", "tutorials/*/*/*"],
    "art": ["attacks/interop.py"],
    "foolbox": ["attacks/interop.py"],
    "eagerpy": ["attacks/interop.py"],
    "torch": ["attacks/torch_modules.py"],
    "PIL": ["attacks/pictures.py"],
    "pytest": [],
}
ONLY_IN_SHARED_CODE = {"numpy", "numba", "threadpoolctl", "tqdm", "pooch", "cupy"} | {
    "llvmlite",  # Numba's own
    "scipy",  # its BLAS
    "distributed",  # an extra, imported when a cluster is asked for
}


def imports(path):
    """All modules that a file imports, inside functions too."""
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module


def packages_imported(path):
    return {module.split(".")[0] for module in imports(path)}


def id_of(path):
    return path.as_posix()


def test_the_source_was_found():
    assert Path("minidl/layers/conv.py") in SOURCES


@pytest.mark.parametrize("path", SOURCES, ids=id_of)
def test_imports_point_one_way(path):
    ours = packages_imported(path) & {*ALLOWED, "tests"}
    assert ours <= ALLOWED[path.parts[0]]


@pytest.mark.parametrize("path", SOURCES, ids=id_of)
def test_some_packages_stay_where_they_belong(path):
    confined = {
        package
        for package, places in CONFINED.items()
        if not any(path.match(place) for place in places)
    }
    assert not packages_imported(path) & confined


@pytest.mark.parametrize(
    "path", [p for p in SOURCES if p.parts[0] in ("minidl", "ensembles")], ids=id_of
)
def test_the_core_needs_only_the_required_packages(path):
    others = packages_imported(path) - set(sys.stdlib_module_names) - set(PACKAGES)
    assert others <= ONLY_IN_SHARED_CODE


def test_other_libraries_are_imported_only_when_they_are_asked_for():
    code = "import sys, attacks.interop; print({'art', 'foolbox'} & {*sys.modules})"
    assert run_code(code) == "set()\n"


@pytest.mark.parametrize("path", TESTS, ids=id_of)
def test_matplotlib_and_tutorials_stay_in_their_tests(path):
    if path.parts[1] not in ("tutorials", "benchmarks"):
        assert "matplotlib" not in packages_imported(path)


def calls(path):
    """All calls in a file, as (function's source, call)."""
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


GLOBAL_RANDOMNESS = ("np.random.seed", "numpy.random.seed", "random.seed")


@pytest.mark.parametrize("path", SOURCES, ids=id_of)
def test_nothing_is_unpickled_evaluated_or_seeded_globally(path):
    assert not packages_imported(path) & {"pickle", "marshal", "shelve", "random"}
    for function, call in calls(path):
        assert function not in ("eval", "exec", *GLOBAL_RANDOMNESS)
        for keyword in call.keywords:
            if keyword.arg == "allow_pickle":
                assert ast.unparse(keyword.value) == "False"


def test_every_loaded_array_file_refuses_pickles():
    loads = [
        (path, call)
        for path in SOURCES
        for function, call in calls(path)
        if function == "np.load"
    ]
    assert loads
    for path, call in loads:
        assert "allow_pickle" in {k.arg for k in call.keywords}, path


def test_processes_are_spawned():
    for path in SOURCES:
        for function, call in calls(path):
            if function.endswith("get_context"):
                assert ast.unparse(call.args[0]) == "'spawn'"
            assert not function.endswith(("os.fork", "set_start_method"))


def test_metadata_is_in_setup_py_only():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "project" not in settings
    assert (ROOT / "setup.py").is_file()
    assert not (ROOT / "setup.cfg").exists()


def test_the_top_level_holds_the_known_packages_only():
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert folders == set(PACKAGES)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_folder_of_a_package_is_a_package(package):
    for path in SOURCES:
        if path.parts[0] == package:
            assert (ROOT / path.parent / "__init__.py").is_file()
