"""Every error that Neuromosaic raises on purpose.

NeuromosaicError
├── UsageError              what the user wrote cannot be used (exit code 2)
│   ├── BriefError          the brief is unclear, contradictory or incomplete
│   ├── DataError           the data cannot be read or do not fit the task
│   ├── RoleError           a role file is broken
│   ├── SpaceError          a search space, or a point of one, is not sound
│   ├── SearchError         what a search was given does not fit together: objectives, options, names, stored runs
│   ├── ArchitectureError    a network as data is broken: the path inside it is named
│   └── NotFoundError       no such run, candidate, role or artifact
├── InfrastructureError     this machine failed us: never a verdict on a candidate
│   ├── ExecutorError       trials cannot be run where they were to be run
│   └── WorkerError         a worker died, hung or could not be set up
├── StoreError              the store cannot be read or written
├── ModelClientError        whatever answers the roles' requests failed
│   ├── ModelUnavailableError   not reachable, overloaded or timed out: another try may help
│   ├── ModelRefusedError       key, name or request not accepted: another try will not help
│   ├── ReplyError              it answered, but not what was asked for, also after the repair turn
│   └── SpendingLimitError      the limit on calls, tokens or cost was reached
├── CandidateError          a candidate's own code failed where it must not: becomes a finding
│   └── ExportError         it runs, but cannot be exported: takes the python lane
├── SearchExhausted         a strategy has nothing new left to suggest
├── RunFailedError          the run ended without a network
├── RepositoryError         a git repository is not as it must be, or refused
├── ForgeError              the server that keeps pull requests refused, failed or was not reached
├── WaitingForApproval      the run waits for a person (exit code 3)
└── Interrupted             a person pressed Ctrl-C (exit code 130)

A message says what was wrong, where, and what to do, in one sentence.
"""


class NeuromosaicError(Exception):
    """Base of all of ours; `exit_code` is what the command line ends with."""

    exit_code = 1


class UsageError(NeuromosaicError):
    exit_code = 2


class BriefError(UsageError):
    pass


class DataError(UsageError):
    pass


class RoleError(UsageError):
    pass


class SpaceError(UsageError):
    pass


class SearchError(UsageError):
    pass


class ArchitectureError(UsageError):
    """`path` leads to the fault inside the document ("layers[2].config.kernel"), empty where the whole is meant."""

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.path = path


class NotFoundError(UsageError):
    pass


class InfrastructureError(NeuromosaicError):
    pass


class ExecutorError(InfrastructureError):
    pass


class WorkerError(InfrastructureError):
    """`cause` is one of "crash", "timeout", "memory", "setup"."""

    def __init__(self, message: str, cause: str = "crash") -> None:
        super().__init__(message)
        self.cause = cause


class StoreError(NeuromosaicError):
    pass


class ModelClientError(NeuromosaicError):
    pass


class ModelUnavailableError(ModelClientError):
    """`lost`: so many requests were taken whose answers never came whole; the provider may charge for them."""

    lost: int = 0


class ModelRefusedError(ModelClientError):
    pass


class ReplyError(ModelClientError):
    pass


class SpendingLimitError(ModelClientError):
    pass


class CandidateError(NeuromosaicError):
    """`line` in the proposed source, `layer` by its module path, where known."""

    def __init__(self, message: str, code: str = "raised", line: int | None = None, layer: str | None = None) -> None:
        super().__init__(message)
        self.code, self.line, self.layer = code, line, layer


class ExportError(CandidateError):
    pass


class SearchExhausted(NeuromosaicError):
    pass


class RunFailedError(NeuromosaicError):
    pass


class RepositoryError(NeuromosaicError):
    pass


class ForgeError(NeuromosaicError):
    pass


class WaitingForApproval(NeuromosaicError):
    exit_code = 3


class Interrupted(NeuromosaicError):
    exit_code = 130
