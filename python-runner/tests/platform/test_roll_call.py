"""Many who wait in one process: how their runs are is asked for together."""

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import pytest
from waiting import wait_until

from kestra_dbt.platform.api.calls import PAGE, Api
from kestra_dbt.platform.api.client import Account, Client
from kestra_dbt.platform.api.models import Run
from kestra_dbt.platform.shared.roll_call import RollCall
from kestra_dbt.platform.shared.thread_watch import ThreadWatch
from kestra_dbt.platform.watch import InterruptedWaitError

RUNNING, SUCCESS = 3, 10


@dataclass
class Listing:
    """A platform that lists runs."""

    statuses: dict[int, int]
    code: int = 200
    asked: list[tuple[str, list[int]]] = field(default_factory=list)
    """The token of each call, and the runs that it is about."""

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer one call."""
        assert request.url.path == "/api/v2/accounts/1/runs/"
        asked: list[int] = json.loads(request.url.params["pk__in"])
        self.asked.append((request.headers["Authorization"].removeprefix("Token token-of-"), asked))
        runs = [{"id": run_id, "status": self.statuses[run_id]} for run_id in asked if run_id in self.statuses]
        return httpx.Response(self.code, json={"status": {"code": self.code}, "data": runs})


class Waiting:
    """A thread that waits for a run."""

    def __init__(self, roll_call: RollCall, listing: Listing, run_id: int, name: str = "all") -> None:
        self.stop: float | None = None
        self.interrupted = False
        self._watch = ThreadWatch(lambda: self.stop, None, lambda: False)
        account = Account("https://example.com", 1, f"token-of-{name}")

        def connecting(_: ThreadWatch, **options: object) -> httpx.Client:
            return httpx.Client(**{**options, "transport": httpx.MockTransport(listing.answer)})  # type: ignore[arg-type]

        api = Api(Client(account, self._watch, lambda *_: None, connecting, endures=True))
        run = Run(id=run_id, status=RUNNING)
        self._thread = threading.Thread(target=self._rest, args=(roll_call, api, run), daemon=True)
        self._thread.start()

    def _rest(self, roll_call: RollCall, api: Api, run: Run) -> None:
        with self._watch.installed():
            try:
                roll_call.rest(api, self._watch, run, 0.05)
            except InterruptedWaitError:
                self.interrupted = True

    @property
    def goes_on(self) -> bool:
        """Whether it still waits."""
        return self._thread.is_alive()


@pytest.fixture
def roll_call() -> Iterator[RollCall]:
    """Return one among so many that nobody comes to look for himself."""
    ended = threading.Event()
    keeper = threading.Thread(target=ThreadWatch.look_after_all, args=(ended,))
    keeper.start()
    with contextlib.ExitStack() as stack:
        stack.callback(keeper.join)
        stack.callback(ended.set)
        yield RollCall(looks_per_s=1e-6)


def test_who_waits_hears_of_another_status(roll_call: RollCall) -> None:
    """Only of that of his own run; no call is about more runs than a page has."""
    listing = Listing(dict.fromkeys(range(1, 251), RUNNING))
    waits = {run_id: Waiting(roll_call, listing, run_id) for run_id in listing.statuses}
    wait_until(lambda: {run_id for _, asked in listing.asked for run_id in asked} == set(waits))
    assert all(wait.goes_on for wait in waits.values())
    listing.statuses[7] = SUCCESS
    wait_until(lambda: not waits[7].goes_on)
    assert [run_id for run_id, wait in waits.items() if not wait.goes_on] == [7]
    assert max(len(asked) for _, asked in listing.asked) == PAGE
    listing.statuses.clear()
    wait_until(lambda: not any(wait.goes_on for wait in waits.values()))


def test_what_the_list_does_not_tell_has_to_be_looked_at(roll_call: RollCall) -> None:
    """A run that is not in it; all of them if it is refused."""
    listing = Listing({1: RUNNING, 2: RUNNING})
    waits = [Waiting(roll_call, listing, run_id) for run_id in (1, 2, 3)]
    wait_until(lambda: not waits[2].goes_on)
    assert [wait.goes_on for wait in waits] == [True, True, False]
    listing.code = 400
    wait_until(lambda: not any(wait.goes_on for wait in waits))


def test_each_token_asks_for_its_own_runs(roll_call: RollCall) -> None:
    """What one may see is not told to another."""
    listing = Listing({1: RUNNING, 2: RUNNING})
    waits = [Waiting(roll_call, listing, 1, "one"), Waiting(roll_call, listing, 2, "two")]
    wait_until(lambda: {token for token, _ in listing.asked} == {"one", "two"})
    assert all(asked == [1 if token == "one" else 2] for token, asked in listing.asked)
    listing.statuses.clear()
    wait_until(lambda: not any(wait.goes_on for wait in waits))


def test_a_stop_ends_it(roll_call: RollCall) -> None:
    """For the one who is stopped; the others wait on, and are asked for by somebody else."""
    listing = Listing({1: RUNNING, 2: RUNNING})
    stopped, other = Waiting(roll_call, listing, 1), Waiting(roll_call, listing, 2)
    stopped.stop = 10.0
    wait_until(lambda: not stopped.goes_on)
    assert stopped.interrupted
    wait_until(lambda: listing.asked[-1][1] == [2])
    listing.statuses[2] = SUCCESS
    wait_until(lambda: not other.goes_on)
    assert not other.interrupted


def test_few_look_for_themselves() -> None:
    """Nothing is listed for them."""
    listing = Listing({1: RUNNING})
    wait = Waiting(RollCall(), listing, 1)
    wait_until(lambda: not wait.goes_on)
    assert listing.asked == []
