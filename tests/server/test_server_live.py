"""Live figures over a real connection: the first event, an update after a payment, and resuming."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from jiaozi.errors import NotReady
from jiaozi.server.app import Background, serve
from tests.world import COIN, World

PATIENCE = httpx.Timeout(20)


@contextmanager
def stream(url: str, **headers: str) -> Iterator[Iterator[dict[str, str]]]:
    """Open a stream and give its events as fields; `data` joined by line ends."""
    with (
        httpx.Client(timeout=PATIENCE, trust_env=False) as client,
        client.stream("GET", url, headers=headers) as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield events(answer.iter_lines())


def events(lines: Iterator[str]) -> Iterator[dict[str, str]]:
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if not line:
            if "data" in fields:
                yield fields
            fields = {}
        elif name == "data" and "data" in fields:
            fields["data"] += "\n" + value
        else:
            fields[name] = value


def test_the_first_event_has_the_figures_and_the_next_one_the_payment(world: World) -> None:
    with (
        Background(world.office) as console,
        stream(f"{console.url}live/{COIN}", **{"accept-language": "zh"}) as news,
    ):
        first = next(news)
        assert "event" not in first, "htmx swaps in what has no name"
        assert int(first["id"]) == world.office.ledger.sequence
        assert 'data-figure="payments">1<' in first["data"]
        assert "足额覆盖" in first["data"]
        world.pay("Li", "Tea house", 10_00)
        second = next(news)
        assert int(second["id"]) == int(first["id"]) + 1
        assert 'data-figure="payments">2<' in second["data"]


def test_who_has_seen_the_last_event_gets_news_only(world: World) -> None:
    with Background(world.office) as console:
        seen = str(world.office.ledger.sequence)
        with stream(f"{console.url}live/{COIN}?after=0", **{"last-event-id": seen}) as news:
            world.pay("Li", "Tea house", 10_00)
            assert int(next(news)["id"]) == int(seen) + 1
        with stream(f"{console.url}live/{COIN}?after={seen}") as news:
            assert int(next(news)["id"]) == int(seen) + 1
        with stream(f"{console.url}live/{COIN}", **{"last-event-id": "x3"}) as news:
            assert next(news)["id"]


def test_leaving_the_background_ends_open_streams_and_frees_the_port(world: World) -> None:
    with Background(world.office) as console:
        opened = threading.Event()

        def watch() -> None:
            with stream(f"{console.url}live/{COIN}") as news:
                next(news)
                opened.set()
                for _ in news:
                    pass

        watcher = threading.Thread(target=watch)
        watcher.start()
        assert opened.wait(20)
    watcher.join(20)
    assert not watcher.is_alive()
    port = int(console.url.rstrip("/").rpartition(":")[2])
    with Background(world.office, port=port) as again:
        assert httpx.get(again.url, trust_env=False).status_code == 200


def test_a_stream_over_a_closed_ledger_ends(world: World) -> None:
    world.office.ledger.close()
    with Background(world.office) as console, stream(f"{console.url}live/{COIN}") as news:
        assert list(news) == []


def test_serve_says_where_it_answers_and_stops_when_asked() -> None:
    """In a process of its own, because signals are taken by the main thread."""
    import signal
    import subprocess
    import sys

    code = """
import sys, tempfile
from pathlib import Path
from jiaozi.office import Office
from jiaozi.server.app import serve
with tempfile.TemporaryDirectory() as folder, Office.open(Path(folder)) as office:
    serve(office, port=0, ready=lambda url: print(url, flush=True))
    print("stopped", flush=True)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout
    url = process.stdout.readline().strip()
    assert url.startswith("http://127.0.0.1:")
    assert httpx.get(url, trust_env=False).status_code == 200
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert out.strip() == "stopped"
    assert "Traceback" not in err
    assert process.returncode == 0


def test_a_port_that_is_taken_is_an_error_at_once(world: World) -> None:
    import pytest

    with Background(world.office) as console:
        port = int(console.url.rstrip("/").rpartition(":")[2])
        with pytest.raises(NotReady, match="--port"):
            serve(world.office, port=port)
