"""The output folder: every file a run leaves, under names that people look up."""

import shutil
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

from kestra_dbt.protocol import Artifact

_OURS = "dbt"
"""The folder in the output folder that is ours: whatever else a user's commands put there has other paths."""


class OutputFolder:
    """Puts files into the output folder and announces them."""

    def __init__(self, folder: Path, announce: Callable[[Artifact], None]) -> None:
        self._folder = (folder / _OURS).resolve()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._announce = announce
        self._files: dict[str, str] = {}

    def path(self, name: str) -> Path:
        """Return where the file called ``name`` belongs.

        Raises:
            ValueError: ``name`` would leave the folder.
        """
        path = (self._folder / name).resolve()
        if self._folder not in path.parents:
            raise ValueError(f"the file name {name!r} would leave the output folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def announce(self, name: str, file: str | None = None) -> None:
        """Tell that the file called ``file`` (default: ``name``) is there, to be looked up by ``name``."""
        self._announce(self.artifact(name, file or name))
        self._files[name] = file or name

    def announced(self, name: str) -> list[Path]:
        """Return the files that can be looked up by ``name``, alone or below the name of an invocation."""
        found = (file for known, file in self._files.items() if known.rpartition("/")[2] == name)
        return [self.path(file) for file in dict.fromkeys(found)]

    def artifact(self, name: str, file: str, rows: int | None = None) -> Artifact:
        """Return the event that tells of the file called ``file``."""
        return Artifact(name=name, file=f"{_OURS}/{file}", bytes=self.path(file).stat().st_size, rows=rows)

    def copy(self, source: Path, file: str, offset: int = 0) -> bool:
        """Copy ``source``, from ``offset`` on, byte by byte; False if there is nothing to copy."""
        target = self.path(file)
        with source.open("rb") as reader:
            reader.seek(offset)
            with target.open("wb") as writer:
                shutil.copyfileobj(reader, writer, 1 << 20)
        if target.stat().st_size:
            return True
        target.unlink()
        return False

    def zip(self, root: Path, sources: Iterable[Path], file: str) -> bool:
        """Pack ``sources``, with their paths below ``root``; False if there are none."""
        found = list(sources)
        if found:
            with zipfile.ZipFile(self.path(file), "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                for source in found:
                    archive.write(source, source.relative_to(root))
        return bool(found)
