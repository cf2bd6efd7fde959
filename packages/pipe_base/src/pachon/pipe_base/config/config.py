# SPDX-License-Identifier: BSD-3-Clause
"""`Config`: the settings of a task, as a pydantic model that is filled step by step and then frozen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from types import UnionType
from typing import Any, ClassVar, Self, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined, SchemaValidator

from pachon.base import closest
from pachon.pipe_base.config import override_code
from pachon.pipe_base.config.accepted import accepted_values
from pachon.pipe_base.config.containers import find_subclass, wrap
from pachon.pipe_base.config.document import (
    DOCUMENT_VERSION,
    check_document,
    node_histories,
    restore_histories,
)
from pachon.pipe_base.config.errors import (
    ConfigError,
    FieldValueError,
    FrozenConfigError,
    UnknownFieldError,
    UnsetFieldError,
)
from pachon.pipe_base.config.field_docs import field_docs
from pachon.pipe_base.config.history import Assignment, Source, Trail, caller_source, default_assignment, plain_value
from pachon.pipe_base.config.node import ConfigNode, FieldLine, child_nodes, place_child, trail_of
from pachon.pipe_base.config.python_code import value_code
from pachon.pipe_base.config.validation import describe_validation_error, validate_exact
from pachon.pipe_base.import_path import import_object

__all__ = ["Config"]

_MOST_LISTED = 12
"""A configuration of more fields does not name them all in an error."""


class Config(BaseModel, ConfigNode):
    """Settings of a task, or a part of them.

    Fields are annotated attributes; the text below a field is its documentation, and pydantic's ``Field`` gives
    constraints::

        class FitConfig(Config):
            order: int = Field(default=6, ge=0)
            '''Order of the polynomial.'''
            ignored: list[str] = []
            '''Names of mask planes to ignore.'''

    A value is checked when it is set (items of lists, mappings and sets too), the whole when the configuration is
    frozen: then the `check` method and pydantic's model validators run. Every assignment is remembered with file
    and line. A field without default may be set later than at construction.

    Notes
    -----
    Validation accepts another kind of container (a list for a tuple) but never turns text into a number or the
    reverse, nor 3.0 into 3.
    """

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True, protected_namespaces=())

    reserved_names: ClassVar[frozenset[str]] = frozenset(
        [
            "assigned",
            "check",
            "check_whole",
            "compare",
            "freeze",
            "from_document",
            "history",
            "is_frozen",
            "iter_lines",
            "iter_nodes",
            "load",
            "set_data",
            "set_defaults",
            "set_field",
            "to_data",
            "to_document",
            "to_text",
            "walk",
        ]
    )

    _trail: Trail = PrivateAttr(default_factory=Trail)

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        for name in cls.model_fields:
            if name in cls.reserved_names:
                raise ConfigError(
                    f"{cls.__name__}: a field cannot be called {name!r}, which is a method of configurations."
                )
        if undescribed := {name: field for name, field in cls.model_fields.items() if field.description is None}:
            for name, text in field_docs(cls).items():
                if name in undescribed:
                    undescribed[name].description = text

    def __init__(self, **values: Any) -> None:
        cls = type(self)
        private = {name: attr.get_default() for name, attr in cls.__private_attributes__.items()}
        private["_trail"] = Trail(class_name=cls.__name__)
        object.__setattr__(self, "__dict__", {})
        object.__setattr__(self, "__pydantic_fields_set__", set())
        object.__setattr__(self, "__pydantic_extra__", None)
        object.__setattr__(
            self, "__pydantic_private__", {k: v for k, v in private.items() if v is not PydanticUndefined}
        )
        for name, field in cls.model_fields.items():
            default = field.get_default(call_default_factory=True)
            if default is not PydanticUndefined:
                self._store(name, default)
        self.set_defaults()
        for name, value in values.items():
            self.set_field(name, value, caller_source())

    # -- hooks of authors ------------------------------------------------------------------------------------------

    def set_defaults(self) -> None:
        """Change defaults, of this configuration or of those below; called once the fields have theirs."""

    def check(self) -> None:
        """Check values against each other when the configuration is frozen; raise `ValueError` with a sentence."""

    # -- access ----------------------------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            super().__setattr__(name, value)
        else:
            self.set_field(name, value, caller_source())

    def __delattr__(self, name: str) -> None:
        raise ConfigError(f"Field {name!r} of {type(self).__name__} cannot be deleted; set it to another value.")

    def __getattr__(self, name: str) -> Any:
        # Called only for what is not found in the usual places.
        cls = type(self)
        if name in cls.model_fields:
            raise UnsetFieldError(cls.__name__, self._trail.full_name(name))
        if name.startswith("_"):
            return super().__getattr__(name)  # type: ignore[misc]  # pydantic defines it behind the checker's back
        raise UnknownFieldError(cls.__name__, name, closest(name, cls.model_fields))

    def set_field(self, name: str, value: Any, source: Source) -> None:
        """Set a field and remember who did it.

        Raises
        ------
        UnknownFieldError, FieldValueError, FrozenConfigError
        """
        cls = type(self)
        if name not in cls.model_fields:
            hint = closest(name, cls.model_fields)
            if not hint and 0 < len(cls.model_fields) <= _MOST_LISTED:
                hint = f" It has {', '.join(cls.model_fields)}."
            raise UnknownFieldError(cls.__name__, name, hint)
        if self._trail.frozen:
            raise FrozenConfigError(cls.__name__, self._trail.full_name(name))
        if (deprecated := cls.model_fields[name].deprecated) is not None:
            _warn_deprecated(cls.__name__, name, deprecated)
        current = self.__dict__.get(name)
        if isinstance(current, ConfigNode):
            value = current.assigned(value, source)
        self._store(name, self._validated(name, value))
        self.__pydantic_fields_set__.add(name)
        self._trail.record(name, self.__dict__[name], source)

    def _validated(self, name: str, value: Any, *, exact: bool = True) -> Any:
        scratch = type(self).__new__(type(self))
        object.__setattr__(scratch, "__pydantic_fields_set__", set())
        object.__setattr__(scratch, "__pydantic_extra__", None)
        object.__setattr__(scratch, "__pydantic_private__", None)
        validator = _field_validator(type(self))

        def validate(given: Any, strict: bool) -> Any:
            object.__setattr__(scratch, "__dict__", dict(self.__dict__))
            validator.validate_assignment(scratch, name, given, strict=strict)
            return scratch.__dict__[name]

        try:
            valid = validate_exact(validate, value) if exact else validate(value, False)
            if problem := find_subclass(valid, type(self).model_fields[name].annotation):
                raise ValueError(problem)
            return valid
        except ValidationError as error:
            problem = describe_validation_error(error)
        except ValueError as error:
            problem = str(error)
        raise FieldValueError(type(self).__name__, self._trail.full_name(name), problem)

    def _store(self, name: str, value: Any) -> None:
        trail = self._trail
        wrapped = wrap(value, type(self).model_fields[name].annotation, trail, name)
        self.__dict__[name] = wrapped
        for child_name, node in child_nodes(name, wrapped):
            place_child(node, trail, child_name)

    # -- the node --------------------------------------------------------------------------------------------------

    def iter_nodes(self) -> Iterator[tuple[str, ConfigNode]]:
        for name in type(self).model_fields:
            yield from child_nodes(name, self.__dict__.get(name))

    def assigned(self, value: Any, source: Source) -> Any:
        if isinstance(value, type) and issubclass(value, Config):
            return value()
        if isinstance(value, Config) and value is not self and trail_of(value).attached:
            return value.model_copy(deep=True)
        return value

    def check_whole(self) -> None:
        cls = type(self)
        for name in cls.model_fields:
            if name not in self.__dict__:
                raise UnsetFieldError(cls.__name__, self._trail.full_name(name))
        where = f" ({self._trail.path})" if self._trail.path else ""
        checked = cls.__new__(cls)
        try:
            self.check()
            cls.__pydantic_validator__.validate_python(dict(self.__dict__), self_instance=checked)
        except ValidationError as error:
            location = error.errors(include_url=False)[0]["loc"]
            problem = describe_validation_error(error)
            if location:
                full_name = self._trail.full_name(".".join(map(str, location)))
                raise FieldValueError(cls.__name__, full_name, problem) from None
            raise ConfigError(f"{cls.__name__}{where} is not consistent: {problem}.") from None
        except ConfigError:
            raise
        except ValueError as error:
            raise ConfigError(f"{cls.__name__}{where} is not consistent: {str(error).rstrip('.')}.") from error
        for name, value in checked.__dict__.items():
            if value != self.__dict__[name]:  # a validator of the author's changed it
                self._store(name, value)
                self._trail.record(name, value, Source(text=f"a validator of {cls.__name__}"))

    def iter_lines(self) -> Iterator[FieldLine]:
        for name, field in type(self).model_fields.items():
            value = self.__dict__.get(name, PydanticUndefined)
            nodes = [] if value is PydanticUndefined else [node for _, node in child_nodes(name, value)]
            is_part = any(value is node for node in nodes)
            if not (is_part and self._has_node_by_default(name)):
                yield self._line(name, field, value)
            elif isinstance(value, Config) and field.description:
                yield FieldLine(name=self._trail.full_name(name), doc=field.description, code="", is_heading=True)
            for line in (line for node in nodes for line in node.iter_lines()):
                is_own = is_part and line.name == self._trail.full_name(name) and not line.doc
                yield replace(line, doc=field.description or "") if is_own else line

    def _line(self, name: str, field: FieldInfo, value: Any) -> FieldLine:
        full_name, doc, default = self._trail.full_name(name), field.description or "", declared_default(field)
        is_set = value is not PydanticUndefined
        code, modules = value_code(value) if is_set else ("", ())
        return FieldLine(
            name=full_name,
            doc=doc if is_set else f"{doc}\n(no value yet)".strip(),
            code=f".{full_name}={code}" if is_set else "",
            modules=modules,
            accepts=accepted_values(field),
            default="" if default is PydanticUndefined else value_code(default)[0],
        )

    def _has_node_by_default(self, name: str) -> bool:
        default = type(self).model_fields[name].get_default(call_default_factory=True)
        return type(default) is type(self.__dict__[name])

    # -- files and documents -----------------------------------------------------------------------------------------

    def load(self, path: str) -> None:
        """Run an override file (Python code with ``config`` in scope) on this configuration.

        Parameters
        ----------
        path
            A local file; ``$VAR`` is expanded. Within an override file, a relative path is relative to that file, or to the
            current directory if there is no such file beside it.
        """
        local = override_code.local_override_path(path, override_code.loading_file.get())
        code = override_code.compile_override(override_code.read_override(local), local)
        with override_code.loading(local):
            override_code.run_override(code, {"config": self, "__file__": local, "__name__": "__override__"})

    def to_data(self) -> dict[str, Any]:
        return {name: plain_value(self.__dict__[name]) for name in type(self).model_fields if name in self.__dict__}

    def set_data(self, data: Any) -> None:
        cls = type(self)
        for name, value in data.items():
            if name not in cls.model_fields:
                raise UnknownFieldError(cls.__name__, name, closest(name, cls.model_fields))
            current = self.__dict__.get(name)
            if isinstance(current, ConfigNode) and value is not None:
                current.set_data(value)
            else:
                if isinstance(value, str) and _holds_object(cls.model_fields[name].annotation):
                    value = import_object(value)
                self._store(name, self._validated(name, value, exact=False))

    def to_document(self) -> dict[str, Any]:
        """Give values and their history as JSON-able data."""
        cls = type(self)
        return {
            "version": DOCUMENT_VERSION,
            "class": f"{cls.__module__}.{cls.__qualname__}",
            "values": self.to_data(),
            "history": node_histories(self),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Make a configuration of this class from what `to_document` gave.

        Raises
        ------
        FormatError
            The document is no saved configuration, or of a newer version.
        ConfigError
            It does not fit the class: a field is gone, a value is no longer accepted.
        """
        check_document(document)
        config = cls()
        config.set_data(document["values"])
        restore_histories(config, document.get("history", {}))
        return config

    def history(self, name: str) -> list[Assignment]:
        """Give the assignments of a field, oldest first, its default included.

        Raises
        ------
        UnknownFieldError
        """
        cls = type(self)
        if name not in cls.model_fields:
            raise UnknownFieldError(cls.__name__, name, closest(name, cls.model_fields))
        default = cls.model_fields[name].get_default(call_default_factory=True)
        entries = self._trail.history.get(name, [])
        if default is PydanticUndefined:
            return list(entries)
        return [default_assignment(default), *entries]

    # -- comparison and copies -----------------------------------------------------------------------------------------

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __eq__(self, other: object) -> bool:
        # Values alone: two configurations are equal whatever their histories are.
        if not isinstance(other, Config):
            return NotImplemented
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __getstate__(self) -> dict[Any, Any]:
        state = super().__getstate__()
        state["__dict__"] = dict(self.__dict__)
        return state

    def __setstate__(self, state: dict[Any, Any]) -> None:
        super().__setstate__(state)
        _rewrap(self)

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        copied = super().__deepcopy__(memo)
        _rewrap(copied)
        trail_of(copied).attached = False
        return copied


def declared_default(field: FieldInfo) -> Any:
    """Give the default of a field, or `PydanticUndefined`."""
    return field.get_default(call_default_factory=True)


def _holds_object(annotation: Any) -> bool:
    """Whether a field of this type holds a class or function, which is saved by its import path."""
    if get_origin(annotation) in (Union, UnionType):
        return any(_holds_object(member) for member in get_args(annotation))
    return (get_origin(annotation) or annotation) in (type, Callable)


def _rewrap(config: Config) -> None:
    """Put the containers of a copied configuration back; copies and pickles have plain ones."""
    for name, value in list(config.__dict__.items()):
        config._store(name, value)  # a part of the class that pydantic must not see


def _warn_deprecated(class_name: str, name: str, deprecated: Any) -> None:
    import warnings

    text = deprecated if isinstance(deprecated, str) else getattr(deprecated, "message", "")
    warnings.warn(f"Field {name!r} of {class_name} is deprecated. {text}".strip(), FutureWarning, stacklevel=4)


@cache
def _field_validator(cls: type[Config]) -> SchemaValidator:
    """Give the validator of a class without the author's model validators, which wait for the whole."""
    if not cls.__pydantic_decorators__.model_validators:
        return cls.__pydantic_validator__  # type: ignore[return-value]  # the same interface
    schema: Any = cls.__pydantic_core_schema__
    while schema["type"].startswith("function-"):
        schema = schema["schema"]
    return SchemaValidator(schema)
