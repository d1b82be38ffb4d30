"""Jobs here, in threads and in processes; functions stand at the top to be sent."""

import os
import signal
import struct
import subprocess
import sys
import threading
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import nullcontext
from multiprocessing import get_context
from multiprocessing.popen_fork import Popen
from pathlib import Path

import numpy as np
import pytest

from minidl import kernels
from minidl.kernels.cpu.threads import blas
from minidl.parallel import limit_threads, local_executor, run_jobs
from minidl.parallel.processes import deferred, signalled

ROOT = Path(__file__).parents[2]


def square(n):
    return n * n


def fail_at_two(n):
    if n == 2:
        raise ValueError("job 2 failed")
    if n == 4:
        raise KeyError("job 4 failed")
    return n


def blas_threads(_):
    return [library.num_threads for library in blas().lib_controllers]


def process_id(_):
    time.sleep(0.05)
    return os.getpid()


def collected(function, jobs, executor=None):
    """The results that arrive, and the error at the end."""
    results = []
    try:
        for result in run_jobs(function, jobs, executor):
            results.append(result)
    except Exception as error:
        return results, error
    return results, None


@pytest.fixture(scope="module")
def processes():
    with local_executor(2) as executor:
        yield executor


@pytest.fixture(params=["here", "threads", "processes"])
def executor(request):
    if request.param == "threads":
        with ThreadPoolExecutor(2) as pool:
            yield pool
    else:
        here = request.param == "here"
        yield None if here else request.getfixturevalue("processes")


def test_all_results_arrive(executor):
    assert sorted(run_jobs(square, range(6), executor)) == [0, 1, 4, 9, 16, 25]
    assert list(run_jobs(square, [], executor)) == []


def test_here_a_job_runs_in_its_turn_when_it_is_asked_for():
    done = []
    results = run_jobs(done.append, [3, 1, 2])
    assert done == []
    next(results)
    assert done == [3]


def test_the_others_finish_before_an_error_is_raised(executor):
    results, error = collected(fail_at_two, range(6), executor)
    assert sorted(results) == [0, 1, 3, 5]
    assert "job 2 failed" in str(error) or (executor and "job 4 failed" in str(error))


def test_a_keyboard_interrupt_is_not_kept_back():
    def interrupt(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(run_jobs(interrupt, [1, 2]))


@pytest.mark.parametrize("make", [nullcontext, ThreadPoolExecutor, ProcessPoolExecutor])
def test_jobs_of_any_executor_have_one_thread(make):
    """Also those of a user's executor, which sets no limits."""
    spawned = {"max_workers": 1, "mp_context": get_context("spawn")}
    options = {ThreadPoolExecutor: {"max_workers": 1}, ProcessPoolExecutor: spawned}
    with make(**options.get(make, {})) as executor:
        (threads,) = run_jobs(blas_threads, [0], executor)
    assert set(threads) == {1}


def test_between_jobs_here_blas_has_its_threads():
    before = blas_threads(0)
    results = run_jobs(blas_threads, [0, 1])
    next(results)
    assert blas_threads(0) == before
    results.close()
    assert blas_threads(0) == before


def test_workers_are_other_processes_of_one_thread(processes):
    assert os.getpid() not in set(run_jobs(process_id, range(6), processes))
    for threads in run_jobs(blas_threads, range(3), processes):
        assert set(threads) == {1}


def test_one_worker_is_this_process():
    with local_executor(1) as executor:
        assert executor is None


def test_an_error_ends_the_processes_at_once():
    futures = []

    def start_and_fail():
        with local_executor(2) as executor:
            futures.append(executor.submit(time.sleep, 60))
            executor.submit(square, 1).result()  # a worker has started
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        start_and_fail()
    with pytest.raises(BrokenProcessPool):
        futures[0].result()


SCRIPT = """
import os, sys, time
from minidl import kernels
from minidl.parallel import local_executor, run_jobs
from tests.minidl.test_parallel import convolve_for_ever, die_sending
kernels.warm_up = int  # quick
def own(folder): pass
{guard}
    with local_executor(2) as executor:
        list(run_jobs({function}, [sys.argv[1]] * 2, executor))
"""


def convolve_for_ever(folder):
    """Say who works, then compute in one long call after the other."""
    (Path(folder) / str(os.getpid())).touch()
    x, W = np.ones((2000, 16, 16, 8), np.float32), np.ones((5, 5, 8, 8), np.float32)
    while True:
        kernels.conv2d(x, W)


def run_script(folder, how="file", guard="__main__", function="convolve_for_ever"):
    """Start a script that starts workers."""
    text = SCRIPT.format(guard=f"if __name__ == {guard!r}:", function=function)
    path = folder / "script.py"
    path.write_text(text if guard else text.replace("if __name__ == '':", "if True:"))
    arguments = {"file": [str(path)], "stdin": ["-"], "command": ["-c", text]}[how]
    return subprocess.Popen(
        [sys.executable, *arguments, str(folder)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=path.open() if how == "stdin" else None,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_their_parent(tmp_path, kill):
    parent = run_script(tmp_path)
    while len(workers := list(tmp_path.glob("[0-9]*"))) < 2:
        assert parent.poll() is None
        time.sleep(0.05)
    parent.send_signal(kill)
    parent.communicate(timeout=60)  # until no process holds its output
    assert parent.returncode == -kill
    deadline = time.monotonic() + 60
    while any(alive(int(worker.name)) for worker in workers):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "guard", "function", "words"),
    [
        ("file", "", "convolve_for_ever", "below `if __name__ =="),
        ("stdin", "__main__", "convolve_for_ever", "can't from standard input: run it"),
        ("command", "__main__", "own", "worker processes find functions only at the"),
    ],
)
def test_what_workers_can_not_import_takes_one_line(
    tmp_path, how, guard, function, words
):
    script = run_script(tmp_path, how, guard, function)
    _, err = script.communicate(timeout=300)
    assert script.returncode == 1
    assert words in err.splitlines()[-1]
    assert "SpawnProcess" not in err  # nothing of the workers themselves


def test_a_signal_waits_while_processes_are_started():
    came = []
    with signalled(signal.SIGTERM, lambda *_: came.append("here")):
        with deferred(signal.SIGTERM):
            signal.raise_signal(signal.SIGTERM)
            assert came == []
        assert came == ["here"]


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="processes of POSIX")
def test_processes_that_the_pool_ends_are_not_terminated(monkeypatch):
    """Two threads wait for them; the one that loses doesn't know the exit code yet."""
    terminated = []
    fetched = defaultdict(threading.Event)

    def slow_to_note(self, flag=os.WNOHANG):
        if self.returncode is None and threading.current_thread() is executor.watch:
            fetched[self.pid].wait()
        elif self.returncode is None:
            done, status = os.waitpid(self.pid, flag)
            if done:
                fetched[self.pid].set()
                time.sleep(0.2)
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    monkeypatch.setattr(Popen, "terminate", lambda self: terminated.append(self))
    with local_executor(2) as executor:
        assert executor.submit(square, 3).result() == 9
        monkeypatch.setattr(Popen, "poll", slow_to_note)
    executor.watch.join()
    assert terminated == []


def test_this_process_can_not_write_results(processes):
    """Else a pool would wait for the rest of a result whose process was killed."""
    assert processes._result_queue._writer.closed


def die_sending(_):
    """Be killed in the middle of a result, of which 1,000 bytes are announced."""
    frame = sys._getframe()
    while "result_queue" not in frame.f_locals:
        frame = frame.f_back
    writer = frame.f_locals["result_queue"]._writer
    os.write(writer.fileno(), struct.pack("!i", 1000) + b"half")
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_worker_killed_while_it_sends_breaks_the_pool(tmp_path):
    script = run_script(tmp_path, function="die_sending")
    _, err = script.communicate(timeout=120)  # without the watch it would never end
    assert "BrokenProcessPool" in err.splitlines()[-1]


def test_bad_numbers_of_workers_are_named():
    with pytest.raises(ValueError, match=r"^workers must be"), local_executor(0):
        pass


def test_threads_are_limited_within_the_block():
    before = blas_threads(0)
    with limit_threads():
        assert set(blas_threads(0)) == {1}
    assert blas_threads(0) == before


def test_a_limit_from_now_on_replaces_the_one_before():
    with limit_threads(2):  # which gives back what there was
        limit_threads(1)
        assert set(blas_threads(0)) == {1}
        limit_threads(2)
        assert max(blas_threads(0)) == 2 or os.cpu_count() == 1


def test_within_a_limit_a_larger_one_changes_nothing():
    with limit_threads(1), limit_threads(2):
        assert set(blas_threads(0)) == {1}


def test_bad_numbers_of_threads_are_named():
    with pytest.raises(ValueError, match=r"^threads must be at least 1, got 0"):
        limit_threads(0)
