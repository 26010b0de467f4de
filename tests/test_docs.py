"""The docs are true: their code runs, their links lead somewhere, their tables are what the program says."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from afterbay.core import kernels
from afterbay.core.errors import MissingExtraError
from afterbay.sizing.project.keys import SECTIONS

_ROOT = Path(__file__).resolve().parents[1]
_PAGES = sorted(
    path
    for path in [*_ROOT.glob("*.md"), *(_ROOT / "docs").rglob("*.md")]
    if (_ROOT / "docs" / "generated") not in path.parents
)
_FENCE = re.compile(r"(?P<before>[^\n]*)\n```(?P<language>\w*)[^\n]*\n(?P<code>.*?)\n```", re.DOTALL)
_LINK = re.compile(r"\[[^\]]+\]\((?P<target>[^)\s]+)\)")
_NOT_RUN = "<!-- not run:"
_INCLUDE = '--8<-- "'
_MACHINE_PATH = re.compile(r"(?<![\w.>/-])/(?:home|root|work|Users|tmp|usr|opt|var|mnt)/|\b[A-Z]:\\")


def _name(path: Path) -> str:
    return path.relative_to(_ROOT).as_posix()


def _python_blocks(page: Path) -> Iterator[tuple[int, str]]:
    """Return line and text of each block that runs; an included example is run by test_examples."""
    text = page.read_text(encoding="utf-8")
    for match in _FENCE.finditer(text):
        code = match["code"]
        runs = not match["before"].startswith(_NOT_RUN) and not code.startswith(_INCLUDE)
        if match["language"] == "python" and runs:
            yield text.count("\n", 0, match.start("code")) + 1, code


_WITH_CODE = [page for page in _PAGES if any(_python_blocks(page))]


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_docs", _ROOT / "tools" / "generate_docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", _WITH_CODE, ids=_name)
def test_the_code_of_a_page_runs_from_top_to_bottom(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": page.stem}
    for line, code in _python_blocks(page):
        try:
            # Blank lines in front, so that an error names the line of the page.
            exec(compile("\n" * (line - 1) + code, str(page), "exec"), names)
        except MissingExtraError as missing:
            pytest.skip(str(missing))


def test_the_entry_pages_show_code() -> None:
    assert {"README.md", "docs/tutorials/size-a-project.md"} <= {_name(page) for page in _WITH_CODE}


@pytest.mark.parametrize("page", _PAGES, ids=_name)
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    targets = [match["target"].split("#")[0] for match in _LINK.finditer(page.read_text(encoding="utf-8"))]

    broken = [target for target in targets if target and ":" not in target and not (page.parent / target).exists()]

    assert broken == []


@pytest.mark.parametrize("page", _PAGES, ids=_name)
def test_every_include_names_a_file(page: Path) -> None:
    included = re.findall(r'^--8<-- "([^":]+)', page.read_text(encoding="utf-8"), re.MULTILINE)

    assert [name for name in included if not (_ROOT / name).is_file()] == []


@pytest.mark.parametrize("page", [*_PAGES, *sorted((_ROOT / "docs" / "generated").glob("*.md"))], ids=_name)
def test_no_page_names_a_path_of_a_machine(page: Path) -> None:
    assert _MACHINE_PATH.findall(page.read_text(encoding="utf-8")) == []


def test_every_page_stands_in_the_navigation() -> None:
    navigation = (_ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    pages = [path.relative_to(_ROOT / "docs").as_posix() for path in _PAGES if _ROOT / "docs" in path.parents]

    assert [page for page in pages if f": {page}" not in navigation] == []


def test_the_generated_pages_are_what_the_program_says() -> None:
    tool = _generator()

    assert (
        tool.compare(
            {name: page() for name, page in tool.PAGES.items()},
            {name: tool.alt_text(picture()) for name, picture in tool.PICTURES.items()},
            tool.GENERATED,
        )
        == []
    )


def test_a_stale_or_left_over_generated_page_is_named(tmp_path: Path) -> None:
    (tmp_path / "old.md").write_text("nobody makes this\n", encoding="utf-8")
    (tmp_path / "now.md").write_text("said before\n", encoding="utf-8")

    lines = _generator().compare({"now.md": "says now\n"}, {"front.png": "a front"}, tmp_path)

    assert "-said before" in lines
    assert "+says now" in lines
    assert any(line.startswith("old.md") for line in lines)
    assert any(line.startswith("front.png: shows 'nothing'") for line in lines)


def test_every_generated_page_is_included_somewhere() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in _PAGES)

    tool = _generator()

    assert [name for name in (*tool.PAGES, *tool.PICTURES) if f"generated/{name}" not in text] == []


def test_every_key_of_a_project_file_is_explained() -> None:
    page = (_ROOT / "docs" / "reference" / "project-file.md").read_text(encoding="utf-8")
    keys = [key for section in SECTIONS.values() for key in section]

    assert [key for key in keys if f"`{key}`" not in page] == []


def test_the_equations_carry_the_numbers_of_the_kernels() -> None:
    page = (_ROOT / "docs" / "concepts" / "battery.md").read_text(encoding="utf-8")
    on_page = dict(re.findall(r"^## (\d) (.+)$", page, re.MULTILINE))
    in_code = {
        number: name
        for name in kernels.__all__
        for number in re.findall(r"Equation (\d)", getattr(kernels, name).__doc__ or "")
    }

    assert in_code == {
        "1": "charge", "2": "discharge", "3": "stand", "4": "pv_power", "5": "generator_output", "6": "generator_fuel",
    }  # fmt: skip
    assert on_page == {
        "1": "Charge", "2": "Discharge", "3": "Standing loss", "4": "Solar", "5": "Output of a running generator",
        "6": "Fuel",
    }  # fmt: skip


@pytest.mark.parametrize("decision", sorted((_ROOT / "docs" / "adr").glob("*.md")), ids=_name)
def test_a_decision_has_its_number_its_date_and_its_four_parts(decision: Path) -> None:
    text = decision.read_text(encoding="utf-8")
    number = int(decision.name[:4])

    assert re.match(rf"# {number}\. .+ {{4,}}Accepted, \d{{4}}-\d\d-\d\d\n", text)
    parts = ("Context", "Decision", "Consequences", "Rejected")
    assert re.findall(r"^\*\*(\w+):\*\*", text, re.MULTILINE) == list(parts)


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", ".github/workflows/ci.yml"])
def test_every_make_target_that_is_named_exists(name: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", (_ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    text = (_ROOT / name).read_text(encoding="utf-8")

    named = set(re.findall(r"(?:`|run: |^)make ([a-z]+)", text, re.MULTILINE))

    assert named
    assert named <= targets
