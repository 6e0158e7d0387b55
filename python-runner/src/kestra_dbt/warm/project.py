"""A packed project in the memory of this process, with all that dbt reads, registers and works out for it once."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Iterator
from pathlib import Path

from kestra_dbt.core.private import private_folder
from kestra_dbt.core.supervision import variables_of
from kestra_dbt.core.surroundings import Surroundings
from kestra_dbt.core.system import threads
from kestra_dbt.graph.running import Part
from kestra_dbt.protocol import SECRETS_VARIABLE, GraphNode
from kestra_dbt.request_file import read_request, read_secrets
from kestra_dbt.warm.asked import Asked


def have_ready(asked: Asked) -> Iterator[None] | None:
    """Read the project of a request, so that forks of this process need not.

    Returns:
        What else can be had ready while there is time, in small steps; None if forks would be no better off.

    This process stands in for the one that asked meanwhile, and is itself again afterwards.
    """
    itself = Surroundings.of_this_process()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    before = threads()
    try:
        asked.surroundings.take()
        part = _practise(Path(asked.arguments[1]))
        return part.compile_macros() if threads() <= before else None  # a fork would lack an adapter's
    except Exception:  # noqa: BLE001 - the request itself is carried out next, and says what is wrong with it
        traceback.print_exc()
        return None
    finally:
        itself.take()


def _practise(request_file: Path) -> Part:
    request, secrets = read_request(request_file), read_secrets(os.environ.pop(SECRETS_VARIABLE, None))
    if not isinstance(request, GraphNode):
        raise TypeError(f"nothing of a request {request.kind} can be had ready")
    profiles_dir = request.options.profiles_dir
    options = request.options.model_copy(update={"profiles_dir": profiles_dir and str(Path(profiles_dir).absolute())})
    request = request.model_copy(update={"pack": str(Path(request.pack).absolute()), "options": options})
    with private_folder() as private:
        os.environ.update(variables_of(request, secrets, private))
        os.environ["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "false"
        os.chdir(private)
        part = Part(request, secrets)
        part.practise()
        return part
