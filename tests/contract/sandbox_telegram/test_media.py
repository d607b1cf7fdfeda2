"""Pictures, files and albums in the Telegram sandbox."""

from __future__ import annotations

import os
import struct

import pytest
from telegram_sandbox import ANNA, BELA, connected, peer_of, png, recorded
from telethon import errors, functions, types

from vipcast.sandbox.telegram.pictures import picture_size

pytestmark = pytest.mark.anyio


async def test_a_picture_arrives_as_it_was_sent(sandbox, shop):
    picture = png(30, 20)
    file = await shop.upload_file(picture, file_name="ruha.png")
    media = types.InputMediaUploadedPhoto(file)
    peer = await peer_of(shop, ANNA)
    for _ in range(2):  # the same upload may be named again: a repeat after a lost answer does
        sent = await shop(functions.messages.SendMediaRequest(peer, media, "Nézd!", random_id=1))
    (message,) = sandbox.inbox(sandbox.find(ANNA))
    assert (message.text, message.media.kind, message.media.size) == ("Nézd!", "picture", len(picture))
    assert sandbox.content(message) == picture
    assert sent.updates[1].message.photo.sizes[0].w == 30
    async with connected(sandbox, sandbox.find(ANNA)) as anna:
        (received,) = await anna.get_messages(await anna.get_input_entity("@regidivat"))
        assert await received.download_media(bytes) == picture


async def test_a_large_file_arrives_as_it_was_sent(sandbox, shop, tmp_path):
    content = os.urandom(11 * 1024 * 1024)
    path = tmp_path / "árlista.bin"
    path.write_bytes(content)
    await shop.send_file(await peer_of(shop, ANNA), path)
    (message,) = sandbox.inbox(sandbox.find(ANNA))
    assert (message.media.kind, message.media.name, message.media.size) == ("file", path.name, len(content))
    async with connected(sandbox, sandbox.find(ANNA)) as anna:
        (received,) = await anna.get_messages(await anna.get_input_entity("@regidivat"))
        assert await received.download_media(bytes) == content


async def uploaded(client, peer, content):
    media = types.InputMediaUploadedPhoto(await client.upload_file(content, file_name="a.png"))
    result = await client(functions.messages.UploadMediaRequest(peer, media))
    return types.InputMediaPhoto(
        types.InputPhoto(result.photo.id, result.photo.access_hash, result.photo.file_reference)
    )


async def test_an_album_keeps_each_random_id_over_repeats(sandbox, shop, log):
    peer = await peer_of(shop, ANNA)
    pictures = [png(filling=bytes([n])) for n in range(3)]
    media = [await uploaded(shop, peer, picture) for picture in pictures]

    def album(count):
        items = [
            types.InputSingleMedia(media[n], "caption" if n == 0 else "", random_id=n + 1)
            for n in range(count)
        ]
        return functions.messages.SendMultiMediaRequest(peer, items)

    def numbers(updates):
        return {u.random_id: u.id for u in updates.updates if isinstance(u, types.UpdateMessageID)}

    first = numbers(await shop(album(2)))
    assert first == numbers(await shop(album(2)))
    assert numbers(await shop(album(3))).items() > first.items()
    messages = sandbox.inbox(sandbox.find(ANNA))
    assert [message.random_id for message in messages] == [1, 2, 3]
    assert [message.text for message in messages] == ["caption", "", ""]
    assert [sandbox.content(message) for message in messages] == pictures
    assert len({message.grouped_id for message in messages} - {0}) == 1
    assert len(recorded(log, "message")) == 3


async def test_media_against_the_rules_is_refused(sandbox, shop, faults):
    peer = await peer_of(shop, ANNA)
    send = functions.messages.SendMediaRequest
    picture = await uploaded(shop, peer, png())
    with pytest.raises(errors.MediaCaptionTooLongError):
        await shop(send(peer, picture, "x" * 1025, random_id=1))
    with pytest.raises(errors.ImageProcessFailedError):
        await uploaded(shop, peer, b"no picture at all")
    missing = types.InputMediaUploadedPhoto(types.InputFile(5, 1, "a.png", ""))
    with pytest.raises(errors.FilePartsInvalidError):
        await shop(send(peer, missing, "", random_id=1))
    with pytest.raises(errors.WebpageCurlFailedError):
        await shop(send(peer, types.InputMediaPhotoExternal("https://shop.example/a.png"), "", random_id=1))
    async with connected(sandbox, sandbox.add_user(phone=BELA)) as other:
        with pytest.raises(errors.MediaEmptyError):
            await other(send(await peer_of(other, ANNA), picture, "", random_id=1))
    assert sandbox.inbox(sandbox.find(ANNA)) == []


async def test_an_album_against_the_rules_is_refused(sandbox, shop):
    peer = await peer_of(shop, ANNA)
    picture = await uploaded(shop, peer, png())
    raw = types.InputMediaUploadedDocument(await shop.upload_file(b"list"), "text/plain", [])
    listed = (await shop(functions.messages.UploadMediaRequest(peer, raw))).document
    document = types.InputMediaDocument(
        types.InputDocument(listed.id, listed.access_hash, listed.file_reference)
    )

    async def send_album(*pairs):
        items = [types.InputSingleMedia(media, "", random_id=random_id) for media, random_id in pairs]
        await shop(functions.messages.SendMultiMediaRequest(peer, items))

    with pytest.raises(errors.MultiMediaTooLongError):
        await send_album(*((picture, n) for n in range(1, 12)))
    with pytest.raises(errors.MediaGroupedInvalidError):
        await send_album((picture, 1), (document, 2))
    with pytest.raises(errors.MediaInvalidError):
        await send_album((picture, 1), (raw, 2))
    with pytest.raises(errors.RandomIdInvalidError):
        await send_album((picture, 1), (picture, 1))
    assert sandbox.inbox(sandbox.find(ANNA)) == []


@pytest.mark.parametrize(
    ("content", "size"),
    [
        (png(640, 480), (640, 480)),
        (b"GIF89a" + struct.pack("<HH", 12, 34) + bytes(10), (12, 34)),
        (
            b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08" + struct.pack(">HH", 48, 64) + bytes(20),
            (64, 48),
        ),
        (b"RIFF\0\0\0\0WEBPVP8X" + bytes(8) + b"\x63\0\0\x31\0\0", (100, 50)),
        (b"\xff\xd8\xff\xe0", None),
        (b"%PDF-1.7", None),
    ],
)
def test_pictures_are_measured(content, size):
    assert picture_size(content) == size
