"""The errors that a user can fix; each message says what to do."""


class PrecedentError(Exception):
    """Base of every error that comes from the input or the set-up, not from a bug."""


class UnreadableFile(PrecedentError):
    """A file is missing, empty or truncated, or does not have the format of its extension."""


class BadMapping(PrecedentError):
    """A mapping is malformed, or names a column that the file does not have."""


class NotEnoughHistory(PrecedentError):
    """The history is not enough to train the requested models."""


class EncoderUnavailable(PrecedentError):
    """The encoder's weights were not found, or their hash is not the expected one."""


class HomeUnavailable(PrecedentError):
    """PRECEDENT_HOME is not a folder, or cannot be written to."""


class StoreUnavailable(PrecedentError):
    """The database cannot be opened, or stays busy longer than the time limit."""


class BackupRefused(PrecedentError):
    """A backup is damaged or incomplete, or there are files already where it would be written."""


class NotTrained(PrecedentError):
    """A model that has not been fitted cannot predict."""


class ModeRefused(PrecedentError):
    """A mode, a target or a label is unknown, or no target is named for a mode that needs one."""


class ArtifactRejected(PrecedentError):
    """A model's files are incomplete or altered, or its predictions differ from the saved ones."""


class RegistryUnavailable(PrecedentError):
    """The model registry cannot be reached, or does not have the requested version."""


class UnknownVersion(RegistryUnavailable):
    """The registry can be reached, but has no such target or version."""


class NoEarlierChampion(RegistryUnavailable):
    """A target never had another champion to roll back to."""


class RetrainingBusy(PrecedentError):
    """Another process is retraining this tenant's models, or took over from this process."""


class BadQuestion(PrecedentError):
    """A command's options contradict each other, or name an unusable time or file type."""
