"""One-time codes in deep links: they tie whoever opens the link to a member."""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from vipcast.members.roster import add_address
from vipcast.storage.tables import invitations

CODE_BYTES = 12  # 96 bits: not to be guessed, short enough for a link


def new_code(connection: Connection, member_id: int, messenger: str, *, now: datetime) -> str:
    """Return a fresh code for a member. It tells nothing about them: links are copied and forwarded."""
    code = secrets.token_urlsafe(CODE_BYTES)
    connection.execute(
        insert(invitations).values(code=code, member_id=member_id, messenger=messenger, created_at=now)
    )
    return code


def redeem(connection: Connection, code: str, messenger: str, address: str, *, now: datetime) -> int | None:
    """Tie an address to the member of an unused code and return the member; None for any other code.

    Raises:
        InputError: the address is another member's; the code stays unused.

    """
    row = connection.execute(
        select(invitations).where(invitations.c.code == code, invitations.c.messenger == messenger)
    ).first()
    if row is None or row.used_at is not None:
        return None
    add_address(connection, row.member_id, messenger, address)
    connection.execute(
        update(invitations).where(invitations.c.code == code).values(used_at=now, address=address)
    )
    return int(row.member_id)
