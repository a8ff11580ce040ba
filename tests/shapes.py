"""The shapes and types of arrays in signatures, checked where a function is called; pyproject.toml switches it on.

jaxtyping's import hook wraps every function of the package by `checked`, which looks at the arguments and results whose
annotation has an array of jaxtyping in it, alone or in a union or a tuple. It leaves all others to the static checker:
typeguard and beartype would look at them, and stop at our protocols and type variables.

The fields of a dataclass are checked where one of its methods is called, together with the arguments, whose dimensions
have the same names. Where it is made they cannot be, since JAX makes pytrees with batch axes and of placeholders.

Arguments and fields may be arrays of NumPy, which JAX takes for its own; results may not.
"""

import dataclasses
import functools
import types
import typing
from collections.abc import Callable
from typing import Any

import jax
import jaxtyping
import numpy as np


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, which raises a TypeError where an array does not fit its annotation.

    Args:
        function: What jaxtyping makes of a function: one of the same parameters that does nothing, for the arguments,
            and another one for the result, which it returns.
    """
    hints = {name: hint for name, hint in function.__annotations__.items() if _has_array(hint)}
    result = hints.pop("return", None)
    hints = {name: _or_numpy(hint) for name, hint in hints.items()}
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    is_method = names[:1] == ("self",)

    @functools.wraps(function)
    def check_arguments(*args: Any, **kwargs: Any) -> None:
        if is_method and args:
            for name, hint in _fields(type(args[0])).items():
                _check(f"self.{name}", getattr(args[0], name), hint)
        for name, value in (*zip(names, args, strict=False), *kwargs.items()):
            if name in hints:
                _check(name, value, hints[name])

    @functools.wraps(function)
    def check_result(*args: Any, **kwargs: Any) -> Any:
        value = function(*args, **kwargs)
        _check("the result", value, result)
        return value

    if function.__name__ == "__init__":
        return function
    if result is not None:
        return check_result
    return check_arguments if hints or is_method else function


def _check(name: str, value: Any, hint: Any) -> None:
    if not _fits(value, hint):
        kind = f"{value.dtype}{list(value.shape)}" if hasattr(value, "dtype") else type(value).__name__
        raise TypeError(f"expected {hint} as {name}; got {kind}")


@functools.cache
def _fields(owner: type) -> dict[str, Any]:
    """The fields of a dataclass that have arrays, with their annotations."""
    if not dataclasses.is_dataclass(owner):
        return {}
    hints = typing.get_type_hints(owner)
    names = [field.name for field in dataclasses.fields(owner)]
    return {name: _or_numpy(hints[name]) for name in names if _has_array(hints[name])}


def _has_array(hint: Any) -> bool:
    return _is_array(hint) or (_origin(hint) in (typing.Union, tuple) and any(map(_has_array, typing.get_args(hint))))


def _is_array(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, jaxtyping.AbstractArray)


def _origin(hint: Any) -> Any:
    origin = typing.get_origin(hint)
    return typing.Union if origin is types.UnionType else origin


def _or_numpy(hint: Any) -> Any:
    """The annotation, in which arrays of JAX may also be arrays of NumPy."""
    if _origin(hint) is typing.Union:
        return typing.Union[tuple(map(_or_numpy, typing.get_args(hint)))]  # noqa: UP007
    return hint | hint.dtype[np.ndarray, hint.dim_str] if _is_array(hint) else hint


def _fits(value: Any, hint: Any) -> bool:
    if isinstance(value, jax.ShapeDtypeStruct):
        return True  # a placeholder, whose batch axes nobody knows
    if isinstance(value, np.generic):
        value = np.asarray(value)
    if _origin(hint) is typing.Union:
        return any(_fits(value, member) for member in typing.get_args(hint))
    if _origin(hint) is tuple:
        members = typing.get_args(hint)
        if members[1:] == (...,):
            members = members[:1] * len(value)
        return isinstance(value, tuple) and len(value) == len(members) and all(map(_fits, value, members))
    if hint is float:
        return isinstance(value, float | int)  # an int is a float in annotations
    kind = _origin(hint) or hint
    is_unknown = not isinstance(kind, type) or kind is Any or getattr(kind, "_is_protocol", False)
    return is_unknown or isinstance(value, kind)
