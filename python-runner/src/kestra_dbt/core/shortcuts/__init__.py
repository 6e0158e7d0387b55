"""What takes dbt long, most of it in a large project, done with the same result in less time."""

import contextlib
import functools
import os

from kestra_dbt.core.shortcuts.artifacts import encode_changes_alone, encode_json_at_once
from kestra_dbt.core.shortcuts.invocations import look_for_plugins_once, name_who_asks_for_a_flag
from kestra_dbt.core.shortcuts.lines import look_at_a_full_log_alone, look_for_names_of_secrets
from kestra_dbt.core.shortcuts.linking import leave_out_what_is_beside, look_for_cycles_once
from kestra_dbt.core.shortcuts.nodes import find_macros_at_once, list_tables_by_key, match_what_has_the_name

_FAST_TEST_EDGES = "DBT_USE_FAST_TEST_EDGES"
"""Makes `build` add an edge from a test to the next models alone, instead of to all that come after: dbt waits for the
same, and needs seconds for it in a project where that takes minutes. An option of dbt, which its second version always
uses."""

_SHORTCUTS = (
    look_for_plugins_once,
    name_who_asks_for_a_flag,
    look_for_cycles_once,
    leave_out_what_is_beside,
    match_what_has_the_name,
    list_tables_by_key,
    find_macros_at_once,
    look_for_names_of_secrets,
    look_at_a_full_log_alone,
    encode_json_at_once,
    encode_changes_alone,
)


def take_shortcuts() -> None:
    """Have dbt in this process take them; where another release of it is built otherwise, it goes its own way."""
    os.environ.setdefault(_FAST_TEST_EDGES, "true")
    _replace()


@functools.cache
def _replace() -> None:
    for shorten in _SHORTCUTS:
        with contextlib.suppress(ImportError, AttributeError):
            shorten()
