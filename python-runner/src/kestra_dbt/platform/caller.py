"""For whom a request is carried out, and by what means."""

from collections.abc import Callable
from dataclasses import dataclass

from kestra_dbt.platform.api.client import Connecting, own_connections
from kestra_dbt.platform.following import Resting, sleep
from kestra_dbt.platform.timer import TimerWatch
from kestra_dbt.platform.watch import Watch
from kestra_dbt.protocol import Event


@dataclass(frozen=True)
class Caller:
    """Who asks: a process of its own by default, with its own connections."""

    emit: Callable[[Event], None]
    """Takes the events."""
    take_stop: Callable[[], float | None]
    """Tells the seconds of grace if a stop was asked for."""
    is_unread: Callable[[], bool] = lambda: False
    """Tells whether nobody is there any more."""
    watching: type[Watch] = TimerWatch
    """How waiting is interrupted."""
    connecting: Connecting = own_connections
    """Over what connections it is done."""
    resting: Resting = sleep
    """What is done between two looks at a run."""
