"""The texts around a group's chat: the invitation into it, a greeting, and what stands in the chat itself."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from capabilities import TELEGRAM, VIBER

from vipcast.announcements.personal import KIND
from vipcast.announcements.rendering import GroupView, MemberView, Support
from vipcast.announcements.templates import TemplateFault
from vipcast.config import LANGUAGES
from vipcast.conversations.replies import ABOUT_LIMIT, IN_CHAT, Replies
from vipcast.messengers.base import Capabilities, Formatting, Message

GROUP = GroupView("gold", "News first, for our regulars")
SUPPORT = Support("Help", "https://t.me/regi_divat_segit")
ANNA = MemberView("Kovács Anna", "Anna", "Kovács", "en", messenger="viber")
INVITATION = {"link": "https://t.me/+A_b*c__d", "until": "29 November 2026", "chat": "Gold circle"}
WHATSAPP = replace(VIBER, text_limit=4096, formatting=Formatting.WHATSAPP)
CHAT_NAMES = sorted(IN_CHAT)
# What only one person is called: in a chat several are addressed.
ONE_PERSON = {
    "hu": r"ön|te|téged|neked|önnek|kérdése|kérdésed|írjon|írj",
    "cs": r"tě|ti|tebe|tvůj|máš|napiš|můžeš|měj",
    "fi": r"sinä|sinua|sinulle|sinulla|kirjoita meille|voit",
    "ru": r"ты|тебя|тебе|твой|напиши|захочешь|привет(?=,)",
    "en": r"dear (?!all)\w+|customer",
}


def made(folder: Path, support: Support | None = SUPPORT, shop_name: str = "Régi Divat") -> Replies:
    return Replies(folder, shop_name=shop_name, shop_language="hu", support=support)


def put(folder: Path, file: str, text: str) -> Path:
    path = folder / "replies" / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def in_chat(
    replies: Replies,
    name: str,
    language: str = "en",
    *,
    formal: bool = True,
    group: GroupView = GROUP,
    over: Capabilities = TELEGRAM,
    members_write: bool = False,
) -> Message:
    values = {"members_write": "yes" if members_write else ""} if name == "chat_welcome" else {}
    return replies.to_chat(
        name, group, language=language, formal=formal, capabilities=over, messenger="telegram", **values
    )


def private(replies: Replies, name: str, member: MemberView = ANNA, over=TELEGRAM, group=GROUP) -> Message:
    values = INVITATION if name == "invitation" else {}
    return replies.message(name, member, over, group=group, **values)


def fault_of(made_: Replies, name: str, **more) -> TemplateFault:
    with pytest.raises(TemplateFault) as caught:
        in_chat(made_, name, **more)
    return caught.value


@pytest.mark.parametrize("name", CHAT_NAMES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_chat_text_renders_whatever_is_there(tmp_path, name, language):
    supports = (SUPPORT, replace(SUPPORT, link=""), None)
    for support, group, over, formal, write in product(
        supports, (GROUP, GroupView("gold")), (TELEGRAM, VIBER, WHATSAPP), (True, False), (True, False)
    ):
        message = in_chat(
            made(tmp_path, support),
            name,
            language,
            formal=formal,
            group=group,
            over=over,
            members_write=write,
        )
        text = message.text
        assert text == text.strip()
        assert not [part for part in ("{", "}", "None", "\n\n\n", "()", " .", "\n\n ") if part in text]
        assert over.unit.length(text) <= over.text_limit
        assert (SUPPORT.link in text) == bool(support and support.link)
        assert (group.purpose in text) or name == "goodbye"
        assert not re.search(rf"\b(?:{ONE_PERSON[language]})\b", text, re.IGNORECASE)


@pytest.mark.parametrize("name", CHAT_NAMES)
def test_no_chat_text_is_the_same_in_two_languages(tmp_path, name):
    for formal in (True, False):
        texts = {in_chat(made(tmp_path), name, language, formal=formal).text for language in LANGUAGES}
        assert len(texts) == len(LANGUAGES)


@pytest.mark.parametrize("name", ["chat_welcome", "goodbye"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_chat_text_follows_the_shops_formality_and_names_the_way_out(tmp_path, name, language):
    formal, informal = (in_chat(made(tmp_path), name, language, formal=one).text for one in (True, False))
    assert formal != informal
    assert ": STOP" in formal
    assert ": STOP" in informal


@pytest.mark.parametrize("language", LANGUAGES)
def test_welcome_says_who_writes_there(tmp_path, language):
    for formal in (True, False):
        all_write, shop_writes = (
            in_chat(made(tmp_path), "chat_welcome", language, formal=formal, members_write=one).text
            for one in (True, False)
        )
        ours = set(all_write.split("\n\n")) - set(shop_writes.split("\n\n"))
        assert len(ours) == 1
        assert len(all_write.split("\n\n")) == len(shop_writes.split("\n\n"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_invitation_holds_link_day_title_and_purpose(tmp_path, language):
    for formal, over, name in product((True, False), (TELEGRAM, VIBER, WHATSAPP), ("Kovács Anna", "")):
        member = replace(ANNA, language=language, formal=formal, name=name)
        text = private(made(tmp_path), "invitation", member, over).text
        for part in (*INVITATION.values(), GROUP.purpose, SUPPORT.link, ": STOP"):
            assert part in text
        assert over.unit.length(text) <= over.text_limit
        paragraphs = text.split("\n\n")
        assert len(paragraphs) == 10
        assert paragraphs[3].endswith(f": {INVITATION['link']}")
        assert INVITATION["until"] in paragraphs[4]


@pytest.mark.parametrize("language", LANGUAGES)
def test_greeting_says_where_to_ask_and_how_to_leave(tmp_path, language):
    for formal, support in product((True, False), (SUPPORT, None)):
        member = replace(ANNA, language=language, formal=formal)
        text = private(made(tmp_path, support), "greeting", member).text
        assert ": STOP" in text
        assert (SUPPORT.link in text) == bool(support)
        assert len(text.split("\n\n")) == 5


@pytest.mark.parametrize("nasty", ["*_[", "{{ 7*7 }}", "{% if %}", "# x", "[x](y)", "`", "محمد علي", "1. x"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_names_titles_and_purposes_appear_exactly(tmp_path, nasty, language):
    replies = made(tmp_path, Support(nasty, "https://x.example/_a_*b*"), shop_name=nasty)
    group = GroupView(nasty, nasty)
    for name, formal in product(CHAT_NAMES, (True, False)):
        text = in_chat(replies, name, language, formal=formal, group=group, over=VIBER).text
        assert text.count(nasty) == {"goodbye": 1}.get(name, 2)
        assert "https://x.example/_a_*b*" in text
    member = MemberView(nasty, nasty, nasty, language)
    values = INVITATION | {"chat": nasty}
    text = replies.message("invitation", member, VIBER, group=group, **values).text
    assert f"{nasty} – {nasty}" in text


# The description.


@pytest.mark.parametrize("language", LANGUAGES)
def test_description_is_one_plain_paragraph_that_fits(tmp_path, language):
    group = GroupView("gold", "first\n\nsecond *x* " + "я" * 130)
    for over in (TELEGRAM, WHATSAPP):
        message = in_chat(made(tmp_path), "about", language, group=group, over=over)
        assert "\n" not in message.text
        assert "first second *x* " in message.text
        assert message.spans == ()
        assert len(message.text) <= ABOUT_LIMIT


def test_longest_purpose_fits_and_one_more_letter_is_told_with_the_remedy(tmp_path):
    bare = in_chat(made(tmp_path), "about", group=GroupView("gold", "x")).text
    room = ABOUT_LIMIT - len(bare) + 1
    assert len(in_chat(made(tmp_path), "about", group=GroupView("gold", "x" * room)).text) == ABOUT_LIMIT
    found = fault_of(made(tmp_path), "about", group=GroupView("gold", "x" * (room + 3)))
    assert (found.kind, found.where) == ("too-long", "")
    assert "3 too many (255)" in found.message
    assert "by 3: vipcast group edit 'gold' --purpose" in found.hint


def test_description_of_the_shops_own_that_is_too_long_is_told_with_its_line(tmp_path):
    path = put(tmp_path, "about.en.md", "+++\n+++\n" + "a" * 256)
    for group in (GROUP, GroupView("gold")):
        found = fault_of(made(tmp_path), "about", group=group)
        assert (found.kind, found.where) == ("too-long", f"{path}:3")
    assert [(one.code, one.where) for one in made(tmp_path).check()] == [("too-long", f"{path}:3")]


def test_description_loses_its_marks(tmp_path):
    put(tmp_path, "about.en.md", "**News** of [us](https://x.example)\n\n- one\n- two\n")
    message = in_chat(made(tmp_path), "about", over=WHATSAPP)
    assert message.text == "News of us (https://x.example) • one • two"


# The shop's own texts.

FAULTY = [
    ("chat_welcome.en.md", "Hello\n\n{{ member.name }}", 3, KIND),
    ("goodbye.en.md", "{% if member.first_name %}x{% endif %}y", 1, KIND),
    ("about.en.md", "For\n{{ member.last_name }}", 2, KIND),
    ("chat_welcome.en.md", "Hello\n{{ promise }}", 2, "not-printable"),
    ("chat_welcome.en.md", "Hello\n{{ members_rite }}", 2, "undefined-name"),
    ("goodbye.en.md", "Hello\n{{ members_write }}", 2, "undefined-name"),
    ("goodbye.en.md", "Hello\n{{ group.nme }}", 2, "undefined-name"),
    ("about.en.md", "Hello {% if %}", 1, "syntax"),
    ("invitation.en.md", "Come!\n{{ lnk }} {{ link }}", 2, "undefined-name"),
    ("invitation.en.md", "Come to {{ chat }}!", 1, "link-missing"),
    ("invitation.en.md", "Come!\n{{ link | upper }}", 2, "link-missing"),
    ("greeting.en.md", "Hello\n{{ until }}", 2, "undefined-name"),
]


@pytest.mark.parametrize(("file", "text", "line", "kind"), FAULTY)
def test_fault_in_the_shops_own_text_names_file_and_line(tmp_path, file, text, line, kind):
    path, name = put(tmp_path, file, text), file.split(".")[0]
    with pytest.raises(TemplateFault) as caught:
        (in_chat if name in IN_CHAT else private)(made(tmp_path), name)
    assert (caught.value.kind, caught.value.where) == (kind, f"{path}:{line}")
    assert "--var" not in caught.value.hint
    assert "group.is_chat" not in caught.value.hint
    problems = made(tmp_path).check({"telegram": TELEGRAM, "viber": VIBER})
    assert [(one.code, one.where) for one in problems] == [(kind, f"{path}:{line}")]
    assert "group.is_chat" not in problems[0].hint


def test_shops_own_text_may_use_what_it_is_given(tmp_path):
    put(tmp_path, "invitation.en.md", "{{ group.name }} until {{ until }}: [{{ chat }}]({{ link }})")
    put(tmp_path, "chat_welcome.en.md", "{{ group.name }}{% if members_write %}, write{% endif %}")
    put(tmp_path, "greeting.en.md", "{{ member.first_name }} in {{ group.name }}")
    put(tmp_path, "goodbye.en.md", "{% if group.is_chat %}All{% else %}{{ member.name }}{% endif %}")
    replies = made(tmp_path)
    assert replies.check({"telegram": TELEGRAM, "viber": VIBER}) == []
    assert private(replies, "invitation").text == "gold until 29 November 2026: Gold circle"
    assert in_chat(replies, "chat_welcome", members_write=True).text == "gold, write"
    assert private(replies, "greeting").text == "Anna in gold"
    assert in_chat(replies, "goodbye").text == "All"


def test_chats_language_falls_back_to_the_shops(tmp_path):
    hungarian = in_chat(made(tmp_path), "goodbye", "hu").text
    assert in_chat(made(tmp_path), "goodbye", "de").text == hungarian


@pytest.mark.parametrize("name", ["chat_welcome", "goodbye", "about"])
def test_chat_text_for_one_member_is_a_mistake_of_ours(tmp_path, name):
    with pytest.raises(TypeError, match="chat"):
        made(tmp_path).message(name, ANNA, TELEGRAM, group=GROUP)


def test_private_text_for_a_chat_or_without_what_it_needs_is_a_mistake_of_ours(tmp_path):
    with pytest.raises(TypeError, match="one member"):
        in_chat(made(tmp_path), "greeting")
    with pytest.raises(TypeError, match="group"):
        made(tmp_path).message("greeting", ANNA, TELEGRAM)
    with pytest.raises(TypeError, match="invitation takes"):
        made(tmp_path).message("invitation", ANNA, TELEGRAM, group=GROUP, **(INVITATION | {"link": ""}))
    with pytest.raises(TypeError, match="goodbye takes"):
        made(tmp_path).to_chat(
            "goodbye", GROUP, language="en", formal=True, capabilities=VIBER, messenger="", members_write=""
        )
