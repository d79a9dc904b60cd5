"""Constructor parameters in scikit-learn's manner, without scikit-learn."""

import inspect
from typing import Any, Self


class Parameters:
    """Base class of what is built from keyword arguments that the constructor only stores.

    It has scikit-learn's `get_params` and `set_params`, so that `sklearn.base.clone` copies it
    unfitted. Unlike `BaseEstimator` it needs no import of scikit-learn to answer.

    >>> class Smoothing(Parameters):
    ...     def __init__(self, *, rows: float = 1.0) -> None:
    ...         self.rows = rows
    >>> Smoothing(rows=2.0).get_params()
    {'rows': 2.0}
    """

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002
        """Return the constructor's arguments by name; `deep` changes nothing."""
        return {name: getattr(self, name) for name in self._parameter_names()}

    def set_params(self, **params: object) -> Self:
        """Set constructor arguments by name; raises `ValueError` for a name that is none."""
        unknown = sorted(params.keys() - set(self._parameter_names()))
        if unknown:
            raise ValueError(f"{type(self).__name__} has no parameter {', '.join(unknown)}")
        for name, value in params.items():
            setattr(self, name, value)
        return self

    @classmethod
    def _parameter_names(cls) -> list[str]:
        return [name for name in inspect.signature(cls.__init__).parameters if name != "self"]

    def __repr__(self) -> str:
        params = ", ".join(f"{name}={value!r}" for name, value in self.get_params().items())
        return f"{type(self).__name__}({params})"

    def __getstate__(self) -> dict[str, Any]:
        return dict(vars(self))
