"""What each entry leaves is what the entries up to it come to."""

from hypothesis import given
from hypothesis import strategies as st

from investiture.budget.ledger import ROUTES, Balances, Kind, Overdrawn, Posting
from investiture.budget.running import Holding, Left, keys_of, left_by

ENVELOPES = ("envelopes/one", "envelopes/two")
PROGRAMS = ("programs/a", "programs/b")


@st.composite
def histories(draw: st.DrawFn) -> list[Posting]:
    made = [
        Posting(name, Kind.APPROPRIATE, *next(iter(ROUTES[Kind.APPROPRIATE])), 10_000)
        for name in ENVELOPES
    ]
    for _ in range(draw(st.integers(0, 30))):
        kind = draw(st.sampled_from(sorted(set(Kind) - {Kind.APPROPRIATE})))
        debit, credit = draw(st.sampled_from(sorted(ROUTES[kind])))
        envelope, program = draw(st.sampled_from(ENVELOPES)), draw(st.sampled_from(PROGRAMS))
        amount = draw(st.integers(1, 3_000))
        made.append(Posting(envelope, kind, debit, credit, amount, program))
    return made


@given(histories(), st.integers(1, 5))
def test_however_the_entries_come_in_each_leaves_the_sum_of_those_before(
    history: list[Posting], at_once: int
) -> None:
    posted: list[Posting] = []
    left: list[Left] = []
    balances: dict[str, Balances] = {name: Balances() for name in ENVELOPES}
    holdings: dict[tuple[str, str], Holding] = {}
    for start in range(0, len(history), at_once):
        part: list[Posting] = []
        after: list[Balances] = []
        for posting in history[start : start + at_once]:
            try:
                balances[posting.envelope] = balances[posting.envelope].after(posting)
            except Overdrawn:
                continue
            part.append(posting)
            after.append(balances[posting.envelope])
        made = left_by(part, after, {key: holdings.get(key, Holding()) for key in keys_of(part)})
        for posting, one in zip(part, made, strict=True):
            if posting.program:
                holdings[posting.program, posting.envelope] = one.program
        posted += part
        left += made
    for place, one in enumerate(left):
        upto, here = posted[: place + 1], posted[place]
        mine = [p for p in upto if p.envelope == here.envelope]
        whole = Balances()
        for posting in mine:
            whole = whole.after(posting)
        assert one.envelope == whole
        own = [p for p in mine if p.program and p.program == here.program]
        for name in ("reserved", "committed", "actual"):
            account = name.upper()
            taken = sum(p.amount_minor for p in own if p.credit == account)
            given_ = sum(p.amount_minor for p in own if p.debit == account)
            assert getattr(one.program, name) == taken - given_
