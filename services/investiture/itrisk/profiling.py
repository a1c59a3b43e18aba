"""Saving risk profiles, and what a new version does to a knighting that stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from investiture.casework.case import Case
from investiture.casework.facts import TrialRun
from investiture.casework.operations import CaseOperations
from investiture.casework.words import CaseState, Gate
from investiture.chassis.refusal import Denied, InvalidArgument, Stale
from investiture.chassis.transaction import Transaction
from investiture.itrisk.assessing import Assessing, Otherwise, Subject
from investiture.itrisk.bounds import Bounds
from investiture.itrisk.comparing import INSIDE, why_worse
from investiture.itrisk.computing import digest_of
from investiture.itrisk.evidence import lowered
from investiture.itrisk.profiles import Profile, ProfileStore, appetite_key

VOIDED = "VOIDED"
REVIEWER = "reviewer"
BUSINESS = frozenset({"proposer", "agency", "sponsor"})


@dataclass(frozen=True, slots=True)
class Recomputed:
    """The question that a new version asks of a knighting that stands, and its answer."""

    case_name: str
    case_version: int
    subject: Subject
    answer: Mapping[str, Any]


class ProfileOperations:
    """Load → decide → save, each inside one transaction."""

    def __init__(
        self, cases: CaseOperations, profiles: ProfileStore, assessing: Assessing, bounds: Bounds
    ) -> None:
        self._bounds = bounds
        self._cases = cases
        self._profiles = profiles
        self._assessing = assessing

    def read(self, tx: Transaction, program: str, version: int | None) -> Profile | None:
        """A version; the newest where none is named."""
        if version is None:
            return self._profiles.newest(tx, program)
        return self._profiles.version(tx, program, version)

    def asked_again(
        self, tx: Transaction, program: str, etag: str, content: Mapping[str, Any], reason: str
    ) -> tuple[Case, Subject] | None:
        """What has to be computed before a version is saved: nothing unless a knighting stands.

        Refuses what `save` would refuse, before anything is computed.
        """
        case = self._cases.newest(tx, program, Gate.KNIGHT)
        self._admit(tx, program, etag, reason, case)
        if case is None or case.state is not CaseState.STANDING:
            return None
        bps = min(case.exposure_limit_bps, case.facts.exposure_bps)
        otherwise = Otherwise(content=content, exposure_bps=bps)
        return case, self._assessing.subject(tx, program, otherwise)

    def save(
        self,
        tx: Transaction,
        program: str,
        etag: str,
        content: Mapping[str, Any],
        reason: str,
        recomputed: Recomputed | None,
        evidence: Sequence[Mapping[str, str]] = (),
        trials: Sequence[str] = (),
    ) -> Profile:
        """Stores a new version, and reconfirms or takes back the knighting that stands.

        `trials` are pilots that the review was shown: they are evidence too.

        Refuses with STALE_ETAG where another version or another decision came between, and with
        NOT_A_HOLDER who neither leads nor reviews the program; until IT is asked, its first author
        leads it.
        """
        case = self._cases.newest(tx, program, Gate.KNIGHT)
        present = self._admit(tx, program, etag, reason, case)
        evidence = (*evidence, *_shown(trials, () if case is None else case.trial_runs))
        if present is not None and not evidence and self._reviews(tx, case):
            _require_nothing_lowered(present.content, content)
        profile = Profile(
            program=program,
            version=1 if present is None else present.version + 1,
            digest=digest_of(content),
            content=content,
            author=tx.call.principal.subject,
            saved_at=tx.now,
            reason=reason,
            evidence=evidence,
        )
        profile = replace(profile, effect=self._effect(tx, profile, case, recomputed))
        self._profiles.insert(tx, profile)
        payload: dict[str, object] = {
            "digest": profile.digest,
            "reason": reason,
            "effect": profile.effect,
            **({"evidence": [dict(one) for one in evidence]} if evidence else {}),
        }
        tx.record("risk_profile.saved", profile.name, profile.version, payload, program=program)
        return profile

    def _effect(
        self, tx: Transaction, profile: Profile, case: Case | None, recomputed: Recomputed | None
    ) -> str:
        stands = case is not None and case.state is CaseState.STANDING
        if not stands or case is None:
            return ""
        found = recomputed
        if found is None or (found.case_name, found.case_version) != (case.name, case.version):
            raise Stale(case.name, case.etag, "the knighting changed meanwhile; save again")
        subject = replace(found.subject, profile_version=profile.version)
        # Held against the newest one, a risk could grow by less than a bracket with every version.
        key = appetite_key(subject.asked.document["appetite"])
        before = self._profiles.decided_on(tx, case.name, key)
        worse = before is not None and why_worse(before.answer, found.answer)
        if before is None and found.answer["verdict"] != INSIDE:
            worse = "the first numbers of a program that was knighted without any are not inside"
        if not worse:
            return self._bounds.hold(tx, case, subject, found.answer)
        version = profile.version
        self._profiles.judge(tx, case.name, VOIDED, subject.asked, version, found.answer)
        self._cases.take_back(tx, case, f"risk profile {version}: {worse}")
        return VOIDED

    def _reviews(self, tx: Transaction, case: Case | None) -> bool:
        """Whether the caller changes it as a reviewer, and not for the business."""
        caller = tx.call.principal
        if case is None:
            return REVIEWER in caller.roles and not BUSINESS & set(caller.roles)
        return REVIEWER in caller.roles and caller.subject not in case.facts.business_people

    def _admit(
        self, tx: Transaction, program: str, etag: str, reason: str, case: Case | None
    ) -> Profile | None:
        """The version before, of which the caller may save the next."""
        self._require_author(tx, program, case)
        present = self._profiles.newest(tx, program)
        current = "" if present is None else etag_of(present)
        if etag != current:
            raise Stale(program, current, "another version was saved since; read the newest one")
        if present is not None and not reason.strip():
            raise InvalidArgument.of("reason", "say why it changes: the one before is on record")
        return present

    def _require_author(self, tx: Transaction, program: str, case: Case | None) -> None:
        """Who leads or reviews the program; what it says decides over its knighting."""
        caller = tx.call.principal
        if REVIEWER in caller.roles:
            return
        first = self._profiles.first_author(tx, program)
        leading = {first or caller.subject} if case is None else set(case.facts.business_people)
        if caller.subject not in leading:
            raise Denied(
                "NOT_A_HOLDER",
                f"{caller.subject} does not lead {program}: its proposer, its sponsor or a "
                "reviewer saves its risk profile; until IT is asked, who saved the first one",
            )


def _shown(trials: Sequence[str], runs: Sequence[TrialRun]) -> Sequence[Mapping[str, str]]:
    """Trials as evidence, each with its digest; INVALID_FIELD for one the review was not shown."""
    known = {run.pilot: run.digest for run in runs}
    for index, pilot in enumerate(trials):
        if pilot not in known:
            raise InvalidArgument.of(
                f"trials[{index}]",
                f"this review was not shown {pilot}; it was shown {', '.join(known) or 'no trial'}",
            )
    return [{"url": pilot, "sha256": known[pilot]} for pilot in trials]


def _require_nothing_lowered(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Refuses with INVALID_FIELD what a reviewer lowers without evidence."""
    less = lowered(before, after)
    if less:
        raise InvalidArgument.of(
            "evidence",
            f"a reviewer lowers an estimate only with evidence ({'; '.join(less)}): give its url "
            "and sha256, or a trial the review was shown, or leave the estimate to the proposer",
        )


def etag_of(profile: Profile) -> str:
    """What the author of the next version has to have seen."""
    return f"{profile.version}-{profile.digest[:16]}"
