"""A class of thirty: what they are handed, what they hand in, and what it is worth.

Each student is a function that puts files in a folder and returns, by exercise, how the
sentence must begin; None where the answer is right. Exercises that it doesn't return
haven't been handed in.
"""

import ast
import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from tutorials.exercises.catalogue import exercises
from tutorials.exercises.exercise import NOTHING

Said = dict[str, str | None]
CHAPTERS = sorted({exercise.chapter for exercise in exercises().values()})
RIGHT: Said = dict.fromkeys(exercises(), None)
SIGMOID = "import numpy as np\n\ndef neuron(x, w, b):\n    return {}\n"
NEURON = SIGMOID.format("1 / (1 + np.exp(-(x @ w + b)))")
RELU = "def relu_backward(x, dout):\n    return {}\n"
ALSO = "\n\n" + RELU.format(
    "dout * (x > 0)"
)  # what comes after a hostile answer counts
LATE = "it takes longer than 10 s: does a loop never end?"


def text_of(chapter: str) -> str:
    """Return the plain answers of a chapter."""
    file = import_module(f"tests.tutorials.answers.{chapter}").__file__
    assert file is not None
    return Path(file).read_text(encoding="utf-8")


def all_in(chapters: list[str] = CHAPTERS) -> str:
    """Return the plain answers of some chapters as one file."""
    return "\n\n".join(map(text_of, chapters))


def filled(notebook: Path) -> dict[str, Any]:
    """Return a handed out notebook with the answers typed into its cells."""
    content: dict[str, Any] = json.loads(notebook.read_text(encoding="utf-8"))
    text = text_of(f"chapter{notebook.stem[:2]}")
    tree = ast.parse(text)
    answers = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef)}
    others = [n for n in tree.body[1:] if getattr(n, "name", "") not in exercises()]
    helpers = "\n".join(map(ast.unparse, others)) + "\n\n"
    for cell in content["cells"]:
        source = "".join(cell["source"])
        name = source.removeprefix("def ").partition("(")[0]
        if source.startswith("def ") and name in exercises():
            source = f"{helpers}{ast.unparse(answers[name])}\n\n\ncheck({name})"
            cell["source"] = source.splitlines(keepends=True)
    return content


def cells(*sources: str, **other: Any) -> str:
    """Return a notebook of some cells."""
    made = [
        {"cell_type": "code", "metadata": {}, "source": s, "outputs": []}
        for s in sources
    ]
    made[-1] |= other
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4})


def ada(folder: Path, handout: Path) -> Said:
    """All notebooks, in a folder of her own."""
    for notebook in handout.glob("*.ipynb"):
        (folder / "ada" / notebook.name).parent.mkdir(exist_ok=True)
        (folder / "ada" / notebook.name).write_text(json.dumps(filled(notebook)))
    return RIGHT


def ben(folder: Path, handout: Path) -> Said:
    """All in one Python file."""
    (folder / "ben.py").write_text(all_in(), encoding="utf-8")
    return RIGHT


def cleo(folder: Path, handout: Path) -> Said:
    """Untouched notebooks, and among the files what editors leave there."""
    (folder / "cleo/.ipynb_checkpoints").mkdir(parents=True)
    for notebook in handout.glob("*.ipynb"):
        (folder / "cleo" / notebook.name).write_bytes(notebook.read_bytes())
    (folder / "cleo/.ipynb_checkpoints/a.py").write_text(NEURON)
    (folder / "cleo/notes.txt").write_text("read chapter 3 again")
    texts = "".join(path.read_text() for path in handout.glob("*.ipynb"))
    return {  # a function to be repaired that has not been is none of hers
        name: NOTHING
        for name, exercise in exercises().items()
        if f'"def {exercise.signature}:\\n",\n    "    return ...\\n"' in texts
    }


def dan(folder: Path, handout: Path) -> Said:
    """One notebook, of another format, whose file is named after the chapter."""
    cell = {"cell_type": "code", "input": NEURON.splitlines(True), "outputs": []}
    old = {"worksheets": [{"cells": [cell]}], "nbformat": 3}
    (folder / "dan_01_one_neuron.ipynb").write_text(json.dumps(old))
    return {"neuron": None}


def eve(folder: Path, handout: Path) -> Said:
    """Latin-1, and a line that says so."""
    text = f"# -*- coding: latin-1 -*-\n# für müde Köpfe\n{NEURON}"
    (folder / "eve.py").write_bytes(text.encode("latin-1"))
    return {"neuron": None}


def finn(folder: Path, handout: Path) -> Said:
    """Latin-1 in one file without a word, UTF-16 in the other."""
    (folder / "finn").mkdir()
    (folder / "finn/a.py").write_bytes(f"# für\n{NEURON}".encode("latin-1"))
    (folder / "finn/B.PY").write_bytes(f"# für\n{ALSO}".encode("utf-16"))
    return {"neuron": None, "relu_backward": None}


def gil(folder: Path, handout: Path) -> Said:
    """Windows: a mark before the first byte, and two bytes at each line's end."""
    text = (NEURON + ALSO).replace("\n", "\r\n")
    (folder / "gil.py").write_bytes(b"\xef\xbb\xbf" + text.encode())
    return {"neuron": None, "relu_backward": None}


def hana(folder: Path, handout: Path) -> Said:
    """Magics of all kinds, and two hints."""
    hints = "neuron, hint 1 of 2: a\nneuron, hint 2 of 2: b\n"
    output = {"output_type": "stream", "name": "stdout", "text": [hints]}
    (folder / "hana.ipynb").write_text(
        cells(
            "%matplotlib inline\n!pip install numpy\nimport numpy as np",
            "%%time\n" + NEURON,
            "%%bash\nrm -rf ~/*\ndef relu_backward(x, dout):",
            "np.exp?\n%timeit np.exp(1)\n" + RELU.format("dout * (x > 0)"),
            'hint("neuron")',
            outputs=[output],
        )
    )
    return {"neuron": None, "relu_backward": None}


def ida(folder: Path, handout: Path) -> Said:
    """Nothing: an empty folder."""
    (folder / "ida").mkdir()
    return {}


def jon(folder: Path, handout: Path) -> Said:
    """Empty files of both kinds."""
    (folder / "jon.ipynb").touch()
    (folder / "jon.py").touch()
    return {}


def kim(folder: Path, handout: Path) -> Said:
    """Bytes that are no notebook, under its name; another file is fine."""
    (folder / "kim").mkdir()
    (folder / "kim/one.ipynb").write_bytes(bytes(range(256)) * 40)
    (folder / "kim/two.ipynb").write_text('{"cells": 7}')
    (folder / "kim/three.ipynb").write_text('[{"cells": []}]')
    (folder / "kim/four.py").write_text(NEURON)
    return {"neuron": None}


def lea(folder: Path, handout: Path) -> Said:
    """Usual mistakes."""
    (folder / "lea.py").write_text(
        SIGMOID.format("x @ w + b")
        + RELU.format("np.maximum(dout, 0)")
        + "def output_length(length, kernel, stride, pad):\n"
        "    return (length + 2 * pad - kernel) // stride\n"
        "def fgsm_step(x, gradient, eps):\n    return x + eps * np.sign(gradient)\n"
        "def majority_vote(p):\n    return p.mean(axis=0).argmax(axis=1)\n"
    )
    return {
        "neuron": "you stop at z = x w + b: the sigmoid is missing",
        "relu_backward": "you return max(dout, 0): the sign of x decides",
        "output_length": "you leave out the + 1: ",
        "fgsm_step": "you leave out clipping: ",
        "majority_vote": "you average probabilities: each member has one vote",
    }


def max_(folder: Path, handout: Path) -> Said:
    """Names of his own, and a mistake that others make, too."""
    text = NEURON.replace("def neuron", "def nueron") + "def helper(x):\n    return x\n"
    (folder / "max.py").write_text(text + RELU.format("np.maximum(dout, 0)"))
    return {
        "neuron": "not handed in: is nueron meant to be neuron?",
        "relu_backward": "you return max(dout, 0): the sign of x decides",
    }


def nia(folder: Path, handout: Path) -> Said:
    """One cell isn't Python; the others are."""
    broken = "def relu_backward(x, dout):\n    return dout * (x > 0\n\nprint(1)"
    (folder / "nia.ipynb").write_text(cells("import numpy as np", broken, NEURON))
    return {"relu_backward": "its code isn't Python: '(' was never", "neuron": None}


def oli(folder: Path, handout: Path) -> Said:
    """One function of a file isn't Python."""
    broken = "def softmax(z):\n    return z +\n\n\n"
    (folder / "oli.py").write_text(f"import numpy as np\n\n{broken}{NEURON}{ALSO}")
    return {"softmax": "its code isn't Python: ", "neuron": None, "relu_backward": None}


def pia(folder: Path, handout: Path) -> Said:
    """Endless loops: one that ends when it is told to, and two that don't."""
    stubborn = "while True:\n        try:\n            while True: pass\n"
    stubborn += "        except BaseException: pass\n"
    (folder / "pia.py").write_text(
        "def neuron(x, w, b):\n    while True: pass\n"
        f"def slope(f, x, i):\n    {stubborn}"
        "def softmax(z):\n    return len(str(10 ** (10 ** 9)))\n" + ALSO
    )
    return {"neuron": LATE, "slope": LATE, "softmax": LATE, "relu_backward": None}


def quin(folder: Path, handout: Path) -> Said:
    """Four ways to end Python."""
    (folder / "quin.py").write_text(
        "import os, sys, ctypes\n"
        "def neuron(x, w, b):\n    exit()\n"
        "def slope(f, x, i):\n    os._exit(0)\n"
        "def softmax(z):\n    os.abort()\n"
        "def max_pool(x):\n    ctypes.string_at(0)\n" + ALSO
    )
    return {
        "neuron": "it ends Python with exit(): return the answer",
        "slope": "it ends Python (exit code 0)",
        "softmax": "it ends Python by a crash",
        "max_pool": "it ends Python by a crash",
        "relu_backward": None,
    }


def rosa(folder: Path, handout: Path) -> Said:
    """More memory than there is: at once, and bit by bit."""
    (folder / "rosa.py").write_text(
        "import numpy as np\n"
        "def neuron(x, w, b):\n    return np.ones(10**12)\n"
        "kept = []\n"
        "def slope(f, x, i):\n    while True: kept.append(np.empty(10**7))\n" + ALSO
    )
    large = "it needs more than 2 GB of memory"
    return {"neuron": large, "slope": large, "relu_backward": None}


def sam(folder: Path, handout: Path) -> Said:
    """Kills the process that grades, its group, and itself."""
    kill = "import os, signal\ndef {}:\n    os.kill{}\n"
    (folder / "sam.py").write_text(
        kill.format("neuron(x, w, b)", "(os.getppid(), 9)")
        + kill.format("softmax(z)", "pg(os.getpgid(os.getppid()), 15)")
        + "def slope(f, x, i):\n    signal.raise_signal(9)\n"
        + ALSO
    )
    forbidden = "it raises PermissionError: os.kill"
    return {
        "neuron": forbidden,
        "softmax": forbidden,
        "slope": "it ends Python by a crash (SIGKILL)",
        "relu_backward": None,
    }


def tim(folder: Path, handout: Path) -> Said:
    """Prints megabytes, in all ways, beside right answers."""
    (folder / "tim.py").write_text(
        "import numpy as np, os, sys\n"
        "def neuron(x, w, b):\n    print('a' * 10**7)\n"
        "    sys.__stdout__.write('b' * 10**6)\n"
        "    os.write(1, b'{\"end\": 1}' * 10**5)\n"
        "    os.write(2, b'c' * 10**6)\n    return 1 / (1 + np.exp(-(x @ w + b)))\n"
        + ALSO
    )
    return {"neuron": None, "relu_backward": None}


def uma(folder: Path, handout: Path) -> Said:
    """Deletes and overwrites files: hers, the class's, and anybody's."""
    here, file = folder.absolute(), folder.absolute() / "ben.py"
    (folder / "uma.py").write_text(
        "import os, shutil, pathlib\n"
        f"def neuron(x, w, b):\n    shutil.rmtree({str(here)!r})\n"
        f"def slope(f, x, i):\n    os.remove({str(file)!r})\n"
        f"def softmax(z):\n    open({str(file)!r}, 'w')\n"
        "def max_pool(x):\n    pathlib.Path.home().joinpath('a').write_text('a')\n"
        f"    os.rename('a', {str(file)!r})\n"
        f"def dropout(x, kept, rate):\n    os.symlink({str(file)!r}, 'b')\n"
        "def convolve(x, W):\n    pathlib.Path('mine').write_text('mine')\n"
        "    os.remove('mine')\n" + ALSO
    )
    refused = "it raises PermissionError: "
    return {
        **dict.fromkeys(("neuron", "slope", "softmax", "max_pool", "dropout"), refused),
        "convolve": NOTHING,
        "relu_backward": None,
    }


def vic(folder: Path, handout: Path) -> Said:
    """Wants the network, and other programs."""
    (folder / "vic.py").write_text(
        "def neuron(x, w, b):\n    import socket; socket.socket()\n"
        "def softmax(z):\n    import urllib.request as u; u.urlopen('http://localhost')\n"
        "def slope(f, x, i):\n    import subprocess; subprocess.run(['true'])\n"
        "def max_pool(x):\n    import os; os.system('true')\n"
        "def dropout(x, kept, rate):\n    import os; os.fork()\n" + ALSO
    )
    refused = "it raises "
    return {
        **dict.fromkeys(("neuron", "softmax", "slope", "max_pool", "dropout"), refused),
        "relu_backward": None,
    }


def wim(folder: Path, handout: Path) -> Said:
    """Copies from his neighbour, and from the solutions."""
    file = folder.absolute() / "ben.py"
    (folder / "wim.py").write_text(
        "from tutorials.solutions.chapter03 import convolve as same\n"
        f"def neuron(x, w, b):\n    return open({str(file)!r}).read()\n"
        f"def slope(f, x, i):\n    import os; return os.listdir({str(file.parent)!r})\n"
        "def convolve(x, W):\n    return same(x, W)\n" + ALSO
    )
    return {
        "neuron": "it raises PermissionError: ",
        "slope": "it raises PermissionError: ",
        "convolve": "its cell raises ModuleNotFoundError: ",
        "relu_backward": None,
    }


def xia(folder: Path, handout: Path) -> Said:
    """Two files, and in both the same exercise: the right one counts."""
    (folder / "xia.py").write_text(SIGMOID.format("x @ w") + ALSO)
    (folder / "xia_01_one_neuron.ipynb").write_text(cells(NEURON))
    return {"neuron": None, "relu_backward": None}


def yan(folder: Path, handout: Path) -> Said:
    """A cell tried twice, helpers, constants, what isn't to be run: the last counts."""
    (folder / "yan.ipynb").write_text(
        cells(
            "from numpy import *\nONE = 1.0\nraise SystemExit",
            "x = open('/nowhere').read()\nw = b = x",
            "try:\n    import nothing_of_this_name\nexcept ImportError:\n    ONE = 1",
            "def neuron(x, w, b):\n    return ...",
            "def squash(z): return ONE / (ONE + exp(-z))",
            "def neuron(x, w, b):\n    return squash(x @ w + b)\n\nneuron(1, 2, 3)",
            "relu_backward = lambda x, dout: dout * (x > 0)",
        )
    )
    return {"neuron": None, "relu_backward": None}


def zoe(folder: Path, handout: Path) -> Said:
    """A file that no parser reads, beside one that is fine."""
    (folder / "zoe").mkdir()
    (folder / "zoe/a.py").write_text("x = " + "(" * 10**5 + ")" * 10**5)
    (folder / "zoe/b.py").write_text("x = " + "-" * 10**6 + "1")
    (folder / "zoe/c.py").write_bytes(b"\0" + NEURON.encode())
    (folder / "zoe/d.py").write_text(NEURON)
    (folder / "zoe/e.py").symlink_to(folder / "ben.py")
    return {"neuron": None}


def abe(folder: Path, handout: Path) -> Said:
    """Asks for input, recurs, raises what ends programs, and returns odd things."""
    (folder / "abe.py").write_text(
        "def neuron(x, w, b):\n    return input()\n"
        "def slope(f, x, i):\n    return slope(f, x, i)\n"
        "def softmax(z):\n    raise KeyboardInterrupt\n"
        "def max_pool(x):\n    return {'a': print}\n"
        "def dropout(x):\n    return x\n"
        "class convolve: pass\n" + ALSO
    )
    return {
        "neuron": "it raises EOFError",
        "slope": "it calls itself without end",
        "softmax": "it raises KeyboardInterrupt",
        "max_pool": "it must return numbers",
        "dropout": "it must take 3 arguments: x, kept, rate",
        "relu_backward": None,
    }


def bea(folder: Path, handout: Path) -> Said:
    """A name that a spreadsheet would compute, and a page that would run."""
    error = "ValueError('<script>alert(1)</script> | *a*')"
    (folder / "=HYPERLINK(1)|<script>.py").write_text(
        f"def neuron(x, w, b):\n    raise {error}\n" + ALSO
    )
    return {"neuron": "it raises ValueError: <script>alert", "relu_backward": None}


def cai(folder: Path, handout: Path) -> Said:
    """Threads that go on, and NumPy changed for all who come later."""
    (folder / "cai.py").write_text(
        "import threading, numpy as np\n"
        "def neuron(x, w, b):\n"
        "    threading.Thread(target=lambda: [0 for _ in iter(int, 1)]).start()\n"
        "    return 1 / (1 + np.exp(-(x @ w + b)))\n" + ALSO
    )
    return {"neuron": None, "relu_backward": None}


def dee(folder: Path, handout: Path) -> Said:
    """Half a chapter, deep in folders, as a learning platform packs it."""
    place = folder / "dee_4711_assignsubmission_file/my work/week 1"
    place.mkdir(parents=True)
    (place / "Lösung (1).py").write_text(NEURON, encoding="utf-8")
    (place / "answers.zip").write_bytes(b"PK")
    return {"neuron": None}


STUDENTS: dict[str, Callable[[Path, Path], Said]] = {
    **{
        f.__name__: f
        for f in (ada, ben, cleo, dan, eve, finn, gil, hana, ida, jon, kim, lea)
    },
    "max": max_,
    **{f.__name__: f for f in (nia, oli, pia, quin, rosa, sam, tim, uma, vic, wim)},
    **{f.__name__: f for f in (xia, yan, zoe, abe)},
    "'=HYPERLINK(1)|<script>": bea,
    "cai": cai,
    "dee_4711_assignsubmission_file": dee,
}
