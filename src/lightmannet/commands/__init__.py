"""The commands, one file a verb; ``VERBS`` names what runs each, so that only the one that is asked for is imported."""

VERBS = {
    "table": "lightmannet.commands.table:table",
    "methods": "lightmannet.commands.methods:methods",
    "databases": "lightmannet.commands.databases:databases",
    "databases check": "lightmannet.commands.databases:check",
    "check-release": "lightmannet.commands.check_release:check_release",
    "synthesize": "lightmannet.commands.synthesize:synthesize",
    "sweep": "lightmannet.commands.sweep:sweep",
    "export": "lightmannet.commands.export:export",
    "predict": "lightmannet.commands.predict:predict",
    "motion": "lightmannet.commands.motion:motion",
    "demo": "lightmannet.commands.demo:demo",
    "bench": "lightmannet.timing.meta_step:bench",
    "bench-data": "lightmannet.timing.data:bench_data",
    "bench-answer": "lightmannet.timing.answer:bench_answer",
}
PARSES_ITSELF = frozenset({"databases check", "demo", "motion", "predict", "synthesize"})
"""Verbs whose function takes the list of arguments; the others' options are those of the function."""
