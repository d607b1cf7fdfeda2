"""The ledger's SQL, built once. Everything that sends goes through these few statements."""

from __future__ import annotations

from sqlalchemy import and_, bindparam, case, or_, select, text, update

from vipcast.delivery.outcomes import State
from vipcast.members.consent import IN_ORDER
from vipcast.storage.tables import addresses, consents, deliveries, groups, members

CLAIMED_COLUMNS = (
    deliveries.c.id,
    deliveries.c.member_id,
    deliveries.c.group_id,
    deliveries.c.state,
    deliveries.c.address,
    deliveries.c.body,
    deliveries.c.message_key,
    deliveries.c.attempts,
)
FIRST_CONTACTS = "first-contacts"  # a reason: the account has written to enough strangers today
UNSETTLED = "unsettled-"  # before a reason: unknown, and not to be repeated

# Word for word the condition of the index ix_deliveries_open: with parameters in their places, SQLite would
# not see that the index covers it, and would read every delivery that an account ever had.
IS_OPEN = text("deliveries.state IN ('queued', 'unknown', 'sending')")

# What may go now. An attempt that lies in the future means that the clock was set back; its waiting time
# says nothing any more, and the server will name a new one where it must.
IS_DUE = or_(
    deliveries.c.not_before.is_(None),
    deliveries.c.not_before <= bindparam("b_now"),
    deliveries.c.sending_at > bindparam("b_now"),
)
# Or what is held until after any morning that is next by this clock: another one held it.
IS_DUE_OR_HELD_TOO_LONG = or_(
    IS_DUE,
    and_(deliveries.c.reason == FIRST_CONTACTS, deliveries.c.not_before > bindparam("b_morning")),
)
# Looked up at the last moment: whether the member may be written to, and at this address.
CONSENT = (
    select(consents.c.event)
    .where(consents.c.member_id == deliveries.c.member_id)
    .order_by(*(column.desc() for column in IN_ORDER))
    .limit(1)
    .correlate(deliveries)
    .scalar_subquery()
    .label("consent")
)
ADDRESS_STATE = (
    select(addresses.c.state)
    .where(addresses.c.messenger == deliveries.c.messenger, addresses.c.address == deliveries.c.address)
    .correlate(deliveries)
    .scalar_subquery()
    .label("address_state")
)
GROUP_CLOSED = (  # whether the group is, to whose chat a message goes
    select(groups.c.closed_at)
    .where(groups.c.id == deliveries.c.group_id)
    .correlate(deliveries)
    .scalar_subquery()
    .label("group_closed_at")
)
MEMBER_ZONE = (
    select(members.c.timezone)
    .where(members.c.id == deliveries.c.member_id)
    .correlate(deliveries)
    .scalar_subquery()
    .label("timezone")
)

BY_ID = deliveries.c.id == bindparam("b_id")
SKIP = (
    update(deliveries)
    .where(BY_ID)
    .values(state=bindparam("b_state"), reason=bindparam("b_reason"), ended_at=bindparam("b_now"))
)
HOLD = (
    update(deliveries).where(BY_ID).values(not_before=bindparam("b_not_before"), reason=bindparam("b_reason"))
)
SEND = (
    update(deliveries)
    .where(deliveries.c.id.in_(bindparam("b_ids", expanding=True)))
    .values(
        state=State.SENDING,
        attempt_token=bindparam("b_token"),
        attempts=deliveries.c.attempts + 1,
        sending_at=bindparam("b_now"),
        not_before=None,
    )
)
# A late result of a worker that was suspended counts as long as nobody has tried again since.
MINE = and_(
    BY_ID,
    deliveries.c.attempt_token == bindparam("b_token"),
    or_(deliveries.c.state == State.SENDING, deliveries.c.state == State.UNKNOWN),
)
RECORD_SENT = (
    update(deliveries)
    .where(MINE)
    .values(
        state=State.SENT,
        reason="",
        code="",
        words="",
        remote_id=bindparam("b_remote_id"),
        sent_at=bindparam("b_sent_at"),
    )
)
# Whoever may have got an earlier attempt: no later refusal or pause proves that they did not.
MAY_HAVE_ARRIVED = or_(deliveries.c.reason == "no-answer", deliveries.c.reason == "interrupted")
IS_REFUSED = bindparam("b_state") == State.FAILED
RECORD_OTHER = (
    update(deliveries)
    .where(MINE)
    .values(
        state=case((MAY_HAVE_ARRIVED, State.UNKNOWN), else_=bindparam("b_state")),
        reason=case(
            (and_(MAY_HAVE_ARRIVED, IS_REFUSED), UNSETTLED + "refused"),
            (MAY_HAVE_ARRIVED, deliveries.c.reason),
            else_=bindparam("b_reason"),
        ),
        code=bindparam("b_code"),
        # A person who was forgotten meanwhile has no address here any more, and leaves no words.
        words=case((deliveries.c.address == "", ""), else_=bindparam("b_words")),
        not_before=bindparam("b_not_before"),
        ended_at=case((MAY_HAVE_ARRIVED, None), else_=bindparam("b_ended_at")),
    )
)
