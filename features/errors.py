"""The errors that a user can mend; each message says what to do."""


class PrecedentError(Exception):
    """Base of every error that is the input's or the set-up's, not the program's."""


class UnreadableFile(PrecedentError):
    """A file is missing, empty, truncated or of another format than its name says."""


class BadMapping(PrecedentError):
    """A mapping is malformed, or names a column that the file lacks."""


class NotEnoughHistory(PrecedentError):
    """The history cannot train what was asked for."""


class EncoderUnavailable(PrecedentError):
    """The encoder's weights are nowhere to be found, or are not the ones they should be."""


class HomeUnavailable(PrecedentError):
    """PRECEDENT_HOME is no folder, or may not be written to."""


class StoreUnavailable(PrecedentError):
    """The database cannot be opened, or is busy beyond its time limit."""


class NotTrained(PrecedentError):
    """A model was asked to predict before it was fitted."""


class ModeRefused(PrecedentError):
    """A mode does not exist, is for an unknown target or label, or would hold too widely."""


class ArtifactRejected(PrecedentError):
    """A model's files are incomplete, altered, or answer otherwise than when they were saved."""


class RegistryUnavailable(PrecedentError):
    """The model registry cannot be reached, or lacks the version asked for."""


class UnknownVersion(RegistryUnavailable):
    """The registry answers, and has no such target or version."""


class NoEarlierChampion(RegistryUnavailable):
    """A target never had another champion, so there is none to roll back to."""


class RetrainingBusy(PrecedentError):
    """Another process retrains this tenant's models, or has taken that over from this one."""


class BadQuestion(PrecedentError):
    """A question to the audit log names no moment, or a file of a kind that is not written."""
