"""The tables: the one truth about members, groups, announcements and deliveries.

Times are aware UTC. Everything is SQLAlchemy Core, so that SQLite and PostgreSQL are one schema; what
differs between them stands in `sqlite.py`.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from vipcast.storage.columns import Id, UtcDateTime, id_column, member_column, metadata, only_where

# The newest migration in migrations/versions; a test holds the two together.
HEAD = "0004"


meta = Table(
    "meta",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

members = Table(
    "members",
    metadata,
    id_column(),
    Column("name", Text, nullable=False),
    Column("first_name", Text, nullable=False, server_default=""),
    Column("last_name", Text, nullable=False, server_default=""),
    Column("name_key", Text, nullable=False, index=True),  # folded, for finding
    Column("language", String(8), nullable=False, server_default=""),
    Column("formal", Boolean),  # NULL: as the shop
    Column("birthday", Date),
    Column("timezone", String(64), nullable=False, server_default=""),  # empty: the shop's
    Column("preferred", String(32), nullable=False, server_default=""),  # a messenger
    Column("note", Text, nullable=False, server_default=""),
    Column("fields", JSON, nullable=False, server_default="{}"),
    Column("origin", Text, nullable=False, server_default=""),  # the file and line a member came from
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

# A phone number or an e-mail address is a row like any other: it tells who somebody is, and each
# messenger that is addressed by phone can use it.
addresses = Table(
    "addresses",
    metadata,
    id_column(),
    member_column(),
    Column("messenger", String(32), nullable=False),
    Column("address", Text, nullable=False),
    Column("state", String(16), nullable=False, server_default="ok"),  # ok | unreachable | opted_out
    Column("reason", Text, nullable=False, server_default=""),
    Column("state_at", UtcDateTime),
    UniqueConstraint("messenger", "address"),
    Index(None, "member_id"),
)

consents = Table(  # append-only
    "consents",
    metadata,
    id_column(),
    member_column(),
    Column("event", String(8), nullable=False),  # opt_in | opt_out
    Column("at", UtcDateTime, nullable=False),
    Column("source", Text, nullable=False),
    Column("wording", Text, nullable=False, server_default=""),
    Column("recorded_at", UtcDateTime, nullable=False),
    Index(None, "member_id"),
)

forgotten = Table(  # salted digests of addresses, so that an old file does not bring a person back
    "forgotten",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
)

groups = Table(
    "groups",
    metadata,
    id_column(),
    Column("name", String(64), nullable=False, unique=True),
    Column("cap", Integer, nullable=False),
    Column("purpose", Text, nullable=False, server_default=""),
    Column("mode", String(16), nullable=False, server_default="direct"),  # direct | chat | by-hand
    Column("chat_account", String(32), nullable=False, server_default=""),  # which account is in its chat
    Column("chat", Text, nullable=False, server_default=""),  # the chat's address there
    Column("created_at", UtcDateTime, nullable=False),
    Column("closed_at", UtcDateTime),
)

memberships = Table(
    "memberships",
    metadata,
    id_column(),
    Column("group_id", Id, ForeignKey("groups.id", ondelete="CASCADE"), nullable=False),
    member_column(),
    Column("state", String(8), nullable=False),  # seated | waiting | left
    Column("arrival", Integer, nullable=False),  # order of arrival in the group; the waiting list's order
    Column("arrived_at", UtcDateTime, nullable=False),
    Column("seated_at", UtcDateTime),
    Column("left_at", UtcDateTime),
    UniqueConstraint("group_id", "member_id"),
    Index(None, "member_id"),
    Index(None, "group_id", "state", "arrival"),
)

invitations = Table(  # one-time codes of deep links: they tie an address to a member
    "invitations",
    metadata,
    Column("code", String(32), primary_key=True),
    member_column(),
    Column("messenger", String(32), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime),
    Column("address", Text, nullable=False, server_default=""),
)

accounts = Table(
    "accounts",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("identity", Text, nullable=False, server_default=""),
    Column("checked_at", UtcDateTime),
    Column("login", JSON),  # a login that waits for its code
    Column("lease_owner", String(32)),
    Column("lease_holder", Text, nullable=False, server_default=""),  # for people: pid, host, command
    Column("lease_until", UtcDateTime),
    Column("talk_owner", String(32)),  # the same for what is said in conversations: it never waits for news
    Column("talk_holder", Text, nullable=False, server_default=""),
    Column("talk_until", UtcDateTime),
    Column("paused_from", UtcDateTime),
    Column("paused_until", UtcDateTime),
    Column("stopped_at", UtcDateTime),
    Column("stopped_code", String(16), nullable=False, server_default=""),  # login | limited
    Column("stopped_reason", Text, nullable=False, server_default=""),
)

peers = Table(  # an address as one account resolved it; worthless to another account
    "peers",
    metadata,
    Column("account", String(32), primary_key=True),
    Column("address", Text, primary_key=True),
    Column("peer", Text, nullable=False),
    Column("resolved_at", UtcDateTime, nullable=False),
)

schedules = Table(  # announcements to come
    "schedules",
    metadata,
    id_column(),
    Column("template", String(128), nullable=False),
    Column("groups", JSON, nullable=False),
    Column("variables", JSON, nullable=False),
    Column("expression", Text, nullable=False),  # as schedules.expressions writes it
    Column("zone", String(64), nullable=False),
    Column("until", Date),  # the last day
    Column("if_late", String(8), nullable=False),  # send | skip | ask
    Column("grace_seconds", Integer, nullable=False),  # no later than this is not late
    Column("lasts_seconds", Integer),  # what was not sent so long after its time is not sent any more
    Column("is_urgent", Boolean, nullable=False, server_default=text("false")),
    Column("state", String(8), nullable=False),  # active | paused | ended
    Column("reason", Text, nullable=False, server_default=""),  # why it ended, or what its last run met
    Column("next_at", UtcDateTime),
    Column("next_local", String(32), nullable=False, server_default=""),
    Column("created_at", UtcDateTime, nullable=False),
    Index(None, "state", "next_at"),
)

runs = Table(  # what became of each occurrence; its time on the wall is its name, so none comes twice
    "runs",
    metadata,
    id_column(),
    Column("schedule_id", Id, ForeignKey("schedules.id", ondelete="CASCADE"), nullable=False),
    Column("local", String(32), nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("ran_at", UtcDateTime, nullable=False),
    Column("state", String(8), nullable=False),  # sent | asked | skipped | empty | failed
    Column("reason", Text, nullable=False, server_default=""),
    Column("announcement_id", Id, ForeignKey("announcements.id", ondelete="SET NULL")),
    UniqueConstraint("schedule_id", "local"),
)

announcements = Table(
    "announcements",
    metadata,
    id_column(),
    Column("key", Text, nullable=False, unique=True),  # one use of a template for chosen groups
    Column("template", String(128), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("title", Text, nullable=False, server_default=""),
    Column("groups", JSON, nullable=False),
    Column("variables", JSON, nullable=False),
    Column("state", String(16), nullable=False),  # planned | running | paused | finished | cancelled
    Column("state_reason", Text, nullable=False, server_default=""),
    Column("is_test", Boolean, nullable=False, server_default=text("false")),
    Column("is_urgent", Boolean, nullable=False, server_default=text("false")),  # quiet hours do not hold it
    Column("ends_at", UtcDateTime),  # what was not sent by then is not sent any more
    Column(
        "approval", String(8), nullable=False, server_default=""
    ),  # waiting | approved | rejected; empty: none
    Column("approval_by", Text, nullable=False, server_default=""),
    Column("approval_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Index(None, "state"),
)

conversations = Table(  # a person's private talk with the shop, over all messengers
    "conversations",
    metadata,
    id_column(),
    member_column(nullable=True),  # NULL: nobody whom the shop knows
    Column("account", String(32), nullable=False),  # where the person wrote last: an answer goes there
    Column("messenger", String(32), nullable=False),
    Column("address", Text, nullable=False),
    Column("name", Text, nullable=False, server_default=""),  # what the messenger calls the person
    Column("language", String(8), nullable=False, server_default=""),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("heard_at", UtcDateTime, nullable=False),  # the person's last message
    Column("waiting_since", UtcDateTime),  # the first message without an answer; NULL: nothing waits
    Column(
        "wants_person", Boolean, nullable=False, server_default=text("false")
    ),  # no FAQ until it is closed
    Column("answered_at", UtcDateTime),  # a person's last answer
    Column("taken_by", Text, nullable=False, server_default=""),  # who at the desk has it
    Column("closed_at", UtcDateTime),
    UniqueConstraint("member_id"),
    Index(None, "messenger", "address"),
    Index("ix_conversations_waiting", "waiting_since", **only_where("waiting_since IS NOT NULL")),
)

promises = Table(  # by when a person will have answered
    "promises",
    metadata,
    id_column(),
    Column("conversation_id", Id, ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("made_at", UtcDateTime, nullable=False),  # when the question came in
    Column("due_at", UtcDateTime, nullable=False),
    Column("state", String(8), nullable=False),  # open | kept | broken | closed
    Column("settled_at", UtcDateTime),
    Column("nudged_at", UtcDateTime),
    Column("overdue_told_at", UtcDateTime),
    Index(None, "conversation_id"),
    Index(None, "state", "due_at"),
)

notes = Table(  # what the shop wrote down by hand: a phone call, a visit
    "notes",
    metadata,
    id_column(),
    Column("conversation_id", Id, ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("kind", String(8), nullable=False),  # note | call | visit
    Column("at", UtcDateTime, nullable=False),
    Column("author", Text, nullable=False, server_default=""),
    Column("text", Text, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Index(None, "conversation_id"),
)

deliveries = Table(  # the ledger: one message to one person through one account
    "deliveries",
    metadata,
    id_column(),
    # NULL: no announcement, but said in a conversation.
    Column("announcement_id", Id, ForeignKey("announcements.id", ondelete="CASCADE")),
    Column("conversation_id", Id, ForeignKey("conversations.id", ondelete="SET NULL")),
    Column("inbound_id", Id, ForeignKey("inbound.id", ondelete="SET NULL")),  # the message it is about
    # announcement | answer (a person's) | automatic | relay, notice (to the desk)
    Column("kind", String(16), nullable=False, server_default="announcement"),
    Column("purpose", Text),  # what may be said only once
    Column("author", Text, nullable=False, server_default=""),  # who at the desk wrote it
    member_column(nullable=True, ondelete="SET NULL"),  # NULL once the member is forgotten
    # The group whose chat gets it; NULL: it goes to one person.
    Column("group_id", Id, ForeignKey("groups.id", ondelete="SET NULL")),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False, server_default=""),  # a code of ours
    Column("code", Text, nullable=False, server_default=""),  # the messenger's code
    Column("words", Text, nullable=False, server_default=""),  # the messenger's words
    Column("account", String(32), nullable=False, server_default=""),
    Column("messenger", String(32), nullable=False, server_default=""),
    Column("address", Text, nullable=False, server_default=""),
    Column("language", String(8), nullable=False, server_default=""),
    Column("body", Text, nullable=False, server_default=""),  # the rendered messengers.base.Message as JSON
    Column("message_key", BigInteger, nullable=False),  # Telegram's random_id; the same for every attempt
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("attempt_token", String(32), nullable=False, server_default=""),
    Column("not_before", UtcDateTime),
    Column("remote_id", Text, nullable=False, server_default=""),
    Column("planned_at", UtcDateTime, nullable=False),
    Column("sending_at", UtcDateTime),
    Column("sent_at", UtcDateTime),
    Column("delivered_at", UtcDateTime),
    Column("seen_at", UtcDateTime),
    Column("ended_at", UtcDateTime),  # failed or skipped
    Column("due_at", UtcDateTime),  # by when somebody is to have sent it by hand
    Column("nudged_at", UtcDateTime),
    Column("recall", String(8), nullable=False, server_default=""),  # wanted | done | failed
    Column("recall_words", Text, nullable=False, server_default=""),
    Column("recalled_at", UtcDateTime),
    UniqueConstraint("announcement_id", "member_id"),
    UniqueConstraint("purpose"),
    Index(None, "member_id"),
    Index(None, "conversation_id"),
    Index("ix_deliveries_chat", "group_id", "announcement_id", unique=True),
    Index("ix_deliveries_open", "account", "id", **only_where("state IN ('queued', 'unknown', 'sending')")),
    Index("ix_deliveries_remote", "account", "remote_id"),
    Index("ix_deliveries_address", "account", "address"),
    Index("ix_deliveries_answers", "planned_at", **only_where("kind = 'answer'")),
)

receipts = Table(  # later news from a messenger, kept even when it comes before our own record
    "receipts",
    metadata,
    id_column(),
    Column("account", String(32), nullable=False),
    Column("address", Text, nullable=False, server_default=""),
    Column("remote_id", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("through", Boolean, nullable=False, server_default=text("false")),
    Column("words", Text, nullable=False, server_default=""),
    Column("at", UtcDateTime, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    UniqueConstraint("account", "remote_id", "kind", "address"),
)

inbound = Table(  # what people did: messages, opened chats, subscriptions; receipts stand in `receipts`
    "inbound",
    metadata,
    id_column(),
    Column("account", String(32), nullable=False),
    Column("messenger", String(32), nullable=False),
    Column("kind", String(16), nullable=False),  # a messengers.base.EventKind
    Column("address", Text, nullable=False),
    Column("remote_id", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    member_column(nullable=True),  # NULL: nobody whom the shop knows
    Column("conversation_id", Id, ForeignKey("conversations.id", ondelete="SET NULL")),
    Column("chat", Text, nullable=False, server_default=""),  # the group it was said in; empty in private
    Column("reply_to", Text, nullable=False, server_default=""),
    Column("handling", String(16), nullable=False, server_default=""),  # what was done about it
    Column("text", Text, nullable=False, server_default=""),
    Column("raw", JSON, nullable=False, server_default="{}"),
    # A group may count its messages by itself, beside those of private talks.
    UniqueConstraint("account", "kind", "chat", "address", "remote_id"),
    Index(None, "member_id"),
    Index(None, "conversation_id"),
    Index(None, "account", "remote_id"),
    Index("ix_inbound_waiting", "id", **only_where("handling = 'waiting'")),
)

attachments = Table(  # what came beside a text; the content stands in a file
    "attachments",
    metadata,
    id_column(),
    Column("inbound_id", Id, ForeignKey("inbound.id", ondelete="CASCADE"), nullable=False),
    Column("kind", String(16), nullable=False),  # a messengers.base.AttachmentKind
    Column("name", Text, nullable=False, server_default=""),
    Column("size", BigInteger, nullable=False, server_default="0"),  # bytes; 0: not known
    Column("words", Text, nullable=False, server_default=""),
    Column("ref", Text, nullable=False, server_default=""),
    Column("file", Text, nullable=False, server_default=""),  # its name in the folder of kept attachments
    Column("state", String(8), nullable=False),  # wanted | kept | failed | words (there is nothing to get)
    Column("reason", Text, nullable=False, server_default=""),
    Index(None, "inbound_id"),
    Index(None, "state"),
)
