"""Standard output, on which events and plain lines go to whoever asked for the run."""

import contextlib
import select
import sys

from kestra_dbt.protocol import EVENT_PREFIX, Event, encode

_PIECE = 4_000
"""Characters at most of a plain line; a longer one goes on in the next, for container logs cut lines at 16 KiB."""


def write_event(event: Event) -> None:
    """Write one event to the real standard output."""
    write_line(encode(event))


def write_line(line: bytes) -> None:
    """Write one whole line to the real standard output, as long as somebody reads it."""
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()


def write_plain(line: bytes) -> None:
    """Write a plain line: as UTF-8 whatever it was, a very long one in pieces, and never one that passes for an event.

    Only a line of Kestra's own outputs protocol must stay whole.
    """
    text = line.decode("utf-8", "replace").rstrip("\r")
    size = len(text) if text.startswith("::{") else _PIECE
    for begin in range(0, max(len(text), 1), max(size, 1)):
        piece = text[begin : begin + size]
        write_line(f"{' ' if piece.startswith(EVENT_PREFIX) else ''}{piece}\n".encode())


def nobody_reads() -> bool:
    """Tell whether the reader of our output is gone: an orchestrator that died may do this run again elsewhere."""
    output = select.poll()
    output.register(sys.stdout.fileno(), 0)
    return any(event & select.POLLERR for _, event in output.poll(0))
