"""Who gets what, on which messenger: decided and rendered for every single member before anything is written.

A group with a chat of its own gets one message there; its members who are not in the chat get theirs
privately, like everybody else.

One fault, and nothing is planned; all faults are listed at once, each with the member and the line of the
file that the member came from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from vipcast.announcements.rendering import GroupView, MemberView, Renderer
from vipcast.announcements.templates import TemplateFault
from vipcast.by_hand import BY_HAND
from vipcast.config import Account
from vipcast.errors import InputError, Problem
from vipcast.groups.seats import Group
from vipcast.members.consent import ConsentState
from vipcast.members.roster import PHONE, Member
from vipcast.messengers.base import Capabilities, Message


@dataclass(frozen=True, slots=True)
class Route:
    """One announcing account and what it can do."""

    account: Account
    capabilities: Capabilities


@dataclass(frozen=True, slots=True)
class ChatTarget:
    """A group's chat, over which route and in which language a message goes there, and whom it reaches.

    `people` is {member: the messenger's number of them}.
    """

    group: Group
    route: Route
    address: str
    language: str
    people: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class PlannedDelivery:
    """What one member gets, or all in a `chat`; without a message, `skip` says why not."""

    member: Member | None
    group: str
    language: str = ""
    account: str = ""
    messenger: str = ""
    address: str = ""
    message: Message | None = None
    skip: str = ""
    chat: ChatTarget | None = None

    @property
    def member_id(self) -> int | None:
        return self.member.id if self.member else None

    @property
    def group_id(self) -> int | None:
        """The group whose chat it goes to; None for a member's."""
        return self.chat.group.id if self.chat else None

    @property
    def label(self) -> str:
        """Who gets it, for people."""
        if self.chat is not None:
            return f"all {len(self.chat.people)} in the chat"
        return self.member.name if self.member else ""


@dataclass(slots=True)
class Plan:
    deliveries: list[PlannedDelivery] = field(default_factory=list)
    faults: list[Problem] = field(default_factory=list)

    @property
    def to_send(self) -> list[PlannedDelivery]:
        return [one for one in self.deliveries if one.message]

    @property
    def skipped(self) -> list[PlannedDelivery]:
        return [one for one in self.deliveries if not one.message]

    def check(self) -> None:
        """Refuse the whole plan for any fault.

        Raises:
            InputError: with every fault in `problems`.

        """
        if self.faults:
            number = len(self.faults)
            raise InputError(
                f"{number} fault{'s' * (number != 1)} found; nothing was planned.",
                hint="Mend the template or the members, then run it again.",
                problems=self.faults,
            )


def view_of(member: Member, *, shop_language: str, shop_is_formal: bool, messenger: str) -> MemberView:
    """Return what a text may say of a member; the shop decides where the member's card does not."""
    return MemberView(
        name=member.name,
        first_name=member.first_name,
        last_name=member.last_name,
        language=member.language or shop_language,
        formal=shop_is_formal if member.formal is None else member.formal,
        birthday=member.birthday,
        fields=member.fields,
        messenger=messenger,
    )


class Planner:
    """Plans one template's announcement; makes no database call and no network call."""

    def __init__(
        self,
        renderer: Renderer,
        routes: Sequence[Route],
        *,
        shop_language: str,
        shop_is_formal: bool,
        by_hand: Callable[[str], Route | None] = lambda _: None,
    ) -> None:
        """Make ready; `by_hand` returns the route to a group's chat on a network, by its name."""
        self._renderer = renderer
        self._routes = routes
        self._by_hand = by_hand
        self._shop_language = shop_language
        self._shop_is_formal = shop_is_formal

    def route_to(self, account: str, messenger: str) -> Route | None:
        """Return the route of an account on a messenger; a person's hand is the account `by-hand`."""
        if account == BY_HAND:
            return self._by_hand(messenger)
        wanted = (account, messenger)
        return next((r for r in self._routes if (r.account.name, r.account.messenger) == wanted), None)

    @property
    def shop_language(self) -> str:
        return self._shop_language

    def plan(
        self,
        seated: Sequence[tuple[Member, Group]],
        already: Mapping[int, str] | None = None,
        chats: Sequence[ChatTarget] = (),
    ) -> Plan:
        """Plan one delivery for each chat, and one for each member whom none of them reaches.

        `already` names members who got this text before in another announcement.
        """
        plan = Plan()
        for target in chats:
            self._plan_chat(plan, target)
        done: set[int] = {member_id for target in chats for member_id in target.people}
        for member, group in seated:
            if member.id in done:
                continue
            done.add(member.id)
            skip = "already_sent" if already and member.id in already else self._no_consent(member)
            if skip:
                plan.deliveries.append(PlannedDelivery(member, group.name, skip=skip))
            else:
                self._plan_one(plan, member, group)
        return plan

    def render(self, member: Member, group: Group | None, route: Route, *, messenger: str = "") -> Message:
        """Return what a member gets through a route.

        Raises:
            TemplateFault: the text cannot be made, or the messenger does not carry it.

        """
        view = view_of(
            member,
            shop_language=self._shop_language,
            shop_is_formal=self._shop_is_formal,
            messenger=messenger or route.account.messenger,
        )
        group_view = GroupView(group.name, group.purpose, group.cap) if group else None
        return self._renderer.render(view, group_view, route.capabilities)

    def render_chat(self, target: ChatTarget, route: Route | None = None) -> Message:
        """Return what all in a chat get; over another `route`, how it would look there.

        Raises:
            TemplateFault: it cannot be made, such as for a personal variable, or the messenger does not
                carry it.

        """
        group, route = target.group, route or target.route
        return self._renderer.render_chat(
            GroupView(group.name, group.purpose, group.cap),
            language=target.language,
            formal=self._shop_is_formal,
            capabilities=route.capabilities,
            messenger=route.account.messenger,
        )

    def _plan_chat(self, plan: Plan, target: ChatTarget) -> None:
        name = target.group.name
        try:
            message = self.render_chat(target)
        except TemplateFault as fault:
            plan.faults += [
                Problem(p.code, f"the chat of {name}: {p.message}", p.hint, p.where) for p in fault.problems
            ]
            return
        account = target.route.account
        plan.deliveries.append(
            PlannedDelivery(
                None, name, target.language, account.name, account.messenger, target.address, message,
                chat=target,
            )
        )  # fmt: skip

    def _plan_one(self, plan: Plan, member: Member, group: Group) -> None:
        route, address, reason = choose_route(self._routes, member)
        if route is None:
            plan.deliveries.append(PlannedDelivery(member, group.name, skip=reason))
            return
        try:
            message = self.render(member, group, route)
        except TemplateFault as fault:
            from_line = f" ({member.origin})" if member.origin else ""
            plan.faults += [
                Problem(p.code, f"{member.name}{from_line}: {p.message}", p.hint, p.where)
                for p in fault.problems
            ]
            return
        plan.deliveries.append(
            PlannedDelivery(
                member,
                group.name,
                member.language or self._shop_language,
                route.account.name,
                route.account.messenger,
                address,
                message,
            )
        )

    @staticmethod
    def _no_consent(member: Member) -> str:
        match member.consent:
            case ConsentState.OPTED_IN:
                return ""
            case ConsentState.OPTED_OUT:
                return "opted_out"
            case _:
                return "no_consent"


def choose_route(routes: Sequence[Route], member: Member) -> tuple[Route | None, str, str]:
    """Return (route, address, "") or (None, "", why not).

    The member's preferred messenger comes first, then those with an address of their own, then those that
    reach a phone number, and last a person's hand; among equals the order of vipcast.toml.
    """
    reasons: list[str] = []
    options: list[tuple[tuple[bool, bool, bool], Route, str]] = []
    for route in routes:
        address, is_own, reason = _address(member, route)
        if address:
            is_preferred = member.preferred == route.account.messenger
            is_by_hand = route.account.name == BY_HAND
            options.append(((not is_preferred, is_by_hand, not is_own), route, address))
        elif reason:
            reasons.append(reason)
    if options:
        _, route, address = min(options, key=lambda option: option[0])
        return route, address, ""
    if "opted_out" in reasons:
        return None, "", "opted_out"
    return None, "", "unreachable" if reasons else "no_address"


def _address(member: Member, route: Route) -> tuple[str, bool, str]:
    """Return (address, whether it is the messenger's own, why there is none)."""
    messenger = route.account.messenger
    own = [a for a in member.addresses if a.messenger == messenger]
    if route.account.name == BY_HAND and route.capabilities.accepts_phone:
        own = [a for a in own if a.address.startswith("+")]  # a bot's number of somebody opens no app
    for one in own:
        if one.state == "ok" and not one.address.startswith("+"):
            return one.address, True, ""
    states = {a.address: a.state for a in own}
    phones = [a.address for a in own if a.address.startswith("+")]
    if route.capabilities.accepts_phone:
        phones += [a.address for a in member.addresses if a.messenger == PHONE]
    for phone in phones:
        if states.get(phone, "ok") == "ok":
            return phone, False, ""
    return "", False, next(iter(states.values()), "")
