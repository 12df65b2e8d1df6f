"""The model card of a bundle: purpose, scores, limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lightmannet.inference.calibration import Calibration
from lightmannet.inference.provenance import Score

WHAT_IT_IS_NOT = (
    "It is not a lie detector, nor a basis for any decision about a person: a facial movement does not show what "
    "somebody feels, thinks or intends. Recognising emotions is regulated (e.g. by the EU AI Act, which forbids it "
    "at work and in education except for medical and safety reasons); faces are personal data. Get the consent of "
    "the people you film."
)


@dataclass(frozen=True)
class Tested:
    """Scores on test people, who were used neither for training nor for any choice.

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
        calibration: Calibration on validation people.
        tested: Scores on test people.
        counts: People and clips of each part of the data.
        protocol: Name of the protocol that divided the people.
        fold: Number of the fold that was tested.
        draws: Support sets in the bundle.
        onnx_inputs: Shape of a clip in the bundle's ONNX file; None without such a file.
    """
    c = calibration
    data = ", ".join(f"{part} {clips} clips of {people} people" for part, (people, clips) in counts.items())
    score = tested.score
    interval = "no interval for a single person"
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
        "These are **rendered faces, no real people: nothing is known about its accuracy on real faces.**"
        if settings["synthetic"]
        else "Nothing is known about its accuracy on people, cameras and rooms unlike those of these databases.",
        "",
        "## Score",
        f"Test people (nothing was chosen on them; {score.clips} clips of {score.people} people, one fold):",
        f"UF1 {score.uf1:.3f} ({interval}), UAR {tested.uar:.3f}, accuracy {tested.accuracy:.3f}, expected "
        f"calibration error {tested.calibration_error:.3f}.",
        "The intervals (onset, apex, offset) are the annotated ones; spotted intervals are less exact.",
        "",
        "## Calibration",
        *_calibrated(c),
        "",
        "## What is in the bundle",
        f"Weights, settings and {draws} support sets: "
        + ("network inputs from training people's clips, without their names." if draws else "none are needed."),
        *_onnx(settings["classes"], c.temperature, onnx_inputs),
        "",
    ]
    return "\n".join(lines)


def _onnx(classes: Sequence[str], temperature: float, inputs: tuple[int, ...] | None) -> list[str]:
    if inputs is None:
        return []
    return [
        "",
        "`model.onnx` is the network adapted to these support sets. `inputs`: float32, any number of clips x "
        f"{' x '.join(map(str, inputs))} (phase, channel, row, column), computed from frames as in `settings.json`; "
        f"`probabilities`: one row per clip ({', '.join(classes)}), with temperature of {temperature:.2f} applied. "
        "Its metadata contain this description.",
    ]


def _calibrated(c: Calibration) -> list[str]:
    if not c.clips:
        return ["Not calibrated, as the run had no validation people: its probabilities are the network's."]
    lines = [f"Temperature {c.temperature:.2f}, fitted on {c.clips} clips of {c.people} validation people."]
    if c.error is None or c.answered is None:
        return [*lines, "One person is too few to measure its reliability."]
    right = "none" if c.right is None else f"{c.right:.0%}"
    lines += [
        f"Reliability on the same people, each with a temperature fitted on the others: expected calibration error "
        f"{c.error:.3f}.",
        f'Below a top probability of {c.threshold:.2f} the answer is "can\'t tell": on these people {c.answered:.0%} '
        f"of the clips were answered, {right} of them correctly.",
        "",
        "| predicted probability | share of right answers | clips |",
        "|---|---|---|",
        *(f"| {said:.2f} | {true:.2f} | {count} |" for said, true, count in c.curve),
    ]
    return lines
