"""A review as the API has it."""

from investiture.api.itrisk.v1 import itrisk_service_pb2 as pb
from investiture.casework import wire
from investiture.casework.operations import Reading
from investiture.itrisk.operations import ReviewReading


def review_to(reading: ReviewReading, shown: Reading) -> pb.RiskReview:
    """The API's form of a review, with its case as it is shown."""
    facts, accepted, grace = reading.case.facts, reading.acceptance, reading.grace
    return pb.RiskReview(
        gate_case=wire.case_to(shown.case, shown.following),
        exposure_asked_bps=facts.exposure_bps,
        data_classes=facts.data_classes,
        vendors=facts.vendors,
        controls=facts.controls,
        rounds_of_changes=reading.rounds_of_changes,
        money_people=reading.review.money_people,
        business_people=reading.review.business_people,
        acceptance=accepted.name if accepted else "",
        re_review_at=wire.stamp(accepted.review_at if accepted else None),
        grace_until=wire.stamp(grace.ends_at if grace else None),
        grace_reason=grace.why if grace else "",
    )
