"""What comes beside a text: written down with the message, passed on once its content is here."""

from __future__ import annotations

from dataclasses import replace

import pytest
from conversation_steps import ANNA, ANNA_ON_VIBER, EVA, PARKING, TEAM, Talks, add_anna, set_row
from support import add_group

from vipcast.conversations import attachments
from vipcast.conversations.attachments import MOST_BYTES
from vipcast.conversations.upkeep import Upkeep
from vipcast.delivery.talk import body_of
from vipcast.messengers.base import Attachment
from vipcast.storage.tables import deliveries, groups

PICTURE = Attachment("picture", name="Dress in BLUE.JPG", size=2000, ref="ref-1")
OWN = {"is_own": True}


@pytest.fixture(autouse=True)
def anna(shop):
    return add_anna(shop)


@pytest.fixture
def talks(shop):
    return Talks(shop, "me")


def wanted(talks, account):
    with talks.shop.database.read() as connection:
        return attachments.wanted(connection, account)


def fetched(talks, account, *, size=2000, reason=""):
    """Do what `listen` does once the content is here, or cannot be had; then once more."""
    found = wanted(talks, account)
    for one in (*found, *found):
        with talks.shop.database.write() as connection:
            Upkeep(talks.setting).fetched(connection, one, talks.clock.now(), size=size, reason=reason)
    return found


def media(row):
    return body_of(row.body).media


class TestWriting:
    def test_a_row_for_each_and_a_name_that_tells_nothing(self, talks):
        talks.hears(ANNA, "Look", attachments=(PICTURE, replace(PICTURE, name="", kind="voice", ref="ref-2")))
        first, second = talks.kept()
        assert (first.kind, first.name, first.size, first.ref, first.state) == (
            "picture", "Dress in BLUE.JPG", 2000, "ref-1", "wanted",
        )  # fmt: skip
        assert first.file.endswith(".jpg")
        assert second.file.endswith(".ogg")
        assert "dress" not in first.file.lower()
        assert [one.id for one in wanted(talks, "news")] == [first.id, second.id]
        assert wanted(talks, "viber") == []

    @pytest.mark.parametrize(
        ("name", "kind", "suffix"),
        [
            ("../../etc/passwd", "file", ".bin"),
            ("a.tar.gz", "file", ".gz"),
            ("x.J P", "sticker", ".webp"),
            ("x." + "a" * 9, "video", ".mp4"),
        ],
    )
    def test_the_ending_is_plain(self, talks, name, kind, suffix):
        talks.hears(ANNA, "", attachments=(replace(PICTURE, name=name, kind=kind),))
        (one,) = talks.kept()
        assert one.file.removesuffix(suffix).isalnum()

    def test_words_are_passed_on_with_the_text(self, talks):
        place = Attachment("location", words="https://maps.example/47.5,19.0")
        talks.hears(ANNA, "I am here", attachments=(place,))
        assert talks.kept()[0].state == "words"
        assert talks.texts("relay")[0].endswith("I am here\nhttps://maps.example/47.5,19.0")
        assert wanted(talks, "news") == []

    def test_a_picture_alone_is_a_question_and_never_the_faqs(self, talks):
        talks.hears(ANNA, PARKING, attachments=(PICTURE,))
        talks.hears(ANNA, "", attachments=(PICTURE,))
        assert talks.handlings() == ["question", "question"]
        assert talks.promise_states() == ["open"]

    def test_thanks_with_a_picture_are_read(self, talks):
        talks.hears(ANNA, "thank you", attachments=(PICTURE,))
        assert talks.handlings() == ["question"]

    def test_the_same_message_twice_writes_one(self, talks):
        event = talks.hears(ANNA, "Look", attachments=(PICTURE,))
        talks.take(event, "news")
        assert len(talks.kept()) == 1

    def test_what_is_too_large_is_told_at_once(self, talks):
        talks.hears(
            ANNA, "", attachments=(replace(PICTURE, kind="video", name="film.mp4", size=MOST_BYTES + 1),)
        )
        (one,) = talks.kept()
        assert (one.state, one.reason, one.file) == ("failed", "larger than 50 MB", "")
        (notice,) = talks.texts("notice")
        assert "film.mp4" in notice
        assert "larger than 50 MB" in notice

    def test_what_members_show_each_other_is_not_kept(self, talks, shop):
        group = add_group(shop, "Club")
        set_row(shop, groups, group.id, chat_account="news", chat="-100555")
        talks.hears(ANNA, "Look!", chat="-100555", attachments=(PICTURE,))
        assert talks.kept() == []
        talks.hears(ANNA, "Do you have this one?", chat="-100555", attachments=(PICTURE,))
        assert [one.state for one in talks.kept()] == ["wanted"]


class TestToTheDesk:
    def test_it_follows_the_message_once_it_is_here(self, talks):
        talks.hears(ANNA, "Look", attachments=(PICTURE,))
        talks.go_on(1)
        fetched(talks, "news", size=1999)
        (_, row) = talks.said("relay")
        assert body_of(row.body).text == "✉️ #1 Kovács Anna"
        (one,) = media(row)
        assert (one.kind, one.name, one.size) == ("picture", "Dress in BLUE.JPG", 1999)
        assert one.path == str(talks.setting.kept / talks.kept()[0].file)
        assert (talks.kept()[0].state, talks.kept()[0].size) == ("kept", 1999)
        assert wanted(talks, "news") == []

    def test_the_desk_may_answer_the_picture(self, talks):
        talks.hears(ANNA, "Look", attachments=(PICTURE,))
        fetched(talks, "news")
        talks.go_on(1)
        talks.desk_writes("Lovely!", talks.relay_id(), raw=OWN)
        assert len(talks.said("answer")) == 1

    def test_what_cannot_be_had_is_told(self, talks):
        talks.hears(ANNA, "Look", attachments=(PICTURE,))
        fetched(talks, "news", size=0, reason="it is gone")
        (notice,) = talks.texts("notice")
        assert "Dress in BLUE.JPG" in notice
        assert "it is gone" in notice
        assert (talks.kept()[0].state, len(talks.said("relay"))) == ("failed", 1)

    def test_at_the_terminal_it_is_only_kept(self, shop):
        talks = Talks(shop)
        talks.hears(ANNA, "Look", attachments=(PICTURE,))
        fetched(talks, "news")
        assert talks.kept()[0].state == "kept"
        assert talks.said("relay", "notice") == []

    def test_what_the_messenger_takes_only_as_a_file_goes_as_one(self, talks):
        for name in ("drawing.tiff", "sticker.webp"):
            talks.hears(ANNA, "Look", attachments=(replace(PICTURE, name=name),))
        talks.hears(ANNA, "Hear", attachments=(replace(PICTURE, kind="sticker", name="s.tgs"),))
        fetched(talks, "news")
        kinds = [one.kind for row in talks.said("relay") for one in media(row)]
        assert kinds == ["file", "picture", "file"]

    def test_what_is_no_question_is_kept_alone(self, talks):
        talks.hears(ANNA, "I am away", is_automatic=True, attachments=(PICTURE,))
        fetched(talks, "news")
        assert (talks.kept()[0].state, talks.said()) == ("kept", [])


class TestFromTheDesk:
    def test_a_colleagues_picture_goes_to_the_member_once(self, talks):
        talks.hears(ANNA)
        talks.go_on(1)
        talks.desk_writes("This one?", talks.relay_id(), raw=OWN, attachments=(PICTURE,))
        assert len(talks.said("answer")) == 1
        fetched(talks, "support")
        first, second = talks.said("answer")
        assert (body_of(first.body).text.splitlines()[0], media(first)) == ("This one?", ())
        assert (body_of(second.body).text, media(second)[0].kind) == ("", "picture")
        assert second.address == ANNA

    def test_a_picture_alone_is_an_answer(self, talks):
        talks.hears(ANNA)
        talks.go_on(1)
        talks.desk_writes("", talks.relay_id(), raw=OWN, attachments=(PICTURE,))
        assert talks.said("answer") == []
        fetched(talks, "support")
        talks.go_on()
        assert len(talks.said("answer")) == 1
        assert talks.promise_states() == ["kept"]

    def test_viber_fetches_it_from_the_web(self, shop):
        talks = Talks(shop, "me", media_urls={"viber": "https://shop.example/hook/media"})
        talks.hears(ANNA_ON_VIBER)
        talks.go_on(1)
        talks.desk_writes("", talks.relay_id(), raw=OWN, attachments=(PICTURE,))
        fetched(talks, "support")
        (one,) = media(talks.said("answer")[0])
        assert one.url == f"https://shop.example/hook/media/{talks.kept()[0].file}"
        assert one.path == ""

    def test_without_a_public_address_the_colleague_is_told(self, talks):
        talks.hears(ANNA_ON_VIBER)
        talks.go_on(1)
        reply = talks.desk_writes("Here:", talks.relay_id(), raw=OWN, attachments=(PICTURE,))
        fetched(talks, "support")
        assert len(talks.said("answer")) == 1
        (notice,) = talks.said("notice")
        assert "public address" in body_of(notice.body).text
        assert body_of(notice.body).reply_to == reply.remote_id

    def test_what_the_messenger_takes_nowhere_is_told(self, shop):
        talks = Talks(shop, "me", media_urls={"viber": "https://shop.example/hook/media"})
        talks.hears(ANNA_ON_VIBER)
        talks.go_on(1)
        most = max(talks.setting.capabilities["viber"].media_bytes.values())
        talks.desk_writes("", talks.relay_id(), raw=OWN, attachments=(PICTURE,))
        fetched(talks, "support", size=most + 1)
        assert talks.said("answer") == []
        assert "nothing that large" in talks.texts("notice")[0]

    @pytest.mark.parametrize("desk", ["me", EVA, TEAM])
    def test_what_is_too_large_is_told_at_once(self, shop, desk):
        talks = Talks(shop, desk)
        talks.hears(ANNA)
        talks.go_on(1)
        talks.desk_writes("", talks.relay_id(), attachments=(replace(PICTURE, size=MOST_BYTES + 1),))
        assert "larger than 50 MB" in talks.texts("notice")[0]
        assert talks.said("answer") == []

    def test_a_place_goes_in_words(self, talks):
        talks.hears(ANNA)
        talks.go_on(1)
        place = Attachment("location", words="https://maps.example/1")
        talks.desk_writes("We are here:", talks.relay_id(), raw=OWN, attachments=(place,))
        assert talks.texts("answer")[0].startswith("We are here:\nhttps://maps.example/1\n")

    def test_a_reply_that_waited_brings_what_was_fetched_meanwhile(self, talks):
        talks.hears(ANNA)
        talks.speak(lose=True)
        talks.desk_writes("This one?", "5001", raw=OWN, attachments=(PICTURE,))
        fetched(talks, "support")
        assert talks.said("answer") == []
        talks.speak()
        set_row(talks.shop, deliveries, talks.said("relay")[0].id, remote_id="5001")
        talks.upkeep()
        assert [len(media(row)) for row in talks.said("answer")] == [0, 1]


class TestTidying:
    def test_what_no_row_names_is_deleted(self, talks, shop):
        talks.hears(ANNA, "Look", attachments=(PICTURE,))
        folder = shop.attachments_folder
        folder.mkdir(parents=True)
        (folder / talks.kept()[0].file).write_bytes(b"x")
        (folder / "0123.jpg").write_bytes(b"x")
        with shop.database.read() as connection:
            assert attachments.tidy(connection, folder) == 1
        assert [path.name for path in folder.iterdir()] == [talks.kept()[0].file]
