"""The pages of experiments under results/ are made from the files beside them."""

import shutil
from functools import partial
from pathlib import Path

import pytest

from tutorials.anomaly import report as anomaly
from tutorials.anomaly.labels import report as labels
from tutorials.anomaly.robustness import page as robustness
from tutorials.defences.__main__ import show
from tutorials.starts import page as starts

RESULTS = Path(__file__).parents[2] / "results"
PAGES = (".md", ".html", ".svg")
FOLDERS = {
    "anomaly": anomaly.write_report,
    "labels": labels.write_report,
    "robustness": robustness.write_page,
    "starts": starts.write_page,
}
PROFILES = {"defences/mnist-full": partial(show, ["table", "report"], asked={})}


@pytest.mark.parametrize(("name", "write"), [*FOLDERS.items(), *PROFILES.items()])
def test_a_page_is_made_from_the_files_beside_it(tmp_path, name, write):
    for path in RESULTS.iterdir():  # such as Table 2, which a page may show
        if path.name != Path(name).parts[0]:
            (tmp_path / path.name).symlink_to(path)
    folder = shutil.copytree(RESULTS / name, tmp_path / name)
    made = [p for p in (RESULTS / name).rglob("*") if p.suffix in PAGES]
    copies = [folder / path.relative_to(RESULTS / name) for path in made]
    for copy in copies:
        copy.unlink()
    write(folder)
    for path, copy in zip(made, copies, strict=True):
        assert copy.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("write", [*FOLDERS.values(), *PROFILES.values()])
def test_a_page_on_nothing_is_refused_and_nothing_written(tmp_path, write):
    with pytest.raises(FileNotFoundError, match=f"no .* in {tmp_path}"):
        write(tmp_path)
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("name", FOLDERS)
def test_another_page_is_not_overwritten(tmp_path, name):
    folder = shutil.copytree(RESULTS / name, tmp_path / name)
    (folder / "README.md").write_text("# Notes on a run\n", encoding="utf-8")
    with pytest.raises(
        FileExistsError, match=r"'# Notes on a run'.* another --results"
    ):
        FOLDERS[name](folder)
    assert (folder / "README.md").read_text(encoding="utf-8") == "# Notes on a run\n"
