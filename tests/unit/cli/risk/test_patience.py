"""What takes long shows how far it is; what does not, or is no terminal, is left in peace."""

import io
import time

from rich.console import Console

from investiture.cli.risk.patience import steps


def test_a_bar_is_shown_once_patience_is_over() -> None:
    written = io.StringIO()
    with steps(4, Console(file=written, force_terminal=True), patience=0.0) as step:
        step()
        while "computing" not in written.getvalue():
            time.sleep(0.01)
    assert "25 %" in written.getvalue()


def test_what_is_done_before_that_shows_nothing() -> None:
    written = io.StringIO()
    with steps(4, Console(file=written, force_terminal=True), patience=60.0) as step:
        step()
    assert written.getvalue() == ""


def test_a_file_gets_no_bar() -> None:
    written = io.StringIO()
    with steps(4, Console(file=written), patience=0.0) as step:
        time.sleep(0.05)
        step()
    assert written.getvalue() == ""
