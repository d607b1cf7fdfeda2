from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from vipcast.config import LANGUAGES
from vipcast.conversations.desk_wording import HEADER, NOTICE, DeskWording

NAMES = ["Kovács Anna", "*_[", "{{ 7*7 }}", "{number}", "%s", "محمد علي", "שלום", "✉️ #7 Eve", "👩‍👩‍👧"]
PROMISED = "by 11:00 on Monday, 23 November"
NOTICES: Mapping[str, Callable[[DeskWording, str], str]] = {
    "edited": lambda desk, name: desk.edited(12, name),
    "not_delivered": lambda desk, name: desk.not_delivered(12, name, "The bot was blocked."),
    "maybe_delivered": lambda desk, name: desk.maybe_delivered(12, name),
    "not_a_relay": lambda desk, _: desk.not_a_relay(),
    "taken": lambda desk, name: desk.taken(12, name, "Péter"),
    "already_answered": lambda desk, name: desk.already_answered(12, name, "Péter", "10:15"),
    "nudge": lambda desk, name: desk.nudge(12, name, PROMISED),
    "overdue": lambda desk, name: desk.overdue(12, name, PROMISED),
    "cannot_edit": lambda desk, name: desk.cannot_edit(12, name),
    "opted_out": lambda desk, name: desk.opted_out(12, name),
    "left": lambda desk, name: desk.left(12, name, "viber"),
    "attachment": lambda desk, _: desk.attachment("picture", "shoe.jpg", "8 MB"),
    "complaint": lambda desk, name: desk.complaint(12, name, "gold"),
    "without_seat": lambda desk, name: desk.without_seat(name, "gold"),
    "closed": lambda desk, name: desk.closed(12, name),
    "noted": lambda desk, name: desk.noted(12, name),
    "unknown_command": lambda desk, _: desk.unknown_command("/frobnicate"),
    "approval": lambda desk, _: desk.approval(7, "Spring sale", ["gold", "silver"], 15),
    "decided": lambda desk, _: desk.decided(7, "Péter", is_yes=True),
}
WITHOUT_NAME = {"not_a_relay", "attachment", "unknown_command", "approval", "decided", "without_seat"}
CARRIED = {
    "not_delivered": ["The bot was blocked."],
    "taken": ["Péter"],
    "already_answered": ["Péter", "10:15"],
    "nudge": [PROMISED],
    "overdue": [PROMISED],
    "attachment": ["shoe.jpg", "8 MB"],
    "left": ["Viber"],
    "complaint": ["gold"],
    "without_seat": ["gold"],
    "unknown_command": ["/frobnicate"],
    "approval": ["7", "Spring sale", "gold", "silver", "15"],
    "decided": ["7", "Péter"],
}


def header(language: str = "en", name: str = "Kovács Anna", **changed) -> str:
    values = {
        "groups": ["gold", "silver"],
        "messenger": "viber",
        "announcement": "Spring sale",
        "announced": "20 November",
        "promised": PROMISED,
        "taken_by": "Péter",
        "is_known": True,
    }
    return DeskWording(language).header(12, name, **(values | changed))


@pytest.mark.parametrize("language", LANGUAGES)
def test_yes_and_no_are_told_apart(language):
    desk = DeskWording(language)
    assert desk.decided(7, "Péter", is_yes=True) != desk.decided(7, "Péter", is_yes=False)


def test_every_method_with_words_is_in_these_tests():
    methods = {name for name in vars(DeskWording) if not name.startswith("_")}
    assert methods - {"language", "header", "messenger"} == set(NOTICES)


@pytest.mark.parametrize("notice", NOTICES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_notice_has_its_mark_number_name_and_all_it_was_given(notice, language):
    for name in NAMES:
        text = NOTICES[notice](DeskWording(language), name)
        assert text.startswith(NOTICE)
        assert text == text.strip()
        assert "\n" not in text
        for part in CARRIED.get(notice, []):
            assert part in text
        if notice not in WITHOUT_NAME:
            assert text.startswith(f"{NOTICE}#12 ")
            assert name in text
            # All else is the same whatever the name: nothing in it acts.
            bare = text.replace("\u2068", "").replace("\u2069", "")
            assert bare == NOTICES[notice](DeskWording(language), "Anna").replace("Anna", name)


@pytest.mark.parametrize("notice", NOTICES)
def test_no_notice_is_the_same_in_two_languages(notice):
    texts = {NOTICES[notice](DeskWording(language), "Anna") for language in LANGUAGES}
    assert len(texts) == len(LANGUAGES)


def test_no_two_notices_are_the_same():
    for language in LANGUAGES:
        assert len({make(DeskWording(language), "Anna") for make in NOTICES.values()}) == len(NOTICES)


def test_header_says_who_where_what_and_until_when():
    assert header().split("\n") == [
        "✉️ #12 Kovács Anna",
        "gold, silver · Viber",
        "In answer to: Spring sale (20 November)",
        "We promised to answer by 11:00 on Monday, 23 November",
        "Taken by: Péter",
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_header_leaves_out_what_there_is_not(language):
    lines = header(language, groups=[], announcement="", announced="", promised="", taken_by="").split("\n")
    assert lines[:2] == ["✉️ #12 Kovács Anna", "Viber"]
    assert len(lines) == 3
    assert lines[2] not in header(language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_header_of_somebody_unknown_says_how_to_tie_them(language):
    text = header(language, "Anna K.", groups=[], is_known=False)
    first, second, *rest = text.split("\n")
    assert first.startswith(HEADER + "12 ")
    assert first.endswith(": Anna K.")
    assert first != "✉️ #12 Anna K."
    assert second.startswith("Viber · ")
    assert "vipcast inbox link 12 MEMBER" in second
    assert len(rest) == 3


def test_header_of_somebody_unknown_without_a_name():
    assert header(name="", is_known=False).split("\n")[0] == "✉️ #12 unknown sender"


def test_no_line_of_the_header_but_the_second_is_the_same_in_two_languages():
    for changed in ({}, {"promised": ""}):
        columns = zip(*(header(language, **changed).split("\n") for language in LANGUAGES), strict=True)
        for number, column in enumerate(columns):
            assert len(set(column)) == (1 if number < 2 else len(LANGUAGES))
    unknown = [header(language, is_known=False).split("\n")[:2] for language in LANGUAGES]
    assert len({first for first, _ in unknown}) == len({second for _, second in unknown}) == len(LANGUAGES)


@pytest.mark.parametrize("name", NAMES)
def test_name_in_the_header_appears_exactly(name):
    first = header(name=name).split("\n")[0]
    assert first.replace("\u2068", "").replace("\u2069", "") == f"✉️ #12 {name}"
    assert name in first


def test_name_cannot_pass_for_a_line_of_ours():
    sly = "Eve\n✉️ #7 Anna\u2028ℹ️ x\r\ny\x1b[1m"
    text = header(name=sly, announcement=sly, taken_by=sly, groups=[sly])
    assert len(text.split("\n")) == 5
    assert "Eve ✉️ #7 Anna ℹ️ x y[1m" in text
    assert not set("\r\x1b\u2028") & set(text)


def test_name_from_right_to_left_is_kept_apart_from_the_words_around_it():
    assert DeskWording("en").closed(12, "محمد") == "ℹ️ #12 \u2068محمد\u2069: the conversation is closed."


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("telegram", "Telegram"),
        ("viber", "Viber"),
        ("whatsapp", "WhatsApp"),
        ("facebook", "Messenger"),
        ("email", "e-mail"),
        ("pigeon", "pigeon"),
    ],
)
def test_messengers_are_called_as_people_call_them(name, shown):
    assert DeskWording("hu").messenger(name) == shown


@pytest.mark.parametrize(
    ("kind", "words", "reason", "said"),
    [
        ("picture", "a.jpg", "too large", "picture, a.jpg (too large)"),
        ("voice", "", "gone", "voice message (gone)"),
        ("location", "https://x.example", "", "place, https://x.example"),
        ("hologram", "", "", "something else"),
    ],
)
def test_attachment_says_what_and_why(kind, words, reason, said):
    assert DeskWording("en").attachment(kind, words, reason) == f"ℹ️ Could not be passed on: {said}"


def test_a_failure_without_words_and_a_complaint_without_a_group():
    assert DeskWording("en").not_delivered(1, "Anna", "") == "ℹ️ #1 Anna: the answer did not arrive."
    assert DeskWording("en").complaint(1, "Anna", "") == "ℹ️ #1 Anna: a complaint. Please look after it soon."


def test_another_language_gets_english():
    assert DeskWording("de").closed(1, "Anna") == DeskWording("en").closed(1, "Anna")
