"""What a cell of a workbook may hold, for tests that try everything."""

import datetime

from hypothesis import strategies as st

from data_modules.databases.sheets import CellValue, Unreadable

CELLS: st.SearchStrategy[CellValue] = st.one_of(
    st.none(),
    st.integers(-2, 10),
    st.integers(),
    st.floats(),
    st.text(max_size=6),
    st.sampled_from(["/", "s1", "c1", "sub01", "EP02_01f", "happiness", "..", "a\0", "VII", "4+R10", "1e300", "01"]),
    st.sampled_from(["../../etc", "/etc/passwd", "a/b", "a\\b", "~", "-", "_", "a_b_c", ".", " ", "²", "١"]),
    st.booleans(),
    st.datetimes(),
    st.builds(datetime.timedelta, st.integers(0, 9)),
    st.just(Unreadable("a cell merged with others")),
)
