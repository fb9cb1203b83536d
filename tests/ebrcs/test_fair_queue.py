"""Whose turn it is: equal shares for all accounts and for all flows of one, by what they cost."""

from __future__ import annotations

from collections import Counter, deque

import pytest

from ebrcs.fair_queue import REMEMBERED_MAX, FairQueue, Flow


def backlog(queue: FairQueue[str], account: str, sources: int, jobs: int) -> None:
    for number in range(jobs):
        for source in range(sources):
            queue.put(Flow(account, source), f"{account}{source}.{number}")


def served(queue: FairQueue[str], turns: int, cost: dict[str, float]) -> list[str]:
    """Take jobs, charging each with the cost of its account."""
    jobs = []
    for _ in range(turns):
        taken = queue.take()
        assert taken is not None
        flow, job = taken
        queue.charge(flow, cost[str(flow.account)])
        jobs.append(job)
    return jobs


def test_an_account_of_fifty_flows_gets_no_more_than_one_of_one() -> None:
    queue: FairQueue[str] = FairQueue()
    backlog(queue, "a", sources=50, jobs=2)
    backlog(queue, "b", sources=1, jobs=20)
    jobs = served(queue, 40, {"a": 1.0, "b": 1.0})
    assert Counter(job[0] for job in jobs) == {"a": 20, "b": 20}
    assert len({job.partition(".")[0] for job in jobs if job[0] == "a"}) == 20


def test_without_it_the_one_waits_for_the_fifty() -> None:
    first_come = deque([*(["a"] * 100), *(["b"] * 20)])
    assert Counter(first_come.popleft() for _ in range(40)) == {"a": 40}


def test_shares_are_counted_by_cost_and_not_by_number() -> None:
    queue: FairQueue[str] = FairQueue()
    backlog(queue, "a", sources=1, jobs=100)
    backlog(queue, "b", sources=1, jobs=100)
    assert Counter(job[0] for job in served(queue, 99, {"a": 10.0, "b": 1.0})) == {"a": 9, "b": 90}


def test_who_comes_back_is_next_but_has_no_credit_for_the_absence() -> None:
    queue: FairQueue[str] = FairQueue()
    backlog(queue, "b", sources=1, jobs=1)
    served(queue, 1, {"b": 1.0})
    backlog(queue, "a", sources=1, jobs=100)
    served(queue, 50, {"a": 1.0})
    backlog(queue, "b", sources=1, jobs=30)
    jobs = served(queue, 20, {"a": 1.0, "b": 1.0})
    assert jobs[0] == "b0.0"
    assert Counter(job[0] for job in jobs) == {"a": 10, "b": 10}


def test_a_debt_outlasts_a_moment_without_work() -> None:
    queue: FairQueue[str] = FairQueue()
    backlog(queue, "a", sources=1, jobs=1)
    backlog(queue, "b", sources=1, jobs=1)
    served(queue, 2, {"a": 5.0, "b": 1.0})
    backlog(queue, "a", sources=1, jobs=10)
    backlog(queue, "b", sources=1, jobs=10)
    assert [job[0] for job in served(queue, 5, {"a": 5.0, "b": 1.0})] == ["b", "b", "b", "b", "a"]


def test_what_was_begun_goes_before_what_is_new_in_its_account_only() -> None:
    queue: FairQueue[str] = FairQueue()
    for source in range(3):
        queue.put(Flow("a", source), f"new {source}")
    queue.charge(Flow("a", 3), 100.0)
    queue.put(Flow("a", 3), "begun", is_begun=True)
    queue.put(Flow("b", 0), "other")
    assert served(queue, 5, {"a": 1.0, "b": 1.0}) == ["other", "begun", "new 0", "new 1", "new 2"]


def test_jobs_that_may_not_run_stay_and_others_go_first() -> None:
    queue: FairQueue[str] = FairQueue()
    queue.put(Flow("a", 0), "held back")
    queue.put(Flow("b", 0), "free")
    assert queue.take(lambda flow, job: flow.account == "b") == (Flow("b", 0), "free")
    assert queue.take(lambda flow, job: False) is None
    assert (list(queue), bool(queue), len(queue)) == (["held back"], True, 1)
    queue.remove(Flow("a", 0), "held back")
    assert (list(queue), bool(queue), queue.accounts) == ([], False, frozenset())
    with pytest.raises(KeyError):
        queue.remove(Flow("a", 0), "held back")


def test_thousands_that_come_and_go_are_forgotten() -> None:
    queue: FairQueue[str] = FairQueue()
    for account in range(3 * REMEMBERED_MAX):
        queue.put(Flow(str(account), 0), "job")
        assert queue.take() is not None
    assert len(queue._accounts.used) <= REMEMBERED_MAX + 2
    assert len(queue._sources) <= REMEMBERED_MAX + 2
