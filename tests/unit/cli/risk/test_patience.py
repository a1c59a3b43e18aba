"""What takes long shows how far it is; what does not, or is no terminal, is left in peace."""

import io
import threading

from rich.console import Console

from investiture.cli.risk.patience import steps


def test_a_bar_is_shown_once_patience_is_over() -> None:
    written = io.StringIO()
    with steps(4, Console(file=written, force_terminal=True), patience=0.0) as step:
        step()
        patience_ends()
        assert "computing" in written.getvalue()
    assert "25 %" in written.getvalue()


def test_what_is_done_before_that_shows_nothing() -> None:
    written = io.StringIO()
    with steps(4, Console(file=written, force_terminal=True), patience=60.0) as step:
        step()
    assert written.getvalue() == ""


def test_a_file_gets_no_bar() -> None:
    written = io.StringIO()
    with steps(4, Console(file=written), patience=0.0) as step:
        patience_ends()
        step()
    assert written.getvalue() == ""


def patience_ends() -> None:
    """Wait for the timer that shows the bar."""
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.join()
