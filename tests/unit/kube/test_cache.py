"""What news of objects change in the cache."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from controller.kube.cache import ObjectCache, Seen
from controller.kube.kinds import JsonObject, Key


def item(name: str, version: int = 1, uid: str = "u1", namespace: str = "web") -> JsonObject:
    metadata = {
        "namespace": namespace,
        "name": name,
        "uid": uid,
        "resourceVersion": str(version),
        "managedFields": [{"manager": "kubectl"}],
    }
    return {"metadata": metadata}


def told(changes: list[Seen]) -> list[tuple[str, str]]:
    """What happened to which name."""
    words = {(True, False): "came", (False, True): "went", (False, False): "changed"}
    return [(words[seen.before is None, seen.after is None], seen.key[1]) for seen in changes]


def test_a_first_list_tells_of_every_object() -> None:
    cache = ObjectCache()
    assert told(cache.replace([item("a"), item("b")])) == [("came", "a"), ("came", "b")]
    assert [*cache.view] == [("web", "a"), ("web", "b")]


def test_a_list_after_a_gap_tells_what_was_missed() -> None:
    """Deleted, changed and made meanwhile; what is the same is not told again."""
    cache = ObjectCache()
    cache.replace([item("gone"), item("changed"), item("same")])
    changes = cache.replace([item("same"), item("changed", 2), item("new")])
    assert told(changes) == [("went", "gone"), ("changed", "changed"), ("came", "new")]
    assert {name for _, name in cache.view} == {"same", "changed", "new"}


def test_an_object_made_again_under_its_name_went_and_came() -> None:
    cache = ObjectCache()
    cache.put(item("a", 1, "u1"))
    assert told(cache.put(item("a", 2, "u2"))) == [("went", "a"), ("came", "a")]
    assert told(cache.replace([item("a", 3, "u3")])) == [("went", "a"), ("came", "a")]


def test_what_is_known_is_not_told_again() -> None:
    """A watch that goes on repeats events; items of a list lack their kind."""
    cache = ObjectCache()
    watched = {**item("a"), "kind": "ConfigMap"}
    cache.put(watched)
    assert cache.put(item("a")) == []
    assert cache.view["web", "a"] is watched
    cache.remove(("web", "a"))
    assert cache.remove(("web", "a")) == []


def test_a_version_that_a_restored_server_gives_again_is_told() -> None:
    cache = ObjectCache()
    cache.put(item("a", 7))
    again = {**item("a", 7), "spec": {"other": "than before"}}
    assert told(cache.replace([again])) == [("changed", "a")]
    assert cache.view["web", "a"] is again


def test_a_change_shows_the_object_before_and_after() -> None:
    cache = ObjectCache()
    [came] = cache.put(item("a"))
    [changed] = cache.put(item("a", 2))
    [went] = cache.remove(("web", "a"))
    assert came.before is None
    assert came.after is changed.before
    assert changed.after is went.before
    assert went.after is None


def test_who_managed_which_field_is_not_kept() -> None:
    cache = ObjectCache()
    cache.put(item("a"))
    assert "managedFields" not in cache.view["web", "a"]["metadata"]


def test_names_are_told_apart_by_their_namespaces() -> None:
    cache = ObjectCache()
    cache.replace([item("a", namespace="web"), item("a", namespace="shop")])
    assert len(cache.view) == 2


def test_asking_what_a_list_lacks_changes_nothing() -> None:
    cache = ObjectCache()
    cache.replace([item("a"), item("b")])
    assert cache.missing_from([item("a")]) == {("web", "b")}
    assert len(cache.view) == 2


names = st.sampled_from("abc")
states = st.dictionaries(names, st.tuples(st.integers(1, 5), st.sampled_from(["u1", "u2"])))


@given(st.lists(states))
def test_changes_played_back_give_the_same_objects(
    history: list[dict[str, tuple[int, str]]],
) -> None:
    """Nothing that the cache holds goes untold, whatever lists follow one another."""
    cache = ObjectCache()
    followed: dict[Key, JsonObject] = {}
    for state in history:
        listed = [item(name, version, uid) for name, (version, uid) in state.items()]
        for seen in cache.replace(listed):
            if seen.after is None:
                assert followed.pop(seen.key) == seen.before
            else:
                assert followed.get(seen.key) == seen.before
                followed[seen.key] = seen.after
    assert followed == dict(cache.view)


def test_the_same_object_at_a_lower_version_shows_that_the_store_was_put_back() -> None:
    """So does one that was gone; not one that was made again under its name, or is as it was."""
    cache = ObjectCache()
    cache.put(item("a", 9))
    for shown in (item("a", 8), item("b", 7)):
        assert cache.is_past(shown, 9)
    for shown in (item("a", 9), item("a", 10), item("a", 8, "u2"), item("b", 10)):
        assert not cache.is_past(shown, 9)
