"""Packs that are unpacked on this machine: each once, whoever comes for it, and however many come together."""

import contextlib
import os
import shutil
import tempfile
import zipfile
import zlib
from pathlib import Path

from pydantic import ValidationError

from kestra_dbt.cache import cache_folder, forget_unused
from kestra_dbt.errors import RequestError
from kestra_dbt.graph.index import FORMAT, Index
from kestra_dbt.graph.pack import INDEX, MANIFEST, PARSED, PROJECT, unpack

_NEEDED = (PARSED, MANIFEST, PROJECT)


def unpacked(pack: Path) -> tuple[Index, Path]:
    """Return the index of a pack, and the folder where it is unpacked, which nobody may write to.

    It is unpacked into a folder of its own, which then gets its name: so one that has its name was whole, also if
    somebody was killed meanwhile. Those who come together each unpack it, and the first one's is taken. One in which
    something has been cleaned up since is unpacked anew.

    Raises:
        RequestError: it is no pack, a damaged one, or one of another release.
    """
    index = read_index(pack)
    packs = cache_folder() / "packs"
    folder = packs / index.id
    if folder.is_dir() and not all((folder / name).exists() for name in _NEEDED):
        damaged = tempfile.mkdtemp(prefix=f".{index.id}-", dir=packs)
        with contextlib.suppress(OSError):  # another one was first
            folder.rename(damaged)
        shutil.rmtree(damaged, ignore_errors=True)
    if not folder.is_dir():
        packs.mkdir(parents=True, exist_ok=True)
        forget_unused(packs)
        mine = Path(tempfile.mkdtemp(prefix=f".{index.id}-", dir=packs))
        try:
            unpack(pack, mine)
            with contextlib.suppress(OSError):  # another one was first
                mine.rename(folder)
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise _is_no_pack(error) from error
        finally:
            shutil.rmtree(mine, ignore_errors=True)
    with contextlib.suppress(OSError):
        os.utime(folder)  # it is in use
    return index, folder


def read_index(pack: Path) -> Index:
    """Return what a pack says about itself.

    Raises:
        RequestError: it is no pack, or one of another release.
    """
    try:
        with zipfile.ZipFile(pack) as archive:
            index = Index.model_validate_json(archive.read(INDEX))
    except (OSError, zipfile.BadZipFile, KeyError, ValidationError) as error:
        raise _is_no_pack(error) from error
    if index.format != FORMAT:
        raise RequestError(
            f"`pack` is of format {index.format} and this runner reads {FORMAT}: have Prepare make a new one."
        )
    return index


def _is_no_pack(error: Exception) -> RequestError:
    return RequestError(
        "`pack` is not what a Prepare task of this release makes: give it `{{ outputs.prepare.pack }}` of the same "
        "execution.",
        str(error),
    )
