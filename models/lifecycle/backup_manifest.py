"""The manifest of a backup: what it holds, where it came from, and the hash of every file."""

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from features.errors import BackupRefused

MANIFEST = "backup.json"
"""The name of the manifest in the backup's folder."""
MANIFEST_HASH = f"{MANIFEST}.sha256"
"""The name of the file with the manifest's own hash, as `sha256sum --check` reads it."""
FORMAT = 1

_CHUNK_BYTES = 1 << 20


class BackedUpFile(BaseModel):
    """A file of a backup: its path below the backup's folder, its hash and its size."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    sha256: str
    bytes: int


class BackupManifest(BaseModel):
    """What a backup holds.

    `artifact_roots` are the addresses by which its registry names the folder of artifacts.
    `store_elsewhere` is the address of a PostgreSQL store, which the backup does not contain, else
    None.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int
    created_at: datetime
    home: str
    artifact_roots: tuple[str, ...]
    store_elsewhere: str | None
    files: tuple[BackedUpFile, ...]

    @property
    def bytes(self) -> int:
        """The size of all files."""
        return sum(file.bytes for file in self.files)


def read_manifest(folder: Path) -> BackupManifest:
    """Return the manifest of a backup; raises `BackupRefused` if it is missing or damaged."""
    file = folder / MANIFEST
    try:
        content = file.read_bytes()
        expected = (folder / MANIFEST_HASH).read_text(encoding="utf-8").split(maxsplit=1)[0]
        if sha256(content).hexdigest() != expected:
            raise BackupRefused(f"{file} is damaged; use another backup")
        manifest = BackupManifest.model_validate_json(content)
    except OSError as error:
        raise BackupRefused(
            f"{folder} is no complete backup ({error.filename}: {error.strerror}); use another one"
        ) from error
    except (ValueError, IndexError) as error:
        raise BackupRefused(
            f"{file} is damaged or of another version of Precedent; use another backup"
        ) from error
    if manifest.format != FORMAT:
        raise BackupRefused(
            f"{folder} has format {manifest.format}, which this version of Precedent cannot read; "
            "upgrade precedent"
        )
    return manifest


def write_manifest(folder: Path, manifest: BackupManifest) -> None:
    """Write the manifest of a backup."""
    content = manifest.model_dump_json(indent=1).encode()
    (folder / MANIFEST).write_bytes(content)
    line = f"{sha256(content).hexdigest()}  {MANIFEST}\n"
    (folder / MANIFEST_HASH).write_text(line, encoding="utf-8")


def copy_hashed(source: Path, destination: Path, advance: Callable[[int], None]) -> str:
    """Copy a file and return its SHA-256; `advance` gets the number of bytes of each chunk."""
    digest = sha256()
    destination.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as reading, destination.open("xb") as writing:
        while chunk := reading.read(_CHUNK_BYTES):
            digest.update(chunk)
            writing.write(chunk)
            advance(len(chunk))
    return digest.hexdigest()
