"""A class of thirty: what they are handed, what they hand in, and what it is worth.

A student is a pair: files by their names, and how the sentence about each exercise must
begin, None where the answer is right. Other exercises haven't been handed in.
"""

import ast
import json
from importlib import import_module
from pathlib import Path

from tutorials.exercises.catalogue import exercises
from tutorials.exercises.exercise import NOTHING

CHAPTERS = sorted({exercise.chapter for exercise in exercises().values()})
RIGHT = dict.fromkeys(exercises(), None)
ONE = dict.fromkeys(["neuron"], None)
BOTH = ONE | {"relu_backward": None}


def definition(name, body):
    """Return an exercise's function with a body."""
    return f"def {exercises()[name].signature}:\n    {body}\n\n\n"


NEURON = "import numpy as np\n\n" + definition(
    "neuron", "return 1 / (1 + np.exp(-(x @ w + b)))"
)
NO_SIGMOID = definition("neuron", "return x @ w + b")
RELU = definition("relu_backward", "return dout * (x > 0)")
OF_NO_SIGMOID = "you stop at z = x w + b: the sigmoid is missing"
NO_SIGN = definition("relu_backward", "return np.maximum(dout, 0)")
OF_NO_SIGN = "you return max(dout, 0): the sign of x decides"


# What learners do with files, notebooks and names.


def text_of(chapter):
    """Return the plain answers of a chapter."""
    file = import_module(f"tests.tutorials.answers.{chapter}").__file__
    return Path(file).read_text(encoding="utf-8")


def filled(notebook):
    """Return a handed out notebook with the answers typed into its cells."""
    content = json.loads(notebook.read_text(encoding="utf-8"))
    tree = ast.parse(text_of(f"chapter{notebook.stem[:2]}"))
    answers = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef)}
    others = [n for n in tree.body[1:] if getattr(n, "name", "") not in exercises()]
    helpers = "\n".join(map(ast.unparse, others)) + "\n\n"
    for cell in content["cells"]:
        source = "".join(cell["source"])
        name = source.removeprefix("def ").partition("(")[0]
        if source.startswith("def ") and name in exercises():
            source = f"{helpers}{ast.unparse(answers[name])}\n\n\ncheck({name})"
            cell["source"] = source.splitlines(keepends=True)
    return json.dumps(content)


def left_open(notebooks):
    """Return the exercises whose cells say `return ...`; others are to be repaired."""
    texts = "".join(path.read_text(encoding="utf-8") for path in notebooks)
    return [
        name
        for name, exercise in exercises().items()
        if f'"def {exercise.signature}:\\n",\n    "    return ...\\n"' in texts
    ]


def cells(*sources, **other):
    """Return a notebook of some cells."""
    made = [
        {"cell_type": "code", "metadata": {}, "source": s, "outputs": []}
        for s in sources
    ]
    made[-1] |= other
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4})


HINTS = "neuron, hint 1 of 2: a\nneuron, hint 2 of 2: b\n"
STREAM = {"output_type": "stream", "name": "stdout", "text": [HINTS]}
OLD_CELL = {"cell_type": "code", "input": NEURON.splitlines(True), "outputs": []}
OLD = json.dumps({"worksheets": [{"cells": [OLD_CELL]}], "nbformat": 3})
DEEP = "dee_4711_assignsubmission_file/my work/week 1/"
FILES = {
    # One notebook, of another format, whose file is named after the chapter.
    "dan": ({"dan_01_one_neuron.ipynb": OLD}, ONE),
    # Latin-1, and a line that says so.
    "eve": (
        {"eve.py": f"# coding: latin-1\n# für müde Köpfe\n{NEURON}".encode("latin-1")},
        ONE,
    ),
    # Latin-1 in one file without a word, UTF-16 in the other.
    "finn": (
        {
            "finn/a.py": f"# für\n{NEURON}".encode("latin-1"),
            "finn/B.PY": f"# für\n{RELU}".encode("utf-16"),
        },
        BOTH,
    ),
    # Windows: a mark before the first byte, and two bytes at each line's end.
    "gil": (
        {"gil.py": b"\xef\xbb\xbf" + (NEURON + RELU).replace("\n", "\r\n").encode()},
        BOTH,
    ),
    # Magics of all kinds, and two hints.
    "hana": (
        {
            "hana.ipynb": cells(
                "%matplotlib inline\n!pip install numpy\nimport numpy as np",
                "%%time\n" + NEURON,
                "%%bash\nrm -rf ~/*\ndef relu_backward(x, dout):",
                "np.exp?\n%timeit np.exp(1)\n" + RELU,
                'hint("neuron")',
                outputs=[STREAM],
            )
        },
        BOTH,
    ),
    # Nothing: an empty folder.
    "ida": ({"ida/": ""}, {}),
    # Empty files of both kinds.
    "jon": ({"jon.ipynb": "", "jon.py": ""}, {}),
    # Bytes that are no notebook, under its name; another file is fine.
    "kim": (
        {
            "kim/one.ipynb": bytes(range(256)) * 40,
            "kim/two.ipynb": '{"cells": 7}',
            "kim/three.ipynb": '[{"cells": []}]',
            "kim/four.py": NEURON,
        },
        ONE,
    ),
    # Usual mistakes.
    "lea": (
        {
            "lea.py": "import numpy as np\n"
            + NO_SIGMOID
            + NO_SIGN
            + definition("output_length", "return (length + 2*pad - kernel) // stride")
            + definition("fgsm_step", "return x + eps * np.sign(gradient)")
            + definition("majority_vote", "return p.mean(axis=0).argmax(axis=1)")
        },
        {
            "neuron": OF_NO_SIGMOID,
            "relu_backward": OF_NO_SIGN,
            "output_length": "you leave out the + 1: ",
            "fgsm_step": "you leave out clipping: ",
            "majority_vote": "you average probabilities: each member has one vote",
        },
    ),
    # A name of his own, and a mistake that others make, too.
    "max": (
        {"max.py": NEURON.replace("neuron", "nueron") + NO_SIGN},
        {
            "neuron": "not handed in: is nueron meant to be neuron?",
            "relu_backward": OF_NO_SIGN,
        },
    ),
    # One cell isn't Python; the others are.
    "nia": (
        {
            "nia.ipynb": cells(
                "import numpy as np", RELU.replace(")", "", 1) + "print(1)", NEURON
            )
        },
        ONE | {"relu_backward": "its code isn't Python: '(' was never"},
    ),
    # One function of a file isn't Python.
    "oli": (
        {"oli.py": "import os\n" + definition("softmax", "return z +") + NEURON + RELU},
        BOTH | {"softmax": "its code isn't Python: "},
    ),
    # Two files, and in both the same exercise: the right one counts.
    "xia": (
        {"xia.py": NO_SIGMOID + RELU, "xia_01_one_neuron.ipynb": cells(NEURON)},
        BOTH,
    ),
    # A cell tried twice, helpers, constants, what isn't to be run: the last counts.
    "yan": (
        {
            "yan.ipynb": cells(
                "from numpy import *\nONE = 1.0\nraise SystemExit",
                "x = open('/nowhere').read()\nw = b = x",
                "try:\n    import unheard_of\nexcept ImportError:\n    ONE = 1",
                definition("neuron", "return ..."),
                "def squash(z): return ONE / (ONE + exp(-z))",
                definition("neuron", "return squash(x @ w + b)") + "neuron(1, 2, 3)",
                "relu_backward = lambda x, dout: dout * (x > 0)",
            )
        },
        BOTH,
    ),
    # Files that no parser reads, and another student's, beside one that is fine.
    "zoe": (
        {
            "zoe/a.py": "x = " + "(" * 10**5 + ")" * 10**5,
            "zoe/b.py": "x = " + "-" * 10**6 + "1",
            "zoe/c.py": b"\0" + NEURON.encode(),
            "zoe/d.py": NEURON,
            "zoe/e.py": Path("../ben.py"),
        },
        ONE,
    ),
    # Half a chapter, deep in folders, as a learning platform packs it.
    "dee_4711_assignsubmission_file": (
        {f"{DEEP}Lösung (1).py": NEURON, f"{DEEP}answers.zip": b"PK"},
        ONE,
    ),
}

# What functions do: by exercise a body, or a whole definition, and what is said of it.
# A right answer to another exercise stands behind them, and counts.

IMPORTS = """\
import ctypes, os, pathlib, shutil, signal, sys, threading
import numpy as np
"""
LATE = "it takes longer than 10 s: does a loop never end?"
CRASH = "it crashes Python"
LARGE = "it needs more than 2 GB of memory"
FORBIDDEN = "it raises PermissionError: "
STUBBORN = """while True:
        try:
            while True: pass
        except BaseException: pass"""
CODE = {
    # Endless loops: one that ends when it is told to, and two that don't.
    "pia": {
        "neuron": ("while True: pass", LATE),
        "slope": (STUBBORN, LATE),
        "softmax": ("return len(str(10 ** (10 ** 9)))", LATE),
    },
    # Four ways to end Python.
    "quin": {
        "neuron": ("exit()", "it ends Python with exit(): return the answer"),
        "slope": ("os._exit(0)", "it ends Python (exit code 0)"),
        "softmax": ("os.abort()", CRASH),
        "max_pool": ("ctypes.string_at(0)", CRASH),
    },
    # More memory than there is: at once, and bit by bit.
    "rosa": {
        "neuron": ("return np.ones(10**12)", LARGE),
        "slope": ("kept = []\n    while True: kept.append(np.empty(10**7))", LARGE),
    },
    # Kills the process that grades, its group, and itself.
    "sam": {
        "neuron": ("os.kill(os.getppid(), 9)", FORBIDDEN + "os.kill"),
        "softmax": ("os.killpg(os.getpgid(os.getppid()), 15)", FORBIDDEN + "os.kill"),
        "slope": ("signal.raise_signal(9)", CRASH + " (SIGKILL)"),
    },
    # Prints megabytes, in all ways, beside right answers.
    "tim": {
        "neuron": (
            "print('a' * 10**7)\n    sys.__stdout__.write('b' * 10**6)\n"
            "    os.write(1, b'{\"end\": 1}' * 10**5)\n    os.write(2, b'c' * 10**6)\n"
            "    return 1 / (1 + np.exp(-(x @ w + b)))",
            None,
        ),
    },
    # Deletes and overwrites files: hers, the class's, and anybody's.
    "uma": {
        "neuron": ("shutil.rmtree(CLASS)", FORBIDDEN),
        "slope": ("os.remove(BEN)", FORBIDDEN),
        "softmax": ("open(BEN, 'w')", FORBIDDEN),
        "max_pool": (
            "pathlib.Path.home().joinpath('a').write_text('a')\n"
            "    os.rename('a', BEN)",
            FORBIDDEN,
        ),
        "dropout": ("os.symlink(BEN, 'b')", FORBIDDEN),
        "convolve": (
            "pathlib.Path('mine').write_text('mine')\n    os.remove('mine')",
            "it returns None: ",
        ),
    },
    # Wants the network, and other programs.
    "vic": {
        "neuron": ("import socket; socket.socket()", "it raises "),
        "softmax": (
            "import urllib.request as u; u.urlopen('http://localhost')",
            "it raises ",
        ),
        "slope": ("import subprocess; subprocess.run(['true'])", "it raises "),
        "max_pool": ("os.system('true')", "it raises "),
        "dropout": ("os.fork()", "it raises "),
    },
    # Copies from his neighbour, and from the solutions.
    "wim": {
        "neuron": ("return open(BEN).read()", FORBIDDEN),
        "slope": ("return os.listdir(CLASS)", FORBIDDEN),
        "convolve": (
            "from tutorials.solutions.chapter03 import convolve as same\n"
            "def convolve(x, W):\n    return same(x, W)\n",
            "its cell raises PermissionError: ",
        ),
        "softmax": (
            "import tutorials\n"
            "    return open(f'{tutorials.__path__[0]}/solutions/chapter04.py').read()",
            FORBIDDEN,
        ),
    },
    # Asks for input, recurs, raises what ends programs, and returns odd things.
    "abe": {
        "neuron": ("return input()", "it raises EOFError"),
        "slope": ("return slope(f, x, i)", "it calls itself without end"),
        "softmax": ("raise KeyboardInterrupt", "it raises KeyboardInterrupt"),
        "max_pool": ("return {'a': print}", "it must return numbers"),
        "dropout": (
            "def dropout(x):\n    return x\n",
            "it must take 3 arguments: x, kept, rate",
        ),
        "convolve": ("class convolve: pass\n", "not handed in"),
    },
    # A name that a spreadsheet would compute, and a page that would run.
    "=HYPERLINK(1)|<script>": {
        "neuron": (
            "raise ValueError('<script>alert(1)</script> | *a*')",
            "it raises ValueError: <script>alert",
        ),
    },
    # Threads that go on.
    "cai": {
        "neuron": (
            "threading.Thread(target=lambda: [0 for _ in iter(int, 1)]).start()\n"
            "    return 1 / (1 + np.exp(-(x @ w + b)))",
            None,
        ),
    },
}


def code_of(answers, folder):
    """Return the file of a student in CODE, in which BEN and CLASS are paths."""
    places = f"CLASS = {str(folder)!r}\nBEN = {str(folder / 'ben.py')!r}\n\n\n"
    functions = (
        body if body.startswith(("def ", "class ", "from ")) else definition(name, body)
        for name, (body, _) in answers.items()
    )
    return f"{IMPORTS}{places}{''.join(functions)}{RELU}"


def students(folder, handout):
    """Return all students, by their files' names; they know the class's folder."""
    notebooks = sorted(handout.glob("*.ipynb"))
    handed_out = {f"cleo/{path.name}": path.read_bytes() for path in notebooks}
    untouched = {
        "cleo/.ipynb_checkpoints/a.py": NEURON,
        "cleo/notes.txt": "read chapter 3 again",
    }
    return {
        "ada": ({f"ada/{path.name}": filled(path) for path in notebooks}, RIGHT),
        "ben": ({"ben.py": "\n\n".join(map(text_of, CHAPTERS))}, RIGHT),
        "cleo": (handed_out | untouched, dict.fromkeys(left_open(notebooks), NOTHING)),
        **FILES,
        **{
            name: (
                {f"{name}.py": code_of(answers, folder)},
                {e: said for e, (_, said) in answers.items()} | {"relu_backward": None},
            )
            for name, answers in CODE.items()
        },
    }


def hand_in(folder, handout):
    """Write the files of all students to a folder; return what is said of each."""
    said = {}
    for name, (files, own) in students(folder.absolute(), handout).items():
        said[name] = own
        for file, content in files.items():
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            if file.endswith("/"):
                path.mkdir()
            elif isinstance(content, Path):
                path.symlink_to(content)
            else:
                path.write_bytes(
                    content if isinstance(content, bytes) else content.encode()
                )
    return said


NAMES = ["ada", "ben", "cleo", *FILES, *CODE]
