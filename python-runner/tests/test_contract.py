"""The contract: samples that both languages read, schemas that are current, lines that stay short."""

import json
from datetime import datetime, timezone
from pathlib import Path

import click
import pytest
from pydantic import ValidationError

from kestra_dbt.contract import early_failure
from kestra_dbt.core.options import arguments
from kestra_dbt.protocol import (
    EVENT_PREFIX,
    LINE_LIMIT,
    DbtCommand,
    DbtOptions,
    Ended,
    Event,
    EventAdapter,
    Failure,
    GraphFlow,
    Level,
    Log,
    Metric,
    NodeFinished,
    RequestAdapter,
    Secrets,
    decode,
    encode,
    is_kind,
)
from kestra_dbt.protocol.schema import schemas

CONTRACT = Path(__file__).parents[2] / "contract"
SAMPLES = CONTRACT / "samples"
NOW = datetime(2026, 1, 15, tzinfo=timezone.utc)


def sample_events() -> list[Event]:
    """Return the events of the sample file."""
    events = [decode(line) for line in (SAMPLES / "events.txt").read_text().splitlines()]
    assert all(events)
    return [event for event in events if event]


def test_samples_show_every_kind_of_event() -> None:
    """The sample file has at least one event of each kind there is."""
    mapping = EventAdapter.json_schema()["discriminator"]["mapping"]
    assert {event.kind for event in sample_events()} == set(mapping)


def test_samples_are_written_as_we_write_them() -> None:
    """Decoding a sample and encoding it again gives the same bytes."""
    assert b"".join(map(encode, sample_events())) == (SAMPLES / "events.txt").read_bytes()


@pytest.mark.parametrize("name", sorted(RequestAdapter.json_schema()["discriminator"]["mapping"]))
def test_sample_requests_are_read(name: str) -> None:
    """There is a sample of each kind of request, and it says all that the sample says."""
    text = (SAMPLES / f"{name}.json").read_text()
    request = RequestAdapter.validate_json(text)
    assert request.kind == name
    written = json.loads(request.model_dump_json(exclude_defaults=True))
    assert {**written, "version": "1.0", "kind": name} == json.loads(text)


def test_sample_secrets_survive_the_environment() -> None:
    """Secrets read from a sample are the same after a trip through an environment variable."""
    secrets = Secrets.model_validate_json((SAMPLES / "secrets.json").read_text())
    assert Secrets.from_environment(secrets.to_environment()) == secrets
    assert "{" not in secrets.to_environment()  # no template engine on the way takes it for an expression


@pytest.mark.parametrize("name", sorted(schemas()))
def test_schemas_are_current(name: str) -> None:
    """The checked-in schema is what the models say: `kestra-dbt schema contract` writes it anew."""
    assert (CONTRACT / name).read_text() == schemas()[name]


def test_unknown_kinds_are_skipped() -> None:
    """A kind that a newer runner sends is no error."""
    assert decode((SAMPLES / "unknown_kind.txt").read_text()) is None


def test_unknown_fields_are_ignored() -> None:
    """A field that a newer runner adds is no error."""
    assert isinstance(decode((SAMPLES / "unknown_field.txt").read_text()), Metric)


def test_plain_lines_are_no_events() -> None:
    """Output of any other kind stays what it is, Kestra's own protocol included."""
    assert [decode(line) for line in (SAMPLES / "plain.txt").read_text().splitlines()] == [None] * 4


def test_a_broken_event_is_an_error() -> None:
    """A line that claims to be an event of a known kind and isn't must not pass unseen."""
    with pytest.raises(ValidationError):
        decode(f'{EVENT_PREFIX}{{"version":"1.0","kind":"metric"}}')


@pytest.mark.parametrize("text", ["x" * 1_048_576, "日本" * 100_000, '"\\\n' * 50_000, "\x00\x1b" * 40_000])
@pytest.mark.parametrize("kind", ["log", "failure", "node_finished"])
def test_long_texts_are_cut_to_a_line(kind: str, text: str) -> None:
    """However long and odd a text is, its event is one short line that says how long the whole is."""
    event: Event
    if kind == "log":
        event = Log(invocation=1, level=Level.INFO, at=NOW, message=text)
    elif kind == "failure":
        event = Failure.model_validate({"code": "nodes", "sentence": "It failed.", "detail": text, "kind": "failure"})
    else:
        event = next(e for e in sample_events() if isinstance(e, NodeFinished)).model_copy(update={"message": text})
    line = encode(event)
    assert len(line) <= LINE_LIMIT
    assert line.count(b"\n") == 1
    assert f"({len(text):,} characters" in line.decode()
    assert decode(line.decode()) is not None


def test_kinds_are_told_without_decoding() -> None:
    """The shortcut tells the same as decoding does."""
    for event in sample_events():
        assert [kind for kind in ("log", "node_finished", "metric") if is_kind(encode(event), kind)] == [
            kind for kind in ("log", "node_finished", "metric") if event.kind == kind
        ]


def test_an_early_failure_is_of_the_contract() -> None:
    """What is said before the models can be loaded is what the models would have said."""
    failure, ended = (decode(line) for line in early_failure("environment", "No dbt.", "x" * 9_000).splitlines())
    assert isinstance(failure, Failure)
    assert isinstance(ended, Ended)
    assert failure.sentence == "No dbt."


COMMANDS = json.loads((SAMPLES / "commands.json").read_text())


@pytest.mark.parametrize("flipped", [False, True], ids=["as_sampled", "flipped"])
@pytest.mark.parametrize("task", COMMANDS)
def test_dbt_takes_all_that_a_task_can_send(
    task: str, flipped: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """dbt's own command line reads the arguments of a request with every option set: each is one its command has."""
    monkeypatch.chdir(tmp_path)
    for folder in ("shop", "state", "production"):
        (tmp_path / folder).mkdir()
    sample = COMMANDS[task]["request"]
    options = {name: value ^ flipped if isinstance(value, bool) else value for name, value in sample["options"].items()}
    request = RequestAdapter.validate_python({**sample, "options": options})
    assert isinstance(request, DbtCommand | GraphFlow)
    command = request.command if isinstance(request, DbtCommand) else ["ls"]
    secrets = Secrets.model_validate(COMMANDS[task]["secrets"])
    given = arguments(command, request.options, secrets, [*request.args, "--profiles-dir", "."])

    from dbt.cli.main import cli  # noqa: PLC0415 - slow

    context, found = click.Context(cli), cli
    while isinstance(found, click.Group):
        _, found, given = found.resolve_command(context, given)
    assert found.make_context(found.name, given, parent=context)


def test_the_samples_use_every_option() -> None:
    """What no task sends has no place in the contract, but for the folders that only other callers set."""
    used = {option for sample in COMMANDS.values() for option in sample["request"]["options"]}
    assert set(DbtOptions.model_fields) - used == {"profiles_dir", "target_path", "log_path"}
