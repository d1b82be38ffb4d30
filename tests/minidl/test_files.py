"""A file is whole or absent."""

import errno
import os
import stat
import subprocess
import sys
import time

import pytest

from minidl.store import files
from minidl.store.files import (
    alone,
    atomic_folder,
    atomic_write,
    remove_leftovers,
    set_aside,
    write_text,
)
from tests.processes import ROOT, run_python


def test_the_name_appears_only_at_the_end_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "a" / "b" / "file"
    for old in b"first", b"second":
        before = path.read_bytes() if path.exists() else None
        with atomic_write(path) as file:
            file.write(old)
            file.flush()
            assert (path.read_bytes() if path.exists() else None) == before
        assert path.read_bytes() == old
        assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("old", [None, b"old"])
def test_a_crash_leaves_the_old_file_and_no_other(tmp_path, error, old):
    path = tmp_path / "file"
    if old is not None:
        path.write_bytes(old)
    before = list(tmp_path.iterdir())

    def write_half():
        with atomic_write(path) as file:
            file.write(b"half")
            raise error

    with pytest.raises(error):
        write_half()
    assert list(tmp_path.iterdir()) == before
    assert old is None or path.read_bytes() == old


def test_bytes_are_on_disk_before_the_name_appears(tmp_path, monkeypatch):
    """All of them: otherwise a crash would leave the name and half a file."""
    seen, fsync, replace = [], os.fsync, os.replace

    def on_disk(number):
        seen.append(("fsync", os.fstat(number).st_size))
        fsync(number)

    def renamed(*paths):
        seen.append(("replace", os.path.getsize(paths[0])))
        replace(*paths)

    monkeypatch.setattr(os, "fsync", on_disk)
    monkeypatch.setattr(os, "replace", renamed)
    write_text(tmp_path / "file", "12345")
    assert seen == [("fsync", 5), ("replace", 5)]


def test_a_folder_in_place_of_the_file_is_an_error_that_leaves_nothing(tmp_path):
    (tmp_path / "folder" / "inside").mkdir(parents=True)
    with pytest.raises(OSError, match="folder"), atomic_write(tmp_path / "folder"):
        pass
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]


def test_a_folder_appears_when_it_is_complete(tmp_path):
    path = tmp_path / "a" / "b"
    with atomic_folder(path) as new:
        write_text(new / "file", "content")
        assert not path.exists()
    assert (path / "file").read_text() == "content"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_folder_that_fails_leaves_nothing(tmp_path, error):
    def write_half():
        with atomic_folder(tmp_path / "a") as new:
            write_text(new / "file", "content")
            raise error

    with pytest.raises(error):
        write_half()
    assert not list(tmp_path.iterdir())


def taken(path, kind):
    if kind == "folder":
        path.mkdir()
    elif kind == "file":
        path.touch()
    else:
        path.symlink_to("nowhere")


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_no_folder_takes_the_name_of_another(tmp_path, kind):
    taken(tmp_path / "a", kind)
    with (
        pytest.raises(FileExistsError, match=r"^folder must be new, got .*a, which"),
        atomic_folder(tmp_path / "a"),
    ):
        pytest.fail("work began")


def test_a_name_that_is_taken_meanwhile_is_not_overwritten(tmp_path):
    path = tmp_path / "a"

    def write_both():
        with atomic_folder(path):
            path.mkdir()
            (path / "kept").touch()

    with pytest.raises(OSError, match="a'"):
        write_both()
    assert [p.name for p in path.iterdir()] == ["kept"]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_permissions_are_the_usual_ones(tmp_path, umask, monkeypatch):
    """The umask is the whole process's: other threads may be making files right now."""
    before = os.umask(umask)
    with monkeypatch.context() as context:
        context.setattr(os, "umask", lambda mask: pytest.fail("the umask is changed"))
        write_text(tmp_path / "file", "x")
    assert os.umask(before) == umask
    mode = stat.S_IMODE((tmp_path / "file").stat().st_mode)
    assert mode == 0o666 & ~umask


def test_text_is_utf8(tmp_path):
    write_text(str(tmp_path / "file"), "ε ≤ 0.3\n")
    assert (tmp_path / "file").read_bytes() == "ε ≤ 0.3\n".encode()


LEFTOVER = ".other.0123456789abcdef.minidl"


def leave(folder, age=60):
    path = folder / LEFTOVER
    path.write_bytes(b"half")
    os.utime(path, (time.time() - age,) * 2)
    return path


ENDED = """
import os, sys
from minidl.store.files import atomic_write
with atomic_write(sys.argv[1]) as file:
    file.write(b"half")
    file.flush()
    os._exit(9)
"""


def test_a_process_that_ended_while_it_wrote_holds_no_lock(tmp_path, monkeypatch):
    assert run_python(ENDED, str(tmp_path / "file")).returncode == 9
    [leftover] = tmp_path.iterdir()
    assert leftover.read_bytes() == b"half"
    monkeypatch.setattr(files, "YOUNG", 0)
    write_text(tmp_path / "other", "x")
    assert [p.name for p in tmp_path.iterdir()] == ["other"]


def test_leftovers_are_removed_by_the_next_write_and_before_work_begins(tmp_path):
    leave(tmp_path)
    assert files.check_writable("folder", tmp_path) == tmp_path
    assert not list(tmp_path.iterdir())
    leave(tmp_path)
    write_text(tmp_path / "file", "x")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    "name",
    [
        *(".lock", ".gitignore", ".DS_Store", ".x.0123.minidl", ".x.0123456789abcdef"),
        "x.0123456789abcdef.minidl",
    ],
)
def test_other_files_are_no_leftovers(tmp_path, name):
    leave(tmp_path).rename(tmp_path / name)
    remove_leftovers(tmp_path)
    remove_leftovers(tmp_path / "nothing")
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_a_writer_at_work_is_left_alone(tmp_path):
    with atomic_write(tmp_path / "slow") as file:
        file.write(b"1")
        file.flush()
        [temporary] = tmp_path.iterdir()
        os.utime(temporary, (0, 0))
        remove_leftovers(tmp_path)
        write_text(tmp_path / "other", "x")
    assert (tmp_path / "slow").read_bytes() == b"1"


def test_a_file_that_has_just_been_made_is_left_alone(tmp_path):
    path = leave(tmp_path, age=0)
    remove_leftovers(tmp_path)
    assert path.exists()


def test_only_one_is_at_work_in_a_folder(tmp_path):
    with (
        alone(tmp_path / "runs", "another run"),
        pytest.raises(BlockingIOError, match=r"^another run is at work in .*runs"),
        alone(tmp_path / "runs", "another run"),
    ):
        pass
    with alone(tmp_path / "runs", "another run"):
        pass


HOLD = """
import sys
from pathlib import Path
from minidl.store.files import alone
with alone(Path(sys.argv[1]), "another run"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_killed_process_holds_no_folder(tmp_path):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, **pipes) as process:
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(BlockingIOError), alone(tmp_path, "another run"):
            pass
        process.kill()
        process.wait()
    with alone(tmp_path, "another run"):
        pass


def test_a_file_system_without_locks_will_do(tmp_path, monkeypatch):
    def refuse(file):
        raise OSError(errno.ENOTSUP, "no locks")

    monkeypatch.setattr(files, "lock", refuse)
    write_text(tmp_path / "file", "x")
    leave(tmp_path)
    with alone(tmp_path, "another run"):
        write_text(tmp_path / "file", "y")
    assert (tmp_path / LEFTOVER).exists()  # it may be in use by a writer


def test_a_damaged_file_is_set_aside(tmp_path):
    (tmp_path / "member.npz").write_bytes(b"torn")
    for _ in range(2):  # the second time, another process was faster
        with pytest.warns(UserWarning, match="torn; set aside, training again"):
            set_aside(tmp_path / "member.npz", ValueError("torn"), "training again")
    assert [path.name for path in tmp_path.iterdir()] == ["member.damaged"]
