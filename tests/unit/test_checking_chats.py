"""`template check` for texts that are to go to a group's chat, and for those that could."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from capabilities import TELEGRAM, VIBER

from vipcast.announcements.checking import Finding, check_template
from vipcast.announcements.checking_chats import CheckedChat
from vipcast.announcements.personal import KIND
from vipcast.announcements.rendering import GroupView, Support
from vipcast.announcements.templates import load_template
from vipcast.config import LANGUAGES
from vipcast.sample import sample_folder

SUPPORT = Support("Segít", "https://t.me/segit")
GOLD = CheckedChat(GroupView("gold"), "en", formal=True, messenger="telegram", capabilities=TELEGRAM)
MAYBE = replace(GOLD, is_chosen=False)
LAST = "\n\nAsk: {{ support.link }}\n"


def check(folder: Path, *chats: CheckedChat, support=SUPPORT, **bodies: str) -> list[Finding]:
    """Check a template with these texts by language; each body starts on line 4."""
    own = folder / "spring"
    own.mkdir()
    for language, body in bodies.items():
        text = f'+++\ntitle = "Spring"\n+++\n{body}{LAST}'
        (own / f"{language}.md").write_text(text, encoding="utf-8")
    return check_template(
        load_template(folder, "spring"),
        capabilities={"viber": replace(VIBER, text_limit=100_000)},
        shop_name="Régi Divat",
        shop_language="hu",
        languages_needed=set(),
        support=support,
        chats=chats,
    )


def told(findings: list[Finding]) -> list[tuple[str, str, int]]:
    return [(one.level, one.code, int(one.where.rpartition(":")[2])) for one in findings]


def test_text_for_a_chat_and_for_members_has_no_findings(tmp_path):
    body = (
        "{% if group.is_chat %}{% if member.formal %}Dear all{% else %}Hi all{% endif %}{% else %}"
        "Dear {{ member.name }}{% endif %},\n\nspring is here."
    )
    assert check(tmp_path, GOLD, en=body) == []


def test_every_personal_part_is_a_fault_where_it_first_stands(tmp_path):
    body = (
        "Dear {{ member.first_name }},\n"
        "{% if member.birthday %}{{ member.birthday | date }}{% endif %}\n"
        "{{ member.first_name }} {{ member['last_name'] }}\n"
        "{{ member.fields.shoe | default('') }}\n"
        "{% if not group.is_chat %}{{ member.name }}{% endif %}"
    )
    found = check(tmp_path, GOLD, en=body)
    faults = [("fault", KIND, line) for line in (4, 5, 6, 7)]
    assert [one for one in told(found) if one[1] == KIND] == faults
    assert "member.first_name is personal" in found[0].message
    assert "{% if group.is_chat %}Dear all{% else %}Dear {{ member.first_name }}" in found[0].hint


@pytest.mark.parametrize(
    "use", ["{{ member | default('x') }}", "{% if member %}x{% endif %}", "{{ member.nme }}"]
)
def test_check_ends_where_no_part_can_be_passed_over(tmp_path, use):
    found = check(tmp_path, GOLD, en="Dear {{ member.name }}\n" + use)
    assert [one for one in told(found) if one[1] == KIND] == [("fault", KIND, 4), ("fault", KIND, 5)]


def test_fault_beside_the_personal_ones_is_told_once(tmp_path):
    found = check(tmp_path, GOLD, en="Dear {{ member.name }} {{ nobody }}")
    assert sorted(told(found)) == [("fault", KIND, 4), ("fault", "undefined-name", 4)]


def test_the_shops_address_and_the_chats_language_decide(tmp_path):
    bodies = {
        "en": "{% if member.formal %}Dear {{ member.name }}{% else %}Hello{% endif %}",
        "cs": "Dobrý den, {{ member.name }}",
    }
    informal = replace(GOLD, formal=False)
    assert [one.code for one in check(tmp_path, informal, **bodies)] == []
    (tmp_path / "more").mkdir()
    (found,) = check(tmp_path / "more", replace(informal, language="cs"), **bodies)
    assert (found.level, Path(found.where.rpartition(":")[0]).name) == ("fault", "cs.md")


def test_text_too_long_for_the_chats_messenger_is_a_fault(tmp_path):
    body = "{% if group.is_chat %}" + "a" * 5000 + "{% endif %}x"
    (found,) = check(tmp_path, GOLD, en=body)
    assert (found.level, found.code) == ("fault", "too-long")
    assert "telegram" in found.message


def test_where_the_messenger_is_not_known_its_limits_are_left_alone(tmp_path):
    unknown = replace(GOLD, messenger="", capabilities=None)
    assert check(tmp_path, unknown, en="{% if group.is_chat %}" + "a" * 5000 + "{% endif %}x") == []


def test_words_that_only_the_chat_reads_are_checked_too(tmp_path):
    body = "{% if group.is_chat %}Dear [NAME], HURRY UP PLEASE{% else %}Hello{% endif %}"
    assert told(check(tmp_path, GOLD, en=body)) == [
        ("warning", "shouting", 4),
        ("warning", "leftover-placeholder", 4),
    ]


# Chats that are there, and not chosen.


def test_personal_text_warns_of_the_chats_it_cannot_go_to(tmp_path):
    silver = replace(MAYBE, group=GroupView("silver"))
    czech = replace(MAYBE, group=GroupView("praha"), language="cs")
    fine = replace(MAYBE, group=GroupView("suomi"), language="fi")
    bodies = {
        "en": "Dear {{ member.name }},\n{% if member.birthday %}x{% endif %}",
        "cs": "Ahoj {{ member.first_name or member.name }}",
        "fi": "Hei",
    }
    found = check(tmp_path, MAYBE, czech, silver, fine, **bodies)
    assert told(found) == [("warning", KIND, 4), ("warning", KIND, 4)]
    assert {one.message for one in found} == {
        "spring/cs.md: This cannot go to the chat of 'praha': line 4 is personal.",
        "spring/en.md: This cannot go to the chats of 'gold' and 'silver': lines 4 and 5 are personal.",
    }
    assert all("group.is_chat" in one.hint for one in found)


def test_other_faults_are_no_warning_of_a_chat(tmp_path):
    found = check(tmp_path, MAYBE, en="{{ nobody }}" + "a" * 5000)
    assert told(found) == [("fault", "undefined-name", 4)]


def test_one_chat_chosen_and_one_not(tmp_path):
    found = check(tmp_path, GOLD, replace(MAYBE, group=GroupView("silver")), en="Dear {{ member.name }}")
    assert sorted(told(found)) == [("fault", KIND, 4), ("warning", KIND, 4)]


@pytest.mark.parametrize("formal", [True, False])
@pytest.mark.parametrize("language", LANGUAGES)
def test_sample_template_fits_a_chat_and_members_in_every_language(formal, language):
    roomy = replace(TELEGRAM, media_bytes={})
    chats = [
        replace(GOLD, language=language, formal=formal, capabilities=roomy),
        replace(GOLD, language=language, formal=formal, messenger="viber", capabilities=None),
    ]
    findings = check_template(
        load_template(sample_folder() / "templates", "new-collection"),
        capabilities={"telegram": roomy, "viber": replace(VIBER, media_bytes={})},
        shop_name="Régi Divat",
        shop_language="hu",
        languages_needed=set(LANGUAGES),
        media_url="https://shop.example/media/",
        support=SUPPORT,
        chats=chats,
    )
    assert findings == []
