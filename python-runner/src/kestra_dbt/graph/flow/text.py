"""A flow as YAML, and back."""

import re
from typing import Any

import yaml

from kestra_dbt.errors import RequestError

_SIMPLE = re.compile(r"[A-Za-z_][A-Za-z0-9_./ -]*", re.ASCII)


_Base: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Dumper(_Base):  # type: ignore[misc]
    """Quotes every string that is not plain in all versions of YAML."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - anchors are hard to read
        return True


def _text(dumper: Any, value: str) -> Any:  # noqa: ANN401 - as PyYAML has it
    style = None if _SIMPLE.fullmatch(value) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def to_yaml(content: dict[str, Any]) -> str:
    """Return ``content`` as YAML, the same for the same content."""
    return str(yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000, indent=2))


def from_yaml(text: str, where: str) -> Any:  # noqa: ANN401 - it may be anything
    """Return what ``text`` says.

    Raises:
        RequestError: it is no YAML.
    """
    try:
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    except yaml.YAMLError as error:
        raise RequestError(f"{where} is not YAML that can be read.", str(error)) from error
