"""Footnotes of a table: everything needed to interpret its numbers."""

from lightmannet.metrics.resampling import DRAWS
from lightmannet.metrics.scores import FULL, person_of
from lightmannet.report.published import comparable_columns
from lightmannet.report.rows import Row, Summary
from lightmannet.report.table_lines import is_below_unadapted
from lightmannet.report.table_model import BELOW_UNADAPTED, DAGGER
from lightmannet.table.plan import Plan

ORACLE = (
    "Oracle epoch: the answers of the epoch that was best on the test people, as is often reported in the field. No "
    "method can reach such scores on new people; they only help to compare with published scores of that kind."
)
EQUAL_BUDGETS = 1.25
"""Budgets count as equal up to this ratio of clips drawn."""


def footnotes(plan: Plan, summary: Summary) -> list[str]:
    """Return plain sentences: corpus, protocol, scores, intervals, tests, stand-ins, budgets and missing runs."""
    notes = [f"{_corpus(plan)} {_scores(plan, summary)} Bold: the best of its column{_within(plan)}, ties included."]
    notes += [_excluded(plan)] if plan.excluded else []
    compared = sum(row.comparison is not None for row in summary.rows)
    if compared:
        notes.append(
            f"Compared with {plan.table.baseline}: difference of the {FULL} UF1 of pooled counts, its 95 % interval "
            "over people, and the p-value of a paired randomisation test that swaps the two methods' answers person by "
            f"person ({DRAWS:,} draws), corrected for {compared} comparison{'s' if compared > 1 else ''} (Holm); * "
            "marks a corrected p below .05."
        )
    notes += _adaptation(summary)
    notes += _auxiliary(plan)
    notes += _budgets(summary)
    if plan.table.oracle_epoch:
        notes.append(ORACLE)
    notes += _missing(summary)
    return notes


def comparability(plan: Plan) -> str:
    """Return which part of MEGC2019 the corpus has and how our protocol differs from the published one, if any."""
    columns = comparable_columns(plan.corpus)
    if not columns:
        return ""
    part = (
        "all 442 clips of the composite"
        if FULL in columns
        else f"{len(plan.corpus.micro)} of the composite's 442 clips ({', '.join(columns)}), so published scores are "
        "shown for these columns only, and theirs come from training on all three databases"
    )
    ours = (
        "Ours are leave-one-subject-out, too."
        if plan.protocol.name == "loso"
        else "Ours come from other folds and so from fewer people to train on: not the same protocol."
    )
    return f"Published scores are leave-one-subject-out over CASME II, SMIC and SAMM. This corpus holds {part}. {ours}"


def _corpus(plan: Plan) -> str:
    micro = plan.corpus.micro
    folds = len({cell.fold for cell in plan.cells})
    how = f"{folds} {plan.protocol.description}" if plan.protocol.name == "kfold" else plan.protocol.description
    kind = "Synthetic clips: the numbers say nothing about real faces." if plan.corpus.synthetic else "Real clips."
    people = len(set(micro.subjects))
    return f"{kind} {len(micro)} clips of {people} people, {how}; last epoch, nothing chosen on test people."


def _scores(plan: Plan, summary: Summary) -> str:
    seeds = len(plan.table.seeds)
    over_seeds = f"mean ± standard deviation over {seeds} seeds" if seeds > 1 else "one seed, so the spread is unknown"
    if summary.tasks is not None:
        return (
            f"Scores are means over {summary.tasks} tasks per seed; {over_seeds}. Intervals (95 %): mean ± 1.96 "
            "standard errors over tasks; tasks share their people, so they say nothing about other people."
        )
    return (
        f"Scores from counts pooled over all folds; {over_seeds}. Intervals (95 %): bootstrap over people, {DRAWS:,} "
        "draws."
    )


def _within(plan: Plan) -> str:
    return f" under the same {plan.table.axis or 'condition'}" if len(plan.table.conditions) > 1 else ""


def _excluded(plan: Plan) -> str:
    sentences = ["A task needs enough clips of one person, so people who show too few are excluded."]
    for condition, excluded in plan.excluded.items():
        tested = plan.tested[condition]
        people = len({person_of(clip) for clip in tested})
        needs = f"{condition} needs" if condition else "It needs"
        sentences.append(
            f"{needs} {excluded.needed}: {len(tested)} clips of {people} people are tested; {excluded.clips} clips are "
            f"not: those of {excluded.people} other people, and those of classes with too few clips of a person."
        )
    return " ".join(sentences)


def _adaptation(summary: Summary) -> list[str]:
    notes = []
    if any(row.unadapted for row in summary.rows):
        notes.append(
            "No adaptation: the same trained network (θ) answers without adapting to a task; against it, the same "
            "difference, interval and test as with the baseline say what adapting contributes."
        )
    below = [row for row in summary.rows if is_below_unadapted(row)]
    if below:
        notes.append(f"{DAGGER} {BELOW_UNADAPTED.text} ({_names(below)})")
    return notes


def _auxiliary(plan: Plan) -> list[str]:
    methods: dict[str, list[str]] = {}
    for method, source in plan.auxiliary.items():
        generated = plan.corpus.synthetic and not source.stand_in and not source.read
        how = ", generated as its micro-expressions are" if generated else ""
        methods.setdefault(f"{source.describe()}{how}", []).append(method)
    return [f"D^aux of {', '.join(names)}: {what}." for what, names in methods.items()]


def _budgets(summary: Summary) -> list[str]:
    trained = [row for row in summary.rows if row.cost is not None and row.cost.drawn_clips]
    if not trained:
        return []
    note = (
        "Training: clips drawn per run (support, query and D^aux of each task, also where a method makes no use of "
        "them) and its time, medians over runs."
    )
    ranges = []
    for condition in dict.fromkeys(row.condition for row in trained):
        same = [row for row in trained if row.condition == condition]
        ranges.append((min(same, key=_drawn), max(same, key=_drawn)))
    least, most = max(ranges, key=lambda ends: _drawn(ends[1]) / _drawn(ends[0]))
    if _drawn(most) > EQUAL_BUDGETS * _drawn(least):
        note += (
            f" Budgets are not equal: they range from {_drawn(least):,.0f} clips ({_names([least])}) to "
            f"{_drawn(most):,.0f} ({_names([most])})."
        )
    return [note]


def _drawn(row: Row) -> float:
    return (row.cost and row.cost.drawn_clips) or 0.0


def _missing(summary: Summary) -> list[str]:
    short = [row for row in summary.rows if row.missing]
    if not short:
        return []
    named = "; ".join(f"{_names([row])}: {row.missing}" for row in short)
    total = sum(row.missing for row in short)
    return [
        f"Missing: {total} runs failed or have not finished ({named}). Only seeds all of whose folds have finished are "
        "scored."
    ]


def _names(rows: list[Row]) -> str:
    return "; ".join(f"{row.method}, {row.condition}" if row.condition else row.method for row in rows)
