# SPDX-License-Identifier: BSD-3-Clause
"""YAML as plain data, where a mistake is named with file, line and column, and a key stands once in its mapping.

Of a key that stands twice, YAML readers silently take the last.
"""

from typing import Any

from pachon.base.errors import FormatError
from pachon.base.utf8 import decode_text

__all__ = ["load_plain_yaml"]


def load_plain_yaml(text: str | bytes, source: str) -> Any:
    """Read one YAML document.

    Parameters
    ----------
    text
        The document.
    source
        What to call the file in messages.

    Raises
    ------
    FormatError
        It is no UTF-8, no YAML, or names a key twice.
    """
    # Base itself needs no YAML; whoever calls this has it.
    import yaml

    plain = text if isinstance(text, str) else decode_text(text, source)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(plain)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _refuse_repeated_keys(node, source)
        return loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = "" if mark is None else f", line {mark.line + 1}, column {mark.column + 1}"
        words = " ".join(part for part in (error.context, error.problem) if part)
        raise FormatError(f"{source}{place}: this is not YAML: {words}.") from None
    except yaml.YAMLError as error:
        raise FormatError(f"{source}: this is not YAML: {str(error).splitlines()[0]}.") from None
    finally:
        loader.dispose()


def _refuse_repeated_keys(root: Any, source: str) -> None:
    import yaml

    seen: set[int] = set()
    pending = [root]
    while pending:
        node = pending.pop()
        if id(node) in seen:  # an alias
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            pending += node.value
        elif isinstance(node, yaml.MappingNode):
            first: dict[tuple[str, str], int] = {}
            for key, value in node.value:
                pending.append(value)
                if not isinstance(key, yaml.ScalarNode) or key.value == "<<":
                    continue
                if (key.tag, key.value) in first:
                    line = first[key.tag, key.value]
                    mark = f"line {key.start_mark.line + 1}, column {key.start_mark.column + 1}"
                    raise FormatError(f"{source}, {mark}: the key {key.value!r} is there twice, first in line {line}.")
                first[key.tag, key.value] = key.start_mark.line + 1
