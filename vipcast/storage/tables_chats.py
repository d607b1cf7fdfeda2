"""The tables of a group's chat on a messenger: what it is, who is in it, by which links, who has read."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from vipcast.storage.columns import Id, UtcDateTime, id_column, member_column, metadata


def _group_column(*, is_key: bool = False) -> Column[int]:
    link = ForeignKey("groups.id", ondelete="CASCADE")
    return Column("group_id", Id, link, primary_key=is_key, nullable=False, autoincrement=False)


chats = Table(  # a chat that vipcast keeps for a group; its account and address stand in `groups`
    "chats",
    metadata,
    _group_column(is_key=True),
    Column("messenger", String(32), nullable=False),  # or the network of a group that is kept by hand
    Column("state", String(8), nullable=False),  # making | ready | closed
    Column("mark", String(32), nullable=False, server_default=""),  # by which one half made is known again
    Column("title", Text, nullable=False, server_default=""),
    Column("picture", Text, nullable=False, server_default=""),  # a file
    Column("link", Text, nullable=False, server_default=""),  # opens a chat that is kept by hand
    Column("door", Text, nullable=False, server_default=""),  # the default link, which nobody was ever given
    Column("language", String(8), nullable=False, server_default=""),  # empty: the shop's
    Column("members_write", Boolean, nullable=False, server_default=text("false")),
    Column("hides_members", Boolean, nullable=False, server_default=text("false")),
    Column("made_at", UtcDateTime, nullable=False),
    Column("closed_at", UtcDateTime),
    Column("changed_at", UtcDateTime),  # the messenger told of somebody who came, left or asks
    Column("looked_at", UtcDateTime),  # seats and people were compared
)

chat_people = Table(  # who is or was in a chat, as the messenger says
    "chat_people",
    metadata,
    id_column(),
    _group_column(),
    Column("person", Text, nullable=False),  # the messenger's own number
    member_column(nullable=True),  # NULL: nobody whom the shop knows
    Column("address", Text, nullable=False, server_default=""),  # where the account reaches them
    Column("name", Text, nullable=False, server_default=""),
    Column("spellings", JSON, nullable=False, server_default="[]"),
    Column("role", String(8), nullable=False, server_default="member"),  # owner | admin | member | bot
    Column("state", String(8), nullable=False),  # there | left | removed
    Column("is_deleted", Boolean, nullable=False, server_default=text("false")),  # the account is gone
    Column("joined_at", UtcDateTime),
    Column("gone_at", UtcDateTime),
    Column("added_at", UtcDateTime),  # we put them in ourselves; it counts as an invitation
    Column("greeted_at", UtcDateTime),
    UniqueConstraint("group_id", "person"),
    Index(None, "member_id"),
)

chat_links = Table(  # personal invite links, for one member each
    "chat_links",
    metadata,
    id_column(),
    _group_column(),
    member_column(),
    Column("link", Text, nullable=False, server_default=""),  # empty: asked for, and no answer yet
    Column("mark", String(32), nullable=False),  # its title on the messenger
    Column("state", String(8), nullable=False),  # open | used | revoked | expired
    Column("made_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("announcement_id", Id, ForeignKey("announcements.id", ondelete="SET NULL")),  # that carried it
    UniqueConstraint("mark"),
    Index(None, "group_id", "state"),
    Index(None, "member_id"),
)

chat_readers = Table(  # whom an announcement to a chat reached there, and when each read it
    "chat_readers",
    metadata,
    Column("delivery_id", Id, ForeignKey("deliveries.id", ondelete="CASCADE"), primary_key=True),
    Column("person", Text, primary_key=True),
    member_column(nullable=True, ondelete="CASCADE"),
    Column("seen_at", UtcDateTime),
    Index(None, "member_id"),
)
