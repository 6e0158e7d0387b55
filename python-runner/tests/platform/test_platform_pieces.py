"""The parts of the platform's client that need no platform."""

import httpx
import pytest

from kestra_dbt.errors import RequestError
from kestra_dbt.platform.api.answers import answer_of
from kestra_dbt.platform.api.errors import (
    NotFoundError,
    PlatformError,
    RefusedError,
    TokenRefusedError,
    WrongHostError,
)
from kestra_dbt.platform.api.host import base_url
from kestra_dbt.platform.api.models import Run, Step
from kestra_dbt.platform.api.patience import wait_s
from kestra_dbt.platform.leavings.artifacts import matches
from kestra_dbt.platform.leavings.collecting import is_safe
from kestra_dbt.platform.leavings.links import run_page
from kestra_dbt.platform.start.cause import cause_of, has_token
from kestra_dbt.platform.start.ours import next_step
from kestra_dbt.platform.steps import LogLines, dbt_steps, level_of, title
from kestra_dbt.protocol import Level

TOKEN = "kestra-0123456789abcdef"


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("cloud.getdbt.com", "https://cloud.getdbt.com"),
        (" https://ab123.us1.dbt.com/ ", "https://ab123.us1.dbt.com"),
        ("ab123.us1.dbt.com/api", "https://ab123.us1.dbt.com"),
        ("https://emea.dbt.com/api/v2/", "https://emea.dbt.com"),
        ("dbt.example.com:8443", "https://dbt.example.com:8443"),
        ("http://127.0.0.1:8100", "http://127.0.0.1:8100"),
        ("http://localhost:8100/", "http://localhost:8100"),
    ],
)
def test_hosts(given: str, meant: str) -> None:
    """An access URL may be written in many ways."""
    assert base_url(given) == meant


@pytest.mark.parametrize(
    "given",
    ["http://ab123.us1.dbt.com", "https://", "https://a.dbt.com/deploy/1", "ftp://a.dbt.com", "u:p@a.dbt.com", "a:b"],
)
def test_hosts_that_are_none(given: str) -> None:
    """The token is not sent in the clear, nor to what is no access URL."""
    with pytest.raises(RequestError, match="host"):
        base_url(given)


def test_the_token_survives_in_the_cause() -> None:
    """Words are cut before the link, and the link before the token."""
    assert cause_of(None, None, TOKEN) == f"Started by Kestra {TOKEN}"
    link = "http://kestra/ui/" + "x" * 100
    cause = cause_of("why " * 100, link, TOKEN)
    assert len(cause) <= 255
    assert cause.endswith(f"… {link} {TOKEN}")
    assert cause_of("why", "http://kestra/" + "x" * 300, TOKEN) == f"why {TOKEN}"
    assert has_token(cause, TOKEN)
    assert not has_token(cause, TOKEN[:-1])


def answer(status: int, body: str = '{"status": {"code": 1, "user_message": "No."}}', **headers: str) -> httpx.Response:
    """Return an answer of the platform."""
    request = httpx.Request("GET", "https://ab123.us1.dbt.com/api/v2/accounts/1/runs/1/")
    return httpx.Response(status, text=body, headers=headers, request=request)


HTML = "<html>Sign in</html>"


@pytest.mark.parametrize(
    ("response", "kind", "words"),
    [
        (answer(401), TokenRefusedError, "refuses the token (401)"),
        (answer(403), RefusedError, "The token may not do this (403)"),
        (answer(404), NotFoundError, "Run 1 is not there, or the token may not see it (404)"),
        (answer(404, HTML), WrongHostError, "is not the API of the dbt platform"),
        (answer(405), RefusedError, "refuses Run 1 (405). It says: No."),
        (answer(200, HTML), WrongHostError, "is not the API of the dbt platform"),
        (answer(200, "[]"), WrongHostError, "is not the API of the dbt platform"),
        (answer(200, '{"status": {"is_success": false, "user_message": "Hm"}, "data": 1}'), RefusedError, "Run 1: Hm."),
        (answer(302, "", Location="https://login.test/x"), WrongHostError, "to https://login.test"),
    ],
)
def test_what_is_refused(response: httpx.Response, kind: type[PlatformError], words: str) -> None:
    """One sentence says what to check."""
    with pytest.raises(kind) as refused:
        answer_of(response, "Run 1")
    assert words in refused.value.sentence


def test_how_long_to_wait() -> None:
    """What the platform asks for is done, by its own clock; without a word, the cool-down is waited out."""
    assert wait_s(429, {"retry-after": "7"}, 1) == 7
    dates = {"date": "Thu, 15 Jan 2026 10:00:00 GMT", "retry-after": "Thu, 15 Jan 2026 10:01:00 GMT"}
    assert wait_s(503, dates, 1) == 60
    assert wait_s(429, {"retry-after": "soon"}, 1) == 300
    assert 0.5 <= wait_s(502, {}, 1) <= 1
    assert 15 <= wait_s(502, {}, 50) <= 30


def test_a_log_that_grows_and_is_cut() -> None:
    """No line comes twice, and none is told before it is whole."""
    lines = LogLines()
    assert lines.new("one\r\n\x1b[32mtwo\x1b[0m\nthr", ended=False) == ["one", "two"]
    assert lines.new("one\r\n\x1b[32mtwo\x1b[0m\nthree\n\n10:00:00  \n", ended=False) == ["three"]
    assert lines.new("three\nfour\n", ended=False) == ["four"]
    assert lines.new("one\r\ntwo!\n", ended=False) == ["two!"]
    assert lines.new("four\nfour\nfive", ended=True) == ["four", "five"]
    assert lines.new("", ended=True) == []


def test_levels_of_lines() -> None:
    """What looks bad to people is told so."""
    assert level_of("10:00:00  1 of 2 ERROR creating sql table model main.boom ... [ERROR in 0.1s]") is Level.ERROR
    assert level_of("10:00:00  3 of 4 FAIL 2 not_null_people ... [FAIL 2 in 0.1s]") is Level.ERROR
    assert level_of("10:00:00  3 of 4 WARN 2 not_null_people ... [WARN 2 in 0.1s]") is Level.WARN
    assert level_of("Done. PASS=1 WARN=0 ERROR=0 SKIP=0 TOTAL=1") is Level.INFO


def test_which_steps_run_dbt() -> None:
    """They are numbered among themselves, whatever comes before them."""
    names = [
        "Clone git repository",
        "Invoke dbt with `dbt deps`",
        "Invoke dbt with `dbt --quiet source freshness -s 'a b'`",
    ]
    steps = [Step(index=index, name=name) for index, name in enumerate(names, start=1)]
    found = dbt_steps(Run(id=1, run_steps=steps[::-1]))
    assert [(one.invocation, one.command, one.selection) for one in found] == [
        (1, "deps", None),
        (2, "source freshness", "-s a b"),
    ]
    assert title(steps[0]) == "Step 1 (Clone git repository)"


def run(number: int, status: int, **fields: object) -> Run:
    """Return a run."""
    return Run.model_validate({"id": number, "status": status, **fields})


@pytest.mark.parametrize(
    ("ours", "reported", "act", "number"),
    [
        ([], [], "start", None),
        ([run(1, 3)], [], "adopt", 1),
        ([run(1, 10)], [], "adopt", 1),
        ([run(1, 20)], [], "adopt", 1),
        ([run(1, 99)], [], "adopt", 1),
        ([run(1, 20)], [1], "retry", 1),
        ([run(1, 10)], [1], "start", None),
        ([run(1, 30)], [1], "start", None),
        ([run(1, 20), run(2, 3)], [1], "adopt", 2),
        ([run(1, 20), run(2, 10)], [1], "adopt", 2),
        ([run(1, 20), run(2, 30)], [1], "retry", 1),
        ([run(1, 3), run(2, 3)], [], "adopt", 1),
        ([run(1, 20), run(2, 20)], [1, 2], "retry", 2),
    ],
)
def test_what_an_attempt_does(ours: list[Run], reported: list[int], act: str, number: int | None) -> None:
    """An active run is taken up, an ended one if nobody reported it, and a failure that was reported is resumed."""
    step = next_step(ours, reported, resume=True)
    assert (step.act, step.run and step.run.id) == (act, number)
    assert next_step(ours, reported, resume=False).act == ("start" if act == "retry" else act)


def test_lenient_models() -> None:
    """Numbers may be texts, what is not known is ignored, and what people read fails nothing."""
    told = {
        "id": "70471831584850",
        "status": "10",
        "duration": 10.0,
        "job": "?",
        "run_steps": [{"index": "1", "name": None, "logs": 5}, "?", {"name": "no index"}],
        "news": {"of": "tomorrow"},
    }
    read = Run.model_validate(told)
    assert (read.id, read.status, read.duration, read.job) == (70471831584850, 10, "10.0", None)
    assert [(step.index, step.logs) for step in read.run_steps] == [(1, "5")]


def test_pages_are_addresses() -> None:
    """What the platform gives for a link is one only if it is a web address."""
    assert run_page("https://a.dbt.com", 1, run(2, 3, href="https://b.dbt.com/x")) == "https://b.dbt.com/x"
    own = "https://a.dbt.com/deploy/1/projects/5/runs/2/"
    assert run_page("https://a.dbt.com", 1, run(2, 3, href="javascript:alert(1)", project_id=5)) == own


@pytest.mark.parametrize(
    ("path", "pattern", "fits"),
    [
        ("compiled/shop/models/a.sql", "compiled/**/*.sql", True),
        ("compiled/a.sql", "compiled/**/*.sql", True),
        ("compiled/shop/a.sql", "compiled/*.sql", False),
        ("manifest.json", "*.json", True),
        ("run/manifest.json", "*.json", False),
        ("a.b", "a?b", True),
    ],
)
def test_patterns(path: str, pattern: str, fits: bool) -> None:
    """Two stars stand for any folders, one stays in its own."""
    assert matches(path, pattern) is fits


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/etc/passwd", "a\\..\\x", "", "a\nb"])
def test_paths_that_leave_the_folder(path: str) -> None:
    """They are not followed."""
    assert not is_safe(path)
    assert is_safe("compiled/shop/models/a.sql")
