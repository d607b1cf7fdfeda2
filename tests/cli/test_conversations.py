"""Conversations from end to end: customers, `vipcast listen` and the colleagues at the desk, in the sandbox.

One `listen` serves several tests; each has customers of its own.
"""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timedelta

import pytest
from conversation_world import (
    AUTOMATIC,
    DORA,
    SIGNED,
    SUPPORT,
    ZITA,
    World,
    a_world,
    at_desk,
    make_desk,
    until,
    wait_desk,
)
from support import child_environment, vipcast
from telegram_sandbox import png

from vipcast.conversations.wording import deadline
from vipcast.sandbox.attachments import Attachment

QUESTIONS = {
    "hu": "Megkapta Zsófi a cetlit, amit a pultnál hagytam?",
    "cs": "Dostala Žofie ten lístek, co jsem nechala na pultu?",
    "fi": "Saiko Sofia lapun, jonka jätin tiskille?",
    "ru": "Получила ли Софья записку, которую я оставила на прилавке?",
    "en": "Did Sophie get the note that I left at the counter?",
}
NOT_DELIVERED = "a válasz nem ért célba"
SENT_ALREADY = "már megválaszolta"
NOBODY_GOT_IT = "Ezt senki sem kapta meg"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A shop whose desk is the support account's saved messages, while `listen` runs."""
    with a_world(tmp_path_factory.mktemp("saved") / "shop") as made:
        made.desk = make_desk(made.sandbox, "me")
        made.set_desk("me")
        made.sandbox.viber.fetches_media = True
        with made.listening():
            yield made


@pytest.fixture(scope="module", params=["me", "colleague", "group", "megagroup", "number"])
def any_desk(request, tmp_path_factory):
    """The same with each kind of desk; a group's is named by its title or its number."""
    with a_world(tmp_path_factory.mktemp(request.param) / "shop") as made:
        made.desk = make_desk(made.sandbox, request.param)
        made.set_desk(made.desk.setting)
        made.is_shared = request.param not in ("me", "colleague")
        with made.listening():
            yield made


@pytest.fixture
def quiet(tmp_path):
    """A shop with a desk, while no `listen` runs."""
    with a_world(tmp_path / "shop") as made:
        made.desk = make_desk(made.sandbox, "me")
        made.set_desk("me")
        yield made


def once(world: World):
    return vipcast(world.folder, "listen", "--once", "--port", "0")


def show(world: World, who: str):
    return vipcast(world.folder, "inbox", "show", who).data


# What the member gets.


@pytest.mark.parametrize("messenger", ["telegram", "viber"])
@pytest.mark.parametrize("language", sorted(QUESTIONS))
def test_a_question_is_answered_at_once_in_the_members_language_with_the_promised_time(
    world, language, messenger
):
    who = f"@asks_{language}" if messenger == "telegram" else f"asks-{language}-0001=="
    name = f"Member {language} {messenger}"
    world.member(name, who, language=language, group="gold")
    written = world.shop.now()
    world.write(who, QUESTIONS[language])
    got = world.wait_heard(who, AUTOMATIC[language])
    promised = datetime.fromisoformat(show(world, name)["promised_at"])
    assert timedelta(hours=2) <= promised - written < timedelta(hours=2, minutes=2)
    assert deadline(promised, written, world.shop.zone, language) in got.text
    assert "https://t.me/regidivat_segit" in got.text
    relay = wait_desk(world.desk, QUESTIONS[language], name)
    header, groups, said, *_ = relay.text.splitlines()
    assert header.startswith("✉️ #")
    assert groups == f"gold · {messenger.capitalize()}"
    assert deadline(promised, written, world.shop.zone, "hu") in said
    assert len(world.heard(who)) == 1


def test_the_next_messages_before_the_answer_reach_the_desk_without_another_automatic_answer(world):
    world.member("Two Questions", "@two_questions")
    world.write("@two_questions", "Did the blue one come back from the cleaner?")
    world.wait_heard("@two_questions", AUTOMATIC["en"])
    world.write("@two_questions", "And the green one, from the same cleaner?")
    wait_desk(world.desk, "And the green one")
    world.desk.say("Both did.", wait_desk(world.desk, "And the green one"))
    world.wait_heard("@two_questions", "Both did.")
    assert len(world.automatic("@two_questions")) == 1


def test_a_stranger_is_answered_in_the_shops_language_and_the_desk_told_how_to_link(world):
    world.write("@who_is_this", "Halló, itt a szomszéd a másodikról, beszéltünk tegnap.")
    world.wait_heard("@who_is_this", AUTOMATIC["hu"])
    relay = wait_desk(world.desk, "itt a szomszéd")
    assert "ismeretlen feladó" in relay.text
    assert "vipcast inbox link" in relay.text


def test_a_question_of_the_faq_is_answered_by_it_and_disturbs_nobody(world):
    world.member("Faq Asker", "@faq_asker")
    world.write("@faq_asker", "What are your opening hours?")
    world.wait_heard("@faq_asker", "Monday to Friday")
    world.write("@faq_asker", "Then I shall bring the box of buttons along, if Sophie is in")
    wait_desk(world.desk, "box of buttons")
    assert at_desk(world.desk, ["What are your opening hours?"]) == []


# What the desk answers.


@pytest.mark.parametrize("who", ["@desk_asker", "desk-asker-0001=="])
def test_a_colleagues_reply_reaches_the_member_signed(any_desk, who):
    world, desk = any_desk, any_desk.desk
    name = f"Asker on {'telegram' if who[0] == '@' else 'viber'}"
    world.member(name, who)
    world.write(who, f"Is my parcel with you? It is for {name}")
    relay = wait_desk(desk, "Is my parcel with you?", name)
    desk.say("Yes, it waits for you — come by 🙂", relay)
    got = world.wait_heard(who, "Yes, it waits for you")
    assert got.text == f"Yes, it waits for you — come by 🙂\n\n{SIGNED}"
    until(lambda: show(world, name)["waiting_since"] is None)
    assert show(world, name)["promised_at"] is None
    assert [one.text for one in world.heard(who) if not one.is_automatic] == [got.text]


def test_what_answers_no_relay_goes_to_nobody(any_desk):
    world, desk = any_desk, any_desk.desk
    world.member("Bystander", "@bystander")
    world.write("@bystander", "Shall I come to the fitting at noon?")
    relay = wait_desk(desk, "Shall I come to the fitting")
    said = desk.say("Who takes this one?")
    if world.is_shared:  # colleagues talk with each other
        desk.say("I do.", said, who=DORA)
    else:
        wait_desk(desk, NOBODY_GOT_IT)
    desk.say("Noon is fine.", relay)
    world.wait_heard("@bystander", "Noon is fine.")
    assert [one.text for one in world.heard("@bystander") if not one.is_automatic] == [
        f"Noon is fine.\n\n{SIGNED}"
    ]
    hints = at_desk(desk, [NOBODY_GOT_IT])
    assert len(hints) == (0 if world.is_shared else 1)


@pytest.mark.parametrize("any_desk", ["group", "megagroup"], indirect=True)
def test_in_a_group_the_second_colleague_is_told_of_the_first(any_desk):
    world, desk = any_desk, any_desk.desk
    world.member("Contested", "@contested")
    world.write("@contested", "Whom do I ask about the lining?")
    relay = wait_desk(desk, "about the lining")
    desk.say("Ask me.", relay, who=ZITA)
    world.wait_heard("@contested", "Ask me.")
    wait_desk(desk, "Contested", "átvette", "Zita")
    until(lambda: show(world, "Contested")["answered_at"])
    desk.say("Or me.", relay, who=DORA)
    world.wait_heard("@contested", "Or me.")
    assert "Zita" in wait_desk(desk, "Contested", SENT_ALREADY).text
    assert show(world, "Contested")["taken_by"] == "Dora"


def test_commands_at_the_desk_note_and_close(any_desk):
    world, desk = any_desk, any_desk.desk
    world.member("Commanded", "@commanded")
    world.write("@commanded", "Never mind, but did the tailor ring?")
    relay = wait_desk(desk, "did the tailor ring")
    desk.say("/note rang her, all well", relay)
    wait_desk(desk, "Commanded", "feljegyezve")
    desk.say("/close", relay)
    wait_desk(desk, "Commanded", "lezárva")
    desk.say("/dance", relay)
    wait_desk(desk, "/dance")
    found = show(world, "Commanded")
    assert found["closed_at"] is not None
    assert [one["text"] for one in found["history"] if one["speaker"] == "note"] == ["rang her, all well"]
    assert len(world.heard("@commanded")) == 1, "a command reached the member"


# Pictures and other things, across messengers.


def test_a_picture_from_the_desk_reaches_viber_and_telegram(any_desk):
    world, desk = any_desk, any_desk.desk
    world.sandbox.viber.fetches_media = True
    picture = png(filling=b"from the desk")
    world.member("Picture Viber", "pictured-0001==")
    world.member("Picture Telegram", "@pictured")
    for who in ("pictured-0001==", "@pictured"):
        world.write(who, f"Send me a photo of it, please: {who}")
        relay = wait_desk(desk, "Send me a photo", who)
        desk.say("Here it is", relay, media=Attachment("picture", content=picture, name="coat.png"))
        world.wait_heard(who, "Here it is")
    viber, telegram = world.sandbox.viber, world.sandbox.telegram

    def shown(who):
        return next((one.message for one in world.heard(who) if one.message.media), None)

    on_telegram = until(lambda: shown("@pictured"))
    assert world.sandbox.do(telegram.content, on_telegram) == picture
    on_viber = until(lambda: shown("pictured-0001=="))
    fetched = until(lambda: world.sandbox.do(viber.fetched, on_viber))
    assert (fetched.status, fetched.content) == (200, picture)


@pytest.mark.parametrize("kind", ["picture", "video", "file"])
def test_what_viber_customers_send_reaches_the_desk(world, kind):
    who, content = f"sends-{kind}-0001==", png(filling=kind.encode())
    world.member(f"Sends a {kind}", who)
    caption = "" if kind == "file" else f"Look at this {kind}"
    world.write(who, caption, media=Attachment(kind, content=content, name=f"my.{kind[:3]}"))
    wait_desk(world.desk, f"Sends a {kind}", caption)
    relay = until(lambda: with_content(world, f"Sends a {kind}"))
    assert world.sandbox.do(world.sandbox.telegram.content, relay) == content
    world.desk.say(f"Got your {kind}", relay)
    world.wait_heard(who, f"Got your {kind}")


@pytest.mark.parametrize("kind", ["voice", "sticker", "picture"])
def test_what_telegram_customers_send_reaches_the_desk(world, kind):
    who, content = f"@sends_{kind}", png() if kind == "picture" else b"OggS" + kind.encode() * 50
    world.member(f"Telegram {kind}", who)
    world.write(who, "", media=Attachment(kind, content=content))
    wait_desk(world.desk, f"Telegram {kind}")
    relay = until(lambda: with_content(world, f"Telegram {kind}"))
    assert world.sandbox.do(world.sandbox.telegram.content, relay) == content


def with_content(world, words):
    found = [one for one in at_desk(world.desk, [words]) if one.media is not None]
    return found[0] if found else None


@pytest.mark.parametrize("who", ["@sends_words", "sends-words-0001=="])
def test_places_and_contacts_are_told_in_words(world, who):
    world.member(f"Words {who}", who)
    world.write(who, "", media=Attachment("location", latitude=47.4979, longitude=19.0402))
    relay = wait_desk(world.desk, f"Words {who}", "47.4979")
    assert "19.0402" in relay.text
    card = Attachment("contact", phone="+36301234567", contact_name="Kiss Éva")
    world.write(who, "", media=card)
    wait_desk(world.desk, f"Words {who}", "+36301234567", "Kiss Éva")


def test_an_attachment_that_cannot_be_fetched_is_told_to_the_desk(world):
    world.member("Broken Picture", "broken-pic-0001==")
    world.sandbox.faults.add("media", "http", code=404, text="", to="broken-pic-0001==", times=None)
    world.write("broken-pic-0001==", "", media=Attachment("picture", content=png()))
    wait_desk(world.desk, "Nem sikerült továbbadni", "kép")
    world.sandbox.faults.clear()


# Edits, failures, and what is written past vipcast.


def test_an_edit_by_the_member_reaches_the_desk(world):
    world.member("Second Thoughts", "@second_thoughts")
    message = world.write("@second_thoughts", "I come at nine, is that right for the hem?")
    wait_desk(world.desk, "I come at nine")
    sandbox = world.sandbox
    person = world.person("@second_thoughts")
    sandbox.call(sandbox.telegram.edit(person, message, "I come at ten, is that right for the hem?"))
    wait_desk(world.desk, "Second Thoughts", "módosította", "I come at ten")
    assert len(world.heard("@second_thoughts")) == 1


def test_an_answer_that_is_edited_at_the_desk_keeps_its_words_and_the_desk_is_told(world):
    world.member("Slip", "@slip_of_a_pen")
    world.write("@slip_of_a_pen", "Which one did the tailor mean?")
    answer = world.desk.say("The tan one.", wait_desk(world.desk, "Which one did the tailor mean?"))
    world.wait_heard("@slip_of_a_pen", "The tan one.")
    world.desk.edit(answer, "The ten ones.")
    wait_desk(world.desk, "Slip", "nem módosítható")
    assert not any("ten ones" in one.text for one in world.heard("@slip_of_a_pen"))


def test_the_desk_is_told_when_an_answer_does_not_arrive(world):
    world.member("Blocker", "@blocker_one")
    world.member("Leaver", "leaver-0001==")
    for who in ("@blocker_one", "leaver-0001=="):
        world.write(who, f"Do you still have the umbrella of {who}?")
        world.wait_heard(who, AUTOMATIC["en"])
    sandbox = world.sandbox
    people = [world.person(one) for one in ("@blocker_one", "+99966100001")]
    sandbox.do(sandbox.telegram.block, *people)
    sandbox.call(sandbox.viber.unsubscribe("leaver-0001==", to="viber"))
    for who, name in (("@blocker_one", "Blocker"), ("leaver-0001==", "Leaver")):
        world.desk.say("Yes, it is here.", wait_desk(world.desk, f"the umbrella of {who}"))
        assert wait_desk(world.desk, name, NOT_DELIVERED).reply_to
        assert len(at_desk(world.desk, [name, NOT_DELIVERED])) == 1
    wait_desk(world.desk, "Leaver", "letiltotta vagy elhagyta")
    assert show(world, "Leaver")["waiting_since"] is not None, "nothing has answered it"


def test_an_answer_that_no_messenger_carries_is_told_to_the_desk_at_once(world):
    world.member("Novel Reader", "@novel_reader")
    world.write("@novel_reader", "Would you tell me the story of the shop?")
    relay = wait_desk(world.desk, "the story of the shop")
    world.desk.say("word " * 819, relay)  # Telegram carries it to the desk, but not with the signature
    wait_desk(world.desk, "Novel Reader", NOT_DELIVERED)


def test_what_a_colleague_writes_in_the_app_of_the_support_account_counts_as_the_answer(world):
    world.member("Direct Talk", "@direct_talk")
    world.write("@direct_talk", "Does the tailor work on Fridays?", to=SUPPORT)
    got = world.wait_heard("@direct_talk", AUTOMATIC["en"])
    assert "https://t.me/" not in got.text, "they are there already"
    wait_desk(world.desk, "Does the tailor work on Fridays?", "Direct Talk")
    sandbox = world.sandbox
    people = world.person(SUPPORT), world.person("@direct_talk")
    sandbox.call(sandbox.telegram.say(*people, "She does, until four."))
    until(lambda: show(world, "Direct Talk")["answered_at"])
    found = show(world, "Direct Talk")
    assert (found["waiting_since"], found["promised_at"]) == (None, None)
    said = [(one["speaker"], one["text"]) for one in found["history"]]
    assert said.count(("person", "She does, until four.")) == 1
    kept = {one["name"]: one["state"] for one in promises(world)}
    assert kept["Direct Talk"] == "kept"


def promises(world):
    return vipcast(world.folder, "inbox", "promises", "--limit", "500").data["promises"]


def test_a_talk_of_the_support_account_with_somebody_else_is_nobodys_business(world):
    sandbox = world.sandbox
    people = world.person(SUPPORT), world.person("@a_friend_of_zita")
    sandbox.call(sandbox.telegram.say(*people, "Dinner at eight?"))
    world.write("@beacon", "This one is for the desk, and comes after it")
    wait_desk(world.desk, "This one is for the desk")
    listed = vipcast(world.folder, "inbox", "list", "--all", "--limit", "500").data
    assert "Dinner" not in str(listed)
    assert "a_friend_of_zita" not in str(listed)


@pytest.mark.parametrize("who", ["@opts_out", "opts-out-0001=="])
def test_an_opt_out_is_confirmed_once_and_the_desk_is_told_and_start_brings_back(world, who):
    name = f"Opts out {who}"
    world.member(name, who)
    world.write(who, "Stop")
    world.wait_heard(who, "no more news")
    wait_desk(world.desk, name, "leiratkozott")
    world.write(who, "stop!")
    world.write(who, "START")
    world.wait_heard(who, "How nice to have you back")
    assert len([one for one in world.heard(who) if "no more news" in one.text]) == 1
    member = vipcast(world.folder, "member", "show", name).data
    assert member["consent"] == "opt_in"


def test_a_bare_start_of_a_member_who_is_in_says_nothing(world):
    world.member("Starter", "@starter_one")
    world.write("@starter_one", "/start")
    world.write("@starter_one", "Is the beige one still on its hanger?")
    wait_desk(world.desk, "Is the beige one")
    world.wait_heard("@starter_one", AUTOMATIC["en"])
    assert len(world.heard("@starter_one")) == 1


# `listen` itself.


def test_once_does_all_that_waits_answers_included_and_ends(quiet):
    quiet.member("Patient", "@patient_one")
    assert once(quiet).code == 0
    quiet.write("@patient_one", "Is the shop's cat well again?")
    done = once(quiet)
    assert (done.code, done.data["received"]) == (0, {"message": 1})
    (relay,) = quiet.desk.messages()
    assert len(quiet.heard("@patient_one")) == 1
    quiet.desk.say("She is.", relay)
    done = once(quiet)
    assert (done.code, done.data["received"]) == (0, {"message": 1})
    assert [one.text for one in quiet.heard("@patient_one")][1:] == [f"She is.\n\n{SIGNED}"]
    assert once(quiet).data["received"] == {}
    assert len(quiet.heard("@patient_one")) == 2
    assert len(quiet.desk.messages()) == 2


def test_without_the_support_login_members_are_answered_and_the_desk_gets_it_after_a_new_one(quiet):
    quiet.member("Locked Out", "@locked_out")
    assert once(quiet).code == 0
    telegram = quiet.sandbox.telegram
    support = quiet.person(SUPPORT)
    quiet.sandbox.do(telegram.revoke, support)
    quiet.write("@locked_out", "Is anybody there, about the buttons?")
    done = once(quiet)
    assert done.code == 4
    assert "support" in done.stderr
    assert "vipcast account add support" in done.stderr
    assert len(quiet.automatic("@locked_out")) == 1
    assert quiet.desk.messages() == []
    words = listed_words(quiet)
    assert "Locked Out" in words
    assert "1 message waits to reach the desk's chat" in words
    quiet.sandbox.do(telegram.provision_session, quiet.shop.config.account("support").session, support)
    assert once(quiet).code == 0
    assert [one.text.splitlines()[-1] for one in quiet.desk.messages()] == [
        "Is anybody there, about the buttons?"
    ]
    assert once(quiet).code == 0
    assert len(quiet.desk.messages()) == 1
    assert len(quiet.heard("@locked_out")) == 1
    assert "to reach the desk" not in listed_words(quiet)


def test_a_login_lost_while_listening_is_told_and_the_others_go_on(quiet):
    quiet.member("Still Here", "@still_here")
    quiet.member("Still There", "still-there-0001==")
    with quiet.listening() as running:
        quiet.sandbox.do(quiet.sandbox.telegram.revoke, quiet.person(SUPPORT))
        for who in ("@still_here", "still-there-0001=="):
            quiet.write(who, "Does anybody read this, about the buttons?")
            quiet.wait_heard(who, AUTOMATIC["en"])
        until(lambda: "vipcast account add support" in running.said)
        assert running.process.poll() is None
        assert running.stop() == 0


def listed_words(world):
    """Return what people read in `inbox list`."""
    return subprocess.run(
        [sys.executable, "-m", "vipcast", "--shop", str(world.folder), "inbox", "list"],
        env=child_environment(),
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout


def test_a_desk_that_is_not_found_is_told_and_the_terminal_takes_its_place(quiet):
    quiet.set_desk("No such group")
    quiet.member("Unheard", "@unheard_one")
    with quiet.listening() as running:
        assert "desk" in running.said
        assert "No such group" in running.said
        quiet.write("@unheard_one", "Has the lamp come, the one with the fringe?")
        quiet.wait_heard("@unheard_one", AUTOMATIC["en"])
        assert vipcast(quiet.folder, "inbox", "reply", "Unheard", "It has.").code == 0
        quiet.wait_heard("@unheard_one", "It has.")
        assert running.stop() == 0


def test_a_stop_in_the_middle_loses_and_doubles_nothing(quiet):
    assert once(quiet).code == 0
    texts = [f"Parcel {number:02} has not come, where is it?" for number in range(40)]
    with quiet.listening() as running:
        for number, text in enumerate(texts):
            quiet.write(f"@parcel_{number}", text)
            if number == 25:
                running.process.terminate()
        assert running.process.wait(60) == 0
        assert "Traceback" not in running.said
    assert once(quiet).code == 0
    relayed = sorted(one.text.splitlines()[-1] for one in quiet.desk.messages())
    assert relayed == texts
    for number in range(len(texts)):
        assert len(quiet.automatic(f"@parcel_{number}")) == 1
