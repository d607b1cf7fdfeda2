"""The ledger step by step: claiming, what came of it, and the rows behind it."""

from __future__ import annotations

from sqlalchemy import select

from vipcast.delivery.outcomes import failed, succeeded
from vipcast.messengers.base import Sent
from vipcast.storage.tables import accounts


def claim(shop, ledger, room=1):
    return ledger.step([], room, shop.now()).claimed


def sent(shop, claimed, **more):
    return succeeded(claimed.id, claimed.attempt_token, Sent("77", shop.now(), **more), shop.now())


def refused(shop, claimed, error):
    return failed(claimed.id, claimed.attempt_token, error, claimed.attempts, shop.now())


def account_row(shop):
    with shop.database.read() as connection:
        return connection.execute(select(accounts).where(accounts.c.name == "news")).one()


def write(shop, statement):
    with shop.database.write() as connection:
        connection.execute(statement)
