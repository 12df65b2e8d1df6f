"""What can go wrong through a user's data, configuration or files: each says what, where and what to do."""


class LightmanNetError(Exception):
    """Parent of every error this project raises on purpose; the commands print it without a traceback."""


class DataError(LightmanNetError):
    """Files of a database that are missing, damaged or contradict each other, or too few clips for what is asked."""


class AbsentDataError(DataError):
    """Files of a database that nobody has named a folder for, or of which the folder has none."""


class ConfigurationError(LightmanNetError):
    """Options that cannot work together or with the data at hand."""


class CheckpointError(LightmanNetError):
    """A file given as a checkpoint or as weights that is not one, or does not fit the network."""


class BundleError(LightmanNetError):
    """A folder given as a bundle that is none, is of another version, or is not as it was exported."""


class ClipError(LightmanNetError):
    """Somebody's own clip that cannot be answered for: not readable, no frames, an interval that is not in it."""


def faults_message(title: str, faults: list[str], shown: int = 20) -> str:
    """Return one message that lists the faults found, each on a line of its own, the first ``shown`` in full.

    Args:
        title: What was read, e.g. the file's path.
        faults: One sentence a fault.
        shown: The number of faults written out; the rest is counted.
    """
    lines = [f"{title}: {len(faults)} fault{'s' if len(faults) != 1 else ''}"]
    lines += [f"  - {fault}" for fault in faults[:shown]]
    if len(faults) > shown:
        lines.append(f"  … and {len(faults) - shown} more")
    return "\n".join(lines)
