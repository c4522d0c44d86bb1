"""What the ledger answers: sums that never count the unknown as nothing, and the trees of runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from spaturzu import LedgerError
from spaturzu.ledger.costs import Cost, cost_of
from spaturzu.ledger.queries import DAY_S, Where, by, equal, hops_after, last_number, number_before
from spaturzu.ledger.record import Record
from spaturzu.ledger.runs import AgentNode, CallNode, find_run, latest_runs
from spaturzu.ledger.spending import Spend, spend
from spaturzu.ledger.store import Store

from .records import failed, record


@pytest.fixture
def ledger(tmp_path: Path) -> Store:
    return Store(tmp_path / "ledger.sqlite3")


def keys(ledger: Store, dimension: str) -> list[tuple[str | None, int | None]]:
    """Each group's key and cost, in the report's order."""
    return [(group.key, group.cost.nanodollars) for group in spend(ledger, by(dimension)).groups]


@pytest.mark.parametrize(
    ("dimension", "field", "values"),
    [
        ("agent", "agent_name", ("a", "b")),
        ("run", "run_id", ("a", "b")),
        ("model", "request_model", ("a", "b")),
        ("provider", "provider", ("openai", "gemini")),
        ("customer", "customer_id", ("a", "b")),
        ("session", "session_id", ("a", "b")),
        ("tag:team", "tags", ({"team": "a"}, {"team": "b", "other": "a"})),
    ],
)
def test_spending_is_told_apart_by(ledger: Store, dimension: str, field: str, values: tuple[object, object]):
    first, second = values
    ledger.insert([record(**{field: first}, cost_nanodollars=1) for _ in range(2)])
    ledger.insert([record(**{field: second}, cost_nanodollars=5)])
    names = ("a", "b") if dimension != "provider" else values
    assert keys(ledger, dimension) == [(names[1], 5), (names[0], 2)]


def test_days_are_utc_and_in_their_order(ledger: Store):
    ledger.insert([record(started_at=2 * DAY_S - 0.001, cost_nanodollars=9), record(started_at=2 * DAY_S)])
    assert keys(ledger, "day") == [("1970-01-02", 9), ("1970-01-03", 1_000_000)]


def test_a_hop_counts_under_each_of_its_tags_and_once_in_the_total(ledger: Store):
    ledger.insert([record(tags={"a": "1", "b": "2"}), record(tags={"a": "1"}), record()])
    report = spend(ledger, by("tag"))
    assert [(group.key, group.hops) for group in report.groups] == [("a=1", 2), ("b=2", 1)]
    assert (report.total.hops, report.total.cost.nanodollars) == (3, 3_000_000)


def test_tag_keys_may_hold_any_character(ledger: Store):
    ledger.insert([record(tags={'a"b.c$': "x"}, cost_nanodollars=2), record(tags={"a": "y"}, cost_nanodollars=1)])
    assert keys(ledger, 'tag:a"b.c$') == [("x", 2), (None, 1)]


def test_an_unknown_price_is_never_a_zero(ledger: Store):
    ledger.insert(
        [
            record(agent_name="known"),
            record(agent_name="unknown", cost_nanodollars=None),
            record(agent_name="both", cost_nanodollars=7),
            record(agent_name="both", cost_nanodollars=None, outcome="abandoned"),
            failed(agent_name="nothing charged"),
            failed(agent_name="nothing charged", outcome="skipped", status=None),
        ]
    )
    report = spend(ledger, by("agent"))
    assert {group.key: group.cost for group in report.groups} == {
        "known": Cost(1_000_000, 0),
        "unknown": Cost(None, 1),
        "both": Cost(7, 1),
        "nothing charged": Cost(None, 0),
    }
    assert report.total.cost == Cost(1_000_007, 2)


def test_sums_of_records_and_sums_of_sql_agree(ledger: Store):
    hops = [
        make(outcome=outcome, cost_nanodollars=cost)
        for make in (record, failed)
        for outcome in ("served", "abandoned", "failed", "skipped")
        for cost in (None, 0, 3)
    ]
    ledger.insert(hops)
    assert spend(ledger, by("agent")).total.cost == cost_of(hops)


def test_what_a_group_counts(ledger: Store):
    first = failed(agent_name="a")
    ledger.insert(
        [
            first,
            failed(agent_name="a", call_id=first.id, hop=1, outcome="skipped", status=None),
            record(agent_name="a", call_id=first.id, hop=2, usage_source="heuristic", input=11, output=3),
        ]
    )
    (group,) = spend(ledger, by("agent")).groups
    assert group == Spend(
        key="a",
        calls=1,
        hops=2,
        failed=1,
        input_tokens=11,
        output_tokens=3,
        cache_read_tokens=0,
        estimated=1,
        assumed=0,
        cost=Cost(1_000_000, 0),
    )


def test_prices_that_rest_on_an_assumption_are_counted(ledger: Store):
    ledger.insert(
        [record(price_source=f"genai-prices 0.2.3{more}") for more in ("", "; no price for x, standard rates")]
    )
    assert spend(ledger, by("agent")).total.assumed == 1


def test_an_empty_ledger_gives_an_empty_report(ledger: Store):
    report = spend(ledger, by("day"))
    assert (report.groups, report.total.hops, report.total.cost) == ((), 0, Cost())


def test_conditions_narrow_a_report(ledger: Store):
    ledger.insert(
        [
            record(agent_name="a", started_at=10.0, tags={"team": "x"}, cost_nanodollars=1),
            record(agent_name="a", started_at=20.0, tags={"team": "y"}, cost_nanodollars=2),
            record(agent_name="b", started_at=30.0, cost_nanodollars=4),
            record(started_at=40.0, cost_nanodollars=8),
        ]
    )

    def cost(**conditions: object) -> int | None:
        return spend(ledger, by("agent"), Where(**conditions)).total.cost.nanodollars  # type: ignore[arg-type]

    assert cost(since=20.0, until=40.0) == 6
    assert cost(equal=(equal("agent=a"),)) == 3
    assert cost(equal=(equal("agent=a"), equal("tag:team=y"))) == 2
    assert cost(equal=(equal("agent="),)) == 8
    assert cost(equal=(equal("agent=none"),)) is None


@pytest.mark.parametrize("text", ["agents", "tag:", "day:x", ""])
def test_a_dimension_that_is_not_kept_is_named_with_those_that_are(text: str):
    with pytest.raises(LedgerError, match=r"choose agent, run, .* or tag:KEY"):
        by(text)


@pytest.mark.parametrize(
    ("text", "advice"), [("agent", "write NAME=VALUE"), ("day=2026-11-25", "--since"), ("tag=team", "tag:team=search")]
)
def test_a_condition_that_cannot_be_read_says_how_to_write_it(text: str, advice: str):
    with pytest.raises(LedgerError, match=advice):
        equal(text)


def test_hops_come_in_the_order_they_were_written(ledger: Store):
    hops = [record(started_at=100.0 - number) for number in range(5)]
    ledger.insert(hops)
    before = number_before(ledger, 2)
    assert [hop for _, hop in hops_after(ledger, before)] == hops[3:]
    assert hops_after(ledger, last_number(ledger)) == []
    assert [hop for _, hop in hops_after(ledger, number_before(ledger, 99))] == hops


def in_run(path: str, parent: Record | None = None, **fields: object) -> Record:
    """A call of an agent of run `r`."""
    names = tuple(path.split("/")) if path else ()
    return record(
        run_id="r",
        agent_path=names,
        agent_name=names[-1] if names else None,
        parent_request_id=None if parent is None else parent.call_id,
        **fields,
    )


def drawn(node: AgentNode) -> list[object]:
    """A tree as nested lists: an agent is `[name, items...]`, a call is the number of its hops."""
    items = [len(item.hops) if isinstance(item, CallNode) else drawn(item) for item in node.items]
    return [node.path[-1] if node.path else "", *items]


def test_a_run_is_a_tree_of_agents_calls_and_hops(ledger: Store):
    first = in_run("plan", started_at=1.0)
    second = in_run("plan", started_at=3.0)
    hops = [
        first,
        in_run("plan/write", first, started_at=2.0),
        in_run("plan/write/check", None, started_at=2.5),
        second,
        in_run("plan/write", second, started_at=4.0),
        in_run("plan/write", second, started_at=5.0),
    ]
    hops.append(in_run("plan/write", second, started_at=5.5, call_id=hops[-1].call_id, hop=1))
    ledger.insert(hops[::-1])
    assert drawn(find_run(ledger, "r").root) == ["", ["plan", 1, ["write", 1, ["check", 1]], 1, ["write", 1, 2]]]
    assert find_run(ledger, "r").root.cost == Cost(7_000_000)


def test_a_frame_that_made_no_call_itself_stands_in_the_tree(ledger: Store):
    ledger.insert([in_run("outer/inner/leaf", started_at=1.0), in_run("outer/inner/leaf", started_at=2.0)])
    assert drawn(find_run(ledger, "r").root) == ["", ["outer", ["inner", ["leaf", 1, 1]]]]


def test_a_runs_duration_goes_from_its_first_start_to_its_last_end(ledger: Store):
    ledger.insert([in_run("a", started_at=10.0, latency_ms=5000), in_run("a", started_at=11.0, latency_ms=100)])
    run = find_run(ledger, "r")
    assert (run.started_at, run.duration_s) == (10.0, 5.0)


def test_an_id_may_be_cut_short_while_it_is_clear(ledger: Store):
    ledger.insert([record(run_id="aa11"), record(run_id="aa22"), record(run_id="aa22"), record(run_id="b%")])
    assert find_run(ledger, "aa2").run_id == "aa22"
    assert find_run(ledger, "b%").run_id == "b%"
    with pytest.raises(LedgerError, match="'aa' may be aa11, aa22; give more of the id"):
        find_run(ledger, "aa")
    with pytest.raises(LedgerError, match="no run and no call has an id like 'c'"):
        find_run(ledger, "c")


def test_a_call_outside_of_any_run_is_found_by_its_own_id(ledger: Store):
    call = record()
    ledger.insert([record(run_id="r"), call])
    run = find_run(ledger, call.call_id[:30])
    assert (run.run_id, drawn(run.root)) == (None, ["", 1])


def test_the_latest_runs_come_first(ledger: Store):
    ledger.insert([record(run_id=name, started_at=at) for name, at in (("a", 1.0), ("b", 2.0), ("c", 3.0), ("a", 9.0))])
    ledger.insert([record(started_at=10.0)])
    assert [run.run_id for run in latest_runs(ledger, 2)] == ["a", "c"]
    first = latest_runs(ledger, 1)[0]
    assert (first.calls, first.hops, first.started_at, first.ended_at) == (2, 2, 1.0, 9.8)
    assert [run.run_id for run in latest_runs(ledger, 9, Where(until=2.5))] == ["b", "a"]
