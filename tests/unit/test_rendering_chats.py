"""A template made into one message for a whole chat: nothing in it may be one member's."""

from __future__ import annotations

from pathlib import Path

import pytest
from capabilities import TELEGRAM, VIBER

from vipcast.announcements.personal import KIND
from vipcast.announcements.rendering import GroupView, MemberView, Renderer, Support
from vipcast.announcements.templates import TemplateFault, load_template
from vipcast.messengers.base import Capabilities, Message, Span

GROUP = GroupView("gold", "News first")
ANNA = MemberView("Kovács Anna", "Anna", "Kovács", "en", fields={"shoe": "38"})
GREETING = "{% if group.is_chat %}Dear all{% else %}Dear {{ member.first_name }}{% endif %}"


def renderer(folder: Path, settings: str = "", **bodies: str) -> Renderer:
    """Return a renderer of a template with these texts by language; each body starts on line 4."""
    own = folder / "spring"
    own.mkdir()
    for language, body in bodies.items():
        text = f'+++\ntitle = "Spring"\n{settings}+++\n{body}'
        (own / f"{language}.md").write_text(text, encoding="utf-8")
    support = Support("Help", "https://t.me/help")
    return Renderer(load_template(folder, "spring"), shop_name="Shop", shop_language="hu", support=support)


def in_chat(made: Renderer, *, formal: bool = True, language: str = "en", over=TELEGRAM) -> Message:
    return made.render_chat(GROUP, language=language, formal=formal, capabilities=over, messenger="telegram")


def fault(made: Renderer, *, formal: bool = True, over: Capabilities = TELEGRAM) -> TemplateFault:
    with pytest.raises(TemplateFault) as caught:
        in_chat(made, formal=formal, over=over)
    return caught.value


def test_chat_gets_what_is_for_all_in_its_language_and_address(tmp_path):
    body = (
        "{% if member.formal %}Sie{% else %}du{% endif %} {{ member.language }} {{ member['messenger'] }} "
        "{{ group.name }} {{ group.purpose }} {{ group.cap }} {{ shop.name }} **{{ support.link }}**"
    )
    made = renderer(tmp_path, en=body, hu="magyar")
    message = in_chat(made, formal=False)
    assert message.text == "du en telegram gold News first 15 Shop https://t.me/help"
    assert message.spans == (Span("bold", 39, 17),)
    assert in_chat(made).text.startswith("Sie")
    assert in_chat(made, language="hu").text == "magyar"
    assert in_chat(made, language="fi").text == "magyar"  # the shop's, where the chat's is not there


def test_one_text_serves_a_chat_and_private_messages(tmp_path):
    made = renderer(tmp_path, en=f"{GREETING},\n\nspring is here.")
    assert in_chat(made).text == "Dear all,\n\nspring is here."
    assert made.render(ANNA, GROUP, TELEGRAM).text == "Dear Anna,\n\nspring is here."
    assert made.render(ANNA, None, TELEGRAM).text.startswith("Dear Anna")  # and to no group at all
    assert in_chat(made).text.startswith("Dear all")


PERSONAL = [
    "{{ member.name }}",
    "{{ member['first_name'] }}",
    "{{ member.fields.shoe }}",
    "{{ member.fields.shoe | default('') }}",
    "{{ member.fields.get('shoe') }}",
    "{% for one in member.fields %}x{% endfor %}",
    "{% if member.first_name %}x{% endif %}",
    "{% if member.birthday %}x{% endif %}",
    "{{ member.first_name or member.name }}",
    "{{ member.shoe | default('x') }}",
    "{{ member }}",
    "{{ member | default('x') }}",
    "{{ member | default('x', true) }}",
    "{{ member | upper }}",
    "{{ member | length }}",
    "{{ member | int }}",
    "{{ member ~ 'x' }}",
    "{{ member[0] }}",
    "{{ [member] | join }}",
    "{{ {member: 1} | length }}",
    "{% for one in member %}x{% endfor %}",
    "{% if member %}x{% endif %}",
    "{% if not member %}x{% endif %}",
    "{% if member == 'x' %}x{% endif %}",
    "{% if 'formal' in member %}x{% endif %}",
    "{% set one = member %}{{ one.last_name }}",
]


@pytest.mark.parametrize("use", PERSONAL)
def test_personal_use_is_a_fault_with_its_line(tmp_path, use):
    found = fault(renderer(tmp_path, en=f"Hello\n\nand {use}"))
    assert found.kind == found.problems[0].code == KIND
    assert found.where.endswith("en.md:6")
    assert found.message.startswith("spring/en.md: member")
    assert found.hint.startswith("Write {% if group.is_chat %}Dear all{% else %}Dear {{ member.")


@pytest.mark.parametrize("use", PERSONAL)
def test_personal_use_that_a_chat_never_comes_to_does_no_harm(tmp_path, use):
    body = "{% if group.is_chat %}All{% else %}" + use + "{% endif %}"
    assert in_chat(renderer(tmp_path, en=body)).text == "All"


def test_hint_names_the_part_that_was_used(tmp_path):
    found = fault(renderer(tmp_path, en="{{ member.last_name }}"))
    assert "member.last_name is personal" in found.message
    assert "{{ member.last_name }}" in found.hint


def test_personal_use_in_one_address_only_is_found_there_only(tmp_path):
    made = renderer(tmp_path, en="{% if member.formal %}Dear {{ member.name }}{% else %}Hello{% endif %}")
    assert in_chat(made, formal=False).text == "Hello"
    assert fault(made).kind == KIND


def test_personal_button_is_a_fault_with_its_line(tmp_path):
    settings = 'buttons = [{ text = "Yours", url = "https://x.example/{{ member.name }}" }]\n'
    found = fault(renderer(tmp_path, settings, en="Hello"))
    assert (found.kind, found.where.rpartition(":")[2]) == (KIND, "3")


def test_limits_of_the_messenger_hold_for_a_chat(tmp_path):
    made = renderer(tmp_path, en="a" * 5000)
    assert fault(made).kind == "too-long"
    assert "on telegram (4096)" in fault(made).message
    assert len(in_chat(made, over=VIBER).text) == 5000


def test_unknown_part_of_a_group_is_a_fault_still(tmp_path):
    assert fault(renderer(tmp_path, en="{{ group.is_chta }}")).kind == "undefined-name"


@pytest.mark.parametrize(
    "use", ["member.__class__", "member['__class__']", "member['_refuse']", "member._refuse"]
)
def test_what_the_sandbox_forbids_stays_forbidden(tmp_path, use):
    assert fault(renderer(tmp_path, en="{{ " + use + " }}")).kind in {"not-allowed", "bad-expression"}
