"""What keys a program asked for: the server's terminal, its snapshots and `termwall attach` have one answer (S7)."""

from hypothesis import given, settings
from hypothesis import strategies as st

from termwall.core.kittykeys import KittyKeys
from termwall.screen.ghostty import GhosttyEngine

FLAGS = st.integers(0, 40)
STEPS = st.one_of(
    st.tuples(st.just(">"), FLAGS.map(str)),
    st.tuples(st.just("<"), st.integers(1, 10).map(str)),
    st.tuples(st.just("="), st.tuples(FLAGS, st.integers(1, 3)).map(lambda two: f"{two[0]};{two[1]}")),
    st.tuples(st.sampled_from(["alternate", "main"]), st.just("")),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(STEPS, max_size=30))
def test_case_page_3_all_agree_on_the_flags(steps: list[tuple[str, str]]) -> None:
    engine, keys = GhosttyEngine(20, 5), KittyKeys()
    for kind, numbers in steps:
        if kind in ("alternate", "main"):
            engine.feed(b"\x1b[?1047h" if kind == "alternate" else b"\x1b[?1047l")
            keys.switch(alternate=kind == "alternate")
        else:
            engine.feed(f"\x1b[{kind}{numbers}u".encode())
            keys.take(kind, numbers)
        engine.feed(b"\x1b[?u")
        assert engine.take_replies() == b"\x1b[?%du" % keys.flags
    again = GhosttyEngine(20, 5)
    again.feed(engine.snapshot(0))
    for question in (b"\x1b[?u", *[b"\x1b[<u\x1b[?u"] * 8, b"\x1b[?1047h\x1b[?u", b"\x1b[?1047l\x1b[?u"):
        for one in (engine, again):
            one.feed(question)
        assert engine.take_replies() == again.take_replies()
