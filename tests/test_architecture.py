"""The rooms know only what lies before them (docs/architecture.md)."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "bocage"
FOUNDATION = {
    "cogs",
    "errors",
    "files",
    "graphs",
    "rasters",
    "reflectance",
    "cubes",
    "shifts",
    "tables",
    "__version__",
}
ORDER = [
    "legend",
    "grid",
    "imagery",
    "superres",
    "samples",
    "posterior",
    "model",
    "change",
    "refine",
    "generalize",
    "accuracy",
    "products",
    "simulate",
    "workflow",
    "cli",
]


def imports(path: Path) -> set[tuple[str, str]]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("bocage"):
            parts = (node.module or "").split(".")
            names = [parts[1]] if len(parts) > 1 else [a.name for a in node.names]
            found |= {(name, node.module or "") for name in names}
    return found


def modules(room: str) -> list[Path]:
    return sorted((SOURCE / room).rglob("*.py"))


@pytest.mark.parametrize("room", ORDER)
def test_imports_point_down(room):
    allowed = FOUNDATION | set(ORDER[: ORDER.index(room) + 1])
    if room == "simulate":
        allowed = FOUNDATION | {"legend", "grid", "simulate"}
    for path in modules(room):
        for name, _ in imports(path):
            assert name in allowed, f"{path.name} of {room} imports {name}"


@pytest.mark.parametrize("room", ORDER)
def test_rooms_do_not_import_their_neighbours_internals(room):
    for path in modules(room):
        for name, module in imports(path):
            parts = module.split(".")
            private = any(p.startswith("_") for p in parts[2:]) or len(parts) > 2
            assert name == room or not private, f"{path.name} of {room} imports {module}"


def test_every_package_is_a_room():
    packages = {p.name for p in SOURCE.iterdir() if (p / "__init__.py").exists()}
    assert packages == set(ORDER)


def test_the_foundation_stands_alone():
    for name in FOUNDATION - {"__version__"}:
        assert {n for n, _ in imports(SOURCE / f"{name}.py")} <= FOUNDATION


def test_no_code_names_a_class():
    """Codes of the legend stand in data files, never in code."""
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and type(node.value) is int:
                assert node.value not in LEAVES, f"{path}:{node.lineno} names class {node.value}"


def _leaves() -> set[int]:
    from bocage.legend import load_legend

    return set(load_legend("pa").codes())


LEAVES = _leaves()
