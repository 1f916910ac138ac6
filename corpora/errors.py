"""The errors of raftsmith. Every message says what arrived, what is accepted, and what to do next."""


class RaftsmithError(Exception):
    """Base of every error that a user can cause or mend; the command line prints it without a traceback."""


class WorkspaceError(RaftsmithError):
    """There is no usable workspace, or its configuration is wrong."""


class UnreadableDocument(RaftsmithError):
    """One file cannot become a document. The batch goes on; the reason is recorded."""


class PersonalDataRefused(UnreadableDocument):
    """A document holds personal data and the policy is to take none in.

    Names kinds and counts, never what was found.
    """


class StoreError(RaftsmithError):
    """The corpus store could not be read or written; the last committed snapshot is untouched."""


class StoreBusy(StoreError):
    """Another process writes to this workspace."""


class CorruptStore(StoreError):
    """A file of the workspace does not hold what was committed; names the file."""


class QuestionsError(RaftsmithError):
    """A question-answer file is not in an accepted format."""


class AnnotationError(RaftsmithError):
    """What a person annotated contradicts the document or itself, or a file of annotations cannot be read."""


class ModelError(RaftsmithError):
    """A model cannot be found, converted or loaded."""


class DatasetError(RaftsmithError):
    """A RAFT dataset cannot be built, found or used."""


class TrainingError(RaftsmithError):
    """A training run cannot start or resume."""


class EvaluationError(RaftsmithError):
    """An evaluation cannot be done as asked."""


class ServerError(RaftsmithError):
    """No server runs in the workspace, or it cannot do what it is told."""
