"""How a path, a case and the ledger look."""

import io
from datetime import UTC, datetime, timedelta

from google.type.money_pb2 import Money
from rich.console import Console, Group, RenderableType

from investiture.api.budget.v1 import budget_service_pb2 as budget_pb
from investiture.api.common.v1 import gate_pb2, statements_pb2
from investiture.api.launch.v1 import launch_service_pb2 as pb
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as sponsorship_pb
from investiture.cli.ledgers import Book, balances_of, balances_table, ledger_table
from investiture.cli.output import as_dict, complaints, console, span, table
from investiture.cli.ownership import ownership_map
from investiture.cli.paths import case_line, path_table, trial_remarks
from investiture.cli.pledges import positions_table
from investiture.cli.programs import path_line

NOW = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)


def drawn(content: RenderableType, width: int = 80) -> str:
    written = io.StringIO()
    Console(file=written, width=width, highlight=False).print(content)
    return written.getvalue()


def eur(units: int) -> Money:
    return Money(currency_code="EUR", units=units)


def open_case() -> gate_pb2.GateCase:
    case = gate_pb2.GateCase(
        name="programs/x/pledges/2",
        gate=gate_pb2.GATE_PLEDGE,
        state=gate_pb2.CASE_STATE_OPEN,
        round=2,
        revision=2,
        holders=[
            gate_pb2.Holder(person="people/sara", role="sponsor", unit="units/support"),
            gate_pb2.Holder(person="people/ada", role="sponsor", added_by=gate_pb2.STEP_OVERDUE),
        ],
        timetable=gate_pb2.Timetable(next_step=gate_pb2.STEP_SECOND),
        gaps=[
            gate_pb2.Gap(
                risk="moderation", tolerance="4 hours", excess="14 hours", remedy="a night shift"
            )
        ],
    )
    case.timetable.next_at.FromDatetime(NOW + timedelta(minutes=2, seconds=5))
    case.waiting_since.FromDatetime(NOW - timedelta(days=1))
    return case


def path() -> pb.Path:
    decided = gate_pb2.GateCase(
        gate=gate_pb2.GATE_FUND,
        state=gate_pb2.CASE_STATE_STANDING,
        verdict=gate_pb2.VERDICT_FUNDED,
        basis=gate_pb2.BASIS_CARRIED,
        round=1,
        revision=2,
        deciders=[gate_pb2.Decider(person="people/fay")],
    )
    program = pb.Program(
        name="programs/x", revision=2, state=pb.PROGRAM_STATE_ON_PATH, suspended=True
    )
    program.content.title = "Customers help customers"
    return pb.Path(
        program=program,
        gates=[
            pb.PathGate(gate=gate_pb2.GATE_PLEDGE, gate_case=open_case(), waited_ms=90_000),
            pb.PathGate(gate=gate_pb2.GATE_FUND, gate_case=decided),
            pb.PathGate(gate=gate_pb2.GATE_KNIGHT),
        ],
        waiting_at=gate_pb2.GATE_PLEDGE,
        stall_bill=eur(12),
    )


def test_what_people_wrote_neither_steers_a_terminal_nor_passes_for_a_line_of_ours() -> None:
    written = "41 %\n  incident: none\x1b[31m\x9b2J\x07\r\u202e"
    run = gate_pb2.TrialRun(pilot="programs/x/pilots/1", observations=[written])
    steered = table("said")
    steered.add_row(written)
    with console.capture() as captured:
        console.print(Group(*trial_remarks([run]), steered))
    said = captured.get()
    assert not set(said) & set("\x1b\x9b\x07\r\u202e")
    assert "\n    41 % incident: none[31m2J" in said


def test_a_path_says_who_holds_it_since_when_and_what_comes_next() -> None:
    shown = drawn(path_table(path(), NOW), width=160)
    assert "on path, suspended" in shown
    assert "12.00 EUR" in shown
    row = next(line for line in shown.splitlines() if "▶ PLEDGE" in line)
    assert "open (round 2)" in row
    assert "sara (sponsor for support)" in row
    assert "second in 2 m 5 s" in row
    assert "1 m 30 s" in row
    assert "ada (sponsor, added overdue)" in shown


def test_a_decided_gate_says_by_whom_and_that_it_was_carried() -> None:
    row = next(line for line in drawn(path_table(path(), NOW), 160).splitlines() if "FUND" in line)
    assert "funded" in row
    assert "carried to revision 2" in row
    assert "✓ fay" in row


def test_a_gap_is_shown_with_its_remedy() -> None:
    shown = drawn(path_table(path(), NOW), width=160)
    assert "moderation: 14 hours over 4 hours" in shown
    assert "→ a night shift" in shown


def test_a_path_fits_eighty_columns() -> None:
    assert max(map(len, drawn(path_table(path(), NOW)).splitlines())) <= 80


def test_a_line_of_a_path_is_one_line() -> None:
    line = path_line(path())
    assert "\n" not in line
    assert line.startswith("programs/x  revision 2  on path, suspended  PLEDGE")
    assert "sara (sponsor for support), ada" in line


def test_an_ended_program_says_how() -> None:
    ended = path()
    ended.program.outcome = statements_pb2.OUTCOME_PROMISE_WAIVED
    ended.waiting_at = gate_pb2.GATE_UNSPECIFIED
    assert path_line(ended) == "programs/x  revision 2  promise waived"


def test_nobody_eligible_is_said() -> None:
    case = gate_pb2.GateCase(
        gate=gate_pb2.GATE_KNIGHT, state=gate_pb2.CASE_STATE_OPEN, no_eligible_holder=True
    )
    assert "nobody eligible" in case_line(case, NOW)


def entry(sequence: int, debit: int, credit: int, units: int) -> budget_pb.LedgerEntry:
    return budget_pb.LedgerEntry(
        sequence=sequence,
        envelope="envelopes/e",
        debit=budget_pb.Account.ValueType(debit),
        credit=budget_pb.Account.ValueType(credit),
        amount=eur(units),
        kind="reserve",
        actor="people/fay",
    )


def book(reserved: int) -> Book:
    entries = [
        entry(1, budget_pb.ACCOUNT_APPROPRIATION, budget_pb.ACCOUNT_AVAILABLE, 100),
        entry(2, budget_pb.ACCOUNT_AVAILABLE, budget_pb.ACCOUNT_RESERVED, 40),
    ]
    envelope = budget_pb.Envelope(
        name="envelopes/e",
        balances=budget_pb.Balances(
            appropriated=eur(100),
            available=eur(60),
            reserved=eur(reserved),
            committed=eur(0),
            actual=eur(0),
            lapsed=eur(0),
        ),
    )
    return Book(entries, [envelope], whole=True)


def test_a_ledger_that_adds_up_says_so() -> None:
    assert book(40).balanced
    assert all(check.plain.startswith("✓") for check in book(40).checks())


def test_a_balance_that_the_movements_do_not_give_is_seen() -> None:
    assert not book(39).balanced
    assert any(check.plain.startswith("✗") for check in book(39).checks())


def test_movements_sum_to_nothing_over_all_accounts() -> None:
    assert sum(balances_of(book(40).entries)["envelopes/e"].values()) == 0


def test_a_ledger_shows_each_movement_with_its_amount() -> None:
    shown = drawn(ledger_table(book(40).entries), 120)
    assert "available → reserved" in shown
    assert "40.00 EUR" in shown


def test_accounts_that_are_empty_everywhere_are_left_out() -> None:
    shown = drawn(balances_table(book(40).envelopes), 120)
    assert "reserved" in shown
    assert "lapsed" not in shown


def test_durations_read_in_their_two_largest_units() -> None:
    spans = [timedelta(seconds=3.25), timedelta(seconds=65), timedelta(hours=25)]
    assert [span(one) for one in spans] == ["3.2 s", "1 m 5 s", "1 d 1 h"]


def test_json_has_every_field_under_the_proto_s_own_name() -> None:
    plain = as_dict(pb.Program(name="programs/x"))
    assert plain["end_reason"] == ""
    assert plain["suspended"] is False


def touched_pledge() -> sponsorship_pb.Pledge:
    agree, heard, told = (
        sponsorship_pb.POSITION_ROLE_AGREE,
        sponsorship_pb.POSITION_ROLE_INPUT,
        sponsorship_pb.POSITION_ROLE_INFORM,
    )
    position = sponsorship_pb.Position
    return sponsorship_pb.Pledge(
        positions=[
            position(unit="units/hr", role=agree, relationships=["employees"], asked="people/hana"),
            position(unit="units/support", role=agree, person="people/sara"),
            position(unit="units/legal", role=heard, relationships=["employees"]),
            position(unit="units/it", role=told),
        ],
        unowned_relationships=["channels/telepathy"],
        contested_relationships=["prospects"],
    )


def test_the_ownership_map_says_who_agrees_who_is_heard_and_what_nobody_or_two_own() -> None:
    lines = [line.split() for line in drawn(ownership_map(touched_pledge())).splitlines()]
    assert ["employees", "hr", "(hana)", "legal"] in lines
    assert ["leads", "the", "program", "support", "(sara)"] in lines
    text = drawn(ownership_map(touched_pledge()))
    assert "told: it" in text
    assert "nobody owns channels/telepathy" in text
    assert "several units own prospects" in text


def test_an_objection_shows_what_it_is_about_and_how_it_ended() -> None:
    position = sponsorship_pb.Position(
        unit="units/sales",
        role=sponsorship_pb.POSITION_ROLE_AGREE,
        kind=sponsorship_pb.POSITION_KIND_OBJECT,
        person="people/vera",
        grounds="pricing",
        harm="prices leak",
        proposal="hide them",
        arbiter="people/ada",
    )
    upheld = drawn(positions_table(sponsorship_pb.Pledge(positions=[position])))
    assert "pricing: prices leak" in upheld
    assert "ada may override or sustain it" in upheld
    position.resolution = sponsorship_pb.RESOLUTION_OVERRIDDEN
    position.resolved_by = "people/ada"
    position.resolution_reason = "prices are public"
    ended = drawn(positions_table(sponsorship_pb.Pledge(positions=[position])))
    assert "overridden by ada: prices are public" in ended
    assert "may override" not in ended


def voting_pledge() -> sponsorship_pb.Pledge:
    ballot = sponsorship_pb.Ballot(
        committee="committees/council",
        display_name="Sales council",
        outcome=sponsorship_pb.BALLOT_OUTCOME_OPEN,
        summary="3 of 5 needed, 2 yes, 1 no",
        asked=["people/max", "people/pia"],
        out=["people/ben", "people/nora"],
        votes=[
            sponsorship_pb.Vote(
                seat="people/vera", person="people/vera", choice=sponsorship_pb.VOTE_CHOICE_YES
            ),
            sponsorship_pb.Vote(
                seat="people/nora", person="people/nora", choice=sponsorship_pb.VOTE_CHOICE_RECUSE
            ),
            sponsorship_pb.Vote(
                seat="people/mira", person="people/stella", choice=sponsorship_pb.VOTE_CHOICE_NO
            ),
        ],
    )
    ballot.due_at.FromDatetime(NOW)
    position = sponsorship_pb.Position(
        unit="units/sales",
        role=sponsorship_pb.POSITION_ROLE_AGREE,
        relationships=["prospects"],
        ballot=ballot,
    )
    return sponsorship_pb.Pledge(positions=[position])


def test_a_committees_vote_shows_the_count_who_said_what_and_who_is_still_asked() -> None:
    shown = drawn(positions_table(voting_pledge()), width=160)
    assert "Sales council votes: 3 of 5 needed, 2 yes, 1 no" in shown
    assert "vera yes, nora recuse, mira no by stella" in shown
    assert "take no part: ben" in shown
    assert "asked by 2027-03-01 09:00 UTC: max, pia" in shown


def test_the_ownership_map_names_the_committee_that_agrees() -> None:
    text = " ".join(drawn(ownership_map(voting_pledge())).split())
    assert "sales (by its committee council)" in text


def test_an_objection_before_the_board_shows_its_vote() -> None:
    pledge = voting_pledge()
    board = pledge.positions[0]
    board.appeal.CopyFrom(board.ballot)
    board.appeal.display_name = "Board"
    board.kind, board.harm = sponsorship_pb.POSITION_KIND_OBJECT, "prices leak"
    assert "above the top, Board votes: 3 of 5 needed" in drawn(positions_table(pledge), width=160)


def test_a_line_number_of_a_file_is_no_emoji() -> None:
    for one in (console, complaints):
        with one.capture() as written:
            one.print("charter.yaml:100: error")
        assert written.get() == "charter.yaml:100: error\n"


def test_a_decline_says_until_when_it_can_be_appealed_and_what_became_of_it() -> None:
    case = gate_pb2.GateCase(
        gate=gate_pb2.GATE_KNIGHT, state=gate_pb2.CASE_STATE_DECLINED, round=1, appeal_open=True
    )
    case.appealable_until.FromDatetime(NOW + timedelta(days=5))
    assert "declined, can be appealed until 2027-03-06" in case_line(case, NOW)
    case.ClearField("appealable_until")
    case.appeal.person, case.appeal.grounds = "people/sara", "it is moderated"
    case.appeal.declined_by.append("people/ines")
    assert "declined, appealed" in case_line(case, NOW)
    case.appeal_open = False
    case.appeal.outcome = gate_pb2.APPEAL_OUTCOME_UPHELD
    case.appeal.decided_by, case.appeal.reason = "people/ada", "nobody moderates at night"
    program = pb.Path(gates=[pb.PathGate(gate=case.gate, gate_case=case)])
    shown = drawn(path_table(program, NOW))
    assert "KNIGHT declined by ines, appealed by sara: it is moderated" in shown
    assert "upheld by ada: nobody moderates at night" in shown
