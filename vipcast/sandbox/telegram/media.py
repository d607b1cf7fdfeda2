"""Files: uploading in parts, what a message carries, downloading."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import md5
from typing import Any, Final

from telethon.tl import functions, types

from vipcast.sandbox.telegram.group_views import file_reference
from vipcast.sandbox.telegram.model import MediaKind, StoredFile, Upload
from vipcast.sandbox.telegram.pictures import picture_size
from vipcast.sandbox.telegram.rpc import Call, Handlers, RpcError
from vipcast.sandbox.telegram.tl import read_object, write_vector
from vipcast.sandbox.telegram.views import media_view

_MAX_PART: Final = 512 * 1024
_MAX_PARTS: Final = 4000
_PICTURE_LIMIT: Final = 10 * 1024 * 1024
_MAX_DOWNLOAD: Final = 1024 * 1024


def save_part(call: Call, request: Any) -> Any:
    if not 0 <= request.file_part < _MAX_PARTS:
        raise RpcError(400, "FILE_PART_INVALID")
    if not request.bytes:
        raise RpcError(400, "FILE_PART_EMPTY")
    if len(request.bytes) > _MAX_PART:
        raise RpcError(400, "FILE_PART_TOO_BIG")
    upload = call.hub.codes.uploads.setdefault((call.key.id, request.file_id), Upload())
    upload.parts[request.file_part] = request.bytes
    return True


def _content(call: Call, file: Any) -> bytes:
    """Return what was uploaded in parts under this file's id."""
    upload = call.hub.codes.uploads.get((call.key.id, file.id))
    if upload is None:
        raise RpcError(400, "FILE_PARTS_INVALID")
    if upload.digest:
        return call.world.contents[upload.digest]
    for number in range(file.parts):
        if number not in upload.parts:
            raise RpcError(400, f"FILE_PART_{number}_MISSING")
    parts = [upload.parts[number] for number in range(file.parts)]
    if len({len(part) for part in parts[:-1]}) > 1 or len(parts[-1]) > len(parts[0]):
        raise RpcError(400, "FILE_PART_SIZE_CHANGED")
    content = b"".join(parts)
    checksum = getattr(file, "md5_checksum", "")
    if checksum and md5(content).hexdigest() != checksum:  # noqa: S324 - Telegram's own checksum
        raise RpcError(400, "MD5_CHECKSUM_INVALID")
    return content


def resolve_media(call: Call, media: Any) -> StoredFile:
    """Return the file that a message is to carry, keeping it if it was just uploaded.

    Raises:
        RpcError: it is missing, broken, or another account's.

    """
    match media:
        case types.InputMediaUploadedPhoto():
            return _keep_picture(call, media)
        case types.InputMediaUploadedDocument():
            return _keep_document(call, media)
        case types.InputMediaPhoto() | types.InputMediaDocument():
            return _known_file(call, media.id, "MEDIA_EMPTY")
        case types.InputMediaPhotoExternal() | types.InputMediaDocumentExternal():
            raise RpcError(400, "WEBPAGE_CURL_FAILED")  # the sandbox reaches no other machine
        case types.InputMediaEmpty():
            raise RpcError(400, "MEDIA_EMPTY")
    raise RpcError(400, "MEDIA_INVALID")


def resolve_card(call: Call, media: Any) -> bytes:
    """Return the location or contact that a message is to carry, as a TL object; nothing for a file."""
    match media:
        case types.InputMediaGeoPoint(geo_point=types.InputGeoPoint() as point):
            return location_card(point.lat, point.long)
        case types.InputMediaContact():
            user = call.world.find_phone(media.phone_number)
            return contact_card(
                media.phone_number, media.first_name, media.last_name, 0 if user is None else user.id
            )
    return b""


def location_card(latitude: float, longitude: float) -> bytes:
    return bytes(types.MessageMediaGeo(types.GeoPoint(long=longitude, lat=latitude, access_hash=0)))


def contact_card(phone: str, first_name: str, last_name: str = "", user_id: int = 0) -> bytes:
    return bytes(types.MessageMediaContact(phone, first_name, last_name, vcard="", user_id=user_id))


def _keep_picture(call: Call, media: Any) -> StoredFile:
    content = _content(call, media.file)
    size = picture_size(content)
    if size is None:
        raise RpcError(400, "IMAGE_PROCESS_FAILED")
    if len(content) > _PICTURE_LIMIT:
        raise RpcError(400, "PHOTO_SAVE_FILE_INVALID")
    if not all(size):
        raise RpcError(400, "PHOTO_INVALID_DIMENSIONS")
    return _keep(call, media.file, content, kind="picture", mime="image/jpeg", width=size[0], height=size[1])


def _keep_document(call: Call, media: Any) -> StoredFile:
    kind = "file" if media.force_file else document_kind(media.attributes)
    return _keep(
        call,
        media.file,
        _content(call, media.file),
        kind=kind,
        mime=media.mime_type,
        attributes=write_vector(media.attributes),
        name=next(
            (a.file_name for a in media.attributes if isinstance(a, types.DocumentAttributeFilename)),
            media.file.name,
        ),
    )


def document_kind(attributes: Sequence[Any]) -> MediaKind:
    """Return what a document is, by its attributes."""
    kinds = {type(attribute) for attribute in attributes}
    if types.DocumentAttributeSticker in kinds:
        return "sticker"
    if types.DocumentAttributeVideo in kinds:
        return "video"
    is_voice = any(isinstance(a, types.DocumentAttributeAudio) and a.voice for a in attributes)
    return "voice" if is_voice else "file"


def _keep(call: Call, file: Any, content: bytes, **fields: Any) -> StoredFile:
    fields.setdefault("name", file.name)
    stored = call.world.add_file(content, **fields)
    upload = call.hub.codes.uploads[call.key.id, file.id]
    upload.digest = stored.digest
    upload.parts.clear()
    return stored


def _known_file(call: Call, reference: Any, error: str) -> StoredFile:
    """Return a file by the id, hash and reference that this account was given."""
    file = call.world.files.get(getattr(reference, "id", 0))
    if file is None or reference.access_hash != call.world.access_hash(call.me.id, file.id):
        raise RpcError(400, error)
    if reference.file_reference != file_reference(file):
        raise RpcError(400, "FILE_REFERENCE_INVALID")
    return file


def upload_media(call: Call, request: Any) -> Any:
    call.place(request.peer)
    card = resolve_card(call, request.media)
    if card:
        return read_object(card)
    return media_view(call.world, call.me.id, resolve_media(call, request.media))


def get_file(call: Call, request: Any) -> Any:
    if not 0 < request.limit <= _MAX_DOWNLOAD:
        raise RpcError(400, "LIMIT_INVALID")
    if request.offset < 0:
        raise RpcError(400, "OFFSET_INVALID")
    if isinstance(request.location, types.InputPeerPhotoFileLocation):
        file = _group_picture(call, request.location)
    else:
        file = _known_file(call, request.location, "LOCATION_INVALID")
    content = call.world.contents[file.digest]
    piece = content[request.offset : request.offset + request.limit]
    return types.upload.File(types.storage.FileUnknown(), file.at, piece)


def _group_picture(call: Call, location: Any) -> StoredFile:
    group = call.group(location.peer)
    if not group.photo or location.photo_id != group.photo:
        raise RpcError(400, "LOCATION_INVALID")
    return call.world.files[group.photo]


HANDLERS: Handlers = {
    functions.upload.SaveFilePartRequest: save_part,
    functions.upload.SaveBigFilePartRequest: save_part,
    functions.upload.GetFileRequest: get_file,
    functions.messages.UploadMediaRequest: upload_media,
}
