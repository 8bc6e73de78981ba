"""What is wrong with a configuration file, in the words of whoever wrote it."""

from collections.abc import Mapping
from typing import Any, cast

import yaml
from pydantic import BaseModel
from pydantic_core import ErrorDetails

_WANTED = {
    "bool_parsing": "expected true or false",
    "bool_type": "expected true or false",
    "int_parsing": "expected a whole number",
    "int_from_float": "expected a whole number",
    "int_type": "expected a whole number",
    "float_parsing": "expected a number",
    "float_type": "expected a number",
    "string_type": "expected a text, in quotes",
    "path_type": "expected the name of a file",
    "model_type": "expected keys and values",
    "model_attributes_type": "expected keys and values",
    "greater_than_equal": "expected at least {ge}",
    "greater_than": "expected more than {gt}",
    "less_than_equal": "expected at most {le}",
    "literal_error": "expected {expected}",
    "enum": "expected {expected}",
    "string_pattern_mismatch": "expected a name without blanks, a prefix without dots",
    "string_too_long": "expected {max_length} characters at most",
    "union_tag_invalid": "expected source {expected_tags}",
    "union_tag_not_found": "expected a source: table, fixed_step or attribute",
    "missing": "this key is needed",
}
"""Pydantic's type of fault -> what was wanted."""


_KINDS = {"table", "fixed_step", "attribute"}


class UniqueKeyLoader(yaml.SafeLoader):
    """Refuses a key that stands twice, of which YAML would take the last in silence."""

    def construct_mapping(
        self, node: yaml.MappingNode, deep: bool = False
    ) -> dict[Any, Any]:
        """Give a mapping's keys and values."""
        seen: set[str] = set()
        for key, _ in node.value:
            name = str(key.value)
            if name in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"the key {name} stands here a second time",
                    problem_mark=key.start_mark,
                )
            seen.add(name)
        return super().construct_mapping(node, deep)


def yaml_fault(error: yaml.YAMLError) -> str:
    """Say what is wrong with a file that is no YAML, and in which line."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return f"is no YAML: {' '.join(str(error).split())}"
    line, problem = error.problem_mark.line + 1, error.problem or ""
    hint = ""
    if problem.startswith("mapping values are not allowed"):
        hint = '; what ends with a colon stands in quotes: prefix: "2bmb:TomoStream:"'
    elif "\\t" in problem:
        hint = "; lines are indented by blanks, not by tabs"
    return f"line {line}: {problem}{hint}"


def value_fault(fault: ErrorDetails) -> str:
    """Say which key it is, what was wanted and what came."""
    place = place_of(fault)
    wanted = _wanted(fault)
    given: object = fault.get("input")
    if fault["type"] == "union_tag_invalid" and isinstance(given, Mapping):
        given = cast("Mapping[str, object]", given).get("source")
    is_section = isinstance(given, Mapping | BaseModel)
    shown = "" if is_section or fault["type"] == "missing" else f", got {given!r}"
    return f"{place}: {wanted}{shown}" if place else wanted


def place_of(fault: ErrorDetails) -> str:
    """Give the key, with those of the sections it is in."""
    first, *rest = [str(part) for part in fault["loc"]] or [""]
    if first == "angles":
        # Pydantic puts the kind of angles between, which is no key.
        rest = [
            part for number, part in enumerate(rest) if number > 0 or part not in _KINDS
        ]
    return ".".join([first, *rest])


def _wanted(fault: ErrorDetails) -> str:
    context: dict[str, Any] = fault.get("ctx", {})
    if fault["type"] in _WANTED:
        return _WANTED[fault["type"]].format(**context)
    message = fault["msg"].removeprefix("Value error, ")
    return message[:1].lower() + message[1:]
