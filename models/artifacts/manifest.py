"""The layout of an artifact's folder, and the hashes that make it tamper-evident."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Any, Self

from features.errors import ArtifactRejected

DATA_FOLDER = Path("data") / "artifact"
"""The artifact's folder inside the MLflow model."""

FORMAT = 3
"""The number of the artifact format, increased when earlier artifacts can no longer be loaded.

The manifests of version 0.1.0 state no format.
"""


@dataclass(frozen=True, slots=True)
class ArtifactFolder:
    """The files of one saved model.

    >>> ArtifactFolder(Path("m")).card.as_posix()
    'm/card.json'
    """

    root: Path

    @property
    def model(self) -> Path:
        """The fitted model without its big arrays, in skops format."""
        return self.root / "model.skops"

    @property
    def arrays(self) -> Path:
        """The folder of big arrays, each a .npy file."""
        return self.root / "arrays"

    @property
    def scorer(self) -> Path:
        """The folder of the part that serves, as a plan of arrays."""
        return self.root / "scorer"

    @property
    def card(self) -> Path:
        """The model's card."""
        return self.root / "card.json"

    @property
    def golden(self) -> Path:
        """Synthetic reports with the expected answers."""
        return self.root / "golden.jsonl"

    @property
    def learned_from(self) -> Path:
        """Hashes of the ids of the incidents that the model was fitted or evaluated on."""
        return self.root / "learned_from.npy"

    @property
    def manifest(self) -> Path:
        """The SHA-256 of every other file."""
        return self.root / "manifest.json"


def write_manifest(folder: ArtifactFolder) -> str:
    """Write the hashes of the folder's files to its manifest; return the manifest's own SHA-256."""
    content = {"files": _hash_files(folder), "format": FORMAT}
    text = json.dumps(content, indent=2, sort_keys=True)
    folder.manifest.write_text(text, encoding="utf-8")
    return hash_manifest(folder)


def hash_manifest(folder: ArtifactFolder) -> str:
    """Return the manifest's SHA-256, which identifies the content of the whole folder."""
    return _hash_file(folder.manifest)


def is_current_format(folder: ArtifactFolder) -> bool:
    """Tell whether the artifact has the format that this version of Precedent loads.

    Raises `ArtifactRejected` if the manifest cannot be read.
    """
    return _parse_manifest(folder, _read_manifest(folder)).get("format") == FORMAT


def verify_files(folder: ArtifactFolder, expected_sha256: str | None) -> dict[str, str]:
    """Check the manifest's own hash, and all other files against the manifest; return its hashes.

    `expected_sha256` is the hash that the manifest must have; None accepts any manifest. Raises
    `ArtifactRejected` if the manifest has another hash or cannot be read, if a file is missing,
    added or altered, or if a path is a symbolic link or a special file.
    """
    listed = _listed_files(folder, expected_sha256)
    actual = _hash_files(folder)
    differing = sorted(name for name in listed | actual if listed.get(name) != actual.get(name))
    if differing:
        raise ArtifactRejected(_altered(folder, differing))
    return listed


def verify_artifact(folder: ArtifactFolder, expected_sha256: str | None) -> dict[str, str]:
    """Check that an artifact is unchanged, and that this version of Precedent can load it.

    Returns its hashes; raises `ArtifactRejected`, see `verify_files`.
    """
    listed = verify_files(folder, expected_sha256)
    if not is_current_format(folder):
        raise ArtifactRejected(
            f"{folder.root}: saved by an earlier version of Precedent; train again"
        )
    return listed


@dataclass(frozen=True, slots=True)
class VerifiedFiles:
    """Reads files of an artifact, each only if its content has the hash of the manifest."""

    folder: ArtifactFolder
    hashes: Mapping[str, str]

    @classmethod
    def check(cls, folder: ArtifactFolder, expected_sha256: str | None) -> Self:
        """Check all files, see `verify_artifact`."""
        return cls(folder, verify_artifact(folder, expected_sha256))

    def read(self, path: Path) -> bytes:
        """Return a file's content; raises `ArtifactRejected` if it was changed meanwhile."""
        name = path.relative_to(self.folder.root).as_posix()
        content = path.read_bytes()
        if sha256(content).hexdigest() != self.hashes[name]:
            raise ArtifactRejected(_altered(self.folder, [name]))
        return content

    def hashes_in(self, part: Path) -> dict[str, str]:
        """Return the hashes of the files in a folder, by their names in this folder."""
        prefix = part.relative_to(self.folder.root).as_posix() + "/"
        return {
            name.removeprefix(prefix): value
            for name, value in self.hashes.items()
            if name.startswith(prefix)
        }


def _altered(folder: ArtifactFolder, names: Sequence[str]) -> str:
    return (
        f"{folder.root}: {', '.join(names[:5])} missing, added or altered since the model "
        "was saved; restore the folder or promote another version"
    )


def _listed_files(folder: ArtifactFolder, expected_sha256: str | None) -> dict[str, str]:
    content = _read_manifest(folder)
    if expected_sha256 is not None and sha256(content).hexdigest() != expected_sha256:
        raise ArtifactRejected(
            f"{folder.root}: not the model that was registered (its manifest has another hash); "
            "restore the folder or promote another version"
        )
    files: dict[str, str] = _parse_manifest(folder, content)["files"]
    return files


def _read_manifest(folder: ArtifactFolder) -> bytes:
    try:
        return folder.manifest.read_bytes()
    except OSError as error:
        raise ArtifactRejected(
            f"{folder.root}: the manifest cannot be read ({error.strerror}); restore the folder "
            "or promote another version"
        ) from error


def _parse_manifest(folder: ArtifactFolder, content: bytes) -> dict[str, Any]:
    try:
        manifest = json.loads(content)
    except ValueError as error:
        raise ArtifactRejected(f"{folder.manifest} is malformed; restore the folder") from error
    if not isinstance(manifest, dict) or not isinstance(manifest.get("files"), dict):
        raise ArtifactRejected(f"{folder.manifest} is malformed; restore the folder")
    return manifest


def _hash_files(folder: ArtifactFolder) -> dict[str, str]:
    paths = [path for path in folder.root.rglob("*") if not S_ISDIR(path.lstat().st_mode)]
    for path in paths:
        # What a link points to can change after the check. Hard links are accepted, because
        # backups make them.
        if not S_ISREG(path.lstat().st_mode):
            raise ArtifactRejected(
                f"{path} is a link or a special file; the files of a model are regular files: "
                "replace it with the file from a backup, or remove it"
            )
    return {
        path.relative_to(folder.root).as_posix(): _hash_file(path)
        for path in paths
        if path != folder.manifest
    }


def _hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
