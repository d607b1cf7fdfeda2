from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from capabilities import TELEGRAM, VIBER

from vipcast.announcements.checking import check_template
from vipcast.announcements.rendering import GroupView, MemberView, Support
from vipcast.announcements.templates import Template, TemplateFault, parse_text
from vipcast.config import LANGUAGES
from vipcast.conversations import replies as module
from vipcast.conversations import words
from vipcast.conversations.replies import IN_CHAT, NAMES, Replies
from vipcast.messengers.base import Formatting, Span

TEXTS = Path(module.__file__).parent / "texts"
ANNA = MemberView("Kovács Anna", "Anna", "Kovács", "en", messenger="telegram")
GROUP = GroupView("gold", "News first, for our regulars")
SUPPORT = Support("Régi Divat segít", "https://t.me/regi_divat_segit")
PROMISE = "A person will answer by 11:00 on Monday, 23 November."
PRIVATE = sorted(set(NAMES) - IN_CHAT)
INVITATION = {"link": "https://t.me/+A_b*c", "until": "29 November 2026", "chat": "Gold circle"}
SAMPLES = {
    "answered": {"text": "Yes, in *red*."},
    "faq": {"answer": "Until **six**."},
    "invitation": INVITATION,
}
NASTY = ["*_[", "{{ 7*7 }}", "{% if %}", "# x", "[x](y)", "<b>", "`", "محمد علي", "שלום", "1. x"]
PERSON = {"hu": "ember", "cs": "člověk", "fi": "ihminen", "ru": "человек", "en": "person"}


def made(folder: Path, *, support: Support | None = SUPPORT, language: str = "hu") -> Replies:
    return Replies(folder, shop_name="Régi Divat", shop_language=language, support=support)


def put(folder: Path, file: str, text: str) -> Path:
    path = folder / "replies" / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def text_of(replies: Replies, name: str, member: MemberView = ANNA, capabilities=TELEGRAM, **more) -> str:
    if name in {"invitation", "greeting"}:
        more["group"] = more.get("group") or GROUP
    return replies.message(name, member, capabilities, **(SAMPLES.get(name, {}) | more)).text


def fault_of(replies: Replies, name: str, member: MemberView = ANNA, **more) -> TemplateFault:
    with pytest.raises(TemplateFault) as caught:
        text_of(replies, name, member, **more)
    return caught.value


# The built-in texts.


def test_every_text_is_there_in_every_language_and_no_other():
    there = {path.name for path in TEXTS.iterdir()}
    assert there == {f"{name}.{language}.md" for name, language in product(NAMES, LANGUAGES)}


@pytest.mark.parametrize("name", PRIVATE)
@pytest.mark.parametrize("capabilities", [TELEGRAM, VIBER], ids=["telegram", "viber"])
def test_text_renders_in_every_language_whatever_is_there(tmp_path, name, capabilities):
    supports = [SUPPORT, replace(SUPPORT, link=""), None]
    for language, formal, support, group, promise in product(
        LANGUAGES, (True, False), supports, [GROUP, GroupView("gold"), None], [PROMISE, ""]
    ):
        member = replace(ANNA, language=language, formal=formal)
        replies = made(tmp_path, support=support)
        text = text_of(replies, name, member, capabilities, group=group, promise=promise)
        assert text == text.strip()
        assert not [part for part in ("{", "}", "None", "\n\n\n", "()", " .") if part in text]


@pytest.mark.parametrize(
    "name", sorted(set(PRIVATE) - {"answered"})
)  # a person's words and a name: no language
def test_no_text_is_the_same_in_two_languages(tmp_path, name):
    for formal, support, promise in product((True, False), (SUPPORT, None), (PROMISE, "")):
        replies = made(tmp_path, support=support)
        texts = {
            text_of(replies, name, replace(ANNA, language=language, formal=formal), promise=promise)
            for language in LANGUAGES
        }
        assert len(texts) == len(LANGUAGES)


@pytest.mark.parametrize("name", sorted(set(PRIVATE) - {"answered", "pointer"}))
@pytest.mark.parametrize("language", ["hu", "cs", "fi", "ru"])
def test_formal_and_informal_text_differ_where_the_member_is_addressed(tmp_path, name, language):
    member = replace(ANNA, language=language)
    assert text_of(made(tmp_path), name, member) != text_of(
        made(tmp_path), name, replace(member, formal=False)
    )


@pytest.mark.parametrize(
    "path",
    sorted(path for path in TEXTS.iterdir() if path.name.split(".")[0] not in IN_CHAT),
    ids=lambda path: path.name,
)
def test_address_is_not_mixed_and_nothing_shouts(path):
    _, language, _ = path.name.split(".")
    text = parse_text(path.read_bytes(), language, path, may_be_bare=True)
    findings = check_template(
        Template("replies", TEXTS, {language: text}),
        capabilities={"telegram": TELEGRAM, "viber": VIBER},
        shop_name="Shop",
        shop_language=language,
        languages_needed=set(),
        support=SUPPORT,
        variables={"promise": PROMISE, "text": "x", "answer": "x", **INVITATION},
    )
    # An announcement needs a title and a line on where to ask; the other texts beside this one are no languages.
    assert [
        one for one in findings if one.code not in {"empty-title", "no-support-line", "unused-file"}
    ] == []


@pytest.mark.parametrize("nasty", NASTY)
@pytest.mark.parametrize("language", LANGUAGES)
def test_names_appear_exactly(tmp_path, nasty, language):
    named = Replies(
        tmp_path, shop_name=nasty, shop_language="hu", support=Support(nasty, "https://x.example/_a_*b*")
    )
    for formal, capabilities in product((True, False), (TELEGRAM, VIBER)):
        member = MemberView(nasty, nasty, nasty, language, formal)
        assert nasty in text_of(named, "routed", member, capabilities)
        assert "https://x.example/_a_*b*" in text_of(named, "routed", member, capabilities)
        assert nasty in text_of(named, "opted_out", member, capabilities)
        welcome = text_of(named, "welcome", member, capabilities, group=GroupView(nasty, nasty))
        assert f"{nasty} – {nasty}" in welcome
        assert text_of(named, "answered", member, capabilities, text=nasty) == f"{nasty}\n\n— {nasty}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_routed_names_support_promise_and_link_and_says_that_it_is_automatic(tmp_path, language):
    member = replace(ANNA, language=language)
    text = text_of(made(tmp_path), "routed", member, promise=PROMISE)
    about, promise, link, automatic = text.split("\n\n")
    assert SUPPORT.name in about
    assert promise == PROMISE
    assert link.endswith(f": {SUPPORT.link}")
    assert automatic == text_of(made(tmp_path), "received", member).split("\n\n")[-1]
    without = text_of(made(tmp_path, support=None), "routed", member).split("\n\n")
    assert len(without) == 3
    assert without[2] == automatic
    assert without[1] not in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_received_has_the_promise_and_no_link(tmp_path, language):
    text = text_of(made(tmp_path), "received", replace(ANNA, language=language), promise=PROMISE)
    assert PROMISE in text
    assert SUPPORT.link not in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_ways_out_back_and_to_a_person_are_named(tmp_path, language):
    for formal in (True, False):
        member, replies = replace(ANNA, language=language, formal=formal), made(tmp_path)
        assert ": START" in text_of(replies, "opted_out", member)
        assert ": STOP" in text_of(replies, "opted_in", member)
        assert ": STOP" in text_of(replies, "welcome", member)
        assert text_of(replies, "faq", member).endswith(f": {PERSON[language]}")


def test_words_that_texts_ask_for_are_understood():
    assert all(words.is_opt_out(word) for word in ("STOP", "СТОП"))
    assert all(words.is_opt_in(word) for word in ("START", "СТАРТ"))
    assert all(words.wants_person(word) for word in PERSON.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_welcome_greets_somebody_without_a_name_a_seat_or_a_purpose(tmp_path, language):
    for formal in (True, False):
        member = MemberView("", language=language, formal=formal)
        text = text_of(made(tmp_path), "welcome", member, group=GroupView("gold"))
        assert text[0].isalpha()
        assert "gold\n" in text
        assert " ," not in text
        assert " !" not in text
        seatless = text_of(made(tmp_path), "welcome", member)
        assert len(seatless.split("\n\n")) == len(text.split("\n\n")) - 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_pointer_is_one_line_with_the_link(tmp_path, language):
    member = replace(ANNA, language=language)
    assert text_of(made(tmp_path), "pointer", member).endswith(f": {SUPPORT.link}")
    assert text_of(made(tmp_path, support=None), "pointer", member).endswith(".")
    assert "\n" not in text_of(made(tmp_path), "pointer", member)


# What a text carries.


@pytest.mark.parametrize(
    "words",
    [
        "**no** _bold_",
        "{{ shop.name }} {% x %}",
        "a\n\n\n- b\n    c",
        "`",
        "1. one",
        "[a](b)",
        "```\nx",
        "> q",
    ],
)
def test_persons_answer_appears_as_it_was_typed(tmp_path, words):
    message = made(tmp_path).message("answered", ANNA, TELEGRAM, text=words)
    assert message.text == f"{words}\n\n— Régi Divat segít"
    assert message.spans == ()


def test_signature_is_the_shops_name_where_support_has_none(tmp_path):
    for support in (None, Support("", "https://x.example")):
        assert text_of(made(tmp_path, support=support), "answered", text="Yes") == "Yes\n\n— Régi Divat"


@pytest.mark.parametrize(("capabilities", "limit"), [(TELEGRAM, 4096), (VIBER, 7000)])
def test_long_answer_is_reported_in_the_messengers_unit_and_never_cut(tmp_path, capabilities, limit):
    size = 2 if capabilities is TELEGRAM else 1  # an emoji counts 2 on Telegram
    signature = len("\n\n— Régi Divat segít")
    fits = "😀" * ((limit - signature) // size)
    assert text_of(made(tmp_path), "answered", capabilities=capabilities, text=fits).startswith(fits)
    fault = fault_of(made(tmp_path), "answered", capabilities=capabilities, text=fits + "😀😀")
    assert fault.kind == "too-long"
    assert str(limit) in fault.message
    assert "😀" not in fault.message
    assert "parts" in fault.hint
    assert fault.where == ""


def test_long_text_of_the_shops_own_is_told_with_its_file(tmp_path):
    path = put(tmp_path, "welcome.en.md", "a" * 5000)
    fault = fault_of(made(tmp_path), "welcome")
    assert (fault.kind, fault.where) == ("too-long", f"{path}:1")


@pytest.mark.parametrize("words", ["", "  \n", "\x07"])
def test_empty_answer_is_refused(tmp_path, words):
    assert fault_of(made(tmp_path), "answered", text=words).kind == "empty"
    assert fault_of(made(tmp_path), "faq", answer=words).kind == "empty"


def test_faq_answer_is_rendered(tmp_path):
    answer = "{% if member.formal %}Dear {{ member.name }}{% endif %}: **until six** at {{ shop.name }}.\n\n- a\n- b"
    message = made(tmp_path).message("faq", replace(ANNA, name="*_["), TELEGRAM, answer=answer)
    assert message.text.startswith(
        "Dear *_[: until six at Régi Divat.\n\n• a\n• b\n\nThis is an automatic answer."
    )
    assert message.spans == (Span("bold", 10, 9),)


@pytest.mark.parametrize("answer", ["```\nopen", "> quote", "- list", "<!-- x", "[a]: b", "a\n---", "*open"])
def test_faq_answer_cannot_swallow_the_remark_that_it_is_automatic(tmp_path, answer):
    if answer == "[a]: b":  # a definition, which shows nothing
        assert fault_of(made(tmp_path), "faq", answer=answer).kind == "empty"
        return
    message = made(tmp_path).message("faq", ANNA, TELEGRAM, answer=answer)
    remark = message.text.index("\n\nThis is an automatic answer.")
    assert all(span.offset + span.length <= remark for span in message.spans)


def test_faq_answers_formatting_stands_above_that_around_it(tmp_path):
    put(tmp_path, "faq.en.md", "*a* **b\n{{ answer }}\nc** *d* {{ answer }}\n")
    message = made(tmp_path).message("faq", ANNA, TELEGRAM, answer="`x`")
    assert message.text == "a b x c d x"
    assert message.spans == (
        Span("italic", 0, 1),
        Span("code", 4, 1),
        Span("italic", 8, 1),
        Span("code", 10, 1),
    )


def test_fault_in_an_faq_answer_is_told_with_its_line_in_the_faqs_file(tmp_path):
    path = put(tmp_path, "faq.en.toml", '[[faq]]\nanswer = """\nOpen\nuntil {{ nobody }}\n"""\n')
    fault = fault_of(made(tmp_path), "faq", answer="Open\nuntil {{ nobody }}\n")
    assert fault.where == f"{path}:4"
    assert fault.kind == "undefined-name"
    assert "--var" not in fault.hint
    assert fault_of(made(tmp_path), "faq", answer="elsewhere [x](nowhere)").where == f"{path}:1"
    path.unlink()
    assert fault_of(made(tmp_path), "faq", answer="Open {{").where == f"{path}:1"


def test_faq_answer_may_name_the_promise(tmp_path):
    answer = "{% if promise %}{{ promise }}{% else %}Soon.{% endif %}"
    assert text_of(made(tmp_path), "faq", answer=answer, promise=PROMISE).startswith(PROMISE)
    assert text_of(made(tmp_path), "faq", answer=answer).startswith("Soon.")


@pytest.mark.parametrize(
    ("name", "values"),
    [("answered", {}), ("routed", {"text": "x"}), ("faq", {"text": "x"}), ("welcome", {"a": "b"})],
)
def test_values_that_a_text_does_not_take_are_a_mistake_of_ours(tmp_path, name, values):
    with pytest.raises(TypeError, match="promise"):
        made(tmp_path).message(name, ANNA, TELEGRAM, **values)


# The shop's own texts.


def test_shops_own_text_stands_above_the_built_in_one_of_its_language_only(tmp_path):
    put(tmp_path, "opted_out.hu.md", "Viszlát, **{{ member.first_name }}**!")
    replies = made(tmp_path)
    message = replies.message("opted_out", replace(ANNA, language="hu"), TELEGRAM)
    assert (message.text, message.spans) == ("Viszlát, Anna!", (Span("bold", 9, 4),))
    assert text_of(replies, "opted_out", replace(ANNA, language="de")) == "Viszlát, Anna!"
    for language in ("cs", "fi", "ru", "en"):
        member = replace(ANNA, language=language)
        assert text_of(replies, "opted_out", member) == text_of(made(tmp_path / "no"), "opted_out", member)


def test_language_falls_back_to_the_shops_and_to_english(tmp_path):
    german = replace(ANNA, language="de")
    for shop, expected in (("fi", "fi"), ("de", "en")):
        text = text_of(made(tmp_path, language=shop), "opted_in", german)
        assert text == text_of(made(tmp_path), "opted_in", replace(ANNA, language=expected))


def test_shops_own_text_may_have_front_matter_without_a_title_and_buttons(tmp_path):
    put(
        tmp_path,
        "welcome.en.md",
        '\ufeff+++\nbuttons = [{ text = "Shop", url = "https://x.example" }]\n+++\nHello {{ member.name }}\n',
    )
    assert text_of(made(tmp_path), "welcome") == "Hello Kovács Anna\n\nShop: https://x.example"
    assert made(tmp_path).check() == []


def test_files_are_read_once(tmp_path):
    path = put(tmp_path, "welcome.en.md", "One")
    replies = made(tmp_path)
    assert text_of(replies, "welcome") == "One"
    path.write_text("Two", encoding="utf-8")
    assert text_of(replies, "welcome") == "One"
    assert text_of(made(tmp_path), "welcome") == "Two"


def test_what_is_not_there_can_be_tested(tmp_path):
    put(
        tmp_path,
        "welcome.en.md",
        "{% for there in [support, promise, group] %}{% if there %}yes{% else %}no{% endif %} {% endfor %}",
    )
    assert text_of(made(tmp_path), "welcome", group=GROUP, promise=PROMISE) == "yes yes yes"
    assert text_of(made(tmp_path, support=None), "welcome") == "no no no"


FAULTY = [
    ("routed.en.md", "Hello\n\n{{ membr.name }}", 3, "undefined-name"),
    ("routed.en.md", "Hello\n{{ member.nme }}", 2, "undefined-name"),
    ("routed.en.md", "Hello\n{% if %}", 2, "syntax"),
    ("routed.en.md", "a\n[x](nowhere)", 2, "bad-link"),
    ("routed.en.md", "\n\n{{ promise }}", 3, "not-printable"),
    ("welcome.en.md", "+++\n+++\nTo {{ group.name }}", 3, "undefined-name"),
    ("routed.en.md", "+++\ntitel = 'x'\n+++\nHello", 2, "bad-file"),
    ("routed.en.md", "Hello\n+++\n", 1, "bad-file"),
    ("routed.en.md", "Hello\n\x1b", 2, "bad-file"),
    ("routed.en.md", "+++\n\nmedia = ['a.jpg']\n+++\nHello", 3, "media-in-reply"),
    ("routed.en.md", "  \n", 1, "empty"),
    ("answered.en.md", "Hello\n— us", 1, "answer-missing"),
    ("answered.en.md", "Hello\n{{ text | upper }}", 2, "answer-missing"),
    ("faq.en.md", "Hello", 1, "answer-missing"),
]


@pytest.mark.parametrize(("file", "text", "line", "kind"), FAULTY)
def test_fault_in_the_shops_own_text_names_file_and_line(tmp_path, file, text, line, kind):
    path = put(tmp_path, file, text)
    fault = fault_of(made(tmp_path), file.split(".")[0])
    assert (fault.kind, fault.where) == (kind, f"{path}:{line}")
    assert "--var" not in fault.hint


@pytest.mark.parametrize(("file", "text", "line", "kind"), FAULTY)
def test_check_finds_the_same_faults(tmp_path, file, text, line, kind):
    path = put(tmp_path, file, text)
    problems = made(tmp_path).check({"telegram": TELEGRAM, "viber": VIBER})
    assert [(one.code, one.where) for one in problems] == [(kind, f"{path}:{line}")]
    assert "--var" not in problems[0].hint


def test_file_that_is_no_text_is_told(tmp_path):
    path = put(tmp_path, "routed.en.md", "")
    path.write_bytes(b"Hello\n\xe1")
    fault = fault_of(made(tmp_path), "routed")
    assert (fault.kind, fault.where) == ("bad-file", f"{path}:2")
    assert [(one.code, one.where) for one in made(tmp_path).check()] == [("bad-file", f"{path}:2")]


def test_fault_in_one_text_does_not_touch_the_others(tmp_path):
    put(tmp_path, "routed.hu.md", "{% if %}")
    put(tmp_path, "welcome.en.md", "{% if %}")
    assert text_of(made(tmp_path), "routed") == text_of(made(tmp_path / "no"), "routed")


def test_check_finds_all_faults_at_once_and_in_branches_that_are_not_taken(tmp_path):
    put(tmp_path, "routed.hu.md", "{% if member.language == 'x' %}{{ nobody }}{% endif %}\nHello")
    put(tmp_path, "welcome.cs.md", "{% if not member.formal %}{{ group.name }}{% endif %}Hello")
    put(
        tmp_path,
        "received.fi.md",
        "Fine: {{ promise | default('') }} {% if promise %}{{ promise }}{% endif %}",
    )
    put(tmp_path, "faq.ru.md", "{{ answer }}")
    put(tmp_path, "pointer.en.md", "{{ support.link }} {{ support.nme }}")
    found = made(tmp_path).check()
    assert [(Path(one.where.rpartition(":")[0]).name, one.code) for one in found] == [
        ("pointer.en.md", "undefined-name"),
        ("received.fi.md", "not-printable"),
        ("routed.hu.md", "undefined-name"),
        ("welcome.cs.md", "undefined-name"),
    ]
    assert "support.name" in found[0].hint


def test_check_finds_a_text_too_long_for_a_messenger(tmp_path):
    put(tmp_path, "routed.hu.md", "a" * 5000)
    assert made(tmp_path).check() == []
    assert made(tmp_path).check({"viber": VIBER}) == []
    assert [one.code for one in made(tmp_path).check({"viber": VIBER, "telegram": TELEGRAM})] == ["too-long"]


def test_check_names_support_that_is_missing(tmp_path):
    put(tmp_path, "pointer.en.md", "Ask {{ support.link }}")
    assert made(tmp_path).check() == []
    (problem,) = made(tmp_path, support=None).check()
    assert (problem.code, problem.where) == ("undefined-name", f"{tmp_path / 'replies' / 'pointer.en.md'}:1")
    assert "support account" in problem.message


@pytest.mark.parametrize(
    ("file", "meant"),
    [
        ("routet.hu.md", "routed.hu.md"),
        ("routed.hu.md.txt", "routed.hu.md"),
        ("opted-out.en.md", "opted_out.en.md"),
        ("faq.en.tml", "faq.en.toml"),
        ("zzz", "NAME.LANGUAGE.md"),
    ],
)
def test_check_names_the_nearest_for_an_unknown_file(tmp_path, file, meant):
    path = put(tmp_path, file, "Hello")
    (problem,) = made(tmp_path).check()
    assert (problem.code, problem.where) == ("unknown-reply", str(path))
    assert meant in problem.hint


def test_check_leaves_the_faq_and_what_editors_leave_alone(tmp_path):
    for language in LANGUAGES:
        put(tmp_path, f"faq.{language}.toml", "nonsense [")
    for file in (".DS_Store", "routed.hu.md~", "Thumbs.db"):
        put(tmp_path, file, "{{")
    assert made(tmp_path).check() == []


def test_check_finds_nothing_where_there_is_no_folder(tmp_path):
    assert made(tmp_path).check() == []


@pytest.mark.parametrize("name", NAMES)
def test_built_in_texts_pass_the_check_of_the_shops_own(tmp_path, name):
    for language in LANGUAGES:
        file = f"{name}.{language}.md"
        put(tmp_path, file, (TEXTS / file).read_text(encoding="utf-8"))
    for support in (SUPPORT, None):
        assert made(tmp_path, support=support).check({"telegram": TELEGRAM, "viber": VIBER}) == []


def test_text_is_written_in_every_messengers_form(tmp_path):
    for formatting in Formatting:
        capabilities = replace(TELEGRAM, formatting=formatting)
        shown = text_of(made(tmp_path), "welcome", capabilities=capabilities, group=GROUP)
        assert ("*gold*" in shown) == (formatting is Formatting.WHATSAPP)
        assert "gold" in shown
