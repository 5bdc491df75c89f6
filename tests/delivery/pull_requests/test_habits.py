"""What a repository's files say about its people's habits."""

from pathlib import PurePosixPath

import pytest

from neuromosaic.delivery.material import Material
from neuromosaic.delivery.pull_requests.habits import Habits, Tree, layout, manners, style
from neuromosaic.delivery.pull_requests.placing import Place, place

PYTEST = "def test_a():\n    pass\n"
UNITTEST = "import unittest\n\n\nclass T(unittest.TestCase):\n    def test_a(self):\n        pass\n"


def tree(**files: str) -> Tree:
    """Of files whose names have "/" as "__" and "." as "_0"."""
    return Tree(frozenset(files), lambda name: files.get(name, ""))


def placed(files: dict[str, str], material: Material, into: str | None = None) -> Place:
    seen = tree(**files)
    return place(material, Habits(layout(seen), style(seen), manners(seen, [])), seen, into)


@pytest.mark.parametrize(
    ("files", "model", "test", "module"),
    [
        ({"src/acme/__init__.py": "", "tests/test_a.py": PYTEST},
         "src/acme/digits/model.py", "tests/test_digits_model.py", "acme.digits.model"),
        ({"acme/__init__.py": "", "acme/networks/__init__.py": "", "tests/networks/test_a.py": PYTEST},
         "acme/networks/digits/model.py", "tests/networks/test_digits_model.py", "acme.networks.digits.model"),
        ({"acme/__init__.py": "", "acme/a.py": "", "acme/a_test.py": PYTEST},
         "acme/digits/model.py", "acme/digits/digits_model_test.py", "acme.digits.model"),
        ({"train.py": "", "test/test_a.py": UNITTEST},
         "models/digits/model.py", "test/test_digits_model.py", "models.digits.model"),
        ({"acme/__init__.py": "", "acme/tests/test_a.py": PYTEST},
         "acme/digits/model.py", "acme/tests/test_digits_model.py", "acme.digits.model"),
        ({"README.md": ""}, "models/digits/model.py", "tests/test_digits_model.py", "models.digits.model"),
        ({"pyproject.toml": '[project]\nname = "the-app"\n', "the_app/__init__.py": "", "zoo/__init__.py": "",
          "zoo/a.py": ""},
         "the_app/digits/model.py", "tests/test_digits_model.py", "the_app.digits.model"),
    ],
)  # fmt: skip
def test_files_go_where_such_files_are(
    files: dict[str, str], model: str, test: str, module: str, material: Material
) -> None:
    found = placed(files, material)
    assert (str(found.model), str(found.test), found.module) == (model, test, module)
    assert f"from {module} import Model" in found.files[found.test].decode()


def test_a_folder_of_ones_own_gets_the_packages_that_it_needs(material: Material) -> None:
    found = placed({"src/acme/__init__.py": ""}, material, "src/acme/vision/nets")
    inits = sorted(str(path) for path in found.files if path.name == "__init__.py")
    assert inits == [f"src/acme/vision/{name}__init__.py" for name in ("", "nets/", "nets/digits/")]


@pytest.mark.parametrize(
    ("files", "runner"),
    [
        ({"tests/test_a.py": PYTEST}, "pytest"), ({"tests/test_a.py": UNITTEST}, "unittest"), ({}, "pytest"),
        ({"tests/test_a.py": UNITTEST, "pytest.ini": "[pytest]\n"}, "pytest"),
        ({"tests/test_a.py": UNITTEST, "setup.cfg": "[tool:pytest]\n"}, "pytest"),
        ({"tests/test_a.py": UNITTEST, "tests/test_b.py": f"import pytest\n{PYTEST}"}, "pytest"),
    ],
)  # fmt: skip
def test_the_runner_is_what_the_tests_are_written_for(files: dict[str, str], runner: str) -> None:
    assert layout(tree(**files)).runner == runner


@pytest.mark.parametrize(
    ("files", "formatter", "length", "sorts"),
    [
        ({"pyproject.toml": "[tool.black]\nline-length = 100\n[tool.isort]\n"}, "black", 100, "isort"),
        ({"pyproject.toml": '[tool.ruff]\nline-length = 79\nlint.select = ["E", "I"]\n'}, "ruff", 79, "ruff"),
        ({"ruff.toml": 'line-length = 90\n[lint]\nextend-select = ["I001"]\n'}, "ruff", 90, "ruff"),
        ({".pre-commit-config.yaml": "repos:\n- hooks:\n  - id: black\n  - id: isort\n"}, "black", None, "isort"),
        ({".flake8": "[flake8]\nmax-line-length = 99\n"}, None, 99, None),
        ({"setup.cfg": "[flake8]\nmax_line_length = 88\n"}, None, 88, None),
        ({"pyproject.toml": "not [ toml", "setup.cfg": "neither [ this"}, None, None, None),
        ({}, None, None, None),
    ],
)
def test_the_style_is_what_the_settings_say(
    files: dict[str, str], formatter: str | None, length: int | None, sorts: str | None
) -> None:
    found = style(tree(**files))
    assert (found.formatter, found.line_length, found.sorts) == (formatter, length, sorts)


def test_large_weights_go_by_lfs_or_stay_out(material: Material, monkeypatch: pytest.MonkeyPatch) -> None:
    from neuromosaic.delivery.pull_requests import weights

    assert PurePosixPath("models/digits/weights.safetensors") in placed({}, material).files
    monkeypatch.setattr(weights, "LARGEST", 100)
    found = placed({}, material)
    note = found.files[PurePosixPath("models/digits/WEIGHTS.md")].decode()
    assert "SHA-256" in note
    assert "too large" in found.weights.note
    with_lfs = placed({".gitattributes": "*.safetensors filter=lfs diff=lfs merge=lfs -text\n"}, material)
    assert PurePosixPath("models/digits/weights.safetensors") in with_lfs.files
    assert "by Git LFS" in with_lfs.weights.note


def test_manners_are_those_of_most_commits() -> None:
    seen = tree(**{".github/CONTRIBUTING.md": "", "docs/contributing/a.md": ""})
    signed = "Signed-off-by: Ada <a@example.org>"
    found = manners(seen, [f"fix: a\0{signed}", f"feat(x)!: b\0{signed}", "Merge it\0"])
    assert (found.conventional, found.sign_off, found.contributing) == (True, True, ".github/CONTRIBUTING.md")
    assert manners(tree(), ["add a\0", "mend b\0"]).capital is False
    assert manners(tree(), []).capital is True
