"""From results to the table: scores pooled over folds, mean and spread over seeds, Markdown and CSV."""

import csv
import io
import statistics
from collections import Counter
from pathlib import Path

from data_modules.auxiliary import DESCRIPTIONS
from lightmannet.benchmark.plan import Plan
from lightmannet.benchmark.scores import Scores, pooled_scores
from lightmannet.benchmark.store import Answer, Result
from lightmannet.errors import LightmanNetError
from lightmannet.files import write_atomically

FULL = "Full"


def method_scores(plan: Plan, results: list[Result]) -> dict[str, dict[str, list[Scores]]]:
    """Return method → column (each database, then Full) → one score a seed; only seeds whose folds are all there.

    Raises:
        LightmanNetError: The results of a seed do not hold each clip of the corpus exactly once, or a person was both
            trained on and tested.
    """
    scores: dict[str, dict[str, list[Scores]]] = {}
    folds = len({cell.fold for cell in plan.cells})
    for method in plan.table.methods:
        for seed in plan.table.seeds:
            mine = [result for result in results if result.method == method and result.seed == seed]
            if len(mine) < folds:
                continue
            _check(plan, mine)
            answers = [answer for result in mine for answer in result.answers]
            for column, chosen in _columns(plan, answers).items():
                labels, predictions = [a.label for a in chosen], [a.prediction for a in chosen]
                value = pooled_scores(labels, predictions, len(plan.corpus.classes))
                scores.setdefault(method, {}).setdefault(column, []).append(value)
    return scores


def write_report(plan: Plan, results: list[Result], folder: Path) -> str:
    """Write ``table.md`` and ``table.csv`` into ``folder`` and return the Markdown."""
    scores = method_scores(plan, results)
    markdown = _markdown(plan, scores, results)
    write_atomically(folder / "table.md", markdown + "\n")
    write_atomically(folder / "table.csv", _csv(plan, scores))
    return markdown


def _check(plan: Plan, results: list[Result]) -> None:
    clips = Counter(answer.clip for result in results for answer in result.answers)
    tested = Counter(plan.tested[results[0].condition])
    in_tasks = any(answer.episode is not None for result in results for answer in result.answers)
    if not (clips.keys() <= tested.keys() if in_tasks else clips == tested):
        raise LightmanNetError("The folds do not hold each clip of the corpus exactly once; run with --fresh.")
    if any(set(result.train_subjects) & set(result.test_subjects) for result in results):
        raise LightmanNetError("A person was both trained on and tested; run with --fresh.")


def _columns(plan: Plan, answers: list[Answer]) -> dict[str, list[Answer]]:
    databases = sorted(set(plan.corpus.micro.databases))
    columns = {name: [a for a in answers if a.clip.split("/", 1)[0] == name] for name in databases}
    return {**columns, FULL: answers} if len(databases) > 1 else {FULL: answers}


def _constant(plan: Plan) -> dict[str, list[Scores]]:
    """Return the scores of always answering the commonest class, the floor that each method has to leave."""
    labels = plan.corpus.micro.labels.tolist()
    commonest = max(set(labels), key=labels.count)
    truth = [Answer(clip, label, []) for clip, label in zip(plan.corpus.micro.ids, labels, strict=True)]
    return {
        column: [pooled_scores([a.label for a in chosen], [commonest] * len(chosen), len(plan.corpus.classes))]
        for column, chosen in _columns(plan, truth).items()
    }


def _markdown(plan: Plan, scores: dict[str, dict[str, list[Scores]]], results: list[Result]) -> str:
    rows = {"always the commonest class": _constant(plan), **scores}
    columns = list(rows["always the commonest class"])
    lines = [
        f"### {plan.table.title}",
        "",
        "| method | " + " | ".join(f"{column} UF1 / UAR" for column in columns) + " | accuracy | training, s a fold |",
        "|---" * (len(columns) + 3) + "|",
    ]
    for method, by_column in rows.items():
        cells = [
            f"{_spread([s.uf1 for s in by_column[c]])} / {_spread([s.uar for s in by_column[c]])}" for c in columns
        ]
        seconds = [result.seconds["training"] for result in results if result.method == method]
        finished, wanted = len(by_column[FULL]), len(plan.table.seeds)
        name = f"{method} ({finished} of {wanted} seeds)" if method in scores and finished < wanted else method
        lines.append(
            f"| {name} | {' | '.join(cells)} | {_spread([s.accuracy for s in by_column[FULL]])} | "
            f"{f'{statistics.median(seconds):.0f}' if seconds else ''} |"
        )
    for method in plan.table.methods:
        if method not in scores:
            lines.append(f"| {method} " + "| not all folds finished " + "| " * (len(columns) + 1) + "|")
    return "\n".join([*lines, "", *_footer(plan)])


def _footer(plan: Plan) -> list[str]:
    micro = plan.corpus.micro
    people = len(set(micro.subjects))
    folds = len({cell.fold for cell in plan.cells})
    how = f"{folds} {plan.protocol.description}" if plan.protocol.name == "kfold" else plan.protocol.description
    seeds = len(plan.table.seeds)
    spread = f"mean ± standard deviation over {seeds} seeds" if seeds > 1 else "one seed, so no spread is known"
    kind = "**Synthetic** clips: the numbers say nothing about real faces." if plan.corpus.synthetic else "Real clips."
    footer = [
        f"{kind} {len(micro)} clips of {people} subjects, {how}; last epoch, nothing chosen on test subjects. Scores "
        f"from counts pooled over all folds; {spread}."
    ]
    footer += [f"D^aux of {method}: {DESCRIPTIONS[kind]}." for method, kind in plan.auxiliary.items()]
    return footer


def _csv(plan: Plan, scores: dict[str, dict[str, list[Scores]]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["method", "column", "seeds", "score", "mean", "standard_deviation"])
    for method, by_column in {"always the commonest class": _constant(plan), **scores}.items():
        for column, values in by_column.items():
            for score in ("uf1", "uar", "accuracy"):
                numbers = [getattr(value, score) for value in values]
                deviation = f"{statistics.stdev(numbers):.6f}" if len(numbers) > 1 else ""
                writer.writerow([method, column, len(numbers), score, f"{statistics.mean(numbers):.6f}", deviation])
    return text.getvalue()


def _spread(numbers: list[float]) -> str:
    mean = f"{statistics.mean(numbers):.3f}".removeprefix("0")
    return mean if len(numbers) < 2 else f"{mean} ± {statistics.stdev(numbers):.3f}".replace("± 0.", "± .")
