"""What carrying out any request on the platform needs, put together."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from kestra_dbt.errors import RequestError
from kestra_dbt.platform.api.calls import Api
from kestra_dbt.platform.api.client import Account, Client
from kestra_dbt.platform.api.host import base_url
from kestra_dbt.platform.api.models import Run
from kestra_dbt.platform.caller import Caller
from kestra_dbt.platform.leavings.collecting import Collection
from kestra_dbt.platform.progress import Progress
from kestra_dbt.platform.telling import Telling
from kestra_dbt.platform.watch import Watch
from kestra_dbt.protocol import PlatformRequest, Secrets
from kestra_dbt.report.output import OutputFolder
from kestra_dbt.report.results import NODES_FILE, Results


@dataclass
class Session:
    """One request being carried out."""

    api: Api
    watch: Watch
    telling: Telling
    folder: OutputFolder
    results: Results
    progress: Progress
    collection: Collection
    rest: Callable[[Run, float], None]
    """Waits between two looks at a run."""
    began: float
    followed: bool = False
    """Whether it came to following a run, whose nodes and summary are then a part of the end."""

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return time.monotonic() - self.began


@contextmanager
def session(
    request: PlatformRequest, secrets: Secrets, output: Path, watch: Watch, caller: Caller
) -> Iterator[Session]:
    """Yield what carries out ``request``.

    Raises:
        RequestError: the host or the token cannot be used.
    """
    began = time.monotonic()
    if not secrets.platform_token:
        raise RequestError("`token` is missing: give a service token or a personal one of the dbt platform.")
    address = base_url(request.host)
    telling = Telling(caller.emit, address, request.account_id, debug=request.debug)
    token = secrets.platform_token.strip()
    endures = hasattr(request, "following")
    client = Client(Account(address, request.account_id, token), watch, telling.say, caller.connecting, endures=endures)
    folder = OutputFolder(output, caller.emit)
    results = Results(folder.path(NODES_FILE))
    try:
        with watch.installed():
            api = Api(client)
            progress = Progress(api, telling, results)
            collection = Collection(api, watch, folder, results, telling)
            rest = partial(caller.resting, api, watch)
            yield Session(api, watch, telling, folder, results, progress, collection, rest, began)
    finally:
        results.close()
        client.close()
