"""Errors in a user's data, configuration or files: each message says what is wrong, where, and what to do."""


class LightmanNetError(Exception):
    """Parent of all errors that this project raises on purpose; commands print them without a traceback."""


class DataError(LightmanNetError):
    """Files of a database that are missing, damaged or contradict each other, or too few clips for the options."""


class AbsentDataError(DataError):
    """A database whose folder is not given or contains none of its files."""


class ConfigurationError(LightmanNetError):
    """Options that are invalid, or do not fit each other or the data."""


class CheckpointError(LightmanNetError):
    """A file given as a checkpoint or as weights that is not one, or does not fit the network."""


class BundleError(LightmanNetError):
    """A folder that is not a bundle, is of another version, or has changed since its export."""


class ClipError(LightmanNetError):
    """A user's clip that cannot be recognised: unreadable, without frames, or without the given interval."""


def faults_message(title: str, faults: list[str], shown: int = 20) -> str:
    """Return one message that lists the faults found, each on a line of its own, the first ``shown`` in full.

    Args:
        title: What was read, e.g. the file's path.
        faults: One sentence per fault.
        shown: The number of faults written out; the others are counted.
    """
    lines = [f"{title}: {len(faults)} fault{'s' if len(faults) != 1 else ''}"]
    lines += [f"  - {fault}" for fault in faults[:shown]]
    if len(faults) > shown:
        lines.append(f"  … and {len(faults) - shown} more")
    return "\n".join(lines)
