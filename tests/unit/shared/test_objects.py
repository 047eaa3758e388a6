"""Photos are kept once, found by content, and their absence is told apart from the store's."""

import hashlib
import shutil

import pytest

from shared.objects import PhotoNotFound, PhotoStore, PhotosUnavailable

DATA = b"\xff\xd8\xff photo"
NAME = hashlib.sha256(DATA).hexdigest()


@pytest.fixture(params=["memory", "folder", "file url"])
def store(request, tmp_path):
    return PhotoStore.at(
        {"memory": "memory://", "folder": str(tmp_path / "a b" / "photos"), "file url": f"file://{tmp_path}/p"}[
            request.param
        ]
    )


async def test_what_was_put_is_got_and_putting_it_again_changes_nothing(store):
    await store.put(NAME, DATA)
    await store.put(NAME, DATA)
    assert await store.get(NAME) == DATA


async def test_a_deleted_photo_is_gone_and_may_be_deleted_again(store):
    await store.put(NAME, DATA)
    await store.delete(NAME)
    await store.delete(NAME)
    with pytest.raises(PhotoNotFound):
        await store.get(NAME)


@pytest.mark.parametrize("name", [NAME, "", "../../etc/passwd", NAME.upper(), NAME + "/x", "é" * 64])
async def test_an_unknown_or_forged_name_is_not_found(store, name):
    with pytest.raises(PhotoNotFound):
        await store.get(name)


async def test_a_forged_name_deletes_nothing(store):
    with pytest.raises(PhotoNotFound):
        await store.delete("..")


async def test_content_is_never_stored_under_another_name(store):
    with pytest.raises(ValueError, match="SHA-256"):
        await store.put(NAME, DATA + b"!")


async def test_a_folder_keeps_its_photos_between_runs(tmp_path):
    await PhotoStore.at(str(tmp_path)).put(NAME, DATA)
    assert await PhotoStore.at(str(tmp_path)).get(NAME) == DATA


async def test_a_folder_that_fails_is_unavailable_not_an_empty_answer(tmp_path):
    store = PhotoStore.at(str(tmp_path / "photos"))
    shutil.rmtree(tmp_path / "photos")
    (tmp_path / "photos").write_text("a file where the folder was")
    with pytest.raises(PhotosUnavailable) as refused:
        await store.put(NAME, DATA)
    assert refused.value.kind == "unavailable"
    assert refused.value.retry_after
    with pytest.raises(PhotosUnavailable):
        await store.get(NAME)
    with pytest.raises(PhotosUnavailable):
        await store.delete(NAME)


async def test_an_s3_that_does_not_answer_is_unavailable_within_seconds(unused_tcp_port):
    options = {
        "endpoint": f"http://127.0.0.1:{unused_tcp_port}",
        "access_key_id": "id",
        "secret_access_key": "key",
        "region": "local",
        "virtual_hosted_style_request": "false",
    }
    store = PhotoStore.at("s3://photos/intake", options)
    for attempt in (store.put(NAME, DATA), store.get(NAME), store.delete(NAME)):
        with pytest.raises(PhotosUnavailable):
            await attempt
