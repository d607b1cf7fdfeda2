"""The networks on which a person posts: addresses, links, what their apps take, what vipcast.toml may say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vipcast import by_hand
from vipcast.announcements.formatting import compose, parse, write
from vipcast.config import load
from vipcast.errors import ConfigError, SetupMissing
from vipcast.messengers._by_hand import NETWORKS
from vipcast.messengers.base import AddressInvalid
from vipcast.shop import Shop, find_messengers

SHOP = '[shop]\nname = "Régi Divat"\n'
PHONE = "+36301234567"


def settings(folder, text):
    (folder / "vipcast.toml").write_text(SHOP + text, encoding="utf-8")
    return load(folder, {}).by_hand


def test_the_settings_know_them_all_and_none_is_a_messenger():
    assert tuple(NETWORKS) == by_hand.NETWORKS
    assert all(name == one.name for name, one in NETWORKS.items())
    assert "_by_hand" not in find_messengers()


class TestLinks:
    @pytest.mark.parametrize(
        ("name", "address", "link"),
        [
            ("viber", PHONE, "viber://chat?number=%2B36301234567"),
            ("whatsapp", PHONE, "https://wa.me/36301234567"),
            ("signal", PHONE, "https://signal.me/#p/+36301234567"),
            ("sms", PHONE, "sms:+36301234567"),
            ("phone", PHONE, "tel:+36301234567"),
            ("snapchat", "anna.kovacs-1", "https://www.snapchat.com/add/anna.kovacs-1"),
            ("facebook", "anna.kovacs", "https://m.me/anna.kovacs"),
            ("instagram", "anna_kovacs", "https://ig.me/m/anna_kovacs"),
        ],
    )
    def test_it_opens_the_chat_and_is_read_as_the_address_again(self, name, address, link):
        network = NETWORKS[name]
        assert network.open_link(address) == link
        assert network.normalise_address(link) == address
        assert network.normalise_address(address) == address

    @pytest.mark.parametrize("name", ["viber", "whatsapp", "signal", "sms", "phone"])
    @pytest.mark.parametrize("address", ["", "0e8WW/shXMvcNgCZi+4pIQ==", "anna", "+36 30", "36301234567"])
    def test_what_no_app_opens_has_none(self, name, address):
        assert NETWORKS[name].open_link(address) == ""

    @pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
    def test_a_groups_own_link_is_the_one_that_opens_it(self, network):
        assert network.open_link("https://chat.whatsapp.com/AbC") == "https://chat.whatsapp.com/AbC"


class TestAddresses:
    @pytest.mark.parametrize(
        ("name", "value", "address"),
        [
            ("whatsapp", " +36 30 123-4567 ", PHONE),
            ("whatsapp", "http://WA.me/36301234567", PHONE),
            ("whatsapp", "https://api.whatsapp.com/send?phone=36301234567", PHONE),
            ("viber", "viber://add?number=36301234567", PHONE),
            ("phone", "tel:+36-30-123-4567", PHONE),
            ("snapchat", "@Anna.Kovacs", "anna.kovacs"),
            ("snapchat", "https://snapchat.com/add/Anna.Kovacs?share_id=x", "anna.kovacs"),
            ("facebook", "https://www.facebook.com/Anna.Kovacs/", "anna.kovacs"),
            ("facebook", "100012345678901", "100012345678901"),
            ("facebook", "https://facebook.com/profile.php?id=100012345678901", "100012345678901"),
            ("instagram", "instagram.com/anna_kovacs/", "anna_kovacs"),
        ],
    )
    def test_one_spelling(self, name, value, address):
        assert NETWORKS[name].normalise_address(value) == address

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("whatsapp", "anna"),
            ("whatsapp", "06301234567"),
            ("whatsapp", "+36"),
            ("whatsapp", "https://wa.me/message/ABC"),
            ("viber", "0e8WW/shXMvcNgCZi+4pIQ=="),
            ("snapchat", "ab"),
            ("snapchat", "1anna"),
            ("snapchat", "ánná"),
            ("snapchat", "anna kovacs"),
            ("snapchat", "https://example.org/add/anna"),
            ("facebook", "https://www.facebook.com/groups/12345"),
            ("instagram", ""),
        ],
    )
    def test_what_is_none_is_refused_with_an_example(self, name, value):
        with pytest.raises(AddressInvalid) as caught:
            NETWORKS[name].normalise_address(value)
        assert NETWORKS[name].title in caught.value.message
        assert "Give the" in caught.value.hint

    @given(
        name=st.sampled_from(sorted(NETWORKS)),
        value=st.text(max_size=40)
        | st.text("+0123456789 -()", max_size=18)
        | st.text("@aÁb._-7/?", max_size=20),
    )
    def test_whatever_is_taken_stays_as_it_is(self, name, value):
        network = NETWORKS[name]
        try:
            address = network.normalise_address(value)
        except AddressInvalid:
            return
        assert network.normalise_address(address) == address
        assert address.isprintable()
        assert network.open_link(address)


class TestChats:
    @pytest.mark.parametrize(
        ("name", "value", "link"),
        [
            ("viber", "https://invite.viber.com/?g2=AQBx%2F", "https://invite.viber.com/?g2=AQBx%2F"),
            ("viber", "invite.viber.com/?g2=AQBx", "https://invite.viber.com/?g2=AQBx"),
            ("whatsapp", " https://chat.whatsapp.com/AbCd ", "https://chat.whatsapp.com/AbCd"),
            ("signal", "https://signal.group/#CjQKI", "https://signal.group/#CjQKI"),
            ("snapchat", "https://www.snapchat.com/g/abc", "https://snapchat.com/g/abc"),
        ],
    )
    def test_a_link_to_a_group(self, name, value, link):
        assert NETWORKS[name].normalise_chat(value) == link

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("viber", ""),
            ("viber", "the gold ones"),
            ("viber", "https://chat.whatsapp.com/AbCd"),
            ("viber", "https://evil.example/?invite.viber.com/"),
            ("whatsapp", "https://chat.whatsapp.com/Ab Cd"),
            ("whatsapp", "https://chat.whatsapp.com/\x1b[2J"),
            ("whatsapp", "https://chat.whatsapp.com/" + "x" * 500),
            ("phone", "tel:+36301234567"),
        ],
    )
    def test_what_is_none_is_refused(self, name, value):
        with pytest.raises(AddressInvalid) as caught:
            NETWORKS[name].normalise_chat(value)
        assert caught.value.hint


class TestFormatting:
    @pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
    def test_each_app_gets_the_marks_that_it_takes(self, network):
        rich = compose(parse("**New** _coats_ ~~100~~ [here](https://example.org/x)"))
        text, spans = write(rich, network.capabilities.formatting)
        marked, plain = "*New* _coats_ ~100~ here", "New coats 100 here"
        wanted = marked if network.name in ("viber", "whatsapp") else plain
        assert (text, spans) == (f"{wanted} (https://example.org/x)", ())

    @pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
    def test_a_picture_takes_nothing_from_the_text(self, network):
        able = network.capabilities
        assert able.caption_limit == able.text_limit
        assert able.caption_kinds == able.media_kinds >= {"picture", "video", "file"}


class TestSettings:
    @pytest.mark.parametrize(
        ("within", "minutes"), [("4h", 240), ("90m", 90), ("1h 30m", 90), (" 2h15min ", 135), ("1 h", 60)]
    )
    def test_a_length_of_time(self, tmp_path, within, minutes):
        found = settings(tmp_path, f'[by_hand]\nnetworks = ["viber"]\nwithin = "{within}"\n')
        assert by_hand.parse_within(found.within).total_seconds() == minutes * 60

    @pytest.mark.parametrize(
        ("text", "line", "said"),
        [
            ('networks = ["vibr"]', 4, 'Did you mean "viber"?'),
            ('networks = ["telegram"]', 4, "Known: viber,"),
            ('networks = ["viber", "viber"]', 4, "once"),
            ('within = "soon"', 4, "90m"),
            ('within = ""', 4, "90m"),
            ('within = "0h"', 4, "90m"),
            ('within = "-1h"', 4, "90m"),
            ('networks = ["viber"]\nwithin = "4 days"', 5, "90m"),
        ],
    )
    def test_what_cannot_be_is_told_with_its_line(self, tmp_path, text, line, said):
        with pytest.raises(ConfigError) as caught:
            settings(tmp_path, f"[by_hand]\n{text}\n")
        assert said in caught.value.hint
        assert caught.value.where == f"{tmp_path / 'vipcast.toml'}:{line}"

    def test_an_account_has_another_name(self, tmp_path):
        with pytest.raises(ConfigError, match="'by-hand'"):
            settings(tmp_path, '[accounts.by-hand]\nmessenger = "telegram"\nrole = "announce"\n')

    def test_the_ways_by_hand_come_after_the_accounts(self, shop_folder):
        path = shop_folder / "vipcast.toml"
        text = path.read_text(encoding="utf-8")
        path.write_text('[by_hand]\nnetworks = ["whatsapp", "viber"]\n' + text, encoding="utf-8")
        with Shop.open(shop_folder, {}) as shop:
            found = [(one.account.name, one.account.messenger) for one in shop.routes()]
        assert found == [
            ("news", "telegram"), ("viber", "viber"), ("by-hand", "whatsapp"), ("by-hand", "viber"),
        ]  # fmt: skip

    def test_a_shop_without_an_account_may_post_by_hand(self, tmp_path):
        settings(tmp_path, '[by_hand]\nnetworks = ["phone"]\n')
        with Shop.open(tmp_path, {}) as shop:
            assert [one.account.messenger for one in shop.routes()] == ["phone"]
        settings(tmp_path, "")
        with Shop.open(tmp_path, {}) as shop, pytest.raises(SetupMissing):
            shop.routes()
