"""Risk profiles in SQL: every version of every program, with the digest of what it says."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from investiture.chassis.refusal import NotFound
from investiture.chassis.tables import Document, Instant
from investiture.chassis.transaction import Transaction
from investiture.itrisk.computing import Asked
from investiture.itrisk.store import CASES, METADATA

PROFILE = sa.Table(
    "risk_profile",
    METADATA,
    sa.Column("program", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("content", Document, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("saved_at", Instant, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("effect", sa.Text, nullable=False),
    sa.Column("evidence", Document, nullable=False, server_default=sa.text("'[]'")),
)

JUDGEMENT = sa.Table(
    "risk_judgement",
    METADATA,
    sa.Column("case_name", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("profile_version", sa.Integer, nullable=False),
    sa.Column("asked", Document, nullable=False),
    sa.Column("answer", Document, nullable=False),
    sa.Column("appetite", sa.Text, nullable=False, server_default=sa.text("''")),
)

_P, _J, _C = PROFILE.c, JUDGEMENT.c, CASES.cases.c
_LATER = JUDGEMENT.alias("later")
_NEWEST = (
    sa.select(PROFILE)
    .where(_P.program == sa.bindparam("known"))
    .order_by(_P.version.desc())
    .limit(1)
)
_AS_OF = (
    sa.select(PROFILE)
    .where(_P.program == sa.bindparam("known"), _P.saved_at <= sa.bindparam("at"))
    .order_by(_P.version.desc())
    .limit(1)
)
_VERSION = sa.select(PROFILE).where(
    _P.program == sa.bindparam("known"), _P.version == sa.bindparam("number")
)
_FIRST = sa.select(_P.author).where(_P.program == sa.bindparam("known"), _P.version == 1)
_OTHERWISE = (
    sa.select(_C.name)
    .join(JUDGEMENT, _J.case_name == _C.name)
    .where(
        _C.state == "STANDING",
        _C.name > sa.bindparam("after"),
        _J.appetite != sa.bindparam("key"),
        _J.number
        == sa.select(sa.func.max(_LATER.c.number))
        .where(_LATER.c.case_name == _C.name)
        .scalar_subquery(),
    )
    .order_by(_C.name)
    .limit(1)
)
_FIRST_UNDER = (
    sa.select(JUDGEMENT)
    .where(_J.case_name == sa.bindparam("known"), _J.appetite == sa.bindparam("key"))
    .order_by(_J.number)
    .limit(1)
)
_JUDGED = (
    sa.select(JUDGEMENT)
    .where(_J.case_name == sa.bindparam("known"))
    .order_by(_J.number.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Profile:
    """A version of a program's risk profile; `content` is what a scenario file holds of it.

    `effect` says what it did to a knighting that stood: nothing, RECONFIRMED or VOIDED. `evidence`
    holds a `url` and its `sha256` each.
    """

    program: str
    version: int
    digest: str
    content: Mapping[str, Any]
    author: str
    saved_at: datetime
    reason: str
    effect: str = ""
    evidence: Sequence[Mapping[str, str]] = ()

    @property
    def name(self) -> str:
        """Its resource name."""
        return f"{self.program}/riskProfiles/{self.version}"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a case was decided on, or judged by since: the question and its answer, whole.

    `kind` says at what: KNIGHTED, RECONFIRMED, VOIDED, CHANGES_REQUESTED, GRACE. `appetite` is the
    key of what it was held against, see `appetite_key`.
    """

    case_name: str
    number: int
    kind: str
    at: datetime
    digest: str
    profile_version: int
    asked: Mapping[str, Any]
    answer: Mapping[str, Any]
    appetite: str = ""


class ProfileStore:
    """Loads and saves profiles and judgements inside a transaction."""

    def newest(self, tx: Transaction, program: str) -> Profile | None:
        """The newest version, if there is one."""
        row = tx.connection.execute(_NEWEST, {"known": program}).mappings().first()
        return None if row is None else Profile(**row)

    def as_of(self, tx: Transaction, program: str, at: datetime) -> Profile | None:
        """The newest version at an instant, if there was one."""
        row = tx.connection.execute(_AS_OF, {"known": program, "at": at}).mappings().first()
        return None if row is None else Profile(**row)

    def version(self, tx: Transaction, program: str, number: int) -> Profile:
        """One version. Raises NotFound."""
        row = (
            tx.connection.execute(_VERSION, {"known": program, "number": number}).mappings().first()
        )
        if row is None:
            raise NotFound(f"{program}/riskProfiles/{number}")
        return Profile(**row)

    def first_author(self, tx: Transaction, program: str) -> str | None:
        """Who saved the first version."""
        return tx.connection.execute(_FIRST, {"known": program}).scalar()

    def insert(self, tx: Transaction, profile: Profile) -> None:
        """Stores a new version; its number is taken at most once."""
        tx.connection.execute(
            PROFILE.insert(),
            {
                **{column.name: getattr(profile, column.name) for column in _P},
                "evidence": [dict(one) for one in profile.evidence],
            },
        )

    def of(self, tx: Transaction, programs: Iterable[str]) -> dict[str, Profile]:
        """The newest versions of some programs."""
        found = (self.newest(tx, program) for program in programs)
        return {profile.program: profile for profile in found if profile is not None}

    def judgement(self, tx: Transaction, case_name: str) -> Judgement | None:
        """The newest judgement of a case."""
        row = tx.connection.execute(_JUDGED, {"known": case_name}).mappings().first()
        return None if row is None else Judgement(**row)

    def decided_on(self, tx: Transaction, case_name: str, key: str) -> Judgement | None:
        """What a case was decided on, or first judged by once the appetite was another one.

        Only the newest judgement, where none was held against the appetite with this key.
        """
        known = {"known": case_name, "key": key}
        row = tx.connection.execute(_FIRST_UNDER, known).mappings().first()
        return self.judgement(tx, case_name) if row is None else Judgement(**row)

    def judge(
        self,
        tx: Transaction,
        case_name: str,
        kind: str,
        asked: Asked,
        profile_version: int,
        answer: Mapping[str, Any],
    ) -> None:
        """Keeps what a case was judged by, after what it was judged by before."""
        before = self.judgement(tx, case_name)
        tx.connection.execute(
            JUDGEMENT.insert(),
            {
                "case_name": case_name,
                "number": 1 if before is None else before.number + 1,
                "kind": kind,
                "at": tx.now,
                "digest": asked.digest,
                "profile_version": profile_version,
                "asked": {**asked.document, "in_place": list(asked.in_place)},
                "answer": dict(answer),
                "appetite": appetite_key(asked.document["appetite"]),
            },
        )

    def judged_otherwise(self, tx: Transaction, key: str, after: str) -> str | None:
        """The first standing case after `after` that was judged by another appetite last."""
        return tx.connection.execute(_OTHERWISE, {"key": key, "after": after}).scalar()

    def standing(self, tx: Transaction, limit: int = 10_000) -> list[str]:
        """Programs that IT has knighted and whose knighting stands."""
        query = (
            sa.select(_C.program).where(_C.state == "STANDING").order_by(_C.program).limit(limit)
        )
        return list(tx.connection.execute(query).scalars())


def appetite_key(points: Iterable[Sequence[float]]) -> str:
    """An appetite as text, so that two of them can be told apart by a query."""
    return json.dumps([list(point) for point in points], separators=(",", ":"))
