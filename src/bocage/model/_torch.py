"""Torch, only where it is asked for."""

from __future__ import annotations

from importlib.util import find_spec

from bocage.errors import ConfigError


def require_torch() -> None:
    """Raise a `ConfigError` that names the remedy when training cannot work here."""
    needed = ("torch", "onnx", "onnxscript", "safetensors")
    if missing := [name for name in needed if find_spec(name) is None]:
        raise ConfigError(
            f"training the field engine needs {', '.join(missing)}",
            remedy="pip install -c constraints.txt 'bocage[train]'",
        )
