"""The model card of a bundle: for whom it was made, what it scored, what it is not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lightmannet.inference.calibration import Calibration
from lightmannet.inference.provenance import Score

WHAT_IT_IS_NOT = (
    "It is no lie detector, and no basis for any decision about a person: a facial movement does not say what somebody "
    "feels, thinks or intends. Recognising emotions is regulated (among others by the EU AI Act, which forbids it at "
    "work and in education except for medical and safety reasons); faces are personal data. Have the consent of those "
    "you film."
)


@dataclass(frozen=True)
class Tested:
    """Scores on test people, who were not trained on, and on whom nothing was chosen.

    Attributes:
        score: UF1 with its interval (bootstrap over people).
        uar: Unweighted average recall, 0..1.
        accuracy: Share of right answers, 0..1.
        calibration_error: Expected calibration error of the calibrated probabilities.
    """

    score: Score
    uar: float
    accuracy: float
    calibration_error: float


def model_card(
    settings: Mapping[str, Any],
    calibration: Calibration,
    tested: Tested,
    counts: Mapping[str, tuple[int, int]],
    protocol: str,
    fold: int,
    draws: int,
    onnx_inputs: tuple[int, ...] | None = None,
) -> str:
    """Return the card, Markdown.

    Args:
        settings: The bundle's settings.
        calibration: What was fitted on validation people.
        tested: Scores on test people.
        counts: People and clips of each part of the data.
        protocol: Name of the protocol that divided the people.
        fold: Number of the fold that was tested.
        draws: Support sets in the bundle.
        onnx_inputs: Shape of a clip that the bundle's ONNX file takes; None where there is none.
    """
    c = calibration
    data = ", ".join(f"{part} {clips} clips of {people} people" for part, (people, clips) in counts.items())
    score = tested.score
    interval = "no interval, as it is one person"
    if score.low is not None:
        interval = f"95 % interval {score.low:.3f} to {score.high:.3f}, bootstrap over people"
    lines = [
        f"# {settings['learner']['name']} on {settings['corpus']}",
        "",
        f"Classes: {', '.join(settings['classes'])}.",
        "",
        "## What it is not",
        WHAT_IT_IS_NOT,
        "",
        "## Data",
        f"{settings['corpus']}: {data}; protocol {protocol}, fold {fold}. No person is in two parts.",
        "These are **rendered faces, no real people: nothing is known of how it does on real faces.**"
        if settings["synthetic"]
        else "Nothing is known of how it does on people, cameras and rooms unlike those of these databases.",
        "",
        "## Score",
        f"Test people (nothing was chosen on them; {score.clips} clips of {score.people} people, one fold):",
        f"UF1 {score.uf1:.3f} ({interval}), UAR {tested.uar:.3f}, accuracy {tested.accuracy:.3f}, expected "
        f"calibration error {tested.calibration_error:.3f}.",
        "The intervals (onset, apex, offset) were given by the annotation; spotted ones are less exact.",
        "",
        "## Calibration",
        *_calibrated(c),
        "",
        "## What is in the bundle",
        f"Weights, settings and {draws} support sets: "
        + ("network inputs made of training people's clips, without their names." if draws else "none are needed."),
        *_onnx(settings["classes"], c.temperature, onnx_inputs),
        "",
    ]
    return "\n".join(lines)


def _onnx(classes: Sequence[str], temperature: float, inputs: tuple[int, ...] | None) -> list[str]:
    if inputs is None:
        return []
    return [
        "",
        "`model.onnx` holds the network as it answers, adapted to these support sets. `inputs`: float32, any number of "
        f"clips x {' x '.join(map(str, inputs))} (phase, channel, row, column), made of frames as in `settings.json`; "
        f"`probabilities`: one row per clip ({', '.join(classes)}), with temperature of {temperature:.2f} applied. "
        "Its metadata say the same.",
    ]


def _calibrated(c: Calibration) -> list[str]:
    if not c.clips:
        return ["Not calibrated: the run set no validation people aside, so its probabilities are as trained."]
    lines = [f"Temperature {c.temperature:.2f}, fitted on {c.clips} clips of {c.people} validation people."]
    if c.error is None or c.answered is None:
        return [*lines, "One person is too few to measure how well that holds."]
    right = "none" if c.right is None else f"{c.right:.0%}"
    lines += [
        f"Reliability on the same people, each with a temperature fitted on the others: expected calibration error "
        f"{c.error:.3f}.",
        f'Below a top probability of {c.threshold:.2f} the answer is "can\'t tell": on these people {c.answered:.0%} '
        f"of the clips were answered, {right} of these rightly.",
        "",
        "| said | was right | clips |",
        "|---|---|---|",
        *(f"| {said:.2f} | {true:.2f} | {count} |" for said, true, count in c.curve),
    ]
    return lines
