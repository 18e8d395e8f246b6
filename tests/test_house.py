"""The house stands: a room imports from rooms below it, never from above, never in a circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "src" / "jiaozi"

FLOORS = (
    {"money", "clock", "errors", "compiled"},
    {"proof"},
    {"rulebook", "people", "bank", "watch"},
    {"ledger"},
    {"issuer", "chain", "lab"},
    {"report"},
    {"office", "embedded"},
    {"server", "pilot", "commands"},
    {"cli"},
)
"""The plan of the design, ground floor first. `docs/why/floors.md` tells what was added to it."""

PROOF_MAY_USE = {"money", "errors", "compiled"}


def floor_of(room: str) -> int:
    for number, rooms in enumerate(FLOORS):
        if room in rooms:
            return number
    raise AssertionError(f"{room} stands on no floor; give it one in tests/test_house.py")


def files() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE or path.stem != "__init__")


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def module_of(path: Path) -> str:
    parts = ["jiaozi", *path.relative_to(PACKAGE).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> Iterator[tuple[str, int]]:
    """Yield every module of ours that *path* imports, also inside functions, with its line."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively; name the module whole"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from ((name, node.lineno) for name in names if name.split(".")[0] == "jiaozi")


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_only_from_its_own_floor_or_below(path: Path) -> None:
    room = room_of(path)
    for name, line in imports_of(path):
        parts = name.split(".")
        if len(parts) < 2 or parts[1].startswith("__"):
            continue
        assert floor_of(parts[1]) <= floor_of(room), f"{path}:{line} reaches up to {name}"
        if room == "proof":
            assert parts[1] in {*PROOF_MAY_USE, "proof"}, f"{path}:{line}: the proof stands alone"


def test_no_rooms_import_each_other_in_a_circle() -> None:
    graph: dict[str, set[str]] = {}
    for path in files():
        rooms = {name.split(".")[1] for name, _ in imports_of(path) if "." in name}
        graph.setdefault(room_of(path), set()).update(rooms - {room_of(path), "__version__"})
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        pytest.fail(f"rooms import each other: {' -> '.join(circle.args[1])}")


def test_no_modules_import_each_other_in_a_circle() -> None:
    known = {module_of(path) for path in files()}
    graph: dict[str, set[str]] = {}
    for path in files():
        wanted = set()
        for name, _ in imports_of(path):
            module = name if name in known else name.rpartition(".")[0]
            if module in known and module != module_of(path):
                wanted.add(module)
        graph[module_of(path)] = wanted
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        pytest.fail(f"modules import each other: {' -> '.join(circle.args[1])}")


def test_below_the_office_nobody_asks_for_the_time_or_for_chance() -> None:
    """Every decision can be replayed: clocks and seeds are handed in."""
    forbidden = {"time.time", "time.time_ns", "datetime.now", "date.today"}
    for path in files():
        if floor_of(room_of(path)) >= floor_of("office") or path == PACKAGE / "clock.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = {alias.name for alias in node.names}
                assert not names & {"random", "secrets"}, f"{path}:{node.lineno} rolls dice"
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                called = ast.unparse(node.func)
                assert called not in forbidden, f"{path}:{node.lineno} calls {called}"


def test_the_stand_alone_verifier_uses_the_standard_library_only() -> None:
    path = PACKAGE / "proof" / "verify_jiaozi.py"
    assert not list(imports_of(path))
    allowed = {
        "__future__",
        "argparse",
        "base64",
        "collections",
        "datetime",
        "hashlib",
        "json",
        "pathlib",
        "re",
        "sys",
        "typing",
    }
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert {alias.name.split(".")[0] for alias in node.names} <= allowed
        elif isinstance(node, ast.ImportFrom):
            assert (node.module or "").split(".")[0] in allowed


def test_every_room_opens_with_a_map_of_what_lives_there() -> None:
    for folder in sorted(path.parent for path in PACKAGE.glob("*/**/__init__.py")):
        words = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))) or ""
        assert words, f"{folder.name} has no docstring"
        if folder.name in ("commands",):
            continue
        for path in sorted(folder.glob("*.py")):
            if path.stem != "__init__":
                assert path.stem in words, f"{folder.name}/__init__.py does not mention {path.stem}"
        for inner in sorted(path.parent.name for path in folder.glob("*/__init__.py")):
            assert inner in words, f"{folder.name}/__init__.py does not mention {inner}/"
