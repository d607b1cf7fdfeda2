"""Finding people: users, usernames, phone numbers, contacts."""

from __future__ import annotations

from typing import Any

from telethon.tl import functions, types

from vipcast.sandbox.telegram.model import SandboxUser
from vipcast.sandbox.telegram.rpc import Call, Handlers, RpcError
from vipcast.sandbox.telegram.views import updates_view, user_view, users_view
from vipcast.sandbox.telegram.world import is_username, normal_phone


def get_users(call: Call, request: Any) -> Any:
    views = []
    for item in request.id:
        try:
            views.append(user_view(call.world, call.me, call.person(item)))
        except RpcError as error:
            if error.text != "PEER_ID_INVALID":
                raise
            views.append(types.UserEmpty(getattr(item, "user_id", 0)))
    return views


def get_full_user(call: Call, request: Any) -> Any:
    user = call.person(request.id)
    full = types.UserFull(
        id=user.id,
        settings=types.PeerSettings(),
        notify_settings=types.PeerNotifySettings(),
        common_chats_count=0,
        blocked=user.id in call.me.blocked or None,
        contact_require_premium=user.premium_only or None,
        bot_info=types.BotInfo(user_id=user.id) if user.is_bot else None,
    )
    return types.users.UserFull(full, chats=[], users=[user_view(call.world, call.me, user)])


def get_requirements(call: Call, request: Any) -> Any:
    """Tell of each person whether a stranger needs Premium to write to them."""
    people = [call.person(item) for item in request.id]
    return [
        types.RequirementToContactPremium()
        if user.premium_only and call.me.id not in user.contacts
        else types.RequirementToContactEmpty()
        for user in people
    ]


def resolve_username(call: Call, request: Any) -> Any:
    me = call.me
    if not is_username(request.username):
        raise RpcError(400, "USERNAME_INVALID")
    user = call.world.find_username(request.username)
    if user is None:
        raise RpcError(400, "USERNAME_NOT_OCCUPIED")
    return _resolved(call, me, user)


def resolve_phone(call: Call, request: Any) -> Any:
    call.only_people()
    user = call.world.find_phone(request.phone)
    if user is None or user.hides_phone:
        raise RpcError(400, "PHONE_NOT_OCCUPIED")
    return _resolved(call, call.me, user)


def _resolved(call: Call, me: SandboxUser, user: SandboxUser) -> Any:
    users = [user_view(call.world, me, user)]
    return types.contacts.ResolvedPeer(peer=types.PeerUser(user.id), chats=[], users=users)


def import_contacts(call: Call, request: Any) -> Any:
    call.only_people()
    me = call.me
    imported = []
    for contact in request.contacts:
        user = call.world.find_phone(contact.phone)
        if user is None or user.hides_phone:
            continue
        me.contacts[user.id] = (contact.first_name, contact.last_name)
        imported.append(types.ImportedContact(user_id=user.id, client_id=contact.client_id))
    call.world.keep(me)
    return types.contacts.ImportedContacts(
        imported=imported,
        popular_invites=[],
        retry_contacts=[],
        users=users_view(call.world, me, (item.user_id for item in imported)),
    )


def get_contacts(call: Call, request: Any) -> Any:
    del request
    call.only_people()
    me = call.me
    contacts = [
        types.Contact(user_id=number, mutual=me.id in call.world.users[number].contacts)
        for number in me.contacts
    ]
    return types.contacts.Contacts(contacts, len(contacts), users_view(call.world, me, me.contacts))


def add_contact(call: Call, request: Any) -> Any:
    call.only_people()
    user = call.person(request.id)
    if not request.first_name:
        raise RpcError(400, "CONTACT_NAME_EMPTY")
    call.me.contacts[user.id] = (request.first_name, request.last_name)
    return _contacts_changed(call, [user])


def delete_contacts(call: Call, request: Any) -> Any:
    call.only_people()
    return _forget(call, [call.person(item) for item in request.id])


def delete_by_phones(call: Call, request: Any) -> Any:
    call.only_people()
    phones = {normal_phone(phone) for phone in request.phones}
    people = [call.world.users[number] for number in call.me.contacts]
    _forget(call, [user for user in people if user.phone in phones])
    return True


def _forget(call: Call, people: list[SandboxUser]) -> Any:
    for user in people:
        call.me.contacts.pop(user.id, None)
    return _contacts_changed(call, people)


def _contacts_changed(call: Call, people: list[SandboxUser]) -> Any:
    call.world.keep(call.me)
    updates = updates_view(call.world, call.me, ())
    updates.users.extend(users_view(call.world, call.me, (user.id for user in people)))
    return updates


HANDLERS: Handlers = {
    functions.users.GetUsersRequest: get_users,
    functions.users.GetFullUserRequest: get_full_user,
    functions.users.GetRequirementsToContactRequest: get_requirements,
    functions.contacts.ResolveUsernameRequest: resolve_username,
    functions.contacts.ResolvePhoneRequest: resolve_phone,
    functions.contacts.ImportContactsRequest: import_contacts,
    functions.contacts.GetContactsRequest: get_contacts,
    functions.contacts.AddContactRequest: add_contact,
    functions.contacts.DeleteContactsRequest: delete_contacts,
    functions.contacts.DeleteByPhonesRequest: delete_by_phones,
}
