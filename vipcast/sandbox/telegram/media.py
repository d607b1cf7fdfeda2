"""Files: uploading in parts, what a message carries, downloading."""

from __future__ import annotations

from hashlib import md5
from typing import Any, Final

from telethon.tl import functions, types

from vipcast.sandbox.telegram.model import MediaKind, StoredFile, Upload
from vipcast.sandbox.telegram.pictures import picture_size
from vipcast.sandbox.telegram.rpc import Call, Handlers, RpcError
from vipcast.sandbox.telegram.tl import write_vector
from vipcast.sandbox.telegram.views import file_reference, media_view

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
    kinds = {type(attribute) for attribute in media.attributes}
    is_video = types.DocumentAttributeVideo in kinds and not media.force_file
    kind: MediaKind = "video" if is_video else "file"
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
    call.person(request.peer)
    return media_view(call.world, call.me.id, resolve_media(call, request.media))


def get_file(call: Call, request: Any) -> Any:
    if not 0 < request.limit <= _MAX_DOWNLOAD:
        raise RpcError(400, "LIMIT_INVALID")
    if request.offset < 0:
        raise RpcError(400, "OFFSET_INVALID")
    file = _known_file(call, request.location, "LOCATION_INVALID")
    content = call.world.contents[file.digest]
    piece = content[request.offset : request.offset + request.limit]
    return types.upload.File(types.storage.FileUnknown(), file.at, piece)


HANDLERS: Handlers = {
    functions.upload.SaveFilePartRequest: save_part,
    functions.upload.SaveBigFilePartRequest: save_part,
    functions.upload.GetFileRequest: get_file,
    functions.messages.UploadMediaRequest: upload_media,
}
