"""What an exported encoder consists of, and how its export is kept in the home."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from features.errors import EncoderUnavailable

NETWORK_FILE = "model.onnx"
TOKENIZER_FILE = "tokenizer.json"
_DESCRIPTION_FILE = "encoder.json"

Precision = Literal["float32", "int8"]


@dataclass(frozen=True, slots=True)
class EncoderDescription:
    """What was read from a sentence-transformers model when it was exported.

    `reference` is the SHA-256 of the weights and `export_hash` that of the exported files. `prompt`
    is put before every text. Pooling and normalisation are part of the exported network, so that
    `pooling` and `prompts` only inform. `cosine` is the lowest cosine, over the golden texts,
    between vectors of the export and of sentence-transformers.
    """

    reference: str
    export_hash: str
    precision: Precision
    dimension: int
    token_limit: int
    prompt: str
    prompts: dict[str, str]
    pooling: tuple[str, ...]
    cosine: float

    @property
    def vector_key(self) -> str:
        """A name that differs between encoders whose vectors differ.

        >>> EncoderDescription(
        ...     "12" * 32, "ab" * 32, "float32", 384, 128, "", {}, ("mean",), 1.0
        ... ).vector_key
        '1212121212121212-abababababababab-float32-128'
        """
        return f"{self.reference[:16]}-{self.export_hash[:16]}-{self.precision}-{self.token_limit}"


_DESCRIPTION = TypeAdapter(EncoderDescription)


@dataclass(frozen=True, slots=True)
class EncoderExport:
    """A folder with an encoder's network and tokenizer, and its description."""

    folder: Path
    description: EncoderDescription

    def verify(self) -> None:
        """Raise `EncoderUnavailable` if a file differs from what was exported."""
        if hash_export(self.folder) != self.description.export_hash:
            raise EncoderUnavailable(
                f"the encoder in {self.folder} has changed since its export; restore the folder "
                "from a backup, or remove it and run precedent train"
            )


def read_export(folder: Path) -> EncoderExport:
    """Read the description of an export; the files are verified when the network is loaded.

    Raises `EncoderUnavailable` if the description cannot be read.
    """
    try:
        description = _DESCRIPTION.validate_json((folder / _DESCRIPTION_FILE).read_bytes())
    except (OSError, ValidationError) as error:
        raise EncoderUnavailable(
            f"{folder / _DESCRIPTION_FILE} cannot be read; restore the folder from a backup, or "
            "remove it and run precedent train"
        ) from error
    return EncoderExport(folder, description)


def write_description(folder: Path, description: EncoderDescription) -> None:
    """Write the description beside the exported files."""
    (folder / _DESCRIPTION_FILE).write_bytes(_DESCRIPTION.dump_json(description, indent=2))


def hash_export(folder: Path) -> str:
    """Return the SHA-256 of the names and contents of all exported files but the description."""
    digest = hashlib.sha256()
    for file in sorted(folder.iterdir()):
        if file.name != _DESCRIPTION_FILE:
            digest.update(f"{file.name} {hash_file(file)}\n".encode())
    return digest.hexdigest()


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file.

    >>> hash_file(Path("/dev/null"))[:8]
    'e3b0c442'
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
