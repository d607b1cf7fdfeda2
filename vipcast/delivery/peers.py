"""How an account reaches an address: what its messenger resolved it to, worthless to another account."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, and_, insert, select, update

from vipcast.storage.tables import peers


def keep(connection: Connection, account: str, address: str, peer: str, now: datetime) -> None:
    """Keep how an account reaches an address; an empty `peer` or address changes nothing."""
    if not peer or not address:
        return
    mine = and_(peers.c.account == account, peers.c.address == address)
    values = {"peer": peer, "resolved_at": now}
    if not connection.execute(update(peers).where(mine).values(**values)).rowcount:
        connection.execute(insert(peers).values(account=account, address=address, **values))


def of(connection: Connection, account: str, address: str) -> str:
    """Return how an account reaches an address; empty where it never has."""
    query = select(peers.c.peer).where(peers.c.account == account, peers.c.address == address)
    return connection.execute(query).scalar() or ""
