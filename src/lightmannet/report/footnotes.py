"""What has to be said beside a table's numbers."""

from lightmannet.metrics.resampling import DRAWS
from lightmannet.metrics.scores import FULL, person_of
from lightmannet.report.published import comparable_columns
from lightmannet.report.summary import Summary
from lightmannet.table.plan import Plan

ORACLE = (
    "Oracle epoch: the answers of the epoch that was best on the test people, as much of the field reports them. Not a "
    "score that anybody could reach on new people; it stands here for comparison with such published numbers alone."
)


def notes(plan: Plan, summary: Summary) -> list[str]:
    """Return plain sentences: corpus, protocol, what the scores, intervals and tests are, stand-ins, holes."""
    micro = plan.corpus.micro
    people = len(set(micro.subjects))
    folds = len({cell.fold for cell in plan.cells})
    how = f"{folds} {plan.protocol.description}" if plan.protocol.name == "kfold" else plan.protocol.description
    kind = "Synthetic clips: the numbers say nothing about real faces." if plan.corpus.synthetic else "Real clips."
    lines = [
        f"{kind} {len(micro)} clips of {people} subjects, {how}; last epoch, nothing chosen on test subjects. "
        f"{_scores(plan, summary)}"
    ]
    lines += [_who_is_asked(plan)] if plan.left_out else []
    compared = sum(row.comparison is not None for row in summary.rows)
    if compared:
        lines.append(
            f"Compared with {plan.table.baseline}: difference of the Full UF1 of pooled counts, its interval over "
            "people, and the p-value of a paired randomisation test that swaps the two methods' answers person by "
            f"person ({DRAWS:,} draws), corrected for {compared} comparison{'s' if compared > 1 else ''} (Holm)."
        )
    lines += [f"D^aux of {method}: {source.description}." for method, source in plan.auxiliary.items()]
    if plan.table.oracle_epoch:
        lines.append(ORACLE)
    lines += holes(summary)
    return lines


def holes(summary: Summary) -> list[str]:
    """Return a sentence about the runs that are not there, or nothing."""
    short = [row for row in summary.rows if row.missing]
    if not short:
        return []
    missing = sum(row.missing for row in short)
    named = "; ".join(f"{row.method}{f', {row.condition}' if row.condition else ''}: {row.missing}" for row in short)
    return [
        f"Holes: {missing} runs failed or are still to come ({named}). Only seeds whose folds are all there are scored."
    ]


def _who_is_asked(plan: Plan) -> str:
    said = ["A task needs enough clips of one person, so who shows too few is left out."]
    for condition, left in plan.left_out.items():
        asked = plan.tested[condition]
        people = len({person_of(clip) for clip in asked})
        needs = f"{condition} needs" if condition else "It needs"
        said.append(
            f"{needs} {left.needed}: {len(asked)} clips of {people} people "
            f"take part; {left.clips} clips do not, those of {left.people} other people and those of classes that "
            "somebody shows too rarely."
        )
    return " ".join(said)


def comparability(plan: Plan) -> str:
    """Return what part of MEGC2019 is here and how our protocol differs from the published one; empty if none is."""
    columns = comparable_columns(plan.corpus)
    if not columns:
        return ""
    micro = plan.corpus.micro
    part = (
        "all 442 clips of the composite"
        if FULL in columns
        else f"{len(micro)} of the composite's 442 clips ({', '.join(columns)}), so only these columns have a "
        "counterpart, and published ones were trained on all three databases"
    )
    ours = (
        "Ours is leave-one-subject-out too."
        if plan.protocol.name == "loso"
        else "Ours has other folds and so fewer people to train on: not the same protocol."
    )
    return f"Published scores are leave-one-subject-out over CASME II, SMIC and SAMM. This corpus holds {part}. {ours}"


def _scores(plan: Plan, summary: Summary) -> str:
    seeds = len(plan.table.seeds)
    over_seeds = f"mean ± standard deviation over {seeds} seeds" if seeds > 1 else "one seed, so no spread is known"
    if summary.tasks is not None:
        return (
            f"Scores are means over {summary.tasks} tasks a seed; {over_seeds}. Intervals (95 %): mean ± 1.96 standard "
            "errors over tasks; tasks share their people, so they say nothing about other people."
        )
    return (
        f"Scores from counts pooled over all folds; {over_seeds}. Intervals (95 %): people drawn with replacement, "
        f"{DRAWS:,} times."
    )
