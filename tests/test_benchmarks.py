"""The benchmarks measure the right work; no speed is tested."""

import sys
from contextlib import contextmanager

import numpy as np
import pytest

from minidl.parallel import limit_threads
from minidl.store import read_json, write_json
from tests.benchmarks import cli, layers, processes, result, table, timing
from tests.benchmarks.agreement import agree, difference
from tests.benchmarks.cli import Options, parse
from tests.benchmarks.layers import LAYERS, Convolution
from tests.benchmarks.machine import describe
from tests.benchmarks.networks import TOLERANCE, contender
from tests.benchmarks.problems import (
    ATTACK,
    NETWORKS,
    TASKS,
    build,
    gflop,
    multiplications,
    synthetic_batch,
)
from tests.benchmarks.timing import SGEMM, compare, interleaved, summary

FIGURES = {"ms", "images_per_s", "gflop_per_s", "vs_sgemm"}


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    with limit_threads(1):
        yield


@pytest.fixture
def _torch():
    torch = pytest.importorskip("torch", reason="PyTorch, the peer, isn't installed")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--threads 0", "--threads"),
        ("--threads 100000", "--threads"),
        ("--rounds many", "--rounds"),
        ("--only everything", "--only"),
        ("--device gpu", "needs the package CuPy"),
        ("--device gpu --only memory", "measures layers and networks only"),
        ("--device gpu --instructions", "measures layers and networks only"),
        ("--peers tensorflow", "--peers"),
        ("--peers torch", "pip install torch"),
        ("--plot speed.bmp", ".png"),
        ("--plot speed.png", "pip install matplotlib"),
        ("--plot speed.png --only layers", "networks"),
        ("--json .", "is a folder"),
        ("--beside stream --threads 2", "a core that --threads leaves free"),
        ("--beside stream --only members", "given one to --beside"),
    ],
)
def test_what_cannot_be_measured_takes_one_line(monkeypatch, refused, arguments, said):
    """On two cores, without a GPU and other packages."""
    monkeypatch.setattr(cli, "cores", lambda: (0, 1))
    monkeypatch.setattr(cli, "find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "cupy", None)
    assert said in refused(parse, arguments.split(), code=2)


def test_several_cores_are_measured_only_where_there_are(monkeypatch, refused):
    monkeypatch.setattr(cli, "cores", lambda: (0, 1))
    assert not {*parse(["--beside", "stream"]).sections} & {*cli.SEVERAL_CORES}
    assert parse([]).stream_core is None
    monkeypatch.setattr(cli, "cores", lambda: (0,))
    assert not {*parse([]).sections} & {*cli.SEVERAL_CORES}
    assert "two cores" in refused(parse, ["--only", "members"], code=2)


def test_on_a_gpu_layers_and_networks_are_measured(monkeypatch):
    monkeypatch.setattr(cli, "try_gpu", lambda: None)
    options = parse(["--device", "gpu"])
    assert options.sections == ("layers", "networks")
    assert options.contenders == ("reference", "auto")
    assert parse(["--device", "gpu", "--only", "networks"]).sections == ("networks",)


def test_instructions_are_added():
    assert {*parse(["--instructions"]).sections} - {*parse([]).sections} == {
        "instructions"
    }
    both = ["--only", "layers", "--instructions"]
    assert {*parse(both).sections} == {"layers", "instructions"}


def test_the_layers_are_those_of_the_networks():
    for number, name in ((1, "Table 1"), (3, "Table 3")):
        model = build(name)
        convolutions = [
            (number, *shape[1:], layer.W.data.shape[3], layer.pad)
            for layer, shape in zip(model.layers, model.shapes[:-1], strict=True)
            if hasattr(layer, "pad")
        ]
        assert [tuple(layer) for layer in LAYERS if layer.table == number] == (
            convolutions
        )


def test_operations_of_a_direct_convolution():
    assert Convolution(1, 26, 32, 32, 0).gflop(1) == 2 * 24 * 24 * 9 * 32 * 32 / 1e9
    assert Convolution(3, 8, 64, 128, 1).gflop(5) == 2 * 5 * 8 * 8 * 9 * 64 * 128 / 1e9


def test_operations_of_a_network():
    per_layer = [26 * 26 * 9 * 32, 24 * 24 * 9 * 32 * 32, 4608 * 128, 1280]
    assert multiplications(build("Table 1")) == per_layer
    work = gflop(build("Table 1"), 10)
    forward = 20 * sum(per_layer) / 1e9
    assert tuple(work) == TASKS
    assert work["training step"] == pytest.approx(
        3 * forward - 20 * per_layer[0] / 1e9  # no gradient by the images
    )
    assert work["BIM, 8 steps"] == pytest.approx(8 * work["input gradient"])
    assert work["ensemble of 4"] == pytest.approx(4 * forward)


def test_candidates_take_turns():
    calls = []
    candidates = {("f", "reference"): lambda: calls.append("r")}
    candidates |= {("f", "auto"): lambda: calls.append("a")}
    samples = interleaved(candidates, rounds=5)
    assert "".join(calls) == "ra" + 3 * "ra" + 2 * "a"  # the first isn't counted
    assert [len(times) for times in samples.values()] == [5, 3, 5]


def test_rates_and_ratios_of_known_times():
    samples = {
        SGEMM: [1.0],
        ("forward", "auto"): [0.1, 0.2, 0.3],
        ("forward", "torch"): [0.2, 0.6, 0.6],
    }
    figures = compare(samples, {"forward": 10.0}, batch=20, sgemm=100)["forward"]
    auto = figures["auto"]
    assert auto["images_per_s"] == pytest.approx(100)
    assert auto["gflop_per_s"] == pytest.approx(50)
    assert auto["vs_sgemm"] == pytest.approx(0.5)
    assert auto["vs_torch"]["median"] == pytest.approx(2)  # of 2, 3, 2 round by round
    assert auto["vs_torch"]["max"] == pytest.approx(3)
    assert {*figures["torch"]} == FIGURES


def test_contenders_that_differ_are_stopped():
    with pytest.raises(ValueError, match="b differs in logits"):
        agree({"a": {"logits": np.ones(3)}, "b": {"logits": np.ones(3) * 1.1}}, {})
    with pytest.raises(ValueError, match="b differs in logits"):
        agree({"a": {"logits": np.ones(1)}, "b": {"logits": np.array([np.nan])}}, {})


@pytest.fixture(scope="module")
def measured():
    """One round with two images, for some units of three sections."""
    options = Options(
        rounds=1, batch=2, sections=("layers", "networks", "parts"), cores=(0,)
    )
    settings = {"threads": 1, "rounds": 1, "batch": 2, "peers": [], "pinned_to": [0]}
    start = {"schema": 1, "settings": settings, "machine": describe()}
    units = {"layers": (LAYERS[0], LAYERS[1], LAYERS[-1])}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(timing.SQUARE, "cpu", 64)
        for section, (measure, _) in result.SECTIONS.items():
            few = units.get(section, ["Table 1"])
            patch.setitem(result.SECTIONS, section, (measure, few))
        return start | result.measure(options)


def test_the_file_holds_what_the_schema_says(measured, tmp_path):
    write_json(tmp_path / "new" / "speed.json", measured)
    read = read_json(tmp_path / "new" / "speed.json")
    assert read == measured
    assert [len(read[section]) for section in ("layers", "networks")] == [3, 1]
    for unit in read["layers"] + read["networks"]:
        assert {"name", "sgemm_gflop_per_s", "agreement", "operations"} <= {*unit}
        for by in unit["operations"].values():
            assert {*by} == {"reference", "im2col", "auto"}
            for figures in by.values():
                assert {*figures} == FIGURES
                assert {*figures["ms"]} == {*summary([1.0])}
    assert {"date", "cpu", "numpy", "libraries", "environment"} <= {*read["machine"]}


def test_the_kernel_is_named(measured):
    kernels = {unit["channels"]: unit["kernel"] for unit in measured["layers"]}
    assert kernels[1] != "winograd"
    assert kernels[32] == kernels[128] == "winograd"


def made_up(measured):
    """Return a made-up result with a peer and all sections."""
    spread = summary([1.0, 2.0, 3.0])
    figures = {"ms": spread, "images_per_s": 1e4, "gflop_per_s": 99.0, "vs_sgemm": 0.5}
    by = {"auto": figures | {"vs_torch": spread}, "torch": figures}
    agreement = {"torch": {"logits": 1e-6, "input gradient": 2e-3}}
    units = [
        {"name": n, "agreement": agreement, "operations": dict.fromkeys(TASKS, by)}
        for n in NETWORKS
    ]
    rates = {"few": spread, "many": spread, "ratio": spread}
    per_core = [{"name": "Table 1", "images_per_s": {"auto": rates, "torch": rates}}]
    seconds = {"start_s": 0.5, "first_step_s": 12.25}
    return measured | {
        "settings": measured["settings"] | {"peers": ["torch"]},
        "networks": units,
        "memory": [{"name": "Table 1", "peak_mb": {"auto": 215.4, "torch": 439.2}}],
        "members": per_core,
        "scaling": per_core,
        "cold_start": [{"name": "Table 1", "cold": seconds, "warm": seconds}],
    }


def test_tables_are_aligned(measured):
    text = table.render(made_up(measured))
    assert "threads 1 (pinned to core 0), batch 2, rounds 1" in text
    assert "None" not in text
    rows = [" ".join(line.split()) for line in text.splitlines()]
    spread = "2 [1.5, 2.5]"
    assert f"Table 1 training step minidl {spread} 10,000 99 0.5 {spread}" in rows
    assert f"Table 1 training step PyTorch {spread} 10,000 99 0.5" in rows
    assert "Table 1 215 439" in rows
    assert f"Table 1 PyTorch {spread} {spread} {spread}" in rows
    assert "Table 1 cold 0.5 12.2" in rows
    assert "input gradient 2e-03" in rows
    for block in text.split("\n\n"):
        head, *rows = block.splitlines()
        if rows and set(rows[0]) == {"-"}:
            assert max(map(len, (head, *rows[1:]))) == len(rows[0])


def test_the_plot_is_a_picture(measured, tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib isn't installed")
    from tests.benchmarks.plot import write_plot

    for name, figures in (("own", measured), ("peer", made_up(measured))):
        write_plot(figures, tmp_path / f"{name}.png")
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.usefixtures("_torch")
def test_both_libraries_compute_the_same(name):
    batch = synthetic_batch(name, 4)
    ours, theirs = (contender(name, how, batch) for how in ("auto", "torch"))
    answers = {"auto": ours.answers(), "torch": theirs.answers()}
    assert agree(answers, TOLERANCE)["torch"]["logits"] < 1e-4

    x_adv = ours.tasks["BIM, 8 steps"]()
    their_x_adv = theirs.tasks["BIM, 8 steps"]().permute(0, 2, 3, 1).numpy()
    eps = ATTACK[name]["eps"]
    assert np.abs(their_x_adv - batch[0]).max() <= eps + 1e-6
    # Rounding decides the sign of a gradient near 0, of few pixels. Where it decides at
    # a kink, an image goes another way; on no processor yet more than one of four.
    apart = np.mean(np.abs(x_adv - their_x_adv) > 1e-6, axis=(1, 2, 3))
    assert np.sort(apart)[-2] < 0.05
    votes = [c.tasks["ensemble of 4"]() for c in (ours, theirs)]
    assert np.array_equal(votes[0], votes[1].numpy())


@pytest.mark.usefixtures("_torch")
def test_layers_of_both_libraries_compute_the_same():
    options = Options(rounds=1, batch=2, peers=("torch",))
    figures = layers.measure(LAYERS[1], options)
    assert max(figures["agreement"]["torch"].values()) < 1e-4
    assert "vs_torch" in figures["operations"]["forward"]["auto"]


def test_a_training_step_changes_the_trained_network_only():
    batch = synthetic_batch("Table 1", 2)
    model = contender("Table 1", "auto", batch)
    before = difference(model.answers()["logits"], np.ones((2, 10)))
    model.tasks["training step"]()
    assert difference(model.answers()["logits"], np.ones((2, 10))) == before


def test_members_are_measured_on_one_core_and_on_all(monkeypatch):
    started = []

    class Training:
        first, latest = {"idle_mb": 100.0}, {"peak_mb": 103.0}  # 3 MB for 10 images

        def ask(self, *numbers):
            pass

        def answer(self):
            return {"images_per_s": 50.0}

    @contextmanager
    def child(name, how, options, cores):
        started.append(cores)
        yield Training()

    monkeypatch.setattr(processes, "child", child)
    monkeypatch.setattr(processes, "moved_per_image", lambda name, batch: 7000.0)
    options = Options(rounds=2, batch=10, cores=(2, 5, 6))
    unit = processes.members("Table 1", options)
    found = unit["images_per_s"]["auto"]
    assert started == [(2,), (5,), (6,)]
    assert unit["cores"] == 3
    assert [found[k]["median"] for k in ("few", "many", "ratio")] == [50, 150, 3]
    assert found["held_kb_per_image"] == pytest.approx(300)
    assert found["moved_kb_per_image"] == pytest.approx(7)


@pytest.mark.slow
def test_child_processes_report_memory_and_rates():
    options = Options(rounds=1, batch=2)
    peaks = processes.memory("Table 1", options)["peak_mb"]
    assert {*peaks} == {"reference", "im2col", "auto"}
    assert all(20 < mb < 2000 for mb in peaks.values())
    with processes.child("Table 1", "auto", options, options.cores[:1]) as child:
        assert {*child.first} == {"start_s", "first_step_s", "idle_mb"}
        child.ask(0, 3)
        assert child.answer()["images_per_s"] > 0
        assert child.latest["peak_mb"] > child.first["idle_mb"] > 20


@pytest.mark.slow
def test_a_child_that_fails_is_reported():
    options = Options(batch=2)
    with (
        pytest.raises(ChildProcessError, match="a child process failed"),
        processes.child("Table 2", "auto", options, options.cores[:1]),
    ):
        pass
