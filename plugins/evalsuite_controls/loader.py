"""``control:NAME`` loads a shipped directory through the scheme that any model goes through."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from evalsuite import LoadSettings, Model, ModelError, ModelInfo
from evalsuite.errors import UnknownNameError
from evalsuite.registry import installed
from evalsuite_controls.catalogue import CONTROLS, Control


class Loader:
    """The loader behind ``control:``."""

    def describe(self, reference: str, settings: LoadSettings) -> ModelInfo:
        """The directory's own description under the control's name."""
        control = _with_weights(reference)
        info: ModelInfo = _loader(control).describe(str(control.directory), settings)
        return _named(info, control)

    def load(self, reference: str, settings: LoadSettings) -> Model:
        """The directory's model under the control's name."""
        control = _with_weights(reference)
        model = _loader(control).load(str(control.directory), settings)
        model._info = _named(model.info, control)
        loaded: Model = model
        return loaded


def find(name: str) -> Control:
    """A control by name; raises UnknownNameError with the closest names."""
    if name not in CONTROLS:
        raise UnknownNameError.among("control", name, CONTROLS)
    return CONTROLS[name]


def _with_weights(name: str) -> Control:
    control = find(name)
    if not control.directory.is_dir():
        raise ModelError(
            f"The weights of control {name!r} are not installed; build them with "
            f"`evalsuite controls build {name}`."
        )
    return control


def _loader(control: Control) -> Any:
    return installed().require("model", control.scheme).load()()


def _named(info: ModelInfo, control: Control) -> ModelInfo:
    details = {**info.details, "control": control.title}
    twin = control.twin or ""
    if control.planted:
        details |= {
            "planted": control.planted,
            "twin": f"control:{twin}",
            "control probes": ", ".join(control.probes),
        }
    return replace(info, name=f"control:{control.name}", details=details)
