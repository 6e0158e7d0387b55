"""What dbt finds out each time it is called."""

import functools
import sys


def look_for_plugins_once() -> None:
    """Look for dbt's plugins, among all that is installed, once in a process and not in each of its invocations."""
    from dbt.plugins.manager import PluginManager  # noqa: PLC0415 - dbt is imported where it runs alone

    found = functools.cache(PluginManager.get_prefixed_modules)
    PluginManager.get_prefixed_modules = staticmethod(found)  # type: ignore[method-assign]


def name_who_asks_for_a_flag() -> None:
    """Find the name of the module that has made a behaviour flag without the source text of each of its callers."""
    from dbt_common.behavior_flags import BehaviorFlagRendered  # noqa: PLC0415 - dbt is imported where it runs alone

    @functools.wraps(BehaviorFlagRendered._default_source)
    def source() -> str:
        frame = sys._getframe(1)
        while frame.f_globals.get("__name__") in (None, BehaviorFlagRendered.__module__) and frame.f_back:
            frame = frame.f_back
        return str(frame.f_globals.get("__name__", "Unknown"))

    BehaviorFlagRendered._default_source = staticmethod(source)  # type: ignore[method-assign]
