"""Metadata and dependencies of minidl; the rest of the build is the default."""

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent
CODE = (ROOT / "minidl" / "__init__.py").read_text(encoding="utf-8")
[VERSION] = re.findall(r'^__version__ = "(.+)"$', CODE, re.M)

# The lowest versions of all libraries were installed and tried together.
IMAGES = ["pillow>=10.3"]  # attacks/pictures.py: PNG and GIF files
TUTORIALS = [
    *IMAGES,
    "matplotlib>=3.9",  # earlier ones refuse NumPy 2
    "markdown-it-py>=3",  # pages of results as HTML
    "jupytext>=1.16",
    "nbclient>=0.10",
    "ipykernel>=6.29",
    "ipywidgets>=8",  # tutorials/drag.py; without it tqdm warns in every notebook, too
]
DISTRIBUTED = ["distributed>=2024.1"]
GPU = ["cupy-cuda13x[ctk]>=14"]  # with CUDA's libraries: only a driver is needed
# Other libraries of attacks: for attacks/interop.py, and as oracles of the tests. ART
# needs the undeclared packaging.
INTEROP = ["adversarial-robustness-toolbox==1.20.1", "packaging", "foolbox==3.3.4"]
# The site. Pinned: a new release's warning would stop it.
DOCS = [
    "sphinx==9.0.4",
    "myst-nb==1.4.0",
    "furo==2025.12.19",
    "sphinxcontrib-katex==0.9.11",
]
# The repository's address stands here once, and is empty until it is settled.
REPOSITORY = ""
# The tools of `make test`. Formatters and type checkers are pinned: a new release must
# not break an unchanged commit.
DEV = [
    *TUTORIALS,
    *DISTRIBUTED,
    *INTEROP,
    "pytest>=8",
    "pytest-xdist>=3.5",
    "hypothesis>=6.100",
    "playwright>=1.50",  # pages as a browser shows them, and what screen readers find
    "axe-playwright-python>=0.1.7",
    "ruff==0.17.6",
    "mypy==2.4.1",
    "pre-commit>=3.7",
]

setup(
    name="minidl",
    version=VERSION,
    description=(
        "Deep learning, ensembles and adversarial attacks from scratch on NumPy: "
        "every gradient written out, fast enough to use"
    ),
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    keywords=[
        "adversarial examples",
        "deep learning",
        "ensembles",
        "education",
        "numpy",
        "numba",
        "cupy",
    ],
    project_urls={"Source": REPOSITORY} if REPOSITORY else {},
    python_requires=">=3.11",
    packages=find_packages(
        include=["minidl*", "ensembles*", "attacks*", "tutorials*"],
        # What an exercise is solved with stays in the repository, for teachers.
        exclude=["tutorials.solutions", "tutorials.mistakes"],
    ),
    package_data={
        "minidl": ["py.typed"],
        "ensembles": ["py.typed"],
        "attacks": ["py.typed"],
        "minidl.data": ["mnist_sample/*"],
        "tutorials": ["trained.npz"],
        "minidl.kernels.gpu": ["*.cu"],
        "tutorials.exercises": ["expected/*.npz"],
        "tutorials.playground": ["*.html", "*.js", "*.json", "*.npz", "*.md"],
    },
    install_requires=[
        "numpy>=2.2",
        "numba>=0.61.2",
        "scipy>=1.13",
        "threadpoolctl>=3.5",
        "tqdm>=4.66",
        "pooch>=1.8",
        "platformdirs>=4",  # where pooch puts downloads, and exercises their ticks
    ],
    extras_require={
        "tutorials": TUTORIALS,
        "distributed": DISTRIBUTED,
        "gpu": GPU,
        "interop": INTEROP,
        "images": IMAGES,
        "torch": ["torch>=2.3"],  # attacks/torch_modules.py
        "docs": DOCS,
        "dev": DEV,
        "mutation": ["mutmut==3.8.1"],
    },
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Intended Audience :: Education",
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Programming Language :: Python :: 3.14",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
)
