"""Telegram's errors in vipcast's words, as reference says what each of them means for a sender."""

from __future__ import annotations

import asyncio
import re
import sqlite3

from telethon import errors
from telethon.errors.common import (
    BadMessageError,
    InvalidBufferError,
    SecurityError,
    TypeNotFoundError,
)

from vipcast.messengers.base import (
    AccountStopped,
    AddressInvalid,
    LoginLost,
    OutcomeUnknown,
    RecipientStopped,
    Rejected,
    SendError,
    Throttled,
)

LOG_IN_AGAIN = "Log in again: vipcast account add {name}"
SPAM_BOT = "Ask @SpamBot in Telegram from that account; then `vipcast account check {name} --clear`."

_KINDS: dict[str, type[SendError]] = {
    **dict.fromkeys(
        (
            "AuthKeyUnregisteredError", "AuthKeyDuplicatedError", "AuthKeyInvalidError", "AuthKeyNotFound",
            "SessionRevokedError", "SessionExpiredError", "UserDeactivatedError", "UserDeactivatedBanError",
            "UnauthorizedError", "AccessTokenInvalidError", "AccessTokenExpiredError",
            "AuthKeyPermEmptyError", "SessionPasswordNeededError",
        ),
        LoginLost,
    ),
    **dict.fromkeys(
        ("PeerFloodError", "FrozenMethodInvalidError", "UserBannedInChannelError", "UserRestrictedError"),
        AccountStopped,
    ),
    **dict.fromkeys(("UserIsBlockedError", "YouBlockedUserError"), RecipientStopped),
    **dict.fromkeys(
        (
            "InputUserDeactivatedError", "UserIdInvalidError", "PeerIdInvalidError", "UserIsBotError",
            "UsernameNotOccupiedError", "UsernameInvalidError", "PhoneNotOccupiedError",
            "PhoneNumberInvalidError", "UserPrivacyRestrictedError", "UserNotMutualContactError",
            "InputUserInvalidError", "ChatIdInvalidError", "ChatInvalidError", "ChatForbiddenError",
            "ChannelInvalidError", "ChannelPrivateError", "UserNotParticipantError",
        ),
        AddressInvalid,
    ),
}  # fmt: skip
_WORDS = {
    "PeerFloodError": "Telegram has limited this account for writing to strangers (PEER_FLOOD)",
    "FrozenMethodInvalidError": "Telegram has frozen this account",
    "UserDeactivatedBanError": "Telegram has banned this account",
    "UserIsBlockedError": "the person blocked this account",
    "YouBlockedUserError": "this account has blocked the person; unblock them in Telegram",
    "InputUserDeactivatedError": "the person deleted their Telegram account",
    "UserPrivacyRestrictedError": "the person's privacy settings do not allow it",
    "PeerIdInvalidError": "this account does not know the person: they must write to it first",
    "UsernameNotOccupiedError": "nobody has this user name",
    "UsernameInvalidError": "this cannot be a user name",
    "ChatIdInvalidError": "there is no such group, or no longer",
    "ChannelInvalidError": "there is no such group, or no longer",
    "ChannelPrivateError": "the account is not in this group any more",
    "ChatForbiddenError": "the account is not in this group any more",
    "PhoneNotOccupiedError": "nobody with this phone number is on Telegram, or they hide it",
    "PhoneNumberInvalidError": "Telegram does not take this phone number",
    "MessageTooLongError": "the text is longer than Telegram takes",
    "MediaCaptionTooLongError": "the text is longer than Telegram takes beside a picture",
    "MessageEmptyError": "the text is empty",
    "ChatAdminRequiredError": "the account may not do this in the group: an admin there must allow it",
    "RightForbiddenError": "the account may not give a right in the group that it has not itself",
    "UserAdminInvalidError": "the person is an admin of the group whom this account may not touch",
    "UserNotParticipantError": "the person is not in the group",
    "UserNotMutualContactError": "the person left the group and is added again by their contacts only",
    "UserKickedError": "the person was removed from the group",
    "UserChannelsTooMuchError": "the person is in as many groups as Telegram allows",
    "ChannelsTooMuchError": "the account is in as many groups as Telegram allows: leave one first",
    "UserRestrictedError": "Telegram does not let this account make groups: people reported it",
    "UsersTooMuchError": "the group is full",
    "AdminsTooMuchError": "the group has as many admins as Telegram allows",
    "InviteHashExpiredError": "the invite link does not work any more",
    "InviteHashInvalidError": "there is no such invite link",
    "InviteHashEmptyError": "there is no such invite link",
    "ExpireDateInvalidError": "an invite link cannot end in the past",
    "MsgTooOldError": "Telegram tells for seven days only who has read a message",
    "ChatTooBigError": "Telegram tells of small groups only who has read a message",
    "MsgIdInvalidError": "the message is not there any more",
    "PhotoInvalidError": "Telegram cannot use this picture",
    "PhotoInvalidDimensionsError": "the picture's sides are too long or too short for Telegram",
    "PhotoCropSizeSmallError": "the picture is too small for Telegram",
    "PhotoExtInvalidError": "Telegram cannot use a picture of this kind",
    "ImageProcessFailedError": "Telegram cannot read this picture",
}
_PREMIUM = re.compile(r"PRIVACY_PREMIUM_REQUIRED|ALLOW_PAYMENT_REQUIRED")
_NETWORK = (
    ConnectionError, OSError, asyncio.TimeoutError, asyncio.IncompleteReadError, errors.ServerError,
    errors.TimedOutError, InvalidBufferError, SecurityError, BadMessageError, TypeNotFoundError,
)  # fmt: skip


def translate(error: BaseException, account: str) -> SendError | None:
    """Return what an error of Telethon means; None for one that is no answer of a network."""
    name = type(error).__name__
    code = _code(error)
    if isinstance(error, (errors.FloodWaitError, errors.FloodPremiumWaitError, errors.SlowModeWaitError)):
        return _throttled(error, code)
    kind = _kind(error, name, code)
    if kind is None:
        return None
    words = _WORDS.get(name, code or str(error) or name)
    if kind is LoginLost:
        message = f"The login of {account!r} is gone ({code or name})."
        if name.startswith("AccessToken"):
            message = f"Telegram does not know the token of {account!r} ({code or name})."
        return LoginLost(
            message, remote_code=code or name, words=words, hint=LOG_IN_AGAIN.format(name=account)
        )
    hint = SPAM_BOT.format(name=account) if kind is AccountStopped else ""
    return kind(words, remote_code=code or name, words=words, hint=hint)


def _kind(error: BaseException, name: str, code: str) -> type[SendError] | None:
    if name in _KINDS:
        return _KINDS[name]
    if isinstance(error, sqlite3.DatabaseError):  # the session file
        return LoginLost
    if _PREMIUM.search(code):
        return AddressInvalid
    if isinstance(error, _NETWORK):
        return OutcomeUnknown
    return Rejected if isinstance(error, errors.RPCError) else None


def _throttled(error: errors.RPCError, code: str) -> Throttled:
    seconds = float(error.seconds)
    return Throttled(
        f"Telegram asks for a pause of {seconds:.0f} s.",
        retry_after=seconds,
        whole_account=not isinstance(error, errors.SlowModeWaitError),
        remote_code=code,
        words=f"Telegram asks for a pause of {seconds:.0f} s ({code})",
    )


def _code(error: BaseException) -> str:
    """Return Telegram's own name of an error, such as PEER_FLOOD; empty for others."""
    if not isinstance(error, errors.RPCError):
        return ""
    if seconds := getattr(error, "seconds", None):
        return f"FLOOD_WAIT_{seconds}"
    if type(error).__module__.endswith("rpcerrorlist"):
        bare = type(error).__name__.removesuffix("Error")
        return re.sub(r"(?<!^)(?=[A-Z])", "_", bare).upper()
    return str(error.message or type(error).__name__)
